// A key that goes on as long as it is held: one step at once, then one after the other. Knows nothing of what steps are of.
import type { Cancel, Clock } from '../ports.ts';
import type { LineEvents } from './line.ts';

/** What keyboards do: a pause in which a tap is over, then about seven steps a second, which an ear can follow. */
const FIRST_AFTER_MS = 400;
const EVERY_MS = 150;
/** From silent to full in steps of five, and a little more; a key that is stuck does no more than that. */
const MOST_STEPS = 25;

export function repeating(clock: Clock, step: () => void): LineEvents & { stop(): void } {
  let next: Cancel = () => {};

  function again(steps: number, delayMs: number): void {
    if (steps >= MOST_STEPS) return;
    next = clock.after(delayMs, () => {
      again(steps + 1, EVERY_MS);
      step();
    });
  }

  return {
    pressed() {
      next();
      again(1, FIRST_AFTER_MS);
      step();
    },
    released: () => next(),
    stop: () => next(),
  };
}
