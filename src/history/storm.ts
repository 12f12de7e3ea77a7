// Which of many lines alike are written: the first few, every doubling, and one now and then, so that a night without a
// server fills no card. Counts and remembers moments; knows nothing of what the lines say.
import type { Loss } from '../core/events.ts';
import type { Clock } from '../ports.ts';

/** These are all written: a person who watches sees that it is tried again (reliability.md §1). */
export const ALWAYS = 3;
/** However many there are, the log shows that it still goes on. */
const AT_LEAST_EVERY_MS = 600_000;
/** A connection that has lasted this long (as long as failures count over a restart) begins a new story. */
const CLOSE_MS = 600_000;
/** Each is up to 4 KB in the log; more different surprises than this in one run are one surprise. */
const STACKS_KEPT = 20;

export class Storm {
  readonly #clock: Clock;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOverdue(): boolean {
    return this.#clock.now() - this.#writtenAt >= AT_LEAST_EVERY_MS;
  }

  /** How many were left out before this one, if it is to be written; null: it is left out as well. */
  written(number: number, anyway = false): number | null {
    if (!anyway && number > ALWAYS && !isPowerOfTwo(number) && !this.isOverdue) {
      this.leaveOut();
      return null;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    this.#writtenAt = this.#clock.now();
    return leftOut;
  }

  leaveOut(): void {
    this.#leftOut += 1;
  }
}

/** Outages that follow each other closely are one story, told as sparingly as the attempts of one of them. */
export class Run {
  readonly #clock: Clock;
  readonly #storm: Storm;
  #outage: number | null = null;
  #endedAt = Number.NEGATIVE_INFINITY;
  #count = 0;
  #classes: string[] = [];
  /** Attempts in a row that failed, in the worst outage of the run. */
  #mostFailed = 0;
  /** Of the present outage: how many before it were left out; null: it is left out as well. */
  #leftOut: number | null = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#storm = new Storm(clock);
  }

  /** The present outage is left out. */
  get isQuiet(): boolean {
    return this.#leftOut === null;
  }

  /** Whether it is another one than the last. */
  began(outage: number): boolean {
    if (outage === this.#outage) return false;
    this.#outage = outage;
    if (this.#clock.now() - this.#endedAt >= CLOSE_MS) {
      this.#count = 0;
      this.#classes = [];
      this.#mostFailed = 0;
    }
    this.#count += 1;
    this.#leftOut = this.#storm.written(this.#count);
    return true;
  }

  ended(): void {
    this.#endedAt = this.#clock.now();
  }

  /** Whether this class of failure is new in the run; there are no more than ten. */
  isNews(name: string): boolean {
    if (this.#classes.includes(name)) return false;
    this.#classes.push(name);
    return true;
  }

  /** The present outage is told after all, `anyway` or when it has become far worse than those before. */
  speakUp(failed: number, anyway: boolean): void {
    const isWorse = failed > Math.max(ALWAYS, this.#mostFailed) && isPowerOfTwo(failed);
    this.#mostFailed = Math.max(this.#mostFailed, failed);
    if (!this.isQuiet || !(anyway || isWorse || this.#storm.isOverdue)) return;
    // It was counted as left out itself.
    this.#leftOut = (this.#storm.written(this.#count, true) ?? 1) - 1;
  }

  /** How many outages were left out before this line, once. */
  takeLeftOut(): number {
    const leftOut = this.#leftOut;
    if (leftOut !== null) this.#leftOut = 0;
    return leftOut ?? 0;
  }
}

/** The stack of a surprise is worth its length once. */
export class Stacks {
  readonly #seen: string[] = [];

  once({ stack, reason }: Loss): string | undefined {
    if (stack === undefined || this.#seen.includes(reason) || this.#seen.length >= STACKS_KEPT)
      return undefined;
    this.#seen.push(reason);
    return stack;
  }
}

function isPowerOfTwo(number: number): boolean {
  return Number.isInteger(Math.log2(number));
}
