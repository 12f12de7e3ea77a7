// The codec port on @evan/opus, the fallback: it ships binaries for amd64 and arm64 and a WebAssembly build for the
// rest, so it needs no compiler. A reading control with a value crashes it too: only its named setters are used.

import { createRequire } from 'node:module';
import type { Codec } from '../../ports.ts';
import { assertOpusRate, opusDecoder } from './opus-decoding.ts';
import { assertPacketLength, UPLINK_RATE_HZ } from './opus-uplink.ts';

const require = createRequire(import.meta.url);
const PACKAGE_NAME = '@evan/opus';

type Package = {
  readonly Encoder: new (options: {
    channels: 1;
    sample_rate: number;
    application: 'voip';
  }) => {
    bitrate: number;
    complexity: number;
    encode(pcm: Uint8Array): Uint8Array;
  };
  readonly Decoder: new (options: {
    channels: 1;
    sample_rate: number;
  }) => {
    decode(packet: Uint8Array): Uint8Array;
    reset(): void;
  };
};

export function evanCodec(): Codec | { missing: string } {
  const loaded = load();
  if ('missing' in loaded) return loaded;
  const { Encoder, Decoder } = loaded;
  return {
    name: PACKAGE_NAME,
    encoder({ bitrateBps, complexity }) {
      const native = new Encoder({ channels: 1, sample_rate: UPLINK_RATE_HZ, application: 'voip' });
      native.bitrate = bitrateBps;
      native.complexity = complexity;
      return {
        encode(pcm) {
          assertPacketLength(pcm);
          return native.encode(pcm);
        },
        setBitRate(bps) {
          native.bitrate = bps;
        },
      };
    },
    decoder(rateHz) {
      assertOpusRate(rateHz);
      const native = new Decoder({ channels: 1, sample_rate: rateHz });
      return opusDecoder(rateHz, native);
    },
  };
}

function load(): Package | { missing: string } {
  let reason = 'it does not export what is expected';
  try {
    const loaded: unknown = require(PACKAGE_NAME);
    if (isPackage(loaded)) return loaded;
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  return { missing: `${PACKAGE_NAME} cannot be loaded: ${reason.split('\n')[0] ?? ''}` };
}

function isPackage(loaded: unknown): loaded is Package {
  return typeof loaded === 'object' && loaded !== null && 'Encoder' in loaded && 'Decoder' in loaded;
}
