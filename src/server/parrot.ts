// `xiaozhi-agent serve`: a small local xiaozhi server for the demo, for `doctor` and for people without a cloud. It
// plays back to a device what it said. This file listens, lets in and turns away, and closes down; it must not know
// what a conversation is (session.ts) nor anything of the agent that may be at the other end.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { HEARING_RATE_HZ } from '../audio/voice-detector.ts';
import type { Clock, Codec, Log } from '../ports.ts';
import { type Admission, admit } from './admission.ts';
import { boundedLog } from './bounded-log.ts';
import { Session } from './session.ts';

export type ServerOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly log: Log;
  /** Without one everybody who reaches the port may talk. */
  readonly token?: string;
  readonly path?: string;
};

export interface LocalServer {
  readonly url: string;
  readonly port: number;
  readonly sessions: number;
  /** Says goodbye to everybody, and is done within a second whether or not they answer. */
  stop(): Promise<void>;
}

/** Where every known server of this protocol has it. */
const DEFAULT_PATH = '/xiaozhi/v1/';
/** A home has a handful of boxes; each session may keep 1 MB of speech, and all fit a 512 MB board. */
const SESSIONS_LIMIT = 50;
/** Room for those who only ask, besides. */
const CONNECTIONS_LIMIT = 2 * SESSIONS_LIMIT;
/** The limit of the most used server's WebSocket library. */
const MESSAGE_LIMIT_BYTES = 1_048_576;
/** One whole answer of the longest kind: who has not read that much is not listening any more. */
const UNREAD_LIMIT_BYTES = 1_048_576;
/** Devices answer a close frame within a round trip; nobody who presses Ctrl-C waits longer gladly. */
const GOODBYE_MS = 1_000;
/** Request headers come in one piece from every known client. */
const HEADERS_WITHIN_MS = 10_000;
/** Told to those who find the server full: a session that vanished is noticed in minutes, not seconds. */
const RETRY_AFTER_S = 30;

/** Log lines in ten seconds about a session's own doings: a turn has four and takes a second at least. */
const SESSION_LINES = 40;
/** The same for what was wrong with what came in: enough to see a pattern. */
const COMPLAINT_LINES = 10;

/** RFC 6455 §7.4.1. */
const CLOSE_GOING_AWAY = 1001;

type Refusal = Extract<Admission, { ok: false }> | { readonly status: 404 | 503; readonly text: string };

/** Rejects when it cannot listen there. */
export function startServer(options: ServerOptions): Promise<LocalServer> {
  const { host, clock, log, token, path = DEFAULT_PATH } = options;
  const complaints = boundedLog(log, clock, COMPLAINT_LINES);
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_LIMIT_BYTES,
  });
  const web = createServer((request, response) => {
    const known = pathOf(request) === path;
    response.writeHead(known ? 200 : 404, {
      'content-type': 'text/plain; charset=utf-8',
      connection: 'close',
    });
    response.end(
      known ? 'xiaozhi-agent serve: connect a device here by WebSocket\n' : `Only ${path} is here\n`,
    );
  });
  web.headersTimeout = HEADERS_WITHIN_MS;
  web.maxConnections = CONNECTIONS_LIMIT;

  web.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A reset before the answer is out would otherwise be an uncaught exception.
    socket.on('error', () => socket.destroy());
    const admission = admit(request.headers, token);
    let refusal: Refusal | undefined;
    if (pathOf(request) !== path) refusal = { status: 404, text: `Only ${path} is here` };
    else if (!admission.ok) refusal = admission;
    else if (sockets.clients.size >= SESSIONS_LIMIT) refusal = { status: 503, text: 'All places are taken' };
    if (refusal !== undefined || !admission.ok) {
      refuse(socket, refusal ?? { status: 404, text: '' });
      complaints.debug({ from: request.socket.remoteAddress, ...refusal }, 'connection refused');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => converse(webSocket, admission, options));
  });

  async function shutDown(): Promise<void> {
    // Both: the HTTP server knows when the last connection is closed, the other when its session has heard of it.
    const down = Promise.all([
      new Promise<void>((resolve) => web.close(() => resolve())),
      new Promise<void>((resolve) => sockets.close(() => resolve())),
    ]);
    web.closeAllConnections();
    for (const client of sockets.clients) client.close(CLOSE_GOING_AWAY, 'server is stopping');
    const cancelDeadline = clock.after(GOODBYE_MS, () => {
      for (const client of sockets.clients) client.terminate();
    });
    await down;
    cancelDeadline();
    log.info({}, 'server stopped');
  }

  let stopped: Promise<void> | undefined;

  return new Promise((resolve, reject) => {
    web.once('error', reject);
    web.listen(options.port, host, () => {
      web.removeListener('error', reject);
      // After listening: running out of file descriptors, for one. Nobody new can come in for a while.
      web.on('error', (error) => log.warn({ error: error.message }, 'server trouble'));
      const { port } = web.address() as AddressInfo;
      const url = `ws://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
      log.info({ url, auth: token === undefined ? 'none' : 'token' }, 'server listening');
      resolve({
        url,
        port,
        get sessions() {
          return sockets.clients.size;
        },
        stop() {
          stopped ??= shutDown();
          return stopped;
        },
      });
    });
  });
}

function converse(
  webSocket: WebSocket,
  admission: Extract<Admission, { ok: true }>,
  options: ServerOptions,
): void {
  const { clock, codec } = options;
  const id = randomBytes(4).toString('hex');
  const named = withField(options.log, 'session', id);
  const log = boundedLog(named, clock, SESSION_LINES);
  const send = (data: string | Uint8Array): void => {
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (webSocket.bufferedAmount <= UNREAD_LIMIT_BYTES) webSocket.send(data);
    else webSocket.terminate();
  };
  const session = new Session({
    id,
    framing: admission.framing,
    decoder: codec.decoder(HEARING_RATE_HZ),
    peer: { text: send, binary: send, close: (code, reason) => webSocket.close(code, reason) },
    clock,
    log,
    complaints: boundedLog(named, clock, COMPLAINT_LINES),
  });
  webSocket.on('message', (data, isBinary) => {
    const bytes = bytesOf(data);
    if (isBinary) session.hearBinary(bytes);
    else session.hearText(bytes.toString('utf8'));
  });
  webSocket.on('ping', () => session.alive());
  // `close` follows; the library has sent the code that fits (too big, no UTF-8, a broken frame).
  webSocket.on('error', (error) => log.debug({ error: error.message }, 'connection broken'));
  webSocket.on('close', (code) => {
    session.end();
    named.info({ code }, 'device gone');
  });
  log.info({ device: admission.deviceId, client: admission.clientId }, 'device connected');
  session.start();
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}

/** The query is not looked at: some devices repeat their headers there. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

function refuse(socket: Duplex, { status, text }: Refusal): void {
  const body = `${text}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 503 ? [`Retry-After: ${RETRY_AFTER_S}`] : []),
    ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function withField(log: Log, name: string, value: string): Log {
  const label = { [name]: value };
  return {
    debug: (fields, text) => log.debug({ ...label, ...fields }, text),
    info: (fields, text) => log.info({ ...label, ...fields }, text),
    warn: (fields, text) => log.warn({ ...label, ...fields }, text),
    error: (fields, text) => log.error({ ...label, ...fields }, text),
  };
}
