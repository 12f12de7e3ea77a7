// One utterance as packets, kept until it is understood: how much of it there is, what of it has been sent in the present
// take, and what no longer fits. Pure bookkeeping; knows no connection and no clock.

/** 60 ms of 16 kHz mono, the only frame length that every server takes. */
export const FRAME_MS = 60;
/** 30 s: longer than anybody talks to a box in one breath; about 100 KB. Victim: the oldest. */
const KEPT_PACKETS = 500;

export class KeptSpeech {
  readonly #packets: Uint8Array[] = [];
  #bytes = 0;
  /** How many of the packets that are kept have been sent in this take. */
  #sent = 0;
  /** How many were sent in this take and are no longer kept. */
  #forgotten = 0;

  get keptMs(): number {
    return this.#packets.length * FRAME_MS;
  }

  get keptBytes(): number {
    return this.#bytes;
  }

  get unsentMs(): number {
    return (this.#packets.length - this.#sent) * FRAME_MS;
  }

  /** How far into the utterance what has been sent in this take reaches. */
  get sentMs(): number {
    return (this.#forgotten + this.#sent) * FRAME_MS;
  }

  /** The packet to be sent next; undefined when all have been. */
  get next(): Uint8Array | undefined {
    return this.#packets[this.#sent];
  }

  sentNext(): void {
    this.#sent += 1;
  }

  /** How many packets are lost by it: those that no longer fit and had not been sent. */
  keep(packet: Uint8Array): number {
    this.#packets.push(packet);
    this.#bytes += packet.length;
    if (this.#packets.length <= KEPT_PACKETS) return 0;
    this.#bytes -= this.#packets.shift()?.length ?? 0;
    if (this.#sent === 0) return 1;
    this.#sent -= 1;
    this.#forgotten += 1;
    return 0;
  }

  /** A new take; returns how many packets it begins without, for they were sent once and to this one never will be. */
  rewind(): number {
    const missing = this.#forgotten;
    this.#sent = 0;
    this.#forgotten = 0;
    return missing;
  }

  /** What was not sent yet is the next utterance's start. */
  moveUnsentInto(next: KeptSpeech): void {
    for (const packet of this.#packets.slice(this.#sent)) next.keep(packet);
  }
}
