// The last moments before a press, of a microphone that is kept open: whoever speaks as they press is heard from their
// first sound on. Pure bookkeeping; what is never taken leaves nothing behind.
import type { Pcm } from '../ports.ts';

/** 16 kHz, 16 bit, mono. */
const BYTES_PER_MS = 32;
/** A recorder hands over what it has every 20 ms, on a busy machine later. */
const LATE_MS = 200;

export class Preroll {
  readonly #lengthMs: number;
  readonly #limitBytes: number;
  #chunks: { readonly pcm: Pcm; readonly at: number }[] = [];
  #bytes = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
    this.#limitBytes = lengthMs * BYTES_PER_MS;
  }

  /** Victim: the oldest. */
  push(pcm: Pcm, at: number): void {
    this.#chunks.push({ pcm, at });
    this.#bytes += pcm.length;
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (this.#bytes - first.pcm.length < this.#limitBytes) break;
      this.#chunks.shift();
      this.#bytes -= first.pcm.length;
    }
  }

  /** The last `lengthMs`, which are forgotten by it; what a microphone heard that has died since is no part of them. */
  take(at: number): Pcm {
    const fresh = this.#chunks.filter((chunk) => at - chunk.at <= this.#lengthMs + LATE_MS);
    const all = Buffer.concat(fresh.map(({ pcm }) => pcm));
    this.clear();
    return all.subarray(Math.max(0, all.length - this.#limitBytes));
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
  }
}
