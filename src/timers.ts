// The timers that are to run, by name: started and cancelled to match. Knows nothing of what they are for.
import type { Timer } from './core/held-timers.ts';
import type { Cancel, Clock } from './ports.ts';

export class Timers {
  readonly #clock: Clock;
  readonly #fired: (name: string) => void;
  readonly #running = new Map<string, Cancel>();

  constructor(clock: Clock, fired: (name: string) => void) {
    this.#clock = clock;
    this.#fired = fired;
  }

  match(timers: readonly Timer[]): void {
    for (const [name, cancel] of this.#running) {
      if (timers.some((timer) => timer.name === name)) continue;
      cancel();
      this.#running.delete(name);
    }
    const now = this.#clock.now();
    for (const { name, afterMs, from = now } of timers) {
      if (this.#running.has(name)) continue;
      const fire = () => {
        this.#running.delete(name);
        this.#fired(name);
      };
      this.#running.set(name, this.#clock.after(Math.max(0, from + afterMs - now), fire));
    }
  }
}
