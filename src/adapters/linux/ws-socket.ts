// One WebSocket per dial, with its own absolute deadline; every way it can end becomes exactly one `closed` with a
// failure class. Knows no messages, no policy and no other attempt.
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { rootCertificates } from 'node:tls';
import { WebSocket } from 'ws';
import type { Cancel, Clock, Dialer, DialRequest, Loss, Socket, SocketEvents } from '../../ports.ts';
import { meaningOfClose, meaningOfError, meaningOfStatus } from './failure-class.ts';

/** Text messages are small; 1 MiB is what the most used server's library takes too. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** A peer that doesn't answer a close frame is not waited for. */
const CLOSE_TIMEOUT_MS = 2_000;
const REASON_CHARS = 200;

export function wsDialer(parts: { clock: Clock }): Dialer {
  return {
    dial: (request, on) => {
      try {
        return new WsSocket(request, on, parts.clock);
      } catch (error) {
        // An address that is none, or a certificate file that cannot be read: reported like any other failure.
        const loss = {
          class: 'configuration',
          detectedBy: 'dial',
          quick: false,
          reason: textOf(error),
        } as const;
        return unopened(parts.clock, on, loss);
      }
    },
  };
}

class WsSocket implements Socket {
  readonly #ws: WebSocket;
  readonly #clock: Clock;
  readonly #disarm: Cancel;
  /** The first sign of trouble; the close event that follows it knows less. */
  #trouble: Loss | undefined;

  constructor(request: DialRequest, on: SocketEvents, clock: Clock) {
    this.#clock = clock;
    const ws = new WebSocket(request.url, {
      headers: { ...request.headers },
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: MAX_PAYLOAD_BYTES,
      // Only against a stalled upgrade; the deadline for all of it is below, for this one restarts at every byte.
      handshakeTimeout: request.deadlineMs,
      ...(request.caFile === undefined
        ? {}
        : { ca: [...rootCertificates, readFileSync(request.caFile, 'utf8')] }),
    });
    this.#ws = ws;
    this.#disarm = clock.after(request.deadlineMs, () =>
      this.#fail({
        class: 'transient',
        reason: `not connected within ${request.deadlineMs / 1000} s`,
        detectedBy: 'deadline',
        quick: false,
      }),
    );
    ws.on('open', () => {
      this.#disarm();
      on.opened();
    });
    ws.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      if (isBinary) on.binary(bytes);
      else on.text(bytes.toString('utf8'));
    });
    ws.on('unexpected-response', (_request, response) => this.#fail(refused(response, clock.wallMs())));
    ws.on('error', (error) => {
      this.#trouble ??= failed(error);
    });
    ws.on('close', (code, reason) => {
      this.#disarm();
      on.closed(this.#trouble ?? closedBy(code, reason.toString('utf8')));
    });
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  sendText(text: string): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(text, socketOnSent);
  }

  sendBinary(bytes: Uint8Array): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(bytes, socketOnSent);
  }

  close(): void {
    if (this.#ws.readyState !== WebSocket.OPEN) return this.#ws.terminate();
    this.#ws.close(1000);
    const cancel = this.#clock.after(CLOSE_TIMEOUT_MS, () => this.#ws.terminate());
    this.#ws.once('close', cancel);
  }

  terminate(): void {
    this.#disarm();
    this.#ws.removeAllListeners();
    // `ws` reports an aborted handshake as an error; without a listener that would end the process.
    this.#ws.on('error', socketOnSent);
    this.#ws.terminate();
  }

  #fail(loss: Loss): void {
    this.#trouble ??= loss;
    this.#ws.terminate();
  }
}

function unopened(clock: Clock, on: SocketEvents, loss: Loss): Socket {
  const cancel = clock.after(0, () => on.closed(loss));
  return { bufferedBytes: 0, sendText() {}, sendBinary() {}, close: cancel, terminate: cancel };
}

function refused(response: IncomingMessage, wallMs: number): Loss {
  response.resume();
  const status = response.statusCode ?? 0;
  const retryAfterMs = retryAfter(response.headers['retry-after'], wallMs);
  const reason = `HTTP ${status} ${response.statusMessage ?? ''} instead of an upgrade`;
  return {
    ...meaningOfStatus(status),
    reason: printable(reason),
    detectedBy: 'http',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Seconds or an HTTP date. */
function retryAfter(header: string | undefined, wallMs: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - wallMs;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

function failed(error: Error): Loss {
  const code = codeOf(error);
  return {
    ...meaningOfError(code),
    reason: textOf(error),
    detectedBy: code?.startsWith('EAI') || code === 'ENOTFOUND' ? 'dns' : 'socket error',
  };
}

/** Several addresses tried at once fail as one error that holds the others; their code is the telling one. */
function codeOf(error: Error): string | undefined {
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  const [first] = Array.isArray(errors) ? errors : [];
  return first instanceof Error ? codeOf(first) : undefined;
}

function closedBy(code: number, text: string): Loss {
  const said = text === '' ? '' : ` (${text})`;
  return {
    ...meaningOfClose(code),
    reason: printable(code === 1006 ? 'connection broke off (1006)' : `closed with ${code}${said}`),
    detectedBy: code === 1006 ? 'socket' : 'close frame',
  };
}

function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message || (codeOf(error) ?? error.name) : String(error);
  return printable(text);
}

function printable(text: string): string {
  return text.slice(0, REASON_CHARS).replace(/\p{C}/gu, ' ').trim();
}

/** A send that fails is followed by a close, which tells more. */
function socketOnSent(): void {}
