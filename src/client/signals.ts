// The events of the class, typed: names, what comes with them, and a way to tell them that no listener can break.
// Knows nothing of connections.
import { EventEmitter } from 'node:events';
import type { Log, Loss } from '../ports.ts';
import type { ServerMessage } from '../protocol/messages.ts';

export type ClientEvents = {
  /** The upgrade is done and our hello is out. */
  readonly connected: readonly [];
  /** The server's hello has come: from here on it listens. */
  readonly authenticated: readonly [{ readonly sessionId: string | null }];
  /** Once for each `connected`, on purpose or not. */
  readonly disconnected: readonly [Loss];
  /** Authenticated again after a loss: how long that was, and which attempt it took. */
  readonly reconnected: readonly [{ readonly outageMs: number; readonly attempts: number }];
  /** Everything the server says but its hello. */
  readonly message: readonly [ServerMessage];
  /** One Opus packet, without its frame. */
  readonly audio: readonly [Uint8Array];
  /** Nothing more happens by itself. */
  readonly error: readonly [ClientError];
};

export type ClientEvent = keyof ClientEvents;
export type Listener<E extends ClientEvent> = (...news: ClientEvents[E]) => unknown;

/** `limit reached` of failures in a row; the other two while reconnecting is switched off. */
export type ErrorReason = 'limit reached' | 'attempt failed' | 'connection lost' | 'wrong address';

export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly reason: ErrorReason;
  /** The last end of a connection or attempt; none with a wrong address. */
  readonly loss: Loss | null;

  constructor(reason: ErrorReason, text: string, loss: Loss | null = null) {
    super(text);
    this.reason = reason;
    this.loss = loss;
  }
}

export class Signals {
  readonly #emitter = new EventEmitter();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  on<E extends ClientEvent>(name: E, listener: Listener<E>): void {
    this.#emitter.on(name, listener);
  }

  once<E extends ClientEvent>(name: E, listener: Listener<E>): void {
    this.#emitter.once(name, listener);
  }

  off<E extends ClientEvent>(name: E, listener: Listener<E>): void {
    this.#emitter.off(name, listener);
  }

  /** Every listener is called, whatever those before it do; an `error` that nobody listens to ends no process. */
  tell<E extends ClientEvent>(name: E, ...news: ClientEvents[E]): void {
    for (const listener of this.#emitter.rawListeners(name)) {
      try {
        const result: unknown = Reflect.apply(listener, undefined, news);
        if (result instanceof Promise) result.catch((error: unknown) => this.#failed(name, error));
      } catch (error) {
        this.#failed(name, error);
      }
    }
  }

  #failed(name: ClientEvent, error: unknown): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.#log.error({ event: name, error, stack }, 'a listener failed');
  }
}
