// Short sounds from WAV files, ready to be written to the speaker: 16 bit, mono, at its rate. Read once, when they are
// first asked for; knows nothing of when they are played.
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as wavefile from 'wavefile';
import type { Log, Pcm, Sounds } from '../../ports.ts';

/** The package's own, beside its sources: see src/sounds/README.md. */
const OWN_FOLDER = fileURLToPath(new URL('../../../../src/sounds/', import.meta.url));
/** Ten seconds of 48 kHz stereo; what is longer is a piece of music, and would stay in the memory. */
const LONGEST_BYTES = 2_000_000;
/** The same for a file that has fewer bytes a second: so much is made of it at the speaker's rate, on the loop. */
const LONGEST_MS = 10_000;
/** From telephones to what studios have; a rate below makes gigabytes of sound of a few bytes. */
const [LOWEST_RATE_HZ, HIGHEST_RATE_HZ] = [8_000, 192_000] as const;
/** A cue in surround sound is somebody's mistake. */
const MOST_CHANNELS = 2;

/** RIFF, size, WAVE, `fmt `, 16 bytes of it, `data`, size: what comes next is sound. */
const PLAIN_HEADER_BYTES = 44;
const PCM = 1;

const require = createRequire(import.meta.url);

export type SoundFilesOptions = {
  /** Instead of the package's own. */
  readonly folder?: string;
  readonly rateHz: number;
  readonly log: Log;
};

export function soundFiles({ folder = OWN_FOLDER, rateHz, log }: SoundFilesOptions): Sounds {
  const found = new Map<string, Pcm | undefined>();
  const missing: string[] = [];

  function read(name: string): Pcm | undefined {
    const file = join(folder, `${name}.wav`);
    try {
      const stats = statSync(file);
      // Opening a pipe or a device may wait for ever, or do something.
      if (!stats.isFile()) throw new Error(`${file} is no ordinary file`);
      const { size } = stats;
      if (size > LONGEST_BYTES) throw new Error(`${size} bytes are too long for a sound`);
      const bytes = readFileSync(file);
      return audible(plain(bytes, rateHz) ?? converted(bytes, rateHz), rateHz);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (missing.length === 0)
        log.warn(
          { folder, sound: name, reason },
          'a sound cannot be read: it stays silent, as will any other like it',
        );
      missing.push(name);
      return undefined;
    }
  }

  return {
    get missing() {
      return missing;
    },
    pcm(name) {
      if (!found.has(name)) found.set(name, read(name));
      return found.get(name);
    },
  };
}

function audible(pcm: Pcm, rateHz: number): Pcm {
  if (pcm.length === 0) throw new Error('there is no sound in it');
  checkDuration((pcm.length / 2 / rateHz) * 1_000);
  return pcm;
}

function checkDuration(durationMs: number): void {
  if (durationMs > LONGEST_MS)
    throw new Error(`${Math.round(durationMs / 1_000)} seconds are too long for a sound`);
}

/** The package's own at the usual rate need no package to be read, which saves 3 MB. Undefined: anything else. */
function plain(bytes: Buffer, rateHz: number): Pcm | undefined {
  if (bytes.length <= PLAIN_HEADER_BYTES || bytes.toString('latin1', 36, 40) !== 'data') return undefined;
  const [format, channels, rate, bits] = [20, 22, 24, 34].map((at) =>
    at === 24 ? bytes.readUInt32LE(at) : bytes.readUInt16LE(at),
  );
  if (format !== PCM || channels !== 1 || rate !== rateHz || bits !== 16) return undefined;
  const end = Math.min(bytes.length, PLAIN_HEADER_BYTES + bytes.readUInt32LE(40));
  return bytes.subarray(PLAIN_HEADER_BYTES, end - (end % 2));
}

/** By what is in the file, never by the lengths that its header claims. */
function converted(bytes: Uint8Array, rateHz: number): Pcm {
  const { WaveFile } = require('wavefile') as typeof wavefile;
  const wav = new WaveFile(bytes);
  // Before anything is made of it: what is made takes as long as the header claims.
  check(wav);
  if (wav.bitDepth !== '16') wav.toBitDepth('16');
  if (rateOf(wav) !== rateHz) wav.toSampleRate(rateHz);
  const samples: unknown = wav.getSamples(false, Int16Array);
  const channels = Array.isArray(samples) ? samples : [samples];
  return pcmOf(channels.filter((channel) => channel instanceof Int16Array));
}

/** @throws when no sound of a box is like this */
function check(wav: wavefile.WaveFile): void {
  const [rate, channels, bits] = [rateOf(wav), channelsOf(wav), Number.parseInt(wav.bitDepth, 10)];
  if (!(rate >= LOWEST_RATE_HZ && rate <= HIGHEST_RATE_HZ))
    throw new Error(`${rate} Hz is no rate between ${LOWEST_RATE_HZ} and ${HIGHEST_RATE_HZ}`);
  if (!(channels >= 1 && channels <= MOST_CHANNELS))
    throw new Error(`${channels} channels are not 1 to ${MOST_CHANNELS}`);
  checkDuration(((bytesOf(wav) * 8) / bits / channels / rate) * 1_000);
}

function rateOf({ fmt }: { readonly fmt: object }): number {
  return 'sampleRate' in fmt ? Number(fmt.sampleRate) : 0;
}

function bytesOf({ data }: { readonly data: object }): number {
  return 'samples' in data && data.samples instanceof Uint8Array ? data.samples.length : 0;
}

function channelsOf({ fmt }: { readonly fmt: object }): number {
  return 'numChannels' in fmt ? Number(fmt.numChannels) : 0;
}

/** Several channels become their average. */
function pcmOf(channels: readonly Int16Array[]): Pcm {
  const length = Math.min(...channels.map((channel) => channel.length));
  if (channels.length === 0 || length === 0) throw new Error('there is no sound in it');
  const view = new DataView(new ArrayBuffer(length * 2));
  for (let n = 0; n < length; n += 1) {
    const sum = channels.reduce((all, channel) => all + (channel[n] ?? 0), 0);
    view.setInt16(n * 2, Math.round(sum / channels.length), true);
  }
  return new Uint8Array(view.buffer);
}
