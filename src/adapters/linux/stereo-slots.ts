// One side of interleaved stereo: microphones on I2S share a frame, each in a slot of its own, and a single one leaves the
// other slot empty. Pure; knows no card.

/** `mix`: ALSA makes one channel of whatever the card has, the average of two. */
export type Channel = 'mix' | 'left' | 'right';

export const SAMPLE_BYTES = 2;

export function channelsFor(channel: Channel): 1 | 2 {
  return channel === 'mix' ? 1 : 2;
}

/** @param pcm whole frames of as many channels as `channelsFor` says */
export function sideOf(pcm: Uint8Array, channel: Channel): Uint8Array {
  if (channel === 'mix') return pcm;
  const side = new Uint8Array(pcm.length / 2);
  const first = channel === 'left' ? 0 : SAMPLE_BYTES;
  for (let at = 0; at < side.length; at += SAMPLE_BYTES) {
    side[at] = pcm[at * 2 + first] ?? 0;
    side[at + 1] = pcm[at * 2 + first + 1] ?? 0;
  }
  return side;
}
