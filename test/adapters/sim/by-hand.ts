// Waiting, where time is moved by hand: steps of 5 ms until a condition holds.

import type { HandClock } from '../../helpers/hand-clock.ts';

const STEP_MS = 5;
const LIMIT_MS = 60_000;

export function untilByHand(clock: HandClock): (condition: () => boolean, what: string) => Promise<void> {
  return async (condition, what) => {
    const fromMs = clock.now();
    while (!condition()) {
      if (clock.now() - fromMs > LIMIT_MS) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
      clock.advance(STEP_MS);
      await Promise.resolve();
    }
  };
}
