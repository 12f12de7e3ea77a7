// How unevenly speech arrives, and so how much of it should be in reserve before the first sound: enough for the delays of
// the last half minute, and no more, for the reserve is a wait. Pure bookkeeping.

/** Two packets of 60 ms: with less each one that is a moment late is a gap. */
const LEAST_MS = 120;
/** A wait that people notice. */
const MOST_MS = 400;
/** The speaker asks 20 ms before it runs dry, and a timer may be as late. */
const MARGIN_MS = 40;
/** Assumed of a network and a server that are not known yet: coarse timers, a packet's length. */
const ASSUMED_LATE_MS = 60;
/** Whoever sends nothing for so long has paused (a tool is asked in mid-answer): no reserve would help. */
const PAUSE_MS = 1_000;
/** The worst delay is forgotten by half in about 20 s of speech: 0.998^346 = 1/2, at 60 ms a packet. */
const KEPT_PER_PACKET = 0.998;

export class Arrivals {
  /** By how much the best packet since the last pause was ahead of its time, and when the last one came. */
  #base: { readonly aheadMs: number; readonly mediaMs: number; readonly at: number } | null = null;
  #worstMs = ASSUMED_LATE_MS;
  #packetMs = 60;

  /** What should be in reserve, the packet that completes it included. */
  get reserveMs(): number {
    return Math.min(MOST_MS, Math.max(LEAST_MS, this.#packetMs + this.#worstMs + MARGIN_MS));
  }

  /** What follows has nothing to do with what came before: a new answer. */
  begin(): void {
    this.#base = null;
  }

  /** A packet that holds `durationMs` has come. */
  note(durationMs: number, at: number): void {
    this.#worstMs *= KEPT_PER_PACKET;
    this.#packetMs = durationMs;
    const base = this.#base;
    if (base === null || at - base.at > PAUSE_MS) {
      this.#base = { aheadMs: -at, mediaMs: durationMs, at };
      return;
    }
    // The more was sent before its time, the better off the listener: a lead is no lateness.
    const aheadMs = base.mediaMs - at;
    const lateMs = base.aheadMs - aheadMs;
    this.#worstMs = Math.max(this.#worstMs, Math.min(lateMs, MOST_MS));
    this.#base = { aheadMs: Math.max(base.aheadMs, aheadMs), mediaMs: base.mediaMs + durationMs, at };
  }
}
