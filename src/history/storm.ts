// Which of many lines alike are written: the first few, every doubling, and one now and then, so that a night without a
// server fills no card. Counts and remembers moments; knows nothing of what the lines say.
import type { Loss } from '../core/events.ts';
import type { Clock } from '../ports.ts';

/** These are all written: a person who watches sees that it is tried again (reliability.md §1). */
export const ALWAYS = 3;
/** However many there are, the log shows that it still goes on. */
const AT_LEAST_EVERY_MS = 600_000;
/** Each is up to 4 KB in the log; more different surprises than this in one run are one surprise. */
const STACKS_KEPT = 20;

export class Storm {
  readonly #clock: Clock;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many were left out before this one, if it is to be written; null: it is left out as well. */
  written(number: number, anyway = false): number | null {
    const now = this.#clock.now();
    if (number === 1) this.#leftOut = 0;
    const due = number <= ALWAYS || isPowerOfTwo(number) || now - this.#writtenAt >= AT_LEAST_EVERY_MS;
    if (!due && !anyway) {
      this.#leftOut += 1;
      return null;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    this.#writtenAt = now;
    return leftOut;
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
