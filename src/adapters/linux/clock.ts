// The real clock and dice. The only place that may ask the system for time or chance.
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../ports.ts';

export const clock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
  dice: () => Math.random(),
};
