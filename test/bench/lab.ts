// What every bench gets: a folder, a way to say what it is doing, and the promise that everything it starts ends, be
// it after the bench, on an error or at Ctrl-C. Knows nothing of what is started.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figure.ts';

export type Bench = {
  /** As it is asked for on the command line. */
  readonly name: string;
  readonly about: string;
  measure(lab: Lab): Promise<readonly Figure[]>;
};

export type Lab = {
  /** Its own, and gone afterwards. */
  readonly directory: string;
  /** Starts it, and ends it after the bench, the last one started first. Once the bench is over nothing starts. */
  keep<T>(start: () => Promise<T> | T, end: (started: T) => Promise<void> | void): Promise<T>;
};

export class Laboratory implements Lab {
  readonly directory = mkdtempSync(join(tmpdir(), 'xzb-'));
  readonly #ends: (() => Promise<void>)[] = [];
  #isOpen = true;

  async keep<T>(start: () => Promise<T> | T, end: (started: T) => Promise<void> | void): Promise<T> {
    // Ctrl-C while a bench is about to start the next thing.
    if (!this.#isOpen) throw new Error('the bench is over');
    const starting = Promise.resolve(start());
    this.#ends.push(async () => {
      // What has failed to start has nothing to end, and whoever awaits it hears why.
      const started = await starting.then(
        (value) => ({ value }),
        () => undefined,
      );
      if (started !== undefined) await end(started.value);
    });
    return starting;
  }

  /** Ends everything, whatever fails on the way; returns what failed. */
  async clear(): Promise<readonly unknown[]> {
    this.#isOpen = false;
    const failures: unknown[] = [];
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    return failures;
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
