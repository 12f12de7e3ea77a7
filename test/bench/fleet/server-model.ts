// The server that all boards share, as far as reconnecting goes: it answers, it refuses, or its machine is gone, and it
// can end every connection in one instant. It takes everybody who comes, for what is measured is what they ask of it.
// Knows no board and none of its policy. What the ends of connections mean is read from the real adapter's tables.
import { type Meaning, meaningOfClose, meaningOfError } from '../../../src/adapters/linux/failure-class.ts';
import type { DialRequest, Loss, Socket, SocketEvents } from '../../../src/ports.ts';
import { encodeServer } from '../../../src/protocol/codec.ts';
import { HELLO } from '../../helpers/box.ts';
import type { EventQueue } from './event-queue.ts';

/**
 * `refusing`: the machine is there and nothing listens on its port, so its kernel answers at once. `gone`: nobody
 * answers at all, as behind a dead router or while the machine boots.
 */
export type Presence = 'here' | 'refusing' | 'gone';

/** When Linux sends an unanswered first packet again, after the first time: RFC 6298, doubling from 1 s. */
const RESENT_AFTER_MS = [1_000, 3_000, 7_000];
/** What of a handshake is left when the server has answered the first packet: TLS 1.3, then half of the upgrade. */
const ROUND_TRIPS_TO_UPGRADE = 2;
const GREETING = encodeServer(HELLO);

const REFUSED = lossOf(meaningOfError('ECONNREFUSED'), 'ECONNREFUSED');
const CUT_SHORT = lossOf(meaningOfError('ECONNRESET'), 'ECONNRESET');
const NO_ANSWER = lossOf(meaningOfError('ETIMEDOUT'), 'no connection before the deadline');
const CLOSED_HERE = closedBy(1000);

export function closedBy(code: number): Loss {
  return lossOf(meaningOfClose(code), `closed with ${code}`);
}

function lossOf(meaning: Meaning, reason: string): Loss {
  return { ...meaning, reason, detectedBy: 'model' };
}

export class ServerModel {
  /** Moments of every attempt, and of every upgrade that reached the server while it was here; in order of time. */
  readonly attemptedAtMs: number[] = [];
  readonly acceptedAtMs: number[] = [];
  readonly #queue: EventQueue;
  readonly #lines = new Set<Line>();
  #presence: Presence = 'here';

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  dial(rttMs: number, request: DialRequest, on: SocketEvents): Line {
    this.attemptedAtMs.push(this.#queue.nowMs);
    const line = new Line(this, this.#queue, rttMs, request.deadlineMs, on);
    this.#knock(line, 0);
    return line;
  }

  /**
   * Every connection ends in this instant, and whoever comes from now on meets what is then there.
   * @param loss null: nobody is told, as when the power fails
   */
  endAll(loss: Loss | null, presence: Presence): void {
    this.#presence = presence;
    const lines = [...this.#lines];
    this.#lines.clear();
    if (loss !== null) for (const line of lines) line.cut(line.isOpen ? loss : CUT_SHORT);
  }

  comeBack(): void {
    this.#presence = 'here';
  }

  /** What comes of a packet on a connection: a machine that is there resets what it does not know. */
  meets(line: Line): 'answer' | 'reset' | 'silence' {
    if (this.#lines.has(line)) return 'answer';
    return this.#presence === 'gone' ? 'silence' : 'reset';
  }

  accepted(): void {
    this.acceptedAtMs.push(this.#queue.nowMs);
  }

  forget(line: Line): void {
    this.#lines.delete(line);
  }

  #knock(line: Line, resent: number): void {
    const sentAtMs = this.#queue.nowMs;
    line.later(line.rttMs / 2, () => {
      if (this.#presence === 'here') {
        this.#lines.add(line);
        line.answered();
      } else if (this.#presence === 'refusing') {
        line.cut(REFUSED);
      } else {
        const [before, next] = [RESENT_AFTER_MS[resent - 1] ?? 0, RESENT_AFTER_MS[resent]];
        if (next === undefined) return;
        const dueMs = sentAtMs + next - before;
        line.later(dueMs - this.#queue.nowMs, () => this.#knock(line, resent + 1));
      }
    });
  }
}

/** One connection, from the first packet on; `over` is the board's view, the server has its own. */
export class Line implements Socket {
  readonly rttMs: number;
  /** A model network takes everything at once. */
  readonly sentBytes = 0;

  readonly #server: ServerModel;
  readonly #queue: EventQueue;
  readonly #on: SocketEvents;
  readonly #disarm: () => void;
  #phase: 'calling' | 'reached' | 'open' | 'over' = 'calling';

  constructor(server: ServerModel, queue: EventQueue, rttMs: number, deadlineMs: number, on: SocketEvents) {
    this.#server = server;
    this.#queue = queue;
    this.rttMs = rttMs;
    this.#on = on;
    this.#disarm = queue.after(deadlineMs, () => this.#end(NO_ANSWER));
  }

  underWayBytes(): number {
    return 0;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Only the hello is ever said on a box that nobody talks to. */
  sendText(): boolean {
    if (this.isOpen) this.#ask(() => this.#on.text(GREETING));
    return this.isOpen;
  }

  sendBinary(): boolean {
    return this.isOpen;
  }

  ping(mark: number): boolean {
    if (this.isOpen) this.#ask(() => this.#on.ponged(mark));
    return this.isOpen;
  }

  close(): void {
    if (this.isOver) return;
    this.terminate();
    this.#queue.after(this.rttMs, () => this.#on.closed(CLOSED_HERE));
  }

  terminate(): void {
    this.#phase = 'over';
    this.#disarm();
    this.#server.forget(this);
  }

  /** For the server: the first packet was answered. */
  answered(): void {
    this.later(this.rttMs / 2, () => {
      this.#phase = 'reached';
      this.#on.reached({ local: '192.0.2.7', remote: '192.0.2.1' });
    });
    this.later(this.rttMs * ROUND_TRIPS_TO_UPGRADE, () => {
      if (this.#server.meets(this) !== 'answer') return;
      this.#server.accepted();
      this.later(this.rttMs / 2, () => {
        this.#phase = 'open';
        this.#disarm();
        this.#on.opened();
      });
    });
  }

  /** For the server: it is over; the board hears of it as soon as the network carries it. */
  cut(loss: Loss): void {
    this.later(this.rttMs / 2, () => this.#end(loss));
  }

  later(delayMs: number, run: () => void): void {
    this.#queue.after(delayMs, () => {
      if (!this.isOver) run();
    });
  }

  #ask(answer: () => void): void {
    this.later(this.rttMs / 2, () => {
      const met = this.#server.meets(this);
      if (met === 'answer') this.later(this.rttMs / 2, answer);
      if (met === 'reset') this.cut(CUT_SHORT);
    });
  }

  #end(loss: Loss): void {
    if (this.isOver) return;
    this.terminate();
    this.#on.closed(loss);
  }
}
