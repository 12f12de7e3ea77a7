// Notes to samples. Pure, and the same on every machine to the last bit but one; knows no files.
import type { Note, Score } from './scores.ts';

/** No click is to be heard at either end of a note. */
const ATTACK_MS = 4;
const RELEASE_MS = 12;
/** A bell has lost this much at its end; less would sound like a test tone. */
const DECAY_DB = 14;
const FULL_SCALE = 32_767;

/** Amplitudes of the harmonics, the fundamental first. */
const HARMONICS: Readonly<Record<Score['timbre'], readonly number[]>> = {
  bell: [1, 0.25],
  buzz: [1, 0, 0.5, 0, 0.3, 0, 0.2],
};

export function render({ notes, peakDb, timbre }: Score, rateHz: number): Int16Array {
  const waves = notes.map((note) => wave(note, timbre, rateHz));
  const all = waves.flatMap((one) => [...one]);
  const loudest = all.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = loudest === 0 ? 0 : (FULL_SCALE * 10 ** (peakDb / 20)) / loudest;
  return Int16Array.from(all, (value) => Math.round(value * scale));
}

function wave({ hz, toHz, durationMs }: Note, timbre: Score['timbre'], rateHz: number): Float64Array {
  const samples = new Float64Array(Math.round((durationMs * rateHz) / 1_000));
  if (hz === undefined) return samples;
  const lastHz = toHz ?? hz;
  let phase = 0;
  for (let n = 0; n < samples.length; n += 1) {
    const part = n / samples.length;
    const decay = timbre === 'bell' ? 10 ** ((-DECAY_DB * part) / 20) : 1;
    samples[n] = harmonics(phase, timbre) * decay * edges(n, samples.length, rateHz);
    phase += (2 * Math.PI * (hz + (lastHz - hz) * part)) / rateHz;
  }
  return samples;
}

function harmonics(phase: number, timbre: Score['timbre']): number {
  return HARMONICS[timbre].reduce((sum, amplitude, at) => sum + amplitude * Math.sin(phase * (at + 1)), 0);
}

/** Half a cosine at either end. */
function edges(n: number, length: number, rateHz: number): number {
  const rise = (samplesIn: number, ms: number) => {
    const part = Math.min(1, samplesIn / ((ms * rateHz) / 1_000));
    return 0.5 - 0.5 * Math.cos(Math.PI * part);
  };
  return rise(n, ATTACK_MS) * rise(length - 1 - n, RELEASE_MS);
}
