// A dialler that remembers which of its sockets are not gone yet, for whoever waits until they are. Knows nothing of why
// they end.
import type { Clock, Dialer, DialRequest, Socket, SocketEvents } from '../ports.ts';

/** What the socket port promises for a polite close. */
const GONE_WITHIN_MS = 2_000;

export class OpenSockets implements Dialer {
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  /** The end of each socket that has not ended; at most one current and a few that part. */
  readonly #ends = new Set<Promise<void>>();

  constructor(dialer: Dialer, clock: Clock) {
    this.#dialer = dialer;
    this.#clock = clock;
  }

  dial(request: DialRequest, on: SocketEvents): Socket {
    let ended = () => {};
    const end = new Promise<void>((resolve) => {
      ended = () => {
        this.#ends.delete(end);
        resolve();
      };
    });
    this.#ends.add(end);
    const closed: SocketEvents['closed'] = (loss) => {
      ended();
      on.closed(loss);
    };
    const socket = this.#dialer.dial(request, { ...on, closed });
    return {
      get sentBytes() {
        return socket.sentBytes;
      },
      underWayBytes: (maxAgeMs) => socket.underWayBytes(maxAgeMs),
      get isOpen() {
        return socket.isOpen;
      },
      sendText: (text) => socket.sendText(text),
      sendBinary: (bytes) => socket.sendBinary(bytes),
      ping: (mark) => socket.ping(mark),
      close: () => socket.close(),
      terminate() {
        ended();
        socket.terminate();
      },
    };
  }

  /** Resolves when all that are there now have ended, or should have; those that did not are forgotten. */
  gone(): Promise<void> {
    const ends = [...this.#ends];
    if (ends.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.after(GONE_WITHIN_MS, () => {
        for (const end of ends) this.#ends.delete(end);
        resolve();
      });
      void Promise.all(ends).then(() => {
        cancel();
        resolve();
      });
    });
  }
}
