// One device of the virtual card, listened to all along, and which moment each of its samples belongs to. Kept in
// memory: two conversations are a few megabytes. Knows nothing of what is to be heard.

import type { Clock, Pcm } from '../ports.ts';
import type { Child, Children } from './children.ts';
import { RATE_HZ } from './likeness.ts';

const BYTES_PER_MS = (RATE_HZ * 2) / 1000;
/** Three times as long as the demo may take, 6 MB. Victim: the newest; the demo has failed by then. */
const LONGEST_MS = 180_000;

/** 20 ms, as in the agent's own capture: what a sample's moment is uncertain by. The buffer is for a busy machine. */
const TIMING = ['--period-time=20000', '--buffer-time=500000'];

export type Excerpt = { readonly pcm: Pcm; readonly beginsAtMs: number };

export class Recording {
  readonly child: Child;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /**
   * The clock's time of the first sample: the earliest that any chunk's arrival allows, since a chunk is never early
   * but often late. What the card itself delays is in it, and is the same for two recordings that are compared.
   */
  #beganAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: {
    children: Children;
    clock: Clock;
    environment: Readonly<Record<string, string | undefined>>;
    name: string;
    device: string;
  }) {
    const { children, clock, environment, name, device } = parts;
    const format = ['-t', 'raw', '-f', 'S16_LE', '-r', String(RATE_HZ), '-c', '1'];
    this.child = children.start({
      name,
      command: 'arecord',
      args: ['-q', '-D', device, ...format, ...TIMING, '-'],
      environment,
      lasting: true,
      output: (chunk) => {
        if (this.#bytes > LONGEST_MS * BYTES_PER_MS) return;
        this.#chunks.push(chunk);
        this.#bytes += chunk.length;
        this.#beganAtMs = Math.min(this.#beganAtMs, clock.now() - this.#bytes / BYTES_PER_MS);
      },
    });
  }

  /** Everything before this moment is recorded; -Infinity before the first sample. */
  get untilMs(): number {
    return this.#bytes === 0 ? Number.NEGATIVE_INFINITY : this.#beganAtMs + this.#bytes / BYTES_PER_MS;
  }

  get pcm(): Pcm {
    return Buffer.concat(this.#chunks);
  }

  since(atMs: number): Excerpt {
    const skippedMs = Math.max(0, Math.floor(atMs - this.#beganAtMs));
    return { pcm: this.pcm.subarray(skippedMs * BYTES_PER_MS), beginsAtMs: this.#beganAtMs + skippedMs };
  }
}
