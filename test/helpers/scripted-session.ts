// One connection of scripted-server.ts, as its script sees it: what came, in order, and everything that can be done to
// a connection, the rude ways included. Has no behaviour of its own.

import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Cancel } from '../../src/ports.ts';
import { decodeDevice, encodeServer } from '../../src/protocol/codec.ts';
import { type FramingVersion, frame } from '../../src/protocol/framing.ts';
import { SERVER_AUDIO } from '../../src/protocol/limits.ts';
import type { AudioParams, DeviceMessage, ServerMessage } from '../../src/protocol/messages.ts';
import { Inbox } from './inbox.ts';

/** What came from the device, with the moment it came by the server's clock. */
export type Heard =
  | {
      readonly kind: 'text';
      readonly atMs: number;
      readonly text: string;
      /** Undefined when it is no message a device may send. */
      readonly message: DeviceMessage | undefined;
    }
  | { readonly kind: 'binary'; readonly atMs: number; readonly bytes: Uint8Array };

/** The part of the `Clock` port a script needs: give `handClock()` to play without waiting. */
export type ScriptClock = { now(): number; after(delayMs: number, fire: () => void): Cancel };

/** RFC 6455 §7.4.1. */
const CLOSE_NORMAL = 1000;

export class Session {
  /** Counted from 0 over all upgrade requests of this server. */
  readonly index: number;
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
  /** The device's address. */
  readonly from: string;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Put into every message from `hello` on. */
  sessionId = '';
  readonly #inbox = new Inbox<Heard>();
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #clock: ScriptClock;
  readonly #framing: FramingVersion;

  constructor(
    index: number,
    request: IncomingMessage,
    webSocket: WebSocket,
    socket: Duplex,
    clock: ScriptClock,
  ) {
    this.index = index;
    this.headers = request.headers;
    this.url = request.url ?? '';
    this.from = request.socket.remoteAddress ?? '';
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#clock = clock;
    const version = request.headers['protocol-version'];
    this.#framing = version === '2' ? 2 : version === '3' ? 3 : 1;
    webSocket.on('message', (data: Buffer, isBinary) => {
      const atMs = clock.now();
      if (isBinary) {
        this.#inbox.push({ kind: 'binary', atMs, bytes: new Uint8Array(data) });
        return;
      }
      const text = data.toString('utf8');
      const decoded = decodeDevice(text);
      this.#inbox.push({ kind: 'text', atMs, text, message: decoded.ok ? decoded.message : undefined });
    });
    // `close` follows with 1006; that is all a script can know of it.
    webSocket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      webSocket.on('close', (code, reason) => {
        this.#inbox.end(`connection ${index} closed with ${code}`);
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Everything the device sent, in order. */
  get received(): readonly Heard[] {
    return this.#inbox.all;
  }

  /** The next message of a type, or whatever a predicate picks; what came before it counts as read. */
  next<T extends DeviceMessage['type']>(
    type: T,
    deadlineMs?: number,
  ): Promise<Extract<DeviceMessage, { type: T }>>;
  next(want: (heard: Heard) => boolean, deadlineMs?: number): Promise<Heard>;
  async next(
    want: DeviceMessage['type'] | ((heard: Heard) => boolean),
    deadlineMs?: number,
  ): Promise<unknown> {
    if (typeof want === 'function') return this.#inbox.next(want, 'what a predicate wants', deadlineMs);
    const heard = await this.#inbox.next((one) => messageOf(one)?.type === want, want, deadlineMs);
    return messageOf(heard);
  }

  /** Lets time pass; ends early with what was picked if that comes first. */
  pause(delayMs: number, unless: (heard: Heard) => boolean = () => false): Promise<Heard | undefined> {
    return this.#inbox.nextUnless(unless, (callback) => this.#clock.after(delayMs, callback));
  }

  say(message: ServerMessage): void {
    this.raw(encodeServer(message, this.sessionId));
  }

  raw(text: string): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.send(text);
  }

  binary(bytes: Uint8Array): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.send(bytes);
  }

  /** One Opus packet, framed as the device asked for by `Protocol-Version`. */
  packet(packet: Uint8Array): void {
    this.binary(frame(this.#framing, packet));
  }

  /** `burst` at once, then one every `everyMs`, without drift; ends early with what was picked if that comes first. */
  async packets(
    list: readonly Uint8Array[],
    pace: { readonly burst?: number; readonly everyMs?: number } = {},
    unless?: (heard: Heard) => boolean,
  ): Promise<Heard | undefined> {
    // Protocol: five frames ahead, then one each 60 ms, as the most used server does it.
    const { burst = 5, everyMs = 60 } = pace;
    const startMs = this.#clock.now();
    for (const [i, packet] of list.entries()) {
      const dueMs = startMs + Math.max(0, i + 1 - burst) * everyMs;
      if (dueMs > this.#clock.now()) {
        const interruption = await this.pause(dueMs - this.#clock.now(), unless);
        if (interruption !== undefined) return interruption;
      }
      this.packet(packet);
    }
    return undefined;
  }

  hello(
    overrides: {
      readonly sessionId?: string;
      readonly transport?: string;
      readonly audio?: Partial<AudioParams>;
    } = {},
  ): void {
    this.sessionId = overrides.sessionId ?? randomBytes(4).toString('hex');
    this.say({
      type: 'hello',
      transport: overrides.transport ?? 'websocket',
      sessionId: this.sessionId,
      audio: { ...SERVER_AUDIO, ...overrides.audio },
    });
  }

  close(code: number = CLOSE_NORMAL, reason: string = ''): void {
    this.#webSocket.close(code, reason);
  }

  /** A WebSocket ping; resolves when it is answered. */
  ping(): Promise<void> {
    return new Promise((resolve) => {
      this.#webSocket.once('pong', () => resolve());
      this.#webSocket.ping();
    });
  }

  /** TCP RST, with no FIN before it. */
  reset(): void {
    const socket = this.#socket;
    if (!(socket instanceof Socket)) throw new Error('not a TCP connection');
    socket.resetAndDestroy();
  }

  /**
   * TCP FIN without a close frame. Not `destroy`, which is answered by RST where something that the device sent has not been
   * read yet.
   */
  terminate(): void {
    this.#socket.end();
  }

  /** From now on nothing is read, answered or sent, and no FIN goes out: as if the cable had been cut. */
  blackHole(): void {
    this.#socket.pause();
    this.#socket.write = () => true;
  }
}

export function messageOf(heard: Heard): DeviceMessage | undefined {
  return heard.kind === 'text' ? heard.message : undefined;
}
