// Louder, softer, and two sounds at once: arithmetic on samples, which never wraps around. Pure; knows nothing of who turns
// the knob.
import type { Pcm } from '../ports.ts';

const LOWEST = -32_768;
const HIGHEST = 32_767;

/**
 * The factor for a volume of 0 to 100. A cube: half way up sounds half as loud (-18 dB), and it is the curve behind the
 * percentages of `amixer -M` and of PulseAudio, so that 40 means the same whoever turns it down.
 */
export function gainOf(volume: number): number {
  return (Math.min(100, Math.max(0, volume)) / 100) ** 3;
}

export function gainOfDb(db: number): number {
  return 10 ** (db / 20);
}

/** From one factor to another across the sound: a jump would crackle. */
export function amplified(pcm: Pcm, from: number, to: number = from): Pcm {
  if (from === 1 && to === 1) return pcm;
  return mapped(pcm, (value, part) => value * (from + (to - from) * part));
}

/** As long as the longer one. */
export function mixed(one: Pcm, other: Pcm): Pcm {
  const [longer, shorter] = one.length >= other.length ? [one, other] : [other, one];
  const added = viewOf(shorter);
  return mapped(longer, (value, _part, at) =>
    at + 1 < shorter.length ? value + added.getInt16(at, true) : value,
  );
}

function mapped(pcm: Pcm, next: (value: number, part: number, at: number) => number): Pcm {
  const before = viewOf(pcm);
  const after = new DataView(new ArrayBuffer(pcm.length & ~1));
  for (let at = 0; at < after.byteLength; at += 2) {
    const value = Math.round(next(before.getInt16(at, true), at / after.byteLength, at));
    after.setInt16(at, Math.max(LOWEST, Math.min(HIGHEST, value)), true);
  }
  return new Uint8Array(after.buffer);
}

function viewOf(pcm: Pcm): DataView {
  return new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
}
