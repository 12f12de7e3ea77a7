// The decoder port above any libopus binding: refuses what is no packet, and bridges gaps with libopus' own
// concealment. Knows nothing of a particular binding, of jitter or of when a packet counts as lost.

import type { Decoder, Pcm } from '../../ports.ts';

/** What a binding gives. */
export type Native = {
  /** One packet in, PCM out; throws on a packet that libopus refuses. Never given an empty one. */
  decode(packet: Uint8Array): Uint8Array;
  /** OPUS_RESET_STATE. */
  reset(): void;
};

/** The rates libopus decodes to. */
const OPUS_RATES_HZ: readonly number[] = [8000, 12_000, 16_000, 24_000, 48_000];
/** The port's limit for one call, and the longest that Opus lets a packet be (RFC 6716 §3.2.5, R5). */
const MAX_CONCEAL_MS = 120;
/**
 * libopus fades by itself, but after 100 ms its CELT half turns to noise at a fifth of the old level (measured in
 * both bindings), which is heard as a burst. So the invented sound is taken down to nothing by then.
 */
const FADE_MS = 100;
const FRAME_MS = 10;
const BYTES_PER_SAMPLE = 2;

export function assertOpusRate(rateHz: number): void {
  if (!OPUS_RATES_HZ.includes(rateHz)) throw new RangeError(`Opus does not decode to ${rateHz} Hz`);
}

export function opusDecoder(rateHz: number, native: Native): Decoder {
  const frameBytes = (rateHz / 1000) * FRAME_MS * BYTES_PER_SAMPLE;
  const fadeSamples = (rateHz / 1000) * FADE_MS;
  let lastToc: number | undefined;
  /** How much was invented since the last packet. */
  let inventedSamples = 0;
  /** Concealment comes in 10 ms steps: what the last call did not need. */
  let rest: Pcm = new Uint8Array(0);

  function tryPacket(packet: Uint8Array): Pcm | undefined {
    try {
      return native.decode(packet);
    } catch {
      return undefined;
    }
  }

  function invent(bytes: number): Pcm {
    const frames = Math.ceil(bytes / frameBytes);
    if (lastToc === undefined || inventedSamples >= fadeSamples) return new Uint8Array(bytes);
    return tryPacket(lostFrames(lastToc, frames)) ?? new Uint8Array(bytes);
  }

  function fade(pcm: Pcm): void {
    const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    for (let at = 0; at < pcm.length; at += BYTES_PER_SAMPLE) {
      const gain = Math.max(0, 1 - inventedSamples / fadeSamples);
      view.setInt16(at, Math.trunc(view.getInt16(at, true) * gain), true);
      inventedSamples += 1;
    }
  }

  return {
    decode(packet) {
      const toc = packet[0];
      // libopus takes "no bytes" for "lost" and would invent sound, in one binding up to 720 ms of it.
      if (toc === undefined) return undefined;
      const pcm = tryPacket(packet);
      if (pcm === undefined) return undefined;
      lastToc = toc;
      inventedSamples = 0;
      rest = new Uint8Array(0);
      return pcm;
    },
    reset() {
      native.reset();
      lastToc = undefined;
      inventedSamples = 0;
      rest = new Uint8Array(0);
    },
    conceal(durationMs) {
      const samples = Math.round((rateHz / 1000) * Math.min(MAX_CONCEAL_MS, Math.max(0, durationMs)));
      const pcm = new Uint8Array(samples * BYTES_PER_SAMPLE);
      const kept = rest.subarray(0, pcm.length);
      pcm.set(kept);
      const invented = invent(pcm.length - kept.length);
      pcm.set(invented.subarray(0, pcm.length - kept.length), kept.length);
      rest = Uint8Array.from(
        kept.length < rest.length ? rest.subarray(kept.length) : invented.subarray(pcm.length - kept.length),
      );
      fade(pcm);
      return pcm;
    },
  };
}

/**
 * A packet of `count` frames of 10 ms without a byte in any of them, which libopus treats as lost (RFC 6716 §3.1):
 * exactly as long as asked, whereas an empty packet makes a binding fill its whole buffer or refuse.
 */
function lostFrames(lastToc: number, count: number): Uint8Array {
  const codedAs = lastToc >> 3;
  // The configuration of 10 ms in the same mode and bandwidth (RFC 6716 table 2).
  const config = codedAs < 12 ? codedAs & ~3 : codedAs < 16 ? codedAs & ~1 : (codedAs & ~3) | 2;
  const stereo = lastToc & 0b100;
  return Uint8Array.of((config << 3) | stereo | 3, count);
}
