// Tells speech from silence by loudness alone: good enough for a parrot, far from a real server's neural VAD.
// Takes PCM, knows nothing of packets, sessions and clocks: its time is the sound it was given.

import type { Pcm } from '../ports.ts';

/** What the detector listens at; every Opus stream can be decoded to it. */
export const HEARING_RATE_HZ = 16_000;

/** 20 ms: shorter than any syllable, longer than one period of the lowest voice (about 12 ms). */
const WINDOW_MS = 20;
const WINDOW_SAMPLES = (HEARING_RATE_HZ * WINDOW_MS) / 1000;

/** 80 ms in a row begin speech. A click of 20 ms, smeared by the codec, stays below half of that. */
const BEGIN_WINDOWS = 4;
/** 40 ms in a row keep speech going, so that a click in the silence after it does not. */
const CONTINUE_WINDOWS = 2;

/** The floor is the quietest window of 3 s: nobody speaks that long without a gap of 20 ms. */
const FLOOR_WINDOWS = 150;
/** Assumed until 3 s were heard (-50 dB of full scale, a quiet room): speech may begin with the first sample. */
const FLOOR_AT_START = 100;
/** Speech is 9.5 dB above the floor; a steady noise varies by 1 dB between windows of 20 ms. */
const SPEECH_OVER_FLOOR = 3;
/** -44 dB: below it lie the rounding noise of 16 bits and a codec's comfort noise, whatever the floor says. */
const QUIETEST_SPEECH = 200;
/** -21 dB: louder than this is taken for speech in any noise, a steady tone included. */
const LOUDEST_THRESHOLD = 3_000;
/** Once speaking, 4 dB less is enough: words end more softly than they begin. */
const CONTINUE_RATIO = 0.6;

export type Speech = { readonly beginMs: number; readonly endMs: number };

export class VoiceDetector {
  readonly #recent = new Float64Array(FLOOR_WINDOWS).fill(FLOOR_AT_START);
  #windows = 0;
  #loudInARow = 0;
  #energy = 0;
  #samples = 0;
  #speech: Speech | undefined;

  /** From the first speech heard to the last, so far. */
  get speech(): Speech | undefined {
    return this.#speech;
  }

  /** How long it has been silent after the last speech; 0 before the first. */
  get silenceMs(): number {
    return this.#speech === undefined ? 0 : this.#windows * WINDOW_MS - this.#speech.endMs;
  }

  feed(pcm: Pcm): void {
    const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    for (let at = 0; at + 1 < view.byteLength; at += 2) {
      const sample = view.getInt16(at, true);
      this.#energy += sample * sample;
      this.#samples += 1;
      if (this.#samples === WINDOW_SAMPLES) {
        this.#judge(Math.sqrt(this.#energy / WINDOW_SAMPLES));
        this.#energy = 0;
        this.#samples = 0;
      }
    }
  }

  #judge(loudness: number): void {
    this.#recent[this.#windows % FLOOR_WINDOWS] = loudness;
    this.#windows += 1;
    const floor = this.#recent.reduce((least, one) => Math.min(least, one));
    const begin = Math.min(LOUDEST_THRESHOLD, Math.max(QUIETEST_SPEECH, floor * SPEECH_OVER_FLOOR));
    const threshold = this.#speech === undefined ? begin : begin * CONTINUE_RATIO;
    this.#loudInARow = loudness > threshold ? this.#loudInARow + 1 : 0;
    const endMs = this.#windows * WINDOW_MS;
    if (this.#speech === undefined) {
      if (this.#loudInARow >= BEGIN_WINDOWS) {
        this.#speech = { beginMs: endMs - BEGIN_WINDOWS * WINDOW_MS, endMs };
      }
    } else if (this.#loudInARow >= CONTINUE_WINDOWS) {
      this.#speech = { beginMs: this.#speech.beginMs, endMs };
    }
  }
}
