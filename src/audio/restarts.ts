// When a broken device is started again, and when it counts as failed: one policy for microphone and speaker. Pure
// bookkeeping over moments that it is given.
import type { Clock } from '../ports.ts';

/** What went wrong last, for `status`. `over`: it has worked since. */
export type Trouble = { readonly reason: string; readonly atMs: number; readonly over: boolean };

/**
 * The first restart is at once, for a person is talking or listening. Then the pauses double: a sound server that
 * restarts is back within a second, a card that was unplugged is looked for every 5 s.
 */
const DELAYS_MS = [0, 100, 200, 400, 800, 1_600, 5_000] as const;
/** Silence of two seconds is what a person notices and waits through. */
const FAILED_AFTER_MS = 2_000;
/** It has worked this long, in one piece or several: the next break is a new trouble. A chunk of sound proves nothing. */
const RECOVERED_AFTER_MS = 2_000;
/** Chunks come every 20 ms; a pause of ten is none of a scheduler's. */
const FLOWING_MS = 200;

export class Restarts {
  readonly #clock: Clock;
  /** Breaks since it last worked for long. */
  #breaks = 0;
  #workedMs = 0;
  #soundAt = 0;
  /** Silence in this trouble, up to the last sound. */
  #silentMs = 0;
  #count = 0;
  #last: Trouble | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Over the whole life of the process. */
  get count(): number {
    return this.#count;
  }

  get last(): Trouble | null {
    return this.#last;
  }

  /** The device is wanted from now on. */
  begin(): void {
    this.#breaks = 0;
    this.#silentMs = 0;
    this.#soundAt = this.#clock.now();
  }

  /** Sound flows. */
  works(): void {
    const now = this.#clock.now();
    const sinceMs = now - this.#soundAt;
    this.#soundAt = now;
    // What is longer than a stall was no sound in between.
    if (sinceMs < FLOWING_MS) this.#workedMs += sinceMs;
    else if (this.#breaks > 0) this.#silentMs += sinceMs;
    if (this.#workedMs < RECOVERED_AFTER_MS) return;
    this.#breaks = 0;
    this.#silentMs = 0;
    if (this.#last !== null && !this.#last.over) this.#last = { ...this.#last, over: true };
  }

  /** It broke off: when to start it again, and whether it has been silent for longer than a person waits. */
  broke(reason: string): { readonly retryInMs: number; readonly failed: boolean; readonly isNews: boolean } {
    const now = this.#clock.now();
    // A box without a speaker would say so half a dozen times a cue, a microphone that is always wanted for ever.
    const isNews = this.#last === null || this.#last.over || this.#last.reason !== reason;
    const retryInMs = DELAYS_MS[Math.min(this.#breaks, DELAYS_MS.length - 1)] ?? 0;
    this.#breaks += 1;
    this.#workedMs = 0;
    this.#count += 1;
    this.#last = { reason, atMs: this.#clock.wallMs(), over: false };
    return { retryInMs, failed: this.#silentMs + (now - this.#soundAt) >= FAILED_AFTER_MS, isNews };
  }
}
