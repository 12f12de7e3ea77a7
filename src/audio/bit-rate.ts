// How many bits a second speech may take, when the network cannot carry what it is asked to: down quickly, for words wait,
// and up again slowly. Pure; told by the uplink what it sees.

/** Speech stays understandable down to here (RFC 6716 §2.1.1: narrowband speech begins at 8 kbit/s). */
const LEAST_BPS = 8_000;
/** 24 -> 16 -> 11 -> 8 kbit/s. */
const DOWN = 2 / 3;
/** Half a second shows whether the last step helped; longer would let seconds of speech pile up. */
const DOWN_EVERY_MS = 500;
/** Room found for two seconds is more than a moment's. */
const UP_AFTER_MS = 2_000;
const UP = 5 / 4;

export class BitRate {
  readonly #mostBps: number;
  readonly #leastBps: number;
  #bps: number;
  /** When it was last looked whether the last step had helped, and what waited then. */
  #judged: { readonly at: number; readonly unsentMs: number } | null = null;
  /** Nothing was refused since. */
  #clearSince: number | null = null;

  constructor(mostBps: number) {
    this.#mostBps = mostBps;
    this.#leastBps = Math.min(LEAST_BPS, mostBps);
    this.#bps = mostBps;
  }

  get bps(): number {
    return this.#bps;
  }

  /** The network did not take a packet, and so much waits. A backlog that gets smaller is no reason to speak worse. */
  refused(unsentMs: number, at: number): void {
    this.#clearSince = null;
    const judged = this.#judged;
    if (judged !== null && at - judged.at < DOWN_EVERY_MS) return;
    this.#judged = { at, unsentMs };
    if (judged !== null && unsentMs > judged.unsentMs)
      this.#bps = Math.max(this.#leastBps, Math.round(this.#bps * DOWN));
  }

  /** Everything that was said is on its way. */
  kept(at: number): void {
    this.#clearSince ??= at;
    this.#judged = null;
    if (at - this.#clearSince < UP_AFTER_MS || this.#bps === this.#mostBps) return;
    this.#bps = Math.min(this.#mostBps, Math.round(this.#bps * UP));
    this.#clearSince = at;
  }
}
