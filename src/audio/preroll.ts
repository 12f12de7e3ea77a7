// The last moments before a press, of a microphone that is kept open: whoever speaks as they press is heard from their
// first sound on. Pure bookkeeping; what is never taken leaves nothing behind.
import type { Pcm } from '../ports.ts';

/** 16 kHz, 16 bit, mono. */
const BYTES_PER_MS = 32;

export class Preroll {
  readonly #limitBytes: number;
  #chunks: Pcm[] = [];
  #bytes = 0;

  constructor(lengthMs: number) {
    this.#limitBytes = lengthMs * BYTES_PER_MS;
  }

  /** Victim: the oldest. */
  push(pcm: Pcm): void {
    this.#chunks.push(pcm);
    this.#bytes += pcm.length;
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (this.#bytes - first.length < this.#limitBytes) break;
      this.#chunks.shift();
      this.#bytes -= first.length;
    }
  }

  /** The last `lengthMs`, which are forgotten by it. */
  take(): Pcm {
    const all = Buffer.concat(this.#chunks);
    this.clear();
    return all.subarray(Math.max(0, all.length - this.#limitBytes));
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
  }
}
