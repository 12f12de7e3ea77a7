// One WebSocket per dial, with its own absolute deadline; every way it can end becomes exactly one `closed` with a
// failure class. Knows no messages, no policy and no other attempt.
import { isIP, type Socket as TcpSocket } from 'node:net';
import { WebSocket } from 'ws';
import type { Cancel, Clock, Dialer, DialRequest, Loss, Socket, SocketEvents } from '../../ports.ts';
import { clockIsSet } from './clock-sync.ts';
import { type Target, targetOf } from './dial-target.ts';
import {
  lossOfAnswer,
  lossOfClose,
  lossOfDeadline,
  lossOfError,
  type Sight,
  tellable,
} from './loss-words.ts';
import { NameLookup, type Resolve } from './name-lookup.ts';
import { SendQueue } from './send-queue.ts';
import { ServerConnection } from './server-connection.ts';
import { TlsSessions } from './tls-sessions.ts';
import { unopened } from './unopened-socket.ts';

/** Text messages are small; 1 MiB is what the most used server's library takes too. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** A peer that doesn't answer a close frame, or cannot take ours, is not waited for longer than the port promises. */
const CLOSE_TIMEOUT_MS = 1_500;
/** A ping is answered or the connection given up long before there are more. Victim: the oldest. */
const MARKS_KEPT = 8;

/** What a person gets to know of a close of our own that found no partner. */
const CLOSED_BY_US: Loss = {
  class: 'normal',
  kind: 'normal close',
  reason: 'closed by us',
  detectedBy: 'close',
  quick: false,
};

const HUNG_UP: Loss = { ...lossOfClose(1006, ''), reason: 'the server hung up without a close frame (1006)' };

/** What all dials share. */
type Shared = {
  readonly clock: Clock;
  readonly clockIsSet: () => boolean;
  readonly names: NameLookup;
  readonly sessions: TlsSessions;
  readonly reached: (remote: string) => void;
};

export type WsDialer = Dialer & {
  /** Where the server was last found; of an address without a name, from the first dial on. */
  serverAddress(): string | null;
};

export function wsDialer(parts: { clock: Clock; clockIsSet?: () => boolean; lookup?: Resolve }): WsDialer {
  const { clock, lookup } = parts;
  let serverAddress: string | null = null;
  const reached = (remote: string) => {
    serverAddress = remote;
  };
  const shared: Shared = {
    clock,
    clockIsSet: parts.clockIsSet ?? (() => clockIsSet({ clock })),
    names: new NameLookup({ clock, ...(lookup === undefined ? {} : { resolve: lookup }) }),
    sessions: new TlsSessions(),
    reached,
  };
  return {
    serverAddress: () => serverAddress,
    dial: (request, on) => {
      const target = targetOf(request, shared.sessions);
      if ('failed' in target) return unopened(request, clock, on, target.failed);
      if (isIP(target.host) !== 0) reached(target.host);
      try {
        return new WsSocket(request, target, on, shared);
      } catch (error) {
        // A header with a line break in it; Node names the header and not its value.
        return unopened(request, clock, on, error instanceof Error ? error.message : String(error));
      }
    },
  };
}

/** `upgraded`: the server's 101 has come and is being looked at; `closing`: we asked for the end. */
type Phase = 'dialling' | 'upgraded' | 'open' | 'closing' | 'over';

class WsSocket implements Socket {
  readonly #ws: WebSocket;
  readonly #on: SocketEvents;
  readonly #request: DialRequest;
  readonly #target: Target;
  readonly #shared: Shared;
  readonly #disarm: Cancel;
  #connection: ServerConnection | undefined;
  #queue: SendQueue | undefined;
  #phase: Phase = 'dialling';
  /** The first sign of trouble; the close event that follows it knows less. */
  #trouble: Loss | undefined;
  /** Pings that are not answered yet. */
  #marks: readonly string[] = [];

  constructor(request: DialRequest, target: Target, on: SocketEvents, shared: Shared) {
    this.#request = request;
    this.#target = target;
    this.#on = on;
    this.#shared = shared;
    const options = {
      headers: { ...request.headers },
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: MAX_PAYLOAD_BYTES,
      closeTimeout: CLOSE_TIMEOUT_MS,
      createConnection: () => this.#connect(),
    };
    this.#ws = new WebSocket(request.url, options);
    this.#listen();
    this.#disarm = shared.clock.after(request.deadlineMs, () =>
      this.#end(lossOfDeadline(request.deadlineMs, this.#sight())),
    );
  }

  get sentBytes(): number {
    return this.#connection?.socket.bytesWritten ?? 0;
  }

  underWayBytes(maxAgeMs: number): number {
    return this.#queue?.underWayBytes(maxAgeMs) ?? 0;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  sendText(text: string): boolean {
    if (!this.isOpen) return false;
    this.#ws.send(text, this.#sent);
    return true;
  }

  sendBinary(bytes: Uint8Array): boolean {
    if (!this.isOpen) return false;
    this.#ws.send(bytes, this.#sent);
    return true;
  }

  ping(mark: number): boolean {
    if (!this.isOpen) return false;
    const text = String(mark);
    this.#marks = [...this.#marks, text].slice(-MARKS_KEPT);
    this.#ws.ping(text, undefined, this.#sent);
    return true;
  }

  close(): void {
    if (this.#phase === 'closing' || this.#phase === 'over') return;
    if (this.#phase === 'open') {
      this.#phase = 'closing';
      return this.#ws.close(1000);
    }
    // Reported when `ws` says that its handshake was aborted, which it does a moment later.
    this.#trouble ??= CLOSED_BY_US;
    this.#ws.terminate();
  }

  terminate(): void {
    this.#phase = 'over';
    this.#disarm();
    // The listeners stay and are deaf from now on: `ws` reports an aborted handshake as an error, which without one
    // would end the process.
    this.#ws.terminate();
    this.#connection?.socket.destroy();
  }

  #connect(): TcpSocket {
    const connection = new ServerConnection(this.#target, this.#shared);
    const { socket } = connection;
    socket.once('connect', () => {
      if (this.#phase === 'over') return;
      const { local, remote } = connection.ends;
      this.#shared.reached(remote);
      this.#on.reached({ local, remote });
    });
    // Of what happens to an open connection below WebSocket, `ws` says "1006" and no more.
    socket.on('error', (error) => this.#failed(error));
    socket.on('end', () => {
      if (this.isOpen) this.#trouble ??= HUNG_UP;
    });
    // The server has sent its close frame and our answer is with the kernel: what it still does with its half of the
    // connection is of no interest, and some never end it. When we are the one who complains, it is left time to read.
    socket.on('finish', () => {
      const concluded = this.#phase === 'open' || this.#phase === 'closing';
      if (concluded && this.#trouble === undefined) this.#ws.terminate();
    });
    this.#connection = connection;
    const { clock } = this.#shared;
    this.#queue = new SendQueue({ socket, clock, waiting: () => this.#ws.bufferedAmount });
    return socket;
  }

  #listen(): void {
    const ws = this.#ws;
    ws.on('upgrade', () => {
      if (this.#phase === 'dialling') this.#phase = 'upgraded';
    });
    ws.on('unexpected-response', (_request, response) => this.#end(lossOfAnswer(response, this.#sight())));
    ws.on('open', () => {
      if (this.#phase !== 'upgraded') return;
      this.#phase = 'open';
      this.#disarm();
      this.#connection?.worked();
      this.#on.opened();
    });
    ws.on('message', (data, isBinary) => {
      if (this.#phase === 'over') return;
      const bytes = data as Buffer;
      if (isBinary) this.#on.binary(bytes);
      else this.#on.text(bytes.toString('utf8'));
    });
    ws.on('ping', () => {
      if (this.#phase !== 'over') this.#on.pinged();
    });
    ws.on('pong', (payload) => this.#answered(payload.toString('utf8')));
    ws.on('error', (error) => this.#failed(error));
    ws.on('close', (code, reason) =>
      this.#end(this.#trouble ?? this.#closedBy(code, reason.toString('utf8'))),
    );
  }

  /** What answers none of our pings is still a sign of life. RFC 6455 §5.5.3: an answer covers the pings before it. */
  #answered(text: string): void {
    if (this.#phase === 'over') return;
    const at = this.#marks.indexOf(text);
    if (at === -1) return this.#on.pinged();
    this.#marks = this.#marks.slice(at + 1);
    this.#on.ponged(Number(text));
  }

  /** An open connection is left to end in its own way, for `ws` still tells the server what it did wrong. */
  #failed(error: Error): void {
    if (this.#phase === 'over') return;
    const loss = this.#phase === 'closing' ? CLOSED_BY_US : lossOfError(error, this.#sight());
    this.#trouble ??= loss;
    if (this.#phase === 'dialling' || this.#phase === 'upgraded') this.#end(this.#trouble);
  }

  /** A failed send ends in a close that tells more, unless `ws` has not noticed. */
  readonly #sent = (error?: Error | null): void => {
    if (error === undefined || error === null || !this.isOpen) return;
    this.#failed(error);
    this.#ws.terminate();
  };

  #closedBy(code: number, text: string): Loss {
    return this.#phase === 'closing' && code === 1006 ? CLOSED_BY_US : lossOfClose(code, text);
  }

  /** The only way to report an end. */
  #end(loss: Loss): void {
    if (this.#phase === 'over') return;
    this.terminate();
    this.#on.closed(tellable(loss, this.#request.headers));
  }

  #sight(): Sight {
    const { host, port, trust } = this.#target;
    const { caFile, url } = this.#request;
    const doubt = this.#connection?.doubt;
    return {
      host,
      port,
      path: new URL(url).pathname,
      secure: trust !== undefined,
      ...(caFile === undefined ? {} : { caFile }),
      stage: this.#connection?.stage ?? 'looking up',
      upgrading: this.#phase === 'upgraded',
      hadOpened: this.#phase === 'open' || this.#phase === 'closing',
      verifiedBefore: this.#connection?.verifiedBefore ?? false,
      ...(doubt === undefined ? {} : { doubt }),
      clockIsSet: this.#shared.clockIsSet(),
      wallMs: this.#shared.clock.wallMs(),
    };
  }
}
