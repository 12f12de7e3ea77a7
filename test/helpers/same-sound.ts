// Whether one recording holds another, moment by moment: a sound in which every moment is unlike every other, and a
// comparison that says how much of it is missing, doubled or spoilt. Works on waveforms, 16 kHz mono; knows nothing of where
// they come from.
import type { Pcm } from '../../src/ports.ts';
import { samples } from './tone.ts';

const RATE_HZ = 16_000;
const PER_MS = RATE_HZ / 1_000;
/** Long enough to hold several periods of the lowest pitch (9 ms), short enough to find a lost word's edge. */
const WINDOW_MS = 40;
const WINDOW = WINDOW_MS * PER_MS;
/** Two syllables: no other place in an utterance is like it. */
const ANCHOR = 200 * PER_MS;
/** Speech coded at 24 kbit/s correlates with itself at 0.9 and more, at 8 kbit/s mostly at 0.7; another moment of it at 0.3. */
const ALIKE = 0.5;
/** Two cards' clocks, a resampler's rounding, and a coder that moves a wave within its period (3 ms): far less than a packet. */
const DRIFT = 48;
/** A packet and more; farther away what follows is looked for in vain. */
const JUMP_MS = 300;
/** The loudest third of what is compared; what is quiet holds no word. */
const QUIET_RMS = 300;
/** Moments that are looked for a second time: what is doubled is a second and more long, a take or a buffer. */
const MOMENTS = 8;
/** Of two syllables; those of another moment are like it at 0.4 at the most. */
const THE_SAME = 0.6;

export type Likeness = {
  /** Sound of `said` that was looked for. */
  readonly comparedMs: number;
  /** Of it, not found where it should be: gone or spoilt. */
  readonly lostMs: number;
  /** Cut out without a trace: what follows comes earlier than it should. */
  readonly cutMs: number;
  /** Put in: what follows comes later than it should. */
  readonly putInMs: number;
  /** What a clock that runs faster or slower has added or taken, little by little. */
  readonly driftMs: number;
  /** Of some moments spread over `said`, how many are there a second time, somewhere else. */
  readonly twice: number;
  /** When in `said` each loss began. */
  readonly losses: readonly number[];
};

/** A voice whose pitch and colour change every tenth of a second, never the same way. */
export function utterance(durationMs: number, seed = 1): Pcm {
  let state = seed;
  // The "minimal standard" generator of Park and Miller.
  const dice = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const pcm = Buffer.alloc(durationMs * PER_MS * 2);
  let phase = 0;
  let syllable = { hz: 150, slope: 0, from: 0, until: 0, colour: [1] };
  for (let n = 0; n < durationMs * PER_MS; n += 1) {
    if (n >= syllable.until) {
      const colour = Array.from({ length: 5 }, (_, at) => dice() / (1 + at / 2));
      syllable = {
        hz: 130 + 160 * dice(),
        slope: dice() < 0.5 ? -0.4 : 0.5,
        from: n,
        until: n + (70 + 60 * dice()) * PER_MS,
        colour,
      };
    }
    // It rises or falls by half within the syllable: a shift by one period is noticed too.
    const rise = 1 + (syllable.slope * (n - syllable.from)) / (100 * PER_MS);
    phase += (2 * Math.PI * syllable.hz * rise) / RATE_HZ;
    const all = syllable.colour.reduce((sum, much) => sum + much, 0);
    const wave = syllable.colour.reduce((sum, much, at) => sum + much * Math.sin(phase * (at + 1)), 0) / all;
    pcm.writeInt16LE(Math.round(14_000 * wave), n * 2);
  }
  return pcm;
}

/** @param heard may begin earlier and end later than `said`, which may have silence around it */
export function likeness(said: Pcm, heard: Pcm): Likeness {
  const [a, b] = [samples(said), samples(heard)];
  const windows = windowsOf(a);
  let lag = anchor(a, b, windows);
  let [lost, cut, putIn, drifted] = [0, 0, 0, 0];
  const twice = againIn(a, b, windows);
  const losses: number[] = [];
  /** Where the window before this one was found, when it was not where it should be. */
  let elsewhere: number | null = null;
  let wasLost = false;
  for (const at of windows) {
    const near = best(a, b, at, lag - DRIFT, lag + DRIFT);
    const isFound = near.alike >= ALIKE;
    const far = isFound ? null : best(a, b, at, lag - JUMP_MS * PER_MS, lag + JUMP_MS * PER_MS);
    if (isFound) {
      drifted += near.lag - lag;
      lag = near.lag;
    } else {
      lost += WINDOW_MS;
      if (!wasLost) losses.push(Math.round(at / PER_MS));
    }
    wasLost = !isFound;
    const place = far !== null && far.alike >= ALIKE ? far.lag : null;
    // One window may be like another moment by chance; two in a row are not.
    if (place !== null && elsewhere !== null && Math.abs(place - elsewhere) <= DRIFT) {
      if (place < lag) cut += (lag - place) / PER_MS;
      else putIn += (place - lag) / PER_MS;
      lag = place;
      elsewhere = null;
    } else elsewhere = place;
  }
  return {
    comparedMs: windows.length * WINDOW_MS,
    lostMs: lost,
    cutMs: Math.round(cut),
    putInMs: Math.round(putIn),
    driftMs: Math.round(drifted / PER_MS),
    twice,
    losses,
  };
}

/** Where there is something to compare. */
function windowsOf(a: Int16Array): readonly number[] {
  const all: number[] = [];
  for (let at = 0; at + WINDOW <= a.length; at += WINDOW)
    if (Math.sqrt(energy(a, at) / WINDOW) > QUIET_RMS) all.push(at);
  return all;
}

function againIn(a: Int16Array, b: Int16Array, windows: readonly number[]): number {
  const every = Math.max(1, Math.floor(windows.length / MOMENTS));
  const moments = windows.filter((at, n) => n % every === 0 && at + ANCHOR <= a.length);
  return moments.filter((at) => {
    const last = b.length - at - ANCHOR;
    const { lag } = best(a, b, at, -at, last, 4, ANCHOR);
    const around = JUMP_MS * PER_MS;
    const others = [
      best(a, b, at, -at, lag - around, 4, ANCHOR),
      best(a, b, at, lag + around, last, 4, ANCHOR),
    ];
    return others.some(({ alike }) => alike >= THE_SAME);
  }).length;
}

/** By how much `heard` is behind `said`, from the one of twenty moments that is found best. */
function anchor(a: Int16Array, b: Int16Array, windows: readonly number[]): number {
  let found = { alike: -1, lag: 0 };
  const every = Math.max(1, Math.floor(windows.length / 20));
  for (let n = 0; n < windows.length && found.alike < 0.9; n += every) {
    const at = windows[n] ?? 0;
    const coarse = best(a, b, at, -at, b.length - at, 4, ANCHOR);
    const fine = best(a, b, at, coarse.lag - 4, coarse.lag + 4, 1, ANCHOR);
    if (fine.alike > found.alike) found = fine;
  }
  return found.lag;
}

/** The lag in between at which a window of `a` is most like what is there of `b`. */
function best(
  a: Int16Array,
  b: Int16Array,
  at: number,
  from: number,
  to: number,
  step = 1,
  length = WINDOW,
): { readonly alike: number; readonly lag: number } {
  const own = energy(a, at, length);
  let found = { alike: -1, lag: from };
  for (let lag = Math.max(from, -at); lag <= Math.min(to, b.length - at - length); lag += step) {
    let product = 0;
    let other = 0;
    for (let n = 0; n < length; n += step) {
      const value = b[at + lag + n] ?? 0;
      product += (a[at + n] ?? 0) * value;
      other += value * value;
    }
    const alike = other === 0 ? 0 : product / Math.sqrt((own / step) * other);
    if (alike > found.alike) found = { alike, lag };
  }
  return found;
}

function energy(a: Int16Array, at: number, length = WINDOW): number {
  let sum = 0;
  for (let n = at; n < at + length; n += 1) sum += (a[n] ?? 0) ** 2;
  return sum;
}
