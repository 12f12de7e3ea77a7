// Tells how long an Opus packet lasts from its first byte or two (RFC 6716 §3.1), because what a server's hello says
// about frame length is not to be relied on. Knows nothing of decoding; does not check the frames themselves.

import { PACKET_LIMIT_MS } from './limits.ts';

export type PacketDuration =
  | { readonly ok: true; readonly durationMs: number; readonly frames: number; readonly channels: 1 | 2 }
  | { readonly ok: false; readonly reason: 'empty' | 'no-frame-count' | 'no-frames' | 'too-long' };

// RFC 6716 table 2: SILK, then hybrid, then CELT configurations; the lengths repeat within each group.
const FIRST_HYBRID = 12;
const FIRST_CELT = 16;

// First byte: configuration (5 bits), stereo (1 bit), frame count code (2 bits).
const STEREO_BIT = 0b100;
const CODE_BITS = 0b11;
const CODE_ARBITRARY = 3;
/** Of the second byte under code 3; the two bits above say VBR and padding. */
const COUNT_BITS = 0b111111;

export function packetDuration(packet: Uint8Array): PacketDuration {
  const [toc, counted] = packet;
  if (toc === undefined) return { ok: false, reason: 'empty' };
  const code = toc & CODE_BITS;
  let frames = code === 0 ? 1 : 2;
  if (code === CODE_ARBITRARY) {
    if (counted === undefined) return { ok: false, reason: 'no-frame-count' };
    frames = counted & COUNT_BITS;
    if (frames === 0) return { ok: false, reason: 'no-frames' };
  }
  const durationMs = frames * frameMs(toc >> 3);
  if (durationMs > PACKET_LIMIT_MS) return { ok: false, reason: 'too-long' };
  return { ok: true, durationMs, frames, channels: (toc & STEREO_BIT) === 0 ? 1 : 2 };
}

/** RFC 6716 table 2. Lengths double from step to step, but for SILK's last: 60, not 80. */
function frameMs(config: number): number {
  const step = config % 4;
  if (config >= FIRST_CELT) return 2.5 * 2 ** step;
  if (config >= FIRST_HYBRID) return step % 2 === 0 ? 10 : 20;
  return step === 3 ? 60 : 10 * 2 ** step;
}
