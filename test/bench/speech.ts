// Something to say: espeak-ng's voice where it is installed, a synthetic buzz where it is not, as PCM of any rate and as
// the packets a server would send of it. Knows nothing of who listens.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Pcm } from '../../src/ports.ts';
import { voice } from '../helpers/opus-sound.ts';

// The package's typings declare a module inside a module, which ESM resolution does not see: hence by hand.
type Opus = {
  Encoder: new (options: {
    channels: 1;
    sample_rate: number;
    application: 'voip';
  }) => { encode(pcm: Uint8Array): Uint8Array };
};

/** Vowels, hissing and stops; about 9 s. */
const TEXT =
  'The quick brown fox jumps over the lazy dog, and she sells sea shells by the shore. ' +
  'Please switch on the kitchen light, tell me the time, and play something quiet.';
/** Of a RIFF file with one `fmt ` chunk of 16 bytes, which is what espeak-ng writes. */
const WAV_HEADER_BYTES = 44;
const WAV_RATE_AT_BYTE = 24;
/** What servers send. */
const PACKET_MS = 60;

export type Speech = { readonly pcm: Pcm; readonly source: 'espeak-ng' | 'synthetic' };

/** The text as often as it takes. */
export function speech(durationMs: number, rateHz: number): Speech {
  const spoken = espeak();
  const { samples, fromHz } = spoken ?? { samples: samplesOf(voice(10_000)), fromHz: 16_000 };
  const pcm = Buffer.alloc(Math.round((durationMs * rateHz) / 1_000) * 2);
  for (let n = 0; n < pcm.length / 2; n += 1) {
    // Straight lines between samples: enough for a codec to have its usual work.
    const at = ((n * fromHz) / rateHz) % samples.length;
    const before = samples[Math.floor(at)] ?? 0;
    const after = samples[Math.floor(at) + 1] ?? before;
    pcm.writeInt16LE(Math.round(before + (after - before) * (at % 1)), n * 2);
  }
  return { pcm, source: spoken === undefined ? 'synthetic' : 'espeak-ng' };
}

function espeak(): { samples: Int16Array; fromHz: number } | undefined {
  try {
    const wav = execFileSync('espeak-ng', ['--stdout', '-v', 'en', TEXT], {
      stdio: ['ignore', 'pipe', 'ignore'],
      // 9 s at 22 kHz are 400 KB.
      maxBuffer: 4_000_000,
    });
    return { samples: samplesOf(wav.subarray(WAV_HEADER_BYTES)), fromHz: wav.readUInt32LE(WAV_RATE_AT_BYTE) };
  } catch {
    return undefined;
  }
}

export function samplesOf(pcm: Pcm): Int16Array {
  const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  return Int16Array.from({ length: Math.floor(pcm.length / 2) }, (_, n) => view.getInt16(n * 2, true));
}

/** As a server sends it: made by the library itself, at the given rate, 60 ms each. */
export function serverPackets(pcm: Pcm, rateHz: number): readonly Uint8Array[] {
  const { Encoder }: Opus = createRequire(import.meta.url)('@evan/opus');
  const encoder = new Encoder({ channels: 1, sample_rate: rateHz, application: 'voip' });
  const frameBytes = ((rateHz * PACKET_MS) / 1_000) * 2;
  const packets: Uint8Array[] = [];
  for (let at = 0; at + frameBytes <= pcm.length; at += frameBytes)
    packets.push(new Uint8Array(encoder.encode(Uint8Array.from(pcm.subarray(at, at + frameBytes)))));
  return packets;
}
