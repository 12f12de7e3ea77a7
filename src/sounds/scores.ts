// What each cue sounds like, as notes: the whole set, to be read like a score. Knows nothing of samples, files and of when
// a cue is played.

/** From `hz` gliding to `toHz`; no `hz` is a rest. */
export type Note = { readonly durationMs: number; readonly hz?: number; readonly toHz?: number };

export type Score = {
  readonly notes: readonly Note[];
  /** Of the loudest sample, below full scale. */
  readonly peakDb: number;
  /** `bell`: a tone with a little of its octave, dying away. `buzz`: odd harmonics, held. */
  readonly timbre: 'bell' | 'buzz';
};

/** ux.md 3.3. Pitches between 390 and 1,200 Hz: loudspeakers of two inches have nothing below, old ears little above. */
const [G4, B4, C5, E5, G5, A5, D6] = [392, 494, 523, 659, 784, 880, 1_175] as const;

/** Speech of servers peaks at some -6 dB: a sign that the owner asked for is a little softer than that. */
const CLEAR_DB = -10;
/** It sounds into an open microphone: heard from the next chair, and 20 dB below somebody who talks. */
const QUIET_DB = -22;

const bell = (peakDb: number, ...notes: readonly Note[]): Score => ({ notes, peakDb, timbre: 'bell' });

export const SCORES = {
  ready: bell(
    CLEAR_DB,
    { hz: C5, durationMs: 120 },
    { hz: E5, durationMs: 120 },
    { hz: G5, durationMs: 150 },
  ),
  listen: bell(QUIET_DB, { hz: A5, toHz: D6, durationMs: 110 }),
  heard: bell(-18, { hz: D6, toHz: A5, durationMs: 95 }),
  thinking: bell(-26, { hz: G5, durationMs: 40 }),
  again: bell(QUIET_DB - 4, { hz: A5, toHz: D6, durationMs: 95 }),
  stop: bell(CLEAR_DB, { hz: G4, durationMs: 80 }),
  offline: bell(CLEAR_DB, { hz: E5, durationMs: 140 }, { hz: B4, durationMs: 160 }),
  back: bell(CLEAR_DB, { hz: B4, durationMs: 140 }, { hz: E5, durationMs: 160 }),
  error: {
    notes: [{ hz: G4, durationMs: 110 }, { durationMs: 70 }, { hz: G4, durationMs: 110 }],
    peakDb: CLEAR_DB,
    timbre: 'buzz',
  },
  muted: bell(CLEAR_DB, { hz: G5, durationMs: 70 }, { hz: C5, durationMs: 80 }),
  unmuted: bell(CLEAR_DB, { hz: C5, durationMs: 70 }, { hz: G5, durationMs: 80 }),
  volume: bell(CLEAR_DB, { hz: A5, durationMs: 60 }),
  code: bell(
    CLEAR_DB,
    { hz: E5, durationMs: 110 },
    { hz: C5, durationMs: 110 },
    { hz: E5, durationMs: 110 },
    { durationMs: 70 },
  ),
  /** A digit where no voice is to be had: so many of these, and the long one for a nought. */
  beep: bell(CLEAR_DB, { hz: G5, durationMs: 110 }, { durationMs: 110 }),
  'beep-long': bell(CLEAR_DB, { hz: G5, durationMs: 450 }, { durationMs: 110 }),
} as const satisfies Readonly<Record<string, Score>>;
