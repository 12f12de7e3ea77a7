// What turns the volume: the card's mixer, or our own samples where there is none or it fails. Knows no percent of a card and
// no reason for a change.
import { gainOf } from './audio/gain.ts';
import type { MixingDesk } from './audio/mixing-desk.ts';
import type { Log, Mixer } from './ports.ts';

export class Loudness {
  readonly #desk: MixingDesk;
  readonly #log: Log;
  #mixer: Mixer | null;
  #turnedTo: number | null;
  /** What samples of speech are multiplied with. */
  #factor = 1;
  #trouble: string | null = null;

  constructor(parts: { desk: MixingDesk; mixer: Mixer | null; log: Log }) {
    this.#desk = parts.desk;
    this.#mixer = parts.mixer;
    this.#log = parts.log;
    this.#turnedTo = parts.mixer?.found ?? null;
    parts.mixer?.start({ failed: (reason) => this.#failed(reason) });
  }

  get factor(): number {
    return this.#factor;
  }

  status(): { readonly by: string; readonly trouble: string | null } {
    return { by: this.#mixer === null ? 'own' : this.#mixer.control, trouble: this.#trouble };
  }

  /** Makes it so; calling it again with the same changes nothing. */
  follow(volume: number): void {
    const mixer = this.#mixer;
    // At the bottom of its scale many a card still plays.
    this.#factor = mixer === null || volume === 0 ? gainOf(volume) : 1;
    this.#desk.speechGain = this.#factor;
    // At 0 only speech is silent: a press still has its sound, at what the card was turned to.
    if (volume === this.#turnedTo || volume === 0) return;
    this.#turnedTo = volume;
    mixer?.turn(volume);
  }

  #failed(reason: string): void {
    const volume = this.#turnedTo;
    this.#log.warn(
      { control: this.#mixer?.control, reason },
      'the mixer does not turn: the volume is made of samples',
    );
    this.#trouble = reason;
    this.#mixer?.stop();
    this.#mixer = null;
    if (volume !== null) this.follow(volume);
  }
}
