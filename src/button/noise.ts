// Keeps what no finger can do from whoever listens: of a line with more edges than that only the level counts at which it
// comes to rest. Knows no backend and no meaning of a level.
import type { Cancel, Clock } from '../ports.ts';

export type Level = 'up' | 'down';

export type NoiseGateParts = {
  readonly clock: Clock;
  readonly pass: (level: Level) => void;
  /** `isNews`: not said of a noise that has only just paused. */
  readonly began: (isNews: boolean) => void;
  /** It is at rest, at this level. */
  readonly settled: (level: Level) => void;
};

/** The fastest finger makes 10 presses a second, which is 20 edges; a loose wire beside mains makes 100. */
const MOST_EDGES = 50;
const WINDOW_MS = 1_000;
/** Long beside the 20 ms of mains hum, short beside a finger that waits for an answer. */
const REST_MS = 500;
/** Noise that comes back within a minute is the same noise. */
const SAME_NOISE_MS = 60_000;

type Phase =
  | { readonly name: 'calm'; readonly sinceMs: number; edges: number }
  | { readonly name: 'noisy'; level: Level; lastAtMs: number };

export class NoiseGate {
  readonly #parts: NoiseGateParts;
  #phase: Phase = { name: 'calm', sinceMs: Number.NEGATIVE_INFINITY, edges: 0 };
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #timer: Cancel = ignore;

  constructor(parts: NoiseGateParts) {
    this.#parts = parts;
  }

  edge(level: Level): void {
    const atMs = this.#parts.clock.now();
    if (this.#phase.name === 'noisy') {
      // Thousands a second come here: no timer is moved for them.
      this.#phase.level = level;
      this.#phase.lastAtMs = atMs;
      return;
    }
    if (atMs - this.#phase.sinceMs >= WINDOW_MS) this.#phase = { name: 'calm', sinceMs: atMs, edges: 0 };
    this.#phase.edges += 1;
    if (this.#phase.edges <= MOST_EDGES) return this.#parts.pass(level);
    const isNews = atMs - this.#heardAtMs >= SAME_NOISE_MS;
    this.#phase = { name: 'noisy', level, lastAtMs: atMs };
    this.#awaitRest(REST_MS);
    this.#parts.began(isNews);
  }

  /** Whatever comes next comes from another run. */
  stop(): void {
    this.#timer();
    this.#phase = { name: 'calm', sinceMs: Number.NEGATIVE_INFINITY, edges: 0 };
  }

  #awaitRest(delayMs: number): void {
    this.#timer = this.#parts.clock.after(delayMs, () => {
      if (this.#phase.name !== 'noisy') return;
      const { level, lastAtMs } = this.#phase;
      const restedMs = this.#parts.clock.now() - lastAtMs;
      if (restedMs < REST_MS) return this.#awaitRest(REST_MS - restedMs);
      this.#heardAtMs = lastAtMs;
      this.stop();
      this.#parts.settled(level);
    });
  }
}

function ignore(): void {}
