// What both codecs must hold the microphone's side to: 16 kHz mono in packets of 60 ms, and nothing else.
// Knows no binding.

import type { Pcm } from '../../ports.ts';

export const UPLINK_RATE_HZ = 16_000;
/** Servers decode into a buffer of 960 samples, and longer packets vanish without a word (protocol.md §7.1). */
const PACKET_BYTES = 960 * 2;

/** Of other lengths one binding aborts the whole process, and another makes packets that no server takes. */
export function assertPacketLength(pcm: Pcm): void {
  if (pcm.length !== PACKET_BYTES) {
    throw new RangeError(`a packet is made of ${PACKET_BYTES} bytes of PCM, not of ${pcm.length}`);
  }
}
