// What stands between a microphone and whoever listens to it: gain, a count of what is clipped, a look at the level, and
// the cut under a sound of our own. Itself a microphone; knows nothing of what is said.
import type { Clock, Log, Microphone, MicrophoneEvents, Pcm } from '../ports.ts';
import { gainOfDb } from './gain.ts';

/** Chunks of 20 ms: a meter shows the last tenth of a second. */
const METERED_CHUNKS = 5;
const FULL_SCALE = 32_768;
const [LOWEST, HIGHEST] = [-FULL_SCALE, FULL_SCALE - 1] as const;
/** A pop clips some samples; from here on it is the gain. */
const WARN_AFTER_CLIPPED = 160;
/** For a meter alone, a device that is busy is tried again no more often than this. */
const RETRY_MS = 1_000;
/** Fifty chunks missing in a row are no scheduling hiccup but a device that hangs. */
const HANGS_MS = 1_000;
/** One second of chunks, which half of one look brings. */
const JUDGED_CHUNKS = 50;
/** A healthy microphone's noise is in every chunk; some begin with a few tens of milliseconds of nought. */
const DEAD_SHARE = 0.9;
/** Samples of what the port delivers. */
const PER_MS = 16;
/** A device is open, and its first slice heard, within this (measured: 20 to 40 ms). */
const LATE_MS = 40;

export type Level = {
  /** Below full scale, of the loudest sample and on average; null: nothing comes. */
  readonly peakDb: number | null;
  readonly averageDb: number | null;
  readonly clippedSamples: number;
  /** Since something came; null: nothing ever has. */
  readonly heardAgoMs: number | null;
  /** Slices without a single sample that is not 0: what a microphone delivers that is muted, or none. */
  readonly zeroChunks: number;
  /** Of the last second that was heard, whenever that was, all or nearly all was such slices. */
  readonly isDead: boolean;
  /** Why nothing comes. */
  readonly trouble: string | null;
};

type Chunk = { readonly peak: number; readonly squares: number; readonly samples: number };

export class Preamp implements Microphone {
  readonly device: string;
  readonly #microphone: Microphone;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #gainDb: () => number;
  #on: MicrophoneEvents | null = null;
  #isMetered = false;
  #isOpen = false;
  #triedAt = Number.NEGATIVE_INFINITY;
  #trouble: string | null = null;
  #chunks: Chunk[] = [];
  #clipped = 0;
  #zeroChunks = 0;
  /** Of the last chunks, those of several openings together: whether they were nought. */
  #noughts: boolean[] = [];
  #heardAt: number | null = null;
  /** Until that moment what comes in is our own sound. */
  #cutUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: { microphone: Microphone; clock: Clock; log: Log; gainDb: () => number }) {
    this.#microphone = parts.microphone;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.device = parts.microphone.device;
    this.#gainDb = parts.gainDb;
  }

  get gainDb(): number {
    return this.#gainDb();
  }

  start(on: MicrophoneEvents): void {
    if (this.#on !== null) return;
    this.#on = on;
    if (!this.#isOpen) this.#open();
  }

  stop(): void {
    if (this.#on === null) return;
    this.#on = null;
    // Always: whoever stops it may do so because it hangs.
    this.#close();
    if (this.#isMetered) this.#open();
  }

  /** Makes it so: open, whoever else wants it. */
  meter(wanted: boolean): void {
    this.#isMetered = wanted;
    if (!wanted && this.#on === null) {
      if (this.#hangs) this.#trouble = `no sound for ${HANGS_MS / 1_000} s`;
      this.#close();
    }
    if (wanted && !this.#isOpen && this.#clock.now() - this.#triedAt >= RETRY_MS) this.#open();
  }

  /** A sound of our own begins now: every sample of it, and of the device's beginning late, is made silence. */
  cut(durationMs: number): void {
    this.#cutUntil = this.#clock.now() + durationMs + LATE_MS;
  }

  get level(): Level {
    const samples = this.#chunks.reduce((sum, chunk) => sum + chunk.samples, 0);
    const squares = this.#chunks.reduce((sum, chunk) => sum + chunk.squares, 0);
    const peak = this.#chunks.reduce((most, chunk) => Math.max(most, chunk.peak), 0);
    return {
      peakDb: samples === 0 ? null : dbOf(peak),
      averageDb: samples === 0 ? null : dbOf(Math.sqrt(squares / samples)),
      clippedSamples: this.#clipped,
      heardAgoMs: this.#heardAt === null ? null : this.#clock.now() - this.#heardAt,
      zeroChunks: this.#zeroChunks,
      isDead: this.#noughts.filter((isNought) => isNought).length >= JUDGED_CHUNKS * DEAD_SHARE,
      trouble: this.#trouble,
    };
  }

  /** It is open and says nothing: neither sound nor why. */
  get #hangs(): boolean {
    const since = Math.max(this.#triedAt, this.#heardAt ?? this.#triedAt);
    return this.#isOpen && this.#clock.now() - since >= HANGS_MS;
  }

  #open(): void {
    this.#isOpen = true;
    this.#triedAt = this.#clock.now();
    this.#microphone.start({
      pcm: (pcm) => this.#heard(pcm),
      ended: (reason) => {
        this.#isOpen = false;
        this.#chunks = [];
        this.#trouble = reason;
        const on = this.#on;
        this.#on = null;
        on?.ended(reason);
      },
    });
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#chunks = [];
    this.#cutUntil = Number.NEGATIVE_INFINITY;
    this.#microphone.stop();
  }

  #heard(pcm: Pcm): void {
    this.#trouble = null;
    this.#heardAt = this.#clock.now();
    const louder = this.#amplified(pcm);
    this.#on?.pcm(this.#cutFrom(louder));
  }

  #amplified(pcm: Pcm): Pcm {
    const before = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    const after = new DataView(new ArrayBuffer(pcm.length & ~1));
    const gain = gainOfDb(this.gainDb);
    let [peak, squares, clipped] = [0, 0, 0];
    let isNought = true;
    for (let at = 0; at < after.byteLength; at += 2) {
      const given = before.getInt16(at, true);
      // Before the gain, which may make nought of a faint noise.
      if (given !== 0) isNought = false;
      const value = Math.max(LOWEST, Math.min(HIGHEST, Math.round(given * gain)));
      // What came in at the very end of the scale was clipped before it got here.
      if (isAtEnd(given) || isAtEnd(value)) clipped += 1;
      peak = Math.max(peak, Math.abs(value));
      squares += value * value;
      after.setInt16(at, value, true);
    }
    this.#chunks.push({ peak, squares, samples: after.byteLength / 2 });
    if (this.#chunks.length > METERED_CHUNKS) this.#chunks.shift();
    if (isNought) this.#zeroChunks += 1;
    this.#noughts.push(isNought);
    if (this.#noughts.length > JUDGED_CHUNKS) this.#noughts.shift();
    this.#count(clipped);
    return new Uint8Array(after.buffer);
  }

  #count(clipped: number): void {
    const before = this.#clipped;
    this.#clipped += clipped;
    if (before >= WARN_AFTER_CLIPPED || this.#clipped < WARN_AFTER_CLIPPED) return;
    this.#log.warn(
      { device: this.device, gainDb: this.gainDb, clippedSamples: this.#clipped },
      'the microphone is too loud and is clipped: lower audio.input.gain_db, or the card in alsamixer',
    );
  }

  /** What has just come in was heard up to now. */
  #cutFrom(pcm: Pcm): Pcm {
    const beganAt = this.#clock.now() - pcm.length / 2 / PER_MS;
    const samples = Math.ceil((this.#cutUntil - beganAt) * PER_MS);
    return samples <= 0 ? pcm : pcm.fill(0, 0, Math.min(pcm.length, samples * 2));
  }
}

function isAtEnd(value: number): boolean {
  return value <= LOWEST || value >= HIGHEST;
}

function dbOf(value: number): number {
  return 20 * Math.log10(Math.max(1, value) / FULL_SCALE);
}
