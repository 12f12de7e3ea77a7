// What the light shows: one function from the whole state to a sign, and for each sign a rhythm that tells it apart without
// any colour. Pure; knows no LED.
import { reachOf, type State } from './state.ts';
import { playsNow, recordsNow } from './turn.ts';

export const SIGNS = [
  'idle',
  'connecting',
  'listening',
  'thinking',
  'speaking',
  'muted',
  'offline',
  'activating',
  'error',
] as const;
export type Sign = (typeof SIGNS)[number];

/** How bright, of 1, and for how long; `fade`: on the way to the next beat's level. */
export type Beat = { readonly level: number; readonly ms: number; readonly fade?: true };

/** Repeated for ever; one of a single beat is steady. */
export type Rhythm = readonly Beat[];

export type Colour = readonly [red: number, green: number, blue: number];

export type Theme = 'speaker' | 'xiaozhi';

/** The first that fits: an open microphone can't be hidden by anything, then what a person must do, then what goes on. */
export function signOf(state: State): Sign {
  const { turn, link, setup, muted, meter } = state;
  if (meter !== null && !muted) return 'listening';
  const isTalking = turn.phase === 'thinking' || playsNow(turn);
  // In realtime it is open all along, and the answer says what goes on.
  const records = recordsNow(turn) && !(muted && turn.phase === 'pressed');
  if (records && !isTalking) return turn.phase === 'finishing' ? 'thinking' : 'listening';
  if (setup.phase === 'activating') return 'activating';
  if (link.phase === 'unconfigured' || link.phase === 'stopped') return 'error';
  if (turn.phase === 'recording') return 'thinking';
  if (isTalking) return turn.phase === 'thinking' ? 'thinking' : 'speaking';
  if (muted) return 'muted';
  return linkSign(state);
}

function linkSign(state: State): Sign {
  const { link } = state;
  switch (link.phase) {
    case 'ready':
      return reachOf(state) === 'away' ? 'offline' : 'idle';
    case 'waiting':
      return needsSomebody(link.loss.class) ? 'error' : 'offline';
    case 'dialing':
    case 'greeting':
      return reachOf(state) === 'away' ? 'offline' : 'connecting';
    case 'unconfigured':
    case 'stopped':
      return 'error';
    // Nobody wants a connection; a press makes one.
    case 'resting':
    case 'closed':
    case 'ended':
      return 'idle';
  }
}

/** It goes on trying, and will not succeed before something is put right. */
function needsSomebody(failure: string): boolean {
  return failure === 'auth' || failure === 'configuration' || failure === 'protocol' || failure === 'portal';
}

const on = (ms: number): Beat => ({ level: 1, ms });
const off = (ms: number): Beat => ({ level: 0, ms });
const times = (count: number, ...beats: Rhythm): Rhythm => Array.from({ length: count }, () => beats).flat();

/** ux.md 3.1: told apart by a single plain LED, in a glance of five seconds. */
export const RHYTHMS: Readonly<Record<Sign, Rhythm>> = {
  idle: [off(1_000)],
  connecting: [on(500), off(500)],
  listening: [on(1_000)],
  thinking: [on(125), off(125)],
  speaking: [
    { level: 0.1, ms: 800, fade: true },
    { level: 1, ms: 800, fade: true },
  ],
  muted: [on(100), off(150), on(100), off(4_650)],
  offline: [on(200), off(2_800)],
  activating: [on(250), off(250)],
  error: [...times(4, on(100), off(100)), on(100), off(1_500)],
};

const [RED, ORANGE, YELLOW, GREEN, CYAN, BLUE, WHITE] = [
  [255, 0, 0],
  [255, 90, 0],
  [255, 200, 0],
  [0, 255, 0],
  [0, 200, 255],
  [0, 0, 255],
  [255, 255, 255],
] as const satisfies readonly Colour[];

/** `speaker`: what most talking boxes have. `xiaozhi`: the reference firmware's, where red listens. */
export const COLOURS: Readonly<Record<Theme, Readonly<Record<Sign, Colour>>>> = {
  speaker: {
    idle: WHITE,
    connecting: WHITE,
    listening: BLUE,
    thinking: CYAN,
    speaking: GREEN,
    muted: RED,
    offline: ORANGE,
    activating: YELLOW,
    error: RED,
  },
  xiaozhi: {
    idle: WHITE,
    connecting: BLUE,
    listening: RED,
    thinking: CYAN,
    speaking: GREEN,
    muted: ORANGE,
    offline: BLUE,
    activating: GREEN,
    error: RED,
  },
};

/** Somebody is being talked with: to be seen at night too. */
export function isConversation(sign: Sign): boolean {
  return sign === 'listening' || sign === 'thinking' || sign === 'speaking';
}
