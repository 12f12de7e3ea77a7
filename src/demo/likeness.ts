// Whether what was heard is what was said, judged by the two signals alone: by how the loudness rises and falls, which
// a codec keeps and no other sentence shares. Pure; knows nothing of programs, files and who was speaking.

import type { Pcm } from '../ports.ts';

/** What both sides are brought to before they get here; the agent's own microphone has it. */
export const RATE_HZ = 16_000;
/** A syllable lasts 100 to 300 ms. */
const STEP_MS = 10;
const STEP_SAMPLES = (RATE_HZ * STEP_MS) / 1000;
/** Two periods of the lowest voice (12 ms): with less the loudness swings with each of them. */
const WINDOW_STEPS = 3;

/**
 * Pearson's correlation of two loudness curves at the best shift. Measured with five sentences of espeak-ng: the same
 * one through the whole demo on a busy machine 0.97 and more, another one 0.63 at most, steady noise 0.47, half of the
 * sentence 0.77. So 0.8 lets pass what is hardly heard and nothing else; for an end cut off, see the next.
 */
export const LEAST_CORRELATION = 0.8;
/** Three quarters of a sentence still correlate with 0.97 where the rest is soft; a codec changes its length by 2 %. */
const LEAST_SHARE = 0.9;

/** 30 dB below the loudest: soft consonants at the ends count, a codec's pre-echo and a resampler's ringing don't. */
const SOUND_UNDER_PEAK = 10 ** (-30 / 20);
/** -60 dB of full scale: below it nothing is speech, however quiet the rest. */
const LEAST_LOUDNESS = 33;

export type Span = { readonly beginMs: number; readonly endMs: number };

export type Judgement = {
  /** 0 when there is nothing to compare. */
  readonly correlation: number;
  readonly saidMs: number;
  /** Where in what was heard it sounds; undefined when nothing does. */
  readonly heard: Span | undefined;
  readonly verdict: 'the same' | 'silence' | 'something else' | 'a part is missing';
};

/** Both are 16 kHz mono; `heard` may be longer than `said`, which is looked for in it. */
export function judge(said: Pcm, heard: Pcm): Judgement {
  const expected = loudness(said);
  const found = loudness(heard);
  const saidSpan = soundIn(expected);
  const saidMs = lengthOf(saidSpan);
  if (soundIn(found) === undefined || saidSpan === undefined)
    return { correlation: 0, saidMs, heard: undefined, verdict: 'silence' };
  const { correlation, shift } = bestShift(expected, found);
  const begin = Math.max(0, shift);
  const inWindow = soundIn(found.subarray(begin, Math.max(begin, shift + expected.length)));
  const span = inWindow && {
    beginMs: inWindow.beginMs + begin * STEP_MS,
    endMs: inWindow.endMs + begin * STEP_MS,
  };
  if (correlation < LEAST_CORRELATION) return { correlation, saidMs, heard: span, verdict: 'something else' };
  const verdict = lengthOf(span) < saidMs * LEAST_SHARE ? 'a part is missing' : 'the same';
  return { correlation, saidMs, heard: span, verdict };
}

export function lengthOf(span: Span | undefined): number {
  return span === undefined ? 0 : span.endMs - span.beginMs;
}

/** The root mean square of 30 ms, every 10 ms. */
function loudness(pcm: Pcm): Float64Array {
  const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  const energies = new Float64Array(Math.floor(pcm.byteLength / 2 / STEP_SAMPLES));
  for (let step = 0; step < energies.length; step += 1) {
    let energy = 0;
    for (let at = step * STEP_SAMPLES; at < (step + 1) * STEP_SAMPLES; at += 1)
      energy += view.getInt16(at * 2, true) ** 2;
    energies[step] = energy / STEP_SAMPLES;
  }
  return energies.map((energy, step) =>
    Math.sqrt(((energies[step - 1] ?? 0) + energy + (energies[step + 1] ?? 0)) / WINDOW_STEPS),
  );
}

/** Over the full length of what is expected, wherever it may lie; beyond what was found there is silence. */
function bestShift(
  expected: Float64Array,
  found: Float64Array,
): { readonly correlation: number; readonly shift: number } {
  const length = expected.length;
  const mean = expected.reduce((sum, value) => sum + value, 0) / length;
  const deviations = expected.map((value) => value - mean);
  const expectedNorm = Math.sqrt(deviations.reduce((sum, value) => sum + value * value, 0));
  let best = { correlation: 0, shift: 0 };
  for (let shift = 1 - length; shift < found.length; shift += 1) {
    let sum = 0;
    let squares = 0;
    let product = 0;
    for (let at = 0; at < length; at += 1) {
      const value = found[shift + at] ?? 0;
      sum += value;
      squares += value * value;
      product += value * (deviations[at] ?? 0);
    }
    // The deviations add up to 0, so the mean of what was found cancels out of the product.
    const foundNorm = Math.sqrt(Math.max(0, squares - (sum * sum) / length));
    const norm = expectedNorm * foundNorm;
    const correlation = norm === 0 ? 0 : product / norm;
    if (correlation > best.correlation) best = { correlation, shift };
  }
  return best;
}

function soundIn(curve: Float64Array): Span | undefined {
  const peak = curve.reduce((most, value) => Math.max(most, value), 0);
  const threshold = Math.max(LEAST_LOUDNESS, peak * SOUND_UNDER_PEAK);
  const first = curve.findIndex((value) => value > threshold);
  if (first < 0) return undefined;
  const last = curve.findLastIndex((value) => value > threshold);
  return { beginMs: first * STEP_MS, endMs: (last + 1) * STEP_MS };
}
