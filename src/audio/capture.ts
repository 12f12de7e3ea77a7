// Keeps a microphone delivering: starts it again when it dies or falls silent, and notices a sound that never changes.
// Works through the port alone; what the sound is for, it does not know.
import type { Cancel, Clock, Log, Microphone, Pcm } from '../ports.ts';

export interface CaptureEvents {
  pcm(pcm: Pcm): void;
  /** Several starts in a row brought no sound at all; it goes on trying as long as it is open. */
  failed(reason: string): void;
}

export type CaptureStatus = {
  readonly device: string;
  readonly state: 'closed' | 'opening' | 'delivering' | 'restarting';
  readonly restarts: number;
  /** The same sample for 5 s: a mute switch, or a microphone that isn't connected. */
  readonly constant: boolean;
  readonly lastError: string | null;
};

/** Periods are 20 ms; fifty missing in a row are no scheduling hiccup but a capture that hangs. */
const STALL_MS = 1_000;
/** A healthy microphone's noise changes the last bit many times a second. */
const CONSTANT_SAMPLES = 5 * 16_000;
/** The first restart is at once, for a person is talking; a card that is gone costs one start every 5 s. */
const RESTART_DELAYS_MS = [0, 200, 1_000, 5_000] as const;
/** With the delays above: silence for about two seconds is what a person notices. */
const FAILED_AFTER = 3;

type Phase =
  | { readonly name: 'closed' }
  | { readonly name: 'opening' | 'delivering'; readonly on: CaptureEvents; readonly stall: Cancel }
  | { readonly name: 'restarting'; readonly on: CaptureEvents; readonly retry: Cancel };

export class Capture {
  readonly #microphone: Microphone;
  readonly #clock: Clock;
  readonly #log: Log;
  #phase: Phase = { name: 'closed' };
  /** Starts in a row that brought no sound. */
  #fruitless = 0;
  #restarts = 0;
  #lastError: string | null = null;
  #constant = { sample: 0, count: 0 };

  constructor(parts: { microphone: Microphone; clock: Clock; log: Log }) {
    this.#microphone = parts.microphone;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  get open(): boolean {
    return this.#phase.name !== 'closed';
  }

  status(): CaptureStatus {
    return {
      device: this.#microphone.device,
      state: this.#phase.name,
      restarts: this.#restarts,
      constant: this.#constant.count >= CONSTANT_SAMPLES,
      lastError: this.#lastError,
    };
  }

  start(on: CaptureEvents): void {
    if (this.open) return;
    this.#fruitless = 0;
    this.#constant = { sample: 0, count: 0 };
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
    return this.#clock.after(STALL_MS, () => this.#broke(on, `no sound for ${STALL_MS / 1000} s`));
  }

  #delivered(on: CaptureEvents, pcm: Pcm): void {
    this.#leave();
    this.#phase = { name: 'delivering', on, stall: this.#watch(on) };
    this.#fruitless = 0;
    this.#notice(pcm);
    on.pcm(pcm);
  }

  #broke(on: CaptureEvents, reason: string): void {
    this.#leave();
    this.#microphone.stop();
    const delayMs = RESTART_DELAYS_MS[Math.min(this.#fruitless, RESTART_DELAYS_MS.length - 1)] ?? 0;
    this.#fruitless += 1;
    this.#restarts += 1;
    this.#lastError = reason;
    this.#log.warn({ device: this.#microphone.device, reason, retryInMs: delayMs }, 'microphone broke off');
    const retry = this.#clock.after(delayMs, () => this.#begin(on));
    this.#phase = { name: 'restarting', on, retry };
    if (this.#fruitless === FAILED_AFTER) on.failed(reason);
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
