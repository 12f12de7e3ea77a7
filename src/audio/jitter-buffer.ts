// Packets between network and speaker: bounded, measured in milliseconds of sound. Pure bookkeeping.
import { packetDuration } from '../protocol/opus-toc.ts';

/** Servers that don't pace send a whole song at once; beyond 10 s the newest is dropped, and counted by the caller. */
const CAP_MS = 10_000;

export type Queued = { readonly packet: Uint8Array; readonly durationMs: number; readonly arrivedAt: number };

export class JitterBuffer {
  readonly #queue: Queued[] = [];
  #queuedMs = 0;

  get queuedMs(): number {
    return this.#queuedMs;
  }

  /** When the packet that is next came; undefined when there is none. */
  get oldestAt(): number | undefined {
    return this.#queue[0]?.arrivedAt;
  }

  push(packet: Uint8Array, arrivedAt: number): 'kept' | 'full' | 'corrupt' {
    const toc = packetDuration(packet);
    if (!toc.ok) return 'corrupt';
    if (this.#queuedMs + toc.durationMs > CAP_MS) return 'full';
    // A copy: the packet is a view into a much larger receive buffer, which it would keep alive.
    this.#queue.push({ packet: new Uint8Array(packet), durationMs: toc.durationMs, arrivedAt });
    this.#queuedMs += toc.durationMs;
    return 'kept';
  }

  shift(): Queued | undefined {
    const first = this.#queue.shift();
    if (first !== undefined) this.#queuedMs -= first.durationMs;
    return first;
  }

  clear(): void {
    this.#queue.length = 0;
    this.#queuedMs = 0;
  }
}
