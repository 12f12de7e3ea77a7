// Sounds as PCM, and as Opus packets of any rate and frame length, for tests of both ends of the wire. Uses the
// fallback codec's package directly, so that a broken adapter fails its own tests and not these.

import { createRequire } from 'node:module';
import type { Codec, Pcm } from '../../src/ports.ts';

// The package's typings declare a module inside a module, which ESM resolution does not see: hence by hand.
type Coder<Verb extends string> = { [verb in Verb]: (bytes: Uint8Array) => Uint8Array };
type Opus = {
  Encoder: new (options: { channels: 1; sample_rate: number; application: 'voip' }) => Coder<'encode'>;
  Decoder: new (options: { channels: 1; sample_rate: number }) => Coder<'decode'>;
};
const opus: Opus = createRequire(import.meta.url)('@evan/opus');

/** The uplink's rate; what `packets` expects. */
const RATE_HZ = 16_000;
const PACKET_MS = 60;

/** A packet of this one byte (RFC 6716 §3.1: SILK wideband, 60 ms, mono, one frame) carries no sound at all. */
export const DTX_60_MS = 0b01011_0_00;

/** Enough of the `Codec` port for a server: it only decodes. */
export function soundCodec(): Codec {
  return {
    name: '@evan/opus, bare',
    encoder() {
      const encoder = new opus.Encoder({ channels: 1, sample_rate: RATE_HZ, application: 'voip' });
      return { encode: (pcm) => encoder.encode(pcm), setBitRate: () => undefined };
    },
    decoder(rateHz) {
      const decoder = new opus.Decoder({ channels: 1, sample_rate: rateHz });
      return {
        decode(packet) {
          if (packet.length === 0) return undefined;
          try {
            return decoder.decode(packet);
          } catch {
            return undefined;
          }
        },
        reset: () => undefined,
        conceal: (durationMs) => new Uint8Array((rateHz / 1000) * durationMs * 2),
      };
    },
  };
}

export function silence(durationMs: number): Pcm {
  return new Uint8Array((RATE_HZ / 1000) * durationMs * 2);
}

/** A buzz of 150 Hz with four swells a second: to a loudness meter it is a voice. */
export function voice(durationMs: number, peak: number = 12_000): Pcm {
  return sampled(durationMs, RATE_HZ, (s) => {
    const buzz = Math.sin(2 * Math.PI * 150 * s) * 0.6 + Math.sin(2 * Math.PI * 450 * s) * 0.4;
    return peak * buzz * (0.7 + 0.3 * Math.sin(2 * Math.PI * 4 * s));
  });
}

/** Steady white noise, the same at each call. */
export function noise(durationMs: number, rms: number): Pcm {
  let seed = 1;
  // Uniform in ±√3 has an RMS of 1; the generator is the "minimal standard" one of Park and Miller.
  return sampled(durationMs, RATE_HZ, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return rms * Math.sqrt(3) * ((2 * seed) / 2_147_483_647 - 1);
  });
}

export function joined(...parts: readonly Pcm[]): Pcm {
  return Uint8Array.from(Buffer.concat(parts));
}

/** What packets of the uplink sound like, one after the other. */
export function heardOf(packets: readonly Uint8Array[]): Pcm {
  const decoder = soundCodec().decoder(RATE_HZ);
  return joined(...packets.map((packet) => Uint8Array.from(decoder.decode(packet) ?? [])));
}

/** 16 kHz PCM as packets of 60 ms; the rest of the last one is silence. */
export function packets(pcm: Pcm): Uint8Array[] {
  return encode(pcm, RATE_HZ, PACKET_MS);
}

/** 16 kHz PCM as packets of any frame length: what a server may send. */
export function packetsOf(pcm: Pcm, frameMs: number): Uint8Array[] {
  return encode(pcm, RATE_HZ, frameMs);
}

/** A tone at any rate and frame length: what a server may send. */
export function tonePackets(durationMs: number, frameMs: number, rateHz: number = 24_000): Uint8Array[] {
  const tone = sampled(durationMs, rateHz, (s) => 9_000 * Math.sin(2 * Math.PI * 440 * s));
  return encode(tone, rateHz, frameMs);
}

function encode(pcm: Pcm, rateHz: number, frameMs: number): Uint8Array[] {
  const encoder = new opus.Encoder({ channels: 1, sample_rate: rateHz, application: 'voip' });
  const frameBytes = ((rateHz * frameMs) / 1000) * 2;
  const encoded: Uint8Array[] = [];
  for (let at = 0; at < pcm.length; at += frameBytes) {
    const frame = new Uint8Array(frameBytes);
    frame.set(pcm.subarray(at, at + frameBytes));
    encoded.push(new Uint8Array(encoder.encode(frame)));
  }
  return encoded;
}

function sampled(durationMs: number, rateHz: number, valueAt: (seconds: number) => number): Pcm {
  const count = Math.round((rateHz * durationMs) / 1000);
  const view = new DataView(new ArrayBuffer(count * 2));
  for (let i = 0; i < count; i += 1) view.setInt16(i * 2, Math.round(valueAt(i / rateHz)), true);
  return new Uint8Array(view.buffer);
}
