// One utterance in the making: keeps the packets that came since `listen start` and knows where in them someone spoke.
// Knows nothing of the socket, of messages and of who decides that the utterance is over.

import { VoiceDetector } from '../audio/voice-detector.ts';
import type { Decoder } from '../ports.ts';
import { packetDuration } from '../protocol/opus-toc.ts';

export type TimedPacket = { readonly packet: Uint8Array; readonly durationMs: number };

export type Spoken = { readonly durationMs: number; readonly packets: readonly TimedPacket[] };

/** The longest an utterance may be; the device stops listening by itself after the same time. Victim: the oldest. */
const KEPT_MS = 60_000;
/** 60 s at 128 kbit/s, five times what a device sends: bounds what packets of 4 KiB or 2.5 ms could pile up. */
const KEPT_BYTES = 1_000_000;
/** The end of an utterance, as servers of this kind have it: 200 to 1000 ms; a pause for thought is shorter. */
const END_SILENCE_MS = 700;
/** Ten windows of 20 ms and a packet of 60 ms before the threshold was passed: soft consonants begin a word. */
const LEAD_IN_MS = 300;
/** The fading end of the last word. */
const LEAD_OUT_MS = 200;

export class Ear {
  readonly #decoder: Decoder;
  readonly #voice = new VoiceDetector();
  readonly #kept: { packet: Uint8Array; beginMs: number; durationMs: number }[] = [];
  #heardMs = 0;
  #keptBytes = 0;

  constructor(decoder: Decoder) {
    this.#decoder = decoder;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  get speechBegan(): boolean {
    return this.#voice.speech !== undefined;
  }

  /** Someone spoke and has been silent since for as long as ends an utterance. */
  get speechEnded(): boolean {
    return this.#voice.silenceMs >= END_SILENCE_MS;
  }

  /** Gives what is wrong with a packet that it did not take. */
  hear(packet: Uint8Array): string | undefined {
    const duration = packetDuration(packet);
    if (!duration.ok) return duration.reason;
    const pcm = this.#decoder.decode(packet);
    if (pcm === undefined) return 'not decodable';
    this.#voice.feed(pcm);
    // A copy: what came from the socket is a view of a block of up to 64 KiB, and would keep all of it in memory.
    this.#kept.push({
      packet: new Uint8Array(packet),
      beginMs: this.#heardMs,
      durationMs: duration.durationMs,
    });
    this.#keptBytes += packet.byteLength;
    this.#heardMs += duration.durationMs;
    this.#forgetOldest();
    return undefined;
  }

  /** What was said, with a little before and after it; undefined when nothing was. */
  spoken(): Spoken | undefined {
    const speech = this.#voice.speech;
    if (speech === undefined) return undefined;
    const fromMs = speech.beginMs - LEAD_IN_MS;
    const toMs = speech.endMs + LEAD_OUT_MS;
    const packets = this.#kept
      .filter((kept) => kept.beginMs + kept.durationMs > fromMs && kept.beginMs < toMs)
      .map((kept) => ({ packet: kept.packet, durationMs: kept.durationMs }));
    return { durationMs: speech.endMs - speech.beginMs, packets };
  }

  #forgetOldest(): void {
    for (let oldest = this.#kept[0]; oldest !== undefined; oldest = this.#kept[0]) {
      if (this.#heardMs - oldest.beginMs <= KEPT_MS && this.#keptBytes <= KEPT_BYTES) return;
      this.#keptBytes -= oldest.packet.byteLength;
      this.#kept.shift();
    }
  }
}
