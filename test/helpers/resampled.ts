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

/** A quarter of a second: a hole that a busy machine leaves in a recording spoils one of them or two, and not all. */
const WINDOW_SAMPLES = 4_000;
const SPOILT_AT_MOST = 2;
/** By how much a hole may move what follows it: 60 ms at 48 kHz. */
const JUMP = 2_880;
/** Below it a window holds a pause, of which nothing can be said. */
const LOUD_SHARE = 0.05;

export type Likeness = {
  /** What fits to what is left over, of all windows but the two worst. */
  readonly snrDb: number;
  readonly gainDb: number;
  readonly windows: number;
};

/** @param heard 16 kHz, and at most `mostMs` of something else before it begins; @param said48 48 kHz */
export function likeness48(heard: Uint8Array, said48: Uint8Array, mostMs: number): Likeness {
  const recorded = Float64Array.from(samples(heard));
  const original = Float64Array.from(samples(said48));
  const delay = roughDelay(recorded, original, loudest(recorded), 0, mostMs * 16 * RATIO);
  const most = energyOf(recorded, loudest(recorded));
  const fits: Fit[] = [];
  const end = Math.min(recorded.length, (original.length + delay) / RATIO);
  for (let from = Math.ceil(delay / RATIO); from + WINDOW_SAMPLES <= end; from += WINDOW_SAMPLES)
    if (energyOf(recorded, from) > LOUD_SHARE * most)
      fits.push(
        bestFit(recorded, original, from, roughDelay(recorded, original, from, delay - JUMP, delay + JUMP)),
      );
  const ranked = fits
    .sort((one, other) => one.fits / one.left - other.fits / other.left)
    .slice(SPOILT_AT_MOST);
  const sum = (what: 'fits' | 'left') => ranked.reduce((total, one) => total + one[what], 0);
  const gains = ranked.map(({ gain }) => gain).sort((one, other) => one - other);
  return {
    snrDb: 10 * Math.log10(sum('fits') / sum('left')),
    gainDb: 20 * Math.log10(Math.abs(gains[Math.floor(gains.length / 2)] ?? 0)),
    windows: ranked.length,
  };
}

type Fit = { readonly fits: number; readonly left: number; readonly gain: number };

function bestFit(recorded: Float64Array, original: Float64Array, from: number, delay: number): Fit {
  let found: Fit = { fits: 0, left: 1, gain: 0 };
  for (let step = -2 * FINE; step <= 2 * FINE; step += 1) {
    const wanted = decimated(original, delay + step / FINE, from, WINDOW_SAMPLES);
    const fit = fitted(recorded.subarray(from, from + WINDOW_SAMPLES), wanted);
    if (fit.fits / fit.left > found.fits / found.left) found = fit;
  }
  return found;
}

function fitted(recorded: Float64Array, wanted: Float64Array): Fit {
  const gain = dot(recorded, wanted) / Math.max(1, dot(wanted, wanted));
  const fits = gain * dot(recorded, wanted);
  return { fits, left: Math.max(1e-9, dot(recorded, recorded) - fits), gain };
}

/** In samples at 48 kHz. Without a filter: what folds over does so at every delay. */
function roughDelay(
  recorded: Float64Array,
  original: Float64Array,
  from: number,
  least: number,
  most: number,
): number {
  const part = recorded.subarray(from, from + PART_SAMPLES);
  let [found, highest] = [least, Number.NEGATIVE_INFINITY];
  for (let delay = least; delay <= most; delay += 1) {
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
    const energy = energyOf(recorded, from);
    if (energy > most) [at, most] = [from, energy];
  }
  return at;
}

function energyOf(recorded: Float64Array, from: number): number {
  const part = recorded.subarray(from, from + PART_SAMPLES);
  return dot(part, part);
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
