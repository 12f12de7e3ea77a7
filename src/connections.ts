// The sockets that are to exist, by attempt number: opened and closed to match, spoken to in messages and packets; what
// arrives becomes facts. Which of them is current is not decided here.
import type { Event } from './core/events.ts';
import type { Dialer, DialRequest, Log, Socket } from './ports.ts';
import { decodeServer, encodeDevice, excerpt } from './protocol/codec.ts';
import { type FramingVersion, frame, unframe } from './protocol/framing.ts';
import { answerMcp } from './protocol/mcp.ts';
import type { DeviceMessage, ServerMessage } from './protocol/messages.ts';

export type Server = DialRequest & {
  readonly framing: FramingVersion;
  /** Who the device says it is when the server asks for its tools. */
  readonly device: { readonly name: string; readonly version: string };
};

/** About 2 s of speech at 64 kbit/s: more than that unsent means that the network does not carry it. */
const BUSY_ABOVE_BYTES = 16 * 1024;
/** Messages are some hundred bytes; a server that asks and asks and never reads the answers is not talking to us. */
const STUCK_ABOVE_BYTES = 1024 * 1024;

type Connection = { readonly socket: Socket; sessionId: string | undefined };

export class Connections {
  readonly #dialer: Dialer;
  readonly #server: Server;
  readonly #log: Log;
  readonly #dispatch: (event: Event) => void;
  readonly #speech: (attempt: number, packet: Uint8Array) => void;
  readonly #open = new Map<number, Connection>();
  readonly counts = { textsIn: 0, textsOut: 0, packetsIn: 0, packetsOut: 0, faultsIn: 0 };

  constructor(parts: {
    dialer: Dialer;
    server: Server;
    log: Log;
    dispatch: (event: Event) => void;
    speech: (attempt: number, packet: Uint8Array) => void;
  }) {
    this.#dialer = parts.dialer;
    this.#server = parts.server;
    this.#log = parts.log;
    this.#dispatch = parts.dispatch;
    this.#speech = parts.speech;
  }

  /** Makes it so: dials what is missing, closes what is no longer wanted. */
  match(attempts: readonly number[]): void {
    for (const [attempt, connection] of this.#open) {
      if (attempts.includes(attempt)) continue;
      this.#open.delete(attempt);
      connection.socket.close();
    }
    for (const attempt of attempts) if (!this.#open.has(attempt)) this.#dial(attempt);
  }

  say(attempt: number, message: DeviceMessage): void {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return;
    if (connection.socket.bufferedBytes > STUCK_ABOVE_BYTES) {
      this.#log.warn({ attempt }, 'the server does not read: closing');
      return connection.socket.close();
    }
    this.counts.textsOut += 1;
    connection.socket.sendText(encodeDevice(message, connection.sessionId));
  }

  /** `busy`: the network does not take it at present, or the connection has gone. */
  offer(attempt: number, packet: Uint8Array): 'taken' | 'busy' {
    const connection = this.#open.get(attempt);
    if (connection === undefined || connection.socket.bufferedBytes > BUSY_ABOVE_BYTES) return 'busy';
    this.counts.packetsOut += 1;
    connection.socket.sendBinary(frame(this.#server.framing, packet));
    return 'taken';
  }

  #dial(attempt: number): void {
    const socket = this.#dialer.dial(this.#server, {
      opened: () => this.#report(attempt, { type: 'socket.opened', attempt }),
      text: (text) => this.#heard(attempt, text),
      binary: (bytes) => this.#received(attempt, bytes),
      closed: (loss) => this.#report(attempt, { type: 'socket.closed', attempt, loss }),
    });
    this.#open.set(attempt, { socket, sessionId: undefined });
  }

  /** A connection that was given up may still report: nobody wants to know. */
  #report(attempt: number, event: Event): void {
    if (this.#open.has(attempt)) this.#dispatch(event);
  }

  #heard(attempt: number, text: string): void {
    const connection = this.#open.get(attempt);
    if (connection === undefined) return;
    this.counts.textsIn += 1;
    const decoded = decodeServer(text);
    if (decoded.ok) return this.#told(attempt, connection, decoded.message);
    this.counts.faultsIn += 1;
    this.#log.debug({ attempt, ...decoded.fault }, 'a text that is no message');
    if (decoded.fault.kind === 'not-json')
      this.#dispatch({ type: 'server.muttered', attempt, text: excerpt(text) });
  }

  #told(attempt: number, connection: Connection, message: ServerMessage): void {
    switch (message.type) {
      case 'hello':
        connection.sessionId = message.sessionId;
        break;
      case 'mcp': {
        const payload = answerMcp(message.payload, this.#server.device);
        if (payload !== undefined) this.say(attempt, { type: 'mcp', payload });
        return;
      }
      case 'alert':
      case 'error':
        this.#log.warn({ attempt, ...message }, 'the server reports trouble');
        break;
      case 'system':
        this.#log.warn({ attempt, command: message.command }, 'a command of the server is not carried out');
        break;
      default:
        this.#log.debug({ attempt, ...message }, 'server said');
    }
    this.#dispatch({ type: 'server.said', attempt, message });
  }

  #received(attempt: number, bytes: Uint8Array): void {
    if (!this.#open.has(attempt)) return;
    this.counts.packetsIn += 1;
    const unframed = unframe(this.#server.framing, bytes);
    if (!unframed.ok) {
      this.counts.faultsIn += 1;
      this.#log.debug({ attempt, ...unframed.fault }, 'a frame that is none');
      return;
    }
    if (unframed.kind === 'opus') this.#speech(attempt, unframed.payload);
    else this.#heard(attempt, new TextDecoder().decode(unframed.payload));
  }
}
