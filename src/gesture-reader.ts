// The gestures in a run of edges, as the core would read them, for showing them to somebody. Decides nothing.
import type { Event } from './core/events.ts';
import { type Gesture, type GesturePolicy, type Sign, stepGesture, timersOfGesture } from './core/gesture.ts';
import type { Clock } from './ports.ts';
import { Timers } from './timers.ts';

export class GestureReader {
  readonly #clock: Clock;
  readonly #policy: GesturePolicy;
  readonly #read: (sign: Sign) => void;
  readonly #timers: Timers;
  #gesture: Gesture = { phase: 'up' };

  constructor(parts: { clock: Clock; policy: GesturePolicy; read: (sign: Sign) => void }) {
    this.#clock = parts.clock;
    this.#policy = parts.policy;
    this.#read = parts.read;
    this.#timers = new Timers(parts.clock, (timer) => this.#step({ type: 'timer.fired', timer }));
  }

  take(edge: 'pressed' | 'released'): void {
    this.#step({ type: `button.${edge}` });
  }

  stop(): void {
    this.#timers.match([]);
  }

  #step(event: Event): void {
    const [gesture, signs] = stepGesture(this.#gesture, event, this.#clock.now(), this.#policy);
    this.#gesture = gesture;
    this.#timers.match(timersOfGesture(gesture, this.#policy));
    for (const sign of signs) this.#read(sign);
  }
}
