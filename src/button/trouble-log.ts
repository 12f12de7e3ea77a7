// What the log is told of a line that cannot be heard: each thing once, however often the line is tried, and that it is over
// when it is. Knows no backend and no pause.
import type { Log } from '../ports.ts';

/** Reasons told of one trouble: whatever a backend says next, the log is not filled with it. */
const MOST_REASONS = 5;

export class TroubleLog {
  readonly #name: string;
  readonly #log: Log;
  readonly #reasons = new Set<string>();
  /** The last that was said of it. */
  #said: 'nothing' | 'broken' | 'works again' | 'works and breaks' = 'nothing';

  constructor(name: string, log: Log) {
    this.#name = name;
    this.#log = log;
  }

  broke(how: 'warn' | 'error', reason: string, retryInMs: number): void {
    const isNew = !this.#reasons.has(reason) && this.#reasons.size < MOST_REASONS;
    if (isNew) this.#reasons.add(reason);
    if (this.#said === 'works again') {
      this.#said = 'works and breaks';
      const text = `${this.#name} works and breaks again and again; it is told of when that ends`;
      this.#log[how]({ reason, retryInMs }, text);
    } else if (isNew) {
      if (this.#said === 'nothing') this.#said = 'broken';
      this.#log[how]({ reason, retryInMs }, `${this.#name} cannot be heard; it is tried again`);
    }
  }

  works(found: object): void {
    if (this.#said === 'nothing') this.#log.info(found, `${this.#name} taken`);
    if (this.#said !== 'broken') return;
    this.#said = 'works again';
    this.#log.info(found, `${this.#name} works again`);
  }

  /** It has worked for so long that the next break is another trouble. */
  isOver(found: object): void {
    if (this.#said === 'works and breaks')
      this.#log.info(found, `${this.#name} works again, and has not broken since`);
    this.#said = 'nothing';
    this.#reasons.clear();
  }
}
