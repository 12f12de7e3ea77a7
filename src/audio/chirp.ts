// A short sweep that no noise in a room resembles, and where it is in what was recorded: whether a microphone hears a speaker, and
// how long that takes. Pure; knows no device.
import type { Pcm } from '../ports.ts';

/** A quarter of full scale, as the test tone. */
const PEAK = 8_192;
/** What small speakers play and every microphone hears. */
const [FROM_HZ, TO_HZ] = [600, 3_000] as const;
const MS = 250;
/** No click at either end. */
const EDGE_MS = 10;
/** What a recording has. */
const RECORDED_HZ = 16_000;

export function chirpPcm(rateHz: number): Pcm {
  const samples = chirp(rateHz);
  const view = new DataView(new ArrayBuffer(samples.length * 2));
  samples.forEach((value, at) => {
    view.setInt16(at * 2, Math.round(PEAK * value), true);
  });
  return new Uint8Array(view.buffer);
}

export type Found = {
  /** 1: nothing else was heard meanwhile; 0: nothing of it was. */
  readonly likeness: number;
  readonly atMs: number;
};

/** @param pcm 16 kHz, mono */
export function chirpIn(pcm: Pcm): Found {
  const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  const heard = Float64Array.from({ length: pcm.byteLength >> 1 }, (_, at) => view.getInt16(at * 2, true));
  const wanted = chirp(RECORDED_HZ);
  const own = Math.sqrt(wanted.reduce((sum, value) => sum + value * value, 0));
  let [likeness, best] = [0, 0];
  let energy = 0;
  for (let at = 0; at < wanted.length && at < heard.length; at += 1) energy += (heard[at] ?? 0) ** 2;
  for (let at = 0; at + wanted.length <= heard.length; at += 1) {
    let product = 0;
    for (let n = 0; n < wanted.length; n += 1) product += (wanted[n] ?? 0) * (heard[at + n] ?? 0);
    const alike = energy <= 0 ? 0 : Math.abs(product) / (own * Math.sqrt(energy));
    if (alike > likeness) [likeness, best] = [alike, at];
    energy += (heard[at + wanted.length] ?? 0) ** 2 - (heard[at] ?? 0) ** 2;
  }
  return { likeness, atMs: (best * 1_000) / RECORDED_HZ };
}

function chirp(rateHz: number): Float64Array {
  const count = Math.round((MS * rateHz) / 1_000);
  const edge = (EDGE_MS * rateHz) / 1_000;
  return Float64Array.from({ length: count }, (_, n) => {
    const t = n / rateHz;
    const cycles = FROM_HZ * t + ((TO_HZ - FROM_HZ) * t * t * 500) / MS;
    return Math.min(1, n / edge, (count - 1 - n) / edge) * Math.sin(2 * Math.PI * cycles);
  });
}
