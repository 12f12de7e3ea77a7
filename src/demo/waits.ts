// Waiting, for the demo's steps: until something is so, never for a guessed time; it ends with a sentence when the
// deadline passes, when the demo is interrupted, and when a program that is needed has died.

import type { Clock } from '../ports.ts';

/** What waits is at most this late; each look is one question over a local socket. */
const LOOK_EVERY_MS = 20;

export class Waits {
  readonly #clock: Clock;
  readonly #interrupted: AbortSignal;
  readonly #trouble: () => string | undefined;

  constructor(parts: { clock: Clock; interrupted: AbortSignal; trouble: () => string | undefined }) {
    this.#clock = parts.clock;
    this.#interrupted = parts.interrupted;
    this.#trouble = parts.trouble;
  }

  /** `look` gives undefined while it is not so. */
  async until<T>(
    what: string,
    deadlineMs: number,
    look: () => T | undefined | Promise<T | undefined>,
  ): Promise<T> {
    const giveUpAt = this.#clock.now() + deadlineMs;
    for (;;) {
      this.check();
      const seen = await look();
      if (seen !== undefined) return seen;
      if (this.#clock.now() >= giveUpAt) throw new Error(`not within ${deadlineMs / 1000} s: ${what}`);
      await this.#rest(LOOK_EVERY_MS);
    }
  }

  async pause(durationMs: number): Promise<void> {
    const overAt = this.#clock.now() + durationMs;
    while (this.#clock.now() < overAt) {
      this.check();
      await this.#rest(Math.min(LOOK_EVERY_MS, overAt - this.#clock.now()));
    }
  }

  check(): void {
    if (this.#interrupted.aborted) throw new Error('interrupted');
    const trouble = this.#trouble();
    if (trouble !== undefined) throw new Error(trouble);
  }

  #rest(durationMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(durationMs, resolve));
  }
}
