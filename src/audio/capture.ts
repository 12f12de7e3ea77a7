// Keeps a microphone delivering: starts it again when it dies or falls silent, and notices a sound that never changes.
// Works through the port alone; what the sound is for, it does not know.
import type { Cancel, Clock, Log, Microphone, Pcm } from '../ports.ts';
import { Restarts, type Trouble } from './restarts.ts';

export interface CaptureEvents {
  pcm(pcm: Pcm): void;
  /** No sound for longer than a person waits; said at every break from then on, and it goes on trying as long as it is open. */
  failed(reason: string): void;
}

export type CaptureStatus = {
  readonly device: string;
  readonly state: 'closed' | 'opening' | 'delivering' | 'restarting';
  readonly restarts: number;
  /** The same sample for 5 s: a mute switch, or a microphone that isn't connected. */
  readonly constant: boolean;
  readonly lastTrouble: Trouble | null;
};

/** Periods are 20 ms; fifty missing in a row are no scheduling hiccup but a capture that hangs. */
const STALL_MS = 1_000;
/** A process that stood still itself finds the time over before it reads what was recorded meanwhile: one period to read it. */
const READ_MS = 20;
/** A healthy microphone's noise changes the last bit many times a second. */
const CONSTANT_SAMPLES = 5 * 16_000;
type Phase =
  | { readonly name: 'closed' }
  | { readonly name: 'opening' | 'delivering'; readonly on: CaptureEvents; readonly stall: Cancel }
  | { readonly name: 'restarting'; readonly on: CaptureEvents; readonly retry: Cancel };

const noSoundYet = () => ({ sample: 0, count: 0 });

export class Capture {
  readonly #microphone: Microphone;
  readonly #clock: Clock;
  readonly #log: Log;
  #phase: Phase = { name: 'closed' };
  readonly #restarts: Restarts;
  #constant = noSoundYet();

  constructor(parts: { microphone: Microphone; clock: Clock; log: Log }) {
    this.#microphone = parts.microphone;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#restarts = new Restarts(parts.clock);
  }

  get open(): boolean {
    return this.#phase.name !== 'closed';
  }

  status(): CaptureStatus {
    return {
      device: this.#microphone.device,
      state: this.#phase.name,
      restarts: this.#restarts.count,
      constant: this.#constant.count >= CONSTANT_SAMPLES,
      lastTrouble: this.#restarts.last,
    };
  }

  start(on: CaptureEvents): void {
    if (this.open) return;
    this.#restarts.begin();
    this.#constant = noSoundYet();
    this.#begin(on);
  }

  /** Somebody speaks: one that waits to be started again is not waited for. */
  hurry(): void {
    if (this.#phase.name !== 'restarting') return;
    const { on } = this.#phase;
    this.#leave();
    this.#restarts.begin();
    this.#begin(on);
  }

  stop(): void {
    this.#leave();
    this.#phase = { name: 'closed' };
    this.#microphone.stop();
  }

  #begin(on: CaptureEvents): void {
    this.#phase = { name: 'opening', on, stall: this.#watch(on) };
    this.#microphone.start({
      pcm: (pcm) => this.#delivered(on, pcm),
      ended: (reason) => this.#broke(on, reason),
    });
  }

  #watch(on: CaptureEvents): Cancel {
    let cancel = this.#clock.after(STALL_MS, () => {
      cancel = this.#clock.after(READ_MS, () => this.#broke(on, `no sound for ${STALL_MS / 1000} s`));
    });
    return () => cancel();
  }

  #delivered(on: CaptureEvents, pcm: Pcm): void {
    this.#leave();
    this.#phase = { name: 'delivering', on, stall: this.#watch(on) };
    this.#restarts.works();
    this.#notice(pcm);
    on.pcm(pcm);
  }

  #broke(on: CaptureEvents, reason: string): void {
    this.#leave();
    this.#microphone.stop();
    const { retryInMs, failed, isNews } = this.#restarts.broke(reason);
    this.#log[isNews ? 'warn' : 'debug'](
      { device: this.#microphone.device, reason, retryInMs },
      'microphone broke off',
    );
    const retry = this.#clock.after(retryInMs, () => this.#begin(on));
    this.#phase = { name: 'restarting', on, retry };
    if (failed) on.failed(reason);
  }

  #leave(): void {
    if (this.#phase.name === 'restarting') this.#phase.retry();
    else if (this.#phase.name !== 'closed') this.#phase.stall();
  }

  #notice(pcm: Pcm): void {
    const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    const before = this.#constant.count;
    for (let at = 0; at + 1 < view.byteLength; at += 2) {
      const sample = view.getInt16(at, true);
      if (sample === this.#constant.sample) this.#constant.count += 1;
      else this.#constant = { sample, count: 1 };
    }
    if (before < CONSTANT_SAMPLES && this.#constant.count >= CONSTANT_SAMPLES)
      this.#log.warn(
        { device: this.#microphone.device, sample: this.#constant.sample },
        'the microphone has delivered one and the same value for 5 s: is it muted or not connected?',
      );
  }
}
