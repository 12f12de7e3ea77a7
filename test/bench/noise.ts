// How much of this machine others are using: a fixed piece of work, timed again and again. Knows nothing of what is
// measured in between.
import { median, quantile } from './figure.ts';

/** About 10 ms on a PC: shorter than a scheduler's long slices, so that a lost core shows up as a slow round. */
const ITERATIONS = 10_000_000;
/** Before and after each bench: together a fifth of a second. */
const ROUNDS = 10;

export type Noise = { readonly min: number; readonly median: number; readonly max: number };

/** The same work took `rounds` milliseconds. */
export function busyRounds(): readonly number[] {
  return Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    // Marsaglia's 32-bit xorshift: no loop that the compiler could shorten.
    let value = 1;
    for (let i = 0; i < ITERATIONS; i += 1) {
      value ^= value << 13;
      value ^= value >>> 17;
      value ^= value << 5;
    }
    if (value === 0) throw new Error('xorshift never gets to 0');
    return performance.now() - startMs;
  });
}

/** As multiples of the fastest round seen on this machine: 1 means undisturbed, 2 means half a core was left. */
export function noiseOf(rounds: readonly number[], fastestMs: number): Noise {
  const ratio = (ms: number) => Math.round((ms / fastestMs) * 100) / 100;
  return {
    min: ratio(quantile(rounds, 0)),
    median: ratio(median(rounds)),
    max: ratio(quantile(rounds, 1)),
  };
}
