// What one connection's way to the server bears: how much may be under way on it, how long an answer takes, and whether
// what is ahead of a ping gets on. Knows bytes and moments; nothing of what is sent.
import type { Clock, Socket } from './ports.ts';

/**
 * What may be under way at once. A backlog of 24 kbit/s goes out at four times real time and fills the road for a round
 * trip; a second of speech more than that means that the network does not carry it, and a ping would come too late.
 */
const WINDOW = { bytes: 4 * 1024, bytesPerMs: 12 };
/** Of a connection that has not answered a ping yet: a mobile network's. */
const ASSUMED_RTT_MS = 300;
/** How old a look at the queue may be: while it seems short, and when it matters. */
const UNHURRIED_MS = 500;
const HURRIED_MS = 100;
/** More are not under way before the connection counts as lost. */
const PINGS_KEPT = 8;
/** The core wants to know that it gets on, not of each packet. */
const MOVED_EVERY_MS = 1_000;

/** A ping that waits for an answer: how many bytes are ahead of it, and how many of them have arrived. */
type Ping = { readonly ahead: number; arrived: number; movedAt: number };

export class Road {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #ping: Ping | null = null;
  /** When the latest pings went out, by their marks: on a long road there is a second before the first is answered. */
  readonly #pingedAt = new Map<number, number>();
  /** Without a queue. */
  #leastRttMs: number | null = null;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  get awaitsPong(): boolean {
    return this.#ping !== null;
  }

  /** More would only wait in a queue on which nobody has a hold. */
  get isFull(): boolean {
    return this.holdsMoreThan(
      WINDOW.bytes + WINDOW.bytesPerMs * (this.#leastRttMs ?? ASSUMED_RTT_MS),
      UNHURRIED_MS,
    );
  }

  /** Bytes that were sent and are not known to have arrived. */
  get underWayBytes(): number {
    return this.#socket.underWayBytes(HURRIED_MS);
  }

  /** @param maxAgeMs how old a look may be that finds less */
  holdsMoreThan(bytes: number, maxAgeMs = Number.POSITIVE_INFINITY): boolean {
    return this.#socket.underWayBytes(maxAgeMs) > bytes && this.underWayBytes > bytes;
  }

  /** A ping of that mark goes out now. */
  pings(mark: number): void {
    const ahead = this.#socket.sentBytes;
    const sentAt = this.#clock.now();
    this.#ping = { ahead, arrived: ahead - this.underWayBytes, movedAt: sentAt };
    this.#pingedAt.set(mark, sentAt).delete(mark - PINGS_KEPT);
  }

  /** Any sign of life answers a ping; how long that took is known only of the answer with its mark. */
  answers(mark: number | undefined): number | null {
    this.#ping = null;
    const sentAt = mark === undefined ? undefined : this.#pingedAt.get(mark);
    if (mark === undefined || sentAt === undefined) return null;
    this.#pingedAt.delete(mark);
    const rttMs = this.#clock.now() - sentAt;
    this.#leastRttMs = Math.min(rttMs, this.#leastRttMs ?? rttMs);
    return rttMs;
  }

  /** Speech may be ahead of a ping: as long as that gets on, there is no answer to be missed. True once a second at most. */
  getsOn(): boolean {
    const ping = this.#ping;
    if (ping === null || ping.arrived >= ping.ahead) return false;
    const arrived = this.#socket.sentBytes - this.#socket.underWayBytes(UNHURRIED_MS);
    const now = this.#clock.now();
    if (arrived <= ping.arrived || now - ping.movedAt < MOVED_EVERY_MS) return false;
    ping.arrived = arrived;
    ping.movedAt = now;
    return true;
  }
}
