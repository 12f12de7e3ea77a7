// What must be running in a given state: derived, never remembered. Whoever carries it out starts what is new here and
// stops what is gone, so nothing can be left over.
import { waitsForAnswer } from './cues.ts';
import { type Timer, timersOf } from './held-timers.ts';
import { type Sign, signOf } from './light.ts';
import { currentOf, type Link, watchesNetwork } from './link.ts';
import type { State } from './state.ts';
import { playsNow, recordsNow, type Turn } from './turn.ts';

export type Utterance = {
  readonly turn: number;
  readonly take: number;
  /** The connection its packets go to, from the first one on; null: they are kept. */
  readonly sendTo: number | null;
  /** `ending`: the packet begun is completed, then the microphone closes. */
  readonly capture: 'open' | 'ending';
};

export type Playback = {
  readonly turn: number;
  /** No more packets are expected: play out, and say when it is quiet. */
  readonly ending: boolean;
};

export type Holds = {
  /** Attempts whose sockets are to exist; at most the current one and its successor. */
  readonly sockets: readonly number[];
  /** How every other socket ends: with a close frame, or at once, for nobody is there to answer it. */
  readonly parting: 'polite' | 'abrupt';
  /** The network is watched. */
  readonly networkWatch: boolean;
  /** A connection waits for the machine's clock to be set right. */
  readonly clockSync: boolean;
  readonly utterance: Utterance | null;
  /**
   * What the microphone does where no utterance wants it: it is closed; open, its last moments kept for the next press; or
   * open and nothing kept, for what it hears is the box itself.
   */
  readonly standby: 'closed' | 'kept' | 'deaf';
  readonly playback: Playback | null;
  /** The turn whose answer is waited for in silence; after a while that is heard to be so. */
  readonly awaited: number | null;
  /** To be said, and said again, until the box belongs to somebody. */
  readonly code: string | null;
  /** Of speech, 0 to 100. */
  readonly volume: number;
  /** The microphone is open for whoever looks at its level, and nothing of it goes anywhere. */
  readonly meter: boolean;
  /** What the light shows. */
  readonly light: Sign;
  readonly timers: readonly Timer[];
  /** The one word for people. */
  readonly status: 'idle' | 'listening' | 'thinking' | 'speaking' | 'activating';
};

export function holds(state: State): Holds {
  return {
    sockets: socketsOf(state.link),
    parting: partingOf(state.link),
    networkWatch: watchesNetwork(state.link),
    clockSync: state.link.phase === 'waiting' && state.link.loss.class === 'clock',
    utterance: utteranceOf(state),
    standby: standbyOf(state),
    playback: playsNow(state.turn)
      ? { turn: state.turn.turn, ending: state.turn.phase === 'draining' }
      : null,
    awaited: waitsForAnswer(state.turn) ? state.turn.turn : null,
    code: state.setup.phase === 'activating' && state.link.phase !== 'ended' ? state.setup.code : null,
    volume: state.volume,
    meter: state.meter !== null && !state.muted,
    light: signOf(state),
    timers: timersOf(state),
    status: state.setup.phase === 'activating' ? 'activating' : statusOf(state.turn),
  };
}

function socketsOf(link: Link): readonly number[] {
  switch (link.phase) {
    case 'dialing':
    case 'greeting':
      return [link.attempt];
    case 'ready':
      return link.successor === null ? [link.current] : [link.current, link.attempt];
    case 'unconfigured':
    case 'resting':
    case 'closed':
    case 'waiting':
    case 'stopped':
    case 'ended':
      return [];
  }
}

/** A lost connection's other end is not there; one that is given up while it works is owed a word. */
function partingOf(link: Link): Holds['parting'] {
  switch (link.phase) {
    case 'dialing':
    case 'greeting':
    case 'stopped':
      return 'abrupt';
    case 'waiting':
      return link.cause === 'renewal' ? 'polite' : 'abrupt';
    case 'ready':
      return link.cause === 'doubt' || link.cause === 'network' ? 'abrupt' : 'polite';
    case 'unconfigured':
    case 'resting':
    case 'closed':
    case 'ended':
      return 'polite';
  }
}

function utteranceOf(state: State): Utterance | null {
  const { turn, link } = state;
  const capture = recordsNow(turn) && turn.phase !== 'finishing' ? 'open' : 'ending';
  switch (turn.phase) {
    case 'idle':
    case 'aborting':
      return null;
    case 'pressed':
      // A press may interrupt an answer while muted; nobody is recorded for it.
      return state.muted ? null : { turn: turn.turn, take: 0, sendTo: null, capture };
    case 'recording':
      return { turn: turn.turn, take: turn.take, sendTo: null, capture };
    case 'listening':
    case 'finishing':
      return { turn: turn.turn, take: turn.take, sendTo: currentOf(link), capture };
    case 'thinking':
    case 'speaking':
    case 'draining':
      if (turn.mode === 'realtime')
        return { turn: turn.turn, take: turn.take, sendTo: currentOf(link), capture };
      // Kept until the server has understood it, in case it must be sent again.
      return turn.phase === 'thinking' && turn.awaiting === 'answer'
        ? { turn: turn.turn, take: turn.take, sendTo: currentOf(link), capture }
        : null;
  }
}

function standbyOf({ policy, turn, muted, setup, link }: State): Holds['standby'] {
  const nobodyMayTalk = muted || setup.phase === 'activating' || link.phase === 'unconfigured';
  if (policy.turn.standby === 'closed' || nobodyMayTalk || link.phase === 'ended') return 'closed';
  return turn.phase === 'speaking' || turn.phase === 'draining' ? 'deaf' : 'kept';
}

function statusOf(turn: Turn): Holds['status'] {
  switch (turn.phase) {
    case 'idle':
    case 'aborting':
      return 'idle';
    case 'pressed':
    case 'listening':
      return 'listening';
    case 'recording':
      return turn.capture === 'going' ? 'listening' : 'thinking';
    case 'finishing':
    case 'thinking':
      return 'thinking';
    case 'speaking':
    case 'draining':
      return 'speaking';
  }
}
