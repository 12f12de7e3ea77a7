// Cuts a stream of PCM into frames of one size. Its frames are its own: the next one doesn't overwrite the last.
import type { Pcm } from '../ports.ts';

export class Framer {
  readonly #frameBytes: number;
  #frame: Uint8Array;
  #filled = 0;

  constructor(frameBytes: number) {
    this.#frameBytes = frameBytes;
    this.#frame = new Uint8Array(frameBytes);
  }

  get empty(): boolean {
    return this.#filled === 0;
  }

  push(pcm: Pcm, frame: (pcm: Pcm) => void): void {
    let rest = pcm;
    while (rest.length > 0) {
      const part = rest.subarray(0, this.#frameBytes - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === this.#frameBytes) frame(this.#take());
    }
  }

  /** Hands what there is of the last frame to a framer of the same size that has nothing yet. */
  moveInto(other: Framer): void {
    other.push(this.#frame.subarray(0, this.#filled), () => undefined);
    this.#filled = 0;
  }

  /** What there is of the last frame, made up with silence. */
  padded(): Pcm {
    return this.#take();
  }

  #take(): Pcm {
    const frame = this.#frame;
    this.#frame = new Uint8Array(this.#frameBytes);
    this.#filled = 0;
    return frame;
  }
}
