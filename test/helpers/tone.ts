// Tones, and what can be measured of a recorded one: how much of it there is, its pitch, and whether it has holes.

import type { Pcm } from '../../src/ports.ts';

const WINDOW_MS = 10;
/** Far above a null sink's exact zero and codec noise, far below the tones of these tests. */
const LOUD_RMS = 1500;

export function tone(hz: number, durationMs: number, rateHz: number, amplitude = 12_000): Pcm {
  const pcm = Buffer.alloc(Math.round((durationMs * rateHz) / 1000) * 2);
  for (let n = 0; n < pcm.length / 2; n += 1) {
    pcm.writeInt16LE(Math.round(amplitude * Math.sin((2 * Math.PI * hz * n) / rateHz)), n * 2);
  }
  return pcm;
}

export function samples(pcm: Pcm): Int16Array {
  const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  return Int16Array.from({ length: Math.floor(pcm.length / 2) }, (_, n) => view.getInt16(n * 2, true));
}

export function rms(pcm: Pcm): number {
  const values = samples(pcm);
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length));
}

export function largestStep(pcm: Pcm): number {
  return samples(pcm).reduce(
    (most, value, n, all) => Math.max(most, Math.abs(value - (all[n - 1] ?? value))),
    0,
  );
}

export type Measured = {
  readonly loudMs: number;
  /** Silent windows between the first and the last loud one. */
  readonly holes: number;
  readonly hz: number;
  /** Silence after the last loud window. */
  readonly silentTailMs: number;
};

export function measure(pcm: Pcm, rateHz: number): Measured {
  const windowBytes = (rateHz / 1000) * WINDOW_MS * 2;
  const loud: boolean[] = [];
  for (let at = 0; at + windowBytes <= pcm.length; at += windowBytes) {
    loud.push(rms(pcm.subarray(at, at + windowBytes)) > LOUD_RMS);
  }
  const first = loud.indexOf(true);
  const last = loud.lastIndexOf(true);
  const count = loud.filter((isLoud) => isLoud).length;
  if (first < 0) return { loudMs: 0, holes: 0, hz: 0, silentTailMs: loud.length * WINDOW_MS };
  // Whole windows only: the cut ones at both ends would add a wrong crossing.
  const body = pcm.subarray((first + 1) * windowBytes, last * windowBytes);
  return {
    loudMs: count * WINDOW_MS,
    holes: last - first + 1 - count,
    hz: pitch(samples(body), rateHz),
    silentTailMs: (loud.length - 1 - last) * WINDOW_MS,
  };
}

/** The usual distance of rising zero crossings, interpolated: a sample lost on the way does not change the pitch. */
function pitch(values: Int16Array, rateHz: number): number {
  const crossings: number[] = [];
  for (let n = 1; n < values.length; n += 1) {
    const before = values[n - 1] ?? 0;
    const now = values[n] ?? 0;
    if (before < 0 && now >= 0) crossings.push(n - now / (now - before));
  }
  const periods = crossings.slice(1).map((at, n) => at - (crossings[n] ?? 0));
  const usual = periods.sort((one, other) => one - other)[Math.floor(periods.length / 2)];
  return usual === undefined ? 0 : rateHz / usual;
}
