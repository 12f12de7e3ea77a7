// Packets between network and speaker: bounded, measured in milliseconds of sound. Pure bookkeeping.
import { packetDuration } from '../protocol/opus-toc.ts';

/**
 * Servers that don't pace send a long answer, or a song, at once. Half a megabyte is two minutes at 32 kbit/s, and five
 * minutes bound the count of packets that hold next to nothing. Victim: the newest, counted by the caller.
 */
const CAP_BYTES = 512 * 1024;
const CAP_MS = 300_000;

export type Queued = { readonly packet: Uint8Array; readonly durationMs: number; readonly arrivedAt: number };

export class JitterBuffer {
  readonly #queue: Queued[] = [];
  #queuedMs = 0;
  #bytes = 0;

  get queuedMs(): number {
    return this.#queuedMs;
  }

  /** When the packet that is next came; undefined when there is none. */
  get oldestAt(): number | undefined {
    return this.#queue[0]?.arrivedAt;
  }

  push(packet: Uint8Array, arrivedAt: number): Queued | 'full' | 'corrupt' {
    const toc = packetDuration(packet);
    if (!toc.ok) return 'corrupt';
    if (this.#bytes + packet.length > CAP_BYTES || this.#queuedMs >= CAP_MS) return 'full';
    // A copy: the packet is a view into a much larger receive buffer, which it would keep alive.
    const queued = { packet: new Uint8Array(packet), durationMs: toc.durationMs, arrivedAt };
    this.#queue.push(queued);
    this.#queuedMs += toc.durationMs;
    this.#bytes += packet.length;
    return queued;
  }

  shift(): Queued | undefined {
    const first = this.#queue.shift();
    if (first === undefined) return undefined;
    this.#queuedMs -= first.durationMs;
    this.#bytes -= first.packet.length;
    return first;
  }

  clear(): void {
    this.#queue.length = 0;
    this.#queuedMs = 0;
    this.#bytes = 0;
  }
}
