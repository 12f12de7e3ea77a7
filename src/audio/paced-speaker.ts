// A speaker fed at the rate it plays: never far ahead, so that silence can be had at once; started again when it breaks.
// Where the sound comes from, it does not know.
import type { Cancel, Clock, Log, Pcm, Speaker } from '../ports.ts';
import { Restarts, type Trouble } from './restarts.ts';

export interface PacedEvents {
  /** The next sound, at most `SLICE_MS` of it; undefined when there is none for now. */
  pull(aheadMs: number): Pcm | undefined;
  /** Everything written has been heard. */
  finished(): void;
  /** In trouble for longer than a person waits; it is closed. */
  failed(reason: string): void;
}

/** Sound is written in slices of 20 ms, a card's usual period, and at most 100 ms ahead of what has been played. */
export const SLICE_MS = 20;
/** A card that is busy or gone says so within half a second; until then nothing written counts as heard. */
const OPENING_MS = 500;
export const AHEAD_MS = 100;
type Phase =
  | { readonly name: 'closed' }
  | { readonly name: 'feeding' | 'restarting'; readonly on: PacedEvents; readonly timer: Cancel }
  | { readonly name: 'finishing'; readonly on: PacedEvents };

/** A paced speaker, or a part of one that is shared. */
export type PacedOutput = Pick<PacedSpeaker, 'rateHz' | 'status' | 'start' | 'wake' | 'finish' | 'stop'>;

export class PacedSpeaker {
  readonly #speaker: Speaker;
  readonly #clock: Clock;
  readonly #log: Log;
  #phase: Phase = { name: 'closed' };
  /** When the sound written last will have been played. */
  #playedUntil = 0;
  /** Since the device was opened. */
  #writtenMs = 0;
  #openedAt = 0;
  /** Written and, as far as one can know, not heard yet; and what of it is to be written again after a restart. */
  #unheard: { readonly slice: Pcm; readonly until: number }[] = [];
  #again: Pcm[] = [];
  readonly #restarts: Restarts;
  #underruns = 0;

  constructor(parts: { speaker: Speaker; clock: Clock; log: Log }) {
    this.#speaker = parts.speaker;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#restarts = new Restarts(parts.clock);
  }

  get rateHz(): number {
    return this.#speaker.rateHz;
  }

  status(): {
    device: string;
    state: Phase['name'];
    restarts: number;
    underruns: number;
    lastTrouble: Trouble | null;
  } {
    return {
      device: this.#speaker.device,
      state: this.#phase.name,
      restarts: this.#restarts.count,
      underruns: this.#underruns,
      lastTrouble: this.#restarts.last,
    };
  }

  start(on: PacedEvents): void {
    this.stop();
    this.#restarts.begin();
    this.#again = [];
    this.#open(on);
  }

  /** There is something to pull: don't wait for the next slice's time. */
  wake(): void {
    if (this.#phase.name !== 'feeding') return;
    this.#phase.timer();
    this.#feed(this.#phase.on);
  }

  /** Plays out what was written; the device is closed after it. */
  finish(): void {
    if (this.#phase.name !== 'feeding') return;
    this.#phase.timer();
    this.#phase = { name: 'finishing', on: this.#phase.on };
    this.#speaker.finish();
  }

  /** Silence, now. */
  stop(): void {
    if (this.#phase.name === 'closed') return;
    if (this.#phase.name !== 'finishing') this.#phase.timer();
    this.#phase = { name: 'closed' };
    this.#speaker.stop();
  }

  #open(on: PacedEvents): void {
    this.#openedAt = this.#clock.now();
    this.#playedUntil = this.#openedAt;
    this.#unheard = [];
    this.#writtenMs = 0;
    this.#speaker.start({
      finished: () => this.#ended(on),
      ended: (reason) => this.#broke(on, reason),
    });
    this.#feed(on);
  }

  #feed(on: PacedEvents): void {
    // First the timer: `pull` may end it all.
    this.#phase = { name: 'feeding', on, timer: this.#clock.after(SLICE_MS, () => this.#feed(on)) };
    const now = this.#clock.now();
    if (this.#playedUntil < now) {
      // The loop was late: what should have played in between was silence.
      if (this.#writtenMs > 0) this.#underruns += 1;
      this.#playedUntil = now;
    }
    while (this.#playedUntil - now <= AHEAD_MS - SLICE_MS) {
      const slice = this.#again.shift() ?? on.pull(this.#playedUntil - now);
      if (slice === undefined || this.#phase.name !== 'feeding') return;
      this.#speaker.write(slice);
      this.#restarts.works();
      const sliceMs = (slice.length / 2 / this.#speaker.rateHz) * 1_000;
      this.#writtenMs += sliceMs;
      this.#playedUntil += sliceMs;
      this.#remember(slice, now);
    }
  }

  #ended(on: PacedEvents): void {
    this.#phase = { name: 'closed' };
    on.finished();
  }

  /** At most what is ahead, and at the beginning what a device may swallow that then doesn't open. */
  #remember(slice: Pcm, now: number): void {
    if (now - this.#openedAt >= OPENING_MS) this.#unheard = this.#unheard.filter(({ until }) => until > now);
    this.#unheard.push({ slice, until: this.#playedUntil });
  }

  #broke(on: PacedEvents, reason: string): void {
    const now = this.#clock.now();
    const opening = now - this.#openedAt < OPENING_MS;
    const lost = this.#unheard.filter(({ until }) => opening || until > now);
    this.#again.unshift(...lost.map(({ slice }) => slice));
    const { name } = this.#phase;
    if (this.#phase.name === 'feeding' || this.#phase.name === 'restarting') this.#phase.timer();
    this.#speaker.stop();
    const { retryInMs, failed, isNews } = this.#restarts.broke(reason);
    this.#log[isNews ? 'warn' : 'debug'](
      { device: this.#speaker.device, reason, retryInMs },
      'speaker broke off',
    );
    // Nothing is left that could be played again.
    if (name === 'finishing') return this.#ended(on);
    if (failed) {
      this.#phase = { name: 'closed' };
      return on.failed(reason);
    }
    this.#phase = { name: 'restarting', on, timer: this.#clock.after(retryInMs, () => this.#open(on)) };
  }
}
