// A device with no mind of its own: a bare `ws` client that says what a test tells it to and keeps what it is told.
// For tests of servers; it must not use anything of the agent but the message types and codec.

import type { IncomingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import { decodeServer, encodeDevice } from '../../src/protocol/codec.ts';
import { DEVICE_AUDIO } from '../../src/protocol/limits.ts';
import type { DeviceMessage, ServerMessage } from '../../src/protocol/messages.ts';
import { Gone, Inbox } from './inbox.ts';

export type Told =
  | { readonly kind: 'text'; readonly text: string; readonly message: ServerMessage | undefined }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

export type End = { readonly code: number; readonly reason: string };

export const DEVICE_HEADERS = {
  'device-id': '02:00:00:00:00:01',
  'client-id': '6f3c1b0e-8f57-4c2e-9d0a-2f6f0d1c7a10',
  'protocol-version': '1',
} as const;

export const DEVICE_HELLO: DeviceMessage = {
  type: 'hello',
  version: 1,
  transport: 'websocket',
  features: { mcp: true },
  audio: DEVICE_AUDIO,
};

export type RawDevice = {
  readonly told: readonly Told[];
  readonly closed: Promise<End>;
  say(message: DeviceMessage): void;
  /** Text as it is, or bytes as they are. */
  send(data: string | Uint8Array): void;
  /** The next message of this type; `tts` may be narrowed by its state. */
  next<T extends ServerMessage['type']>(
    type: T,
    state?: string,
  ): Promise<Extract<ServerMessage, { type: T }>>;
  nextText(text: string): Promise<void>;
  nextBinary(): Promise<Uint8Array>;
  /** Resolves when the server has taken all that was sent before, and all that it said until then is here. */
  settled(): Promise<void>;
  /** All binary messages so far. */
  packets(): Uint8Array[];
  /** Stops reading, so that even pings stay unanswered. */
  deafen(): void;
  close(): void;
  terminate(): void;
};

/** The server answered the upgrade with something else than 101. */
export class Refused extends Error {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;

  constructor(status: number, headers: IncomingHttpHeaders, body: string) {
    super(`refused with ${status}: ${body}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** Rejects with `Refused`, or with the socket's error. */
export async function rawDevice(
  url: string,
  headers: Readonly<Record<string, string>> = DEVICE_HEADERS,
): Promise<RawDevice> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  const inbox = new Inbox<Told>();
  const pongs = new Inbox<string>();
  let pings = 0;
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      inbox.push({ kind: 'binary', bytes: new Uint8Array(data) });
      return;
    }
    const text = data.toString('utf8');
    const decoded = decodeServer(text);
    inbox.push({ kind: 'text', text, message: decoded.ok ? decoded.message : undefined });
  });
  socket.on('pong', (data) => pongs.push(data.toString()));
  const closed = new Promise<End>((resolve) => {
    socket.on('close', (code, reason) => {
      inbox.end(`closed with ${code}`);
      pongs.end(`closed with ${code}`);
      resolve({ code, reason: reason.toString() });
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('error', (error) => reject(error));
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => {
        reject(new Refused(response.statusCode ?? 0, response.headers, body.trim()));
        socket.terminate();
      });
    });
  });
  return {
    told: inbox.all,
    closed,
    say: (message) => socket.send(encodeDevice(message)),
    send: (data) => socket.send(data),
    async next<T extends ServerMessage['type']>(type: T, state?: string) {
      const found = await inbox.next(
        (told) =>
          told.kind === 'text' &&
          told.message?.type === type &&
          (state === undefined || ('state' in told.message && told.message.state === state)),
        `${type} ${state ?? ''}`,
      );
      if (found.kind !== 'text' || found.message === undefined || !isOf(found.message, type)) {
        throw new Gone('the inbox gave what was not asked for');
      }
      return found.message;
    },
    async nextText(text) {
      await inbox.next((told) => told.kind === 'text' && told.text === text, text);
    },
    async nextBinary() {
      const found = await inbox.next((told) => told.kind === 'binary', 'binary message');
      return found.kind === 'binary' ? found.bytes : new Uint8Array();
    },
    async settled() {
      pings += 1;
      const mark = String(pings);
      socket.ping(mark);
      await pongs.next((pong) => pong === mark, 'pong');
    },
    packets: () => inbox.all.flatMap((told) => (told.kind === 'binary' ? [told.bytes] : [])),
    deafen: () => socket.pause(),
    close: () => socket.close(1000),
    terminate: () => socket.terminate(),
  };
}

function isOf<T extends ServerMessage['type']>(
  message: ServerMessage,
  type: T,
): message is Extract<ServerMessage, { type: T }> {
  return message.type === type;
}
