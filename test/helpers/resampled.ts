// What a recording at 16 kHz should be of a sound at 48 kHz, and how far it is from that: the ideal low pass, the delay and
// the gain that fit best, and what is left over. Knows no device.
import { samples } from './tone.ts';

const RATIO = 3;
/** Up to 0.9 of what 16 kHz can carry, where speexrate begins to fade out; half a filter's length on either side, at 48 kHz. */
const [CUTOFF, REACH] = [0.9 / RATIO, 96];
/** Delays are looked for in steps of an eighth of a sample at 48 kHz. */
const FINE = 8;

/** As much of the recording as is looked at while the delay is not known. */
const PART_SAMPLES = 2_000;

export type Likeness = {
  /** What fits to what is left over. */
  readonly snrDb: number;
  readonly gainDb: number;
};

/** @param heard 16 kHz, and at most `mostMs` of something else before it begins; @param said48 48 kHz */
export function likeness48(heard: Uint8Array, said48: Uint8Array, mostMs: number): Likeness {
  const recorded = Float64Array.from(samples(heard));
  const original = Float64Array.from(samples(said48));
  const delay = roughDelay(recorded, original, mostMs * 16 * RATIO);
  const from = Math.ceil(delay / RATIO);
  const length = Math.min(Math.floor(original.length / RATIO), recorded.length - from);
  let found: Likeness = { snrDb: Number.NEGATIVE_INFINITY, gainDb: 0 };
  for (let step = -2 * FINE; step <= 2 * FINE; step += 1) {
    const wanted = decimated(original, delay + step / FINE, from, length);
    const fit = fitted(recorded.subarray(from, from + length), wanted);
    if (fit.snrDb > found.snrDb) found = fit;
  }
  return found;
}

function fitted(recorded: Float64Array, wanted: Float64Array): Likeness {
  const gain = dot(recorded, wanted) / Math.max(1, dot(wanted, wanted));
  const fits = gain * dot(recorded, wanted);
  const left = Math.max(1e-9, dot(recorded, recorded) - fits);
  return { snrDb: 10 * Math.log10(fits / left), gainDb: 20 * Math.log10(Math.abs(gain)) };
}

/** In samples at 48 kHz. Without a filter: what folds over does so at every delay. */
function roughDelay(recorded: Float64Array, original: Float64Array, most: number): number {
  const from = loudest(recorded);
  const part = recorded.subarray(from, from + PART_SAMPLES);
  let [found, highest] = [0, Number.NEGATIVE_INFINITY];
  for (let delay = 0; delay <= most; delay += 1) {
    let sum = 0;
    for (let n = 0; n < part.length; n += 1)
      sum += (part[n] ?? 0) * (original[RATIO * (from + n) - delay] ?? 0);
    if (sum > highest) [found, highest] = [delay, sum];
  }
  return found;
}

function loudest(recorded: Float64Array): number {
  let [at, most] = [0, -1];
  for (let from = 0; from + PART_SAMPLES <= recorded.length; from += PART_SAMPLES / 4) {
    const part = recorded.subarray(from, from + PART_SAMPLES);
    const energy = dot(part, part);
    if (energy > most) [at, most] = [from, energy];
  }
  return at;
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += (one[at] ?? 0) * (other[at] ?? 0);
  return sum;
}

/** Sample n of the result is what the original was `delay` samples before 3n. */
function decimated(original: Float64Array, delay: number, from: number, length: number): Float64Array {
  const whole = Math.floor(delay);
  const taps = Float64Array.from({ length: 2 * REACH }, (_, at) => {
    const x = at - REACH + (delay - whole);
    const sinc = x === 0 ? CUTOFF : Math.sin(Math.PI * CUTOFF * x) / (Math.PI * x);
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / REACH);
    return sinc * window;
  });
  return Float64Array.from({ length }, (_, n) => {
    const centre = RATIO * (from + n) - whole;
    let sum = 0;
    for (let at = 0; at < taps.length; at += 1) sum += (taps[at] ?? 0) * (original[centre + REACH - at] ?? 0);
    return sum;
  });
}
