// The codec port on @discordjs/opus (libopus 1.3.1 as a native add-on), the default. A PCM length that Opus does not
// know, or a reading control with a value, aborts the process inside the add-on: neither ever gets there.

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Codec } from '../../ports.ts';
import { assertOpusRate, opusDecoder } from './opus-decoding.ts';
import { assertPacketLength, UPLINK_RATE_HZ } from './opus-uplink.ts';

const require = createRequire(import.meta.url);
const PACKAGE_NAME = '@discordjs/opus';

/** opus_defines.h; setting requests only. */
const SET_APPLICATION = 4000;
const SET_COMPLEXITY = 4010;
const RESET_STATE = 4028;
/** OPUS_APPLICATION_VOIP; the add-on itself fixes AUDIO. */
const APPLICATION_VOIP = 2048;

interface Native {
  encode(pcm: Buffer): Buffer;
  decode(packet: Buffer): Buffer;
  setBitrate(bitrateBps: number): void;
  applyDecoderCTL(request: typeof RESET_STATE, value: number): void;
  applyEncoderCTL(request: typeof SET_APPLICATION | typeof SET_COMPLEXITY, value: number): void;
}
type Package = { readonly OpusEncoder: new (rateHz: number, channels: number) => Native };

export function discordjsCodec(): Codec | { missing: string } {
  const loaded = load();
  if ('missing' in loaded) return loaded;
  const { OpusEncoder } = loaded;
  return {
    name: PACKAGE_NAME,
    encoder({ bitrateBps, complexity }) {
      const native = new OpusEncoder(UPLINK_RATE_HZ, 1);
      // The application can only be changed before the first packet.
      native.applyEncoderCTL(SET_APPLICATION, APPLICATION_VOIP);
      native.applyEncoderCTL(SET_COMPLEXITY, complexity);
      native.setBitrate(bitrateBps);
      return {
        encode(pcm) {
          assertPacketLength(pcm);
          return native.encode(asBuffer(pcm));
        },
        setBitRate: (bps) => native.setBitrate(bps),
      };
    },
    decoder(rateHz) {
      assertOpusRate(rateHz);
      const native = new OpusEncoder(rateHz, 1);
      return opusDecoder(rateHz, {
        decode: (packet) => native.decode(asBuffer(packet)),
        // The request takes no value; the add-on's call does.
        reset: () => native.applyDecoderCTL(RESET_STATE, 0),
      });
    },
  };
}

/** The add-on reads 16-bit samples in place, so they must not lie at an odd address. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes.byteOffset % 2 !== 0) return Buffer.from(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function load(): Package | { missing: string } {
  let reason = 'no binary for this machine';
  for (const candidate of [...binaries(), PACKAGE_NAME]) {
    try {
      const loaded: unknown = require(candidate);
      if (isPackage(loaded)) return loaded;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return { missing: `${PACKAGE_NAME} cannot be loaded: ${reason.split('\n')[0] ?? ''}` };
}

/**
 * The package's own entry loads all of node-pre-gyp to find this one file: 12 MiB and 134 ms instead of 1.5 MiB and
 * 4 ms. Node-API binaries outlive the Node version in their folder's name, so others of this platform come second.
 */
function binaries(): readonly string[] {
  try {
    const folder = join(dirname(require.resolve(`${PACKAGE_NAME}/package.json`)), 'prebuild');
    const ours = readdirSync(folder).filter((name) => name.includes(`-${process.platform}-${process.arch}-`));
    const abi = `node-v${process.versions.modules}-`;
    const isExact = (name: string) => (name.startsWith(abi) ? 0 : 1);
    ours.sort((one, other) => isExact(one) - isExact(other));
    return ours.map((name) => join(folder, name, 'opus.node'));
  } catch {
    return [];
  }
}

function isPackage(loaded: unknown): loaded is Package {
  return typeof loaded === 'object' && loaded !== null && 'OpusEncoder' in loaded;
}
