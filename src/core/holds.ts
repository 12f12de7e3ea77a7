// What must be running in a given state: derived, never remembered. Whoever carries it out starts what is new here and
// stops what is gone, so nothing can be left over.
import { holdTimer, releaseTimer } from './gesture.ts';
import { renewAfterMs } from './lessons.ts';
import {
  attemptTimer,
  currentOf,
  type Link,
  type Ready,
  renewFrom,
  renewTimer,
  retryTimer,
  waitMs,
} from './link.ts';
import { isUsable, kickTimer } from './network.ts';
import { intervalMs } from './pulse.ts';
import { quiet, type State } from './state.ts';
import { deadlineTimer, playsNow, recordsNow, settleTimer, type Turn, unsettled } from './turn.ts';
import { heartbeatTimer, monitorTimer, pingTimer } from './upkeep.ts';

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

export type Timer = {
  readonly name: string;
  readonly afterMs: number;
  /** The moment it counts from; the moment it is first held when there is none. */
  readonly from?: number;
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
  readonly playback: Playback | null;
  readonly timers: readonly Timer[];
  /** The one word for people. */
  readonly status: 'idle' | 'listening' | 'thinking' | 'speaking' | 'activating';
};

/** The dialler has a deadline of its own; this one is for a dialler that broke its word. */
const DIAL_GRACE_MS = 1_000;

/**
 * The longest that each phase may last. Listening, thinking and speaking: reference servers' own limits. Finishing: a
 * full buffer of 30 s sent at four times real time, twice over. Draining: a full jitter buffer (10 s) and the card's.
 * Pressed: far beyond any gesture's decision. Aborting and settling: a round trip on a bad mobile network.
 */
const DEADLINE_MS = {
  aborting: 3_000,
  pressed: 5_000,
  listening: 60_000,
  followUp: 8_000,
  finishing: 15_000,
  firstAnswer: 15_000,
  firstAudio: 60_000,
  nextPacket: 30_000,
  draining: 15_000,
  settle: 1_500,
} as const;

export function holds(state: State): Holds {
  return {
    sockets: socketsOf(state.link),
    parting: partingOf(state.link),
    networkWatch: watchesNetwork(state.link),
    clockSync: state.link.phase === 'waiting' && state.link.loss.class === 'clock',
    utterance: utteranceOf(state),
    playback: playsNow(state.turn)
      ? { turn: state.turn.turn, ending: state.turn.phase === 'draining' }
      : null,
    timers: timersOf(state),
    status: state.setup.phase === 'activating' ? 'activating' : statusOf(state.turn),
  };
}

export function holdsTimer(state: State, name: string): boolean {
  return timersOf(state).some((timer) => timer.name === name);
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

/** While anything may come of it. */
function watchesNetwork({ phase }: Link): boolean {
  return phase !== 'unconfigured' && phase !== 'closed' && phase !== 'ended';
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
      return { turn: turn.turn, take: 0, sendTo: null, capture };
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

function timersOf(state: State): readonly Timer[] {
  return [...linkTimers(state), ...networkTimers(state), ...turnTimers(state), ...gestureTimers(state)];
}

function gestureTimers({ gesture, policy }: State): readonly Timer[] {
  if (gesture.phase === 'undecided') return [{ name: holdTimer, afterMs: policy.gesture.holdAfterMs }];
  return gesture.phase === 'held-for' ? [{ name: releaseTimer(gesture), afterMs: gesture.forMs }] : [];
}

function linkTimers(state: State): readonly Timer[] {
  const { link, policy } = state;
  const usable = isUsable(state.network);
  const { connectTimeoutMs, helloTimeoutMs } = policy.link;
  const dialing = (from: number): Timer => ({
    name: attemptTimer(link, 'dial'),
    afterMs: connectTimeoutMs + DIAL_GRACE_MS,
    from,
  });
  const greeting = (from: number): Timer => ({
    name: attemptTimer(link, 'hello'),
    afterMs: helloTimeoutMs,
    from,
  });
  switch (link.phase) {
    case 'waiting':
      // What is owed to the network comes first, and is soon.
      if (state.network.owedAt !== null) return [];
      return [{ name: retryTimer(link, usable), afterMs: waitMs(link, usable), from: link.since }];
    case 'dialing':
      return [dialing(link.dialedAt)];
    case 'greeting':
      return [greeting(link.openedAt)];
    case 'ready': {
      const { successor } = link;
      if (successor === null) return [...pulseTimers(link, state), ...renewTimers(link, state)];
      const making =
        successor.phase === 'dialing' ? dialing(successor.dialedAt) : greeting(successor.openedAt);
      return [...pulseTimers(link, state), making];
    }
    case 'unconfigured':
    case 'resting':
    case 'closed':
    case 'stopped':
    case 'ended':
      return [];
  }
}

function networkTimers({ link, network }: State): readonly Timer[] {
  const { owedAt } = network;
  return owedAt === null || !watchesNetwork(link)
    ? []
    : [{ name: kickTimer(network), afterMs: owedAt, from: 0 }];
}

function pulseTimers(link: Ready, { policy, lessons, network, turn }: State): readonly Timer[] {
  const { heardAt, checkedAt, ping } = link.pulse;
  const afterMs = intervalMs(policy.link, link.pulse, lessons.heartbeatMs, {
    quiet: quiet(turn),
    usable: isUsable(network),
  });
  const beat =
    ping === null
      ? { name: heartbeatTimer(link, afterMs), afterMs, from: heardAt }
      : { name: pingTimer(link, ping), afterMs: ping.deadlineMs, from: ping.at };
  return [beat, { name: monitorTimer(link), afterMs: policy.link.monitorIntervalMs, from: checkedAt }];
}

function renewTimers(link: Ready, { policy, limits, lessons, turn, usedAt }: State): readonly Timer[] {
  const { mode, renew, assumedRenewMs } = policy.link;
  const afterMs = renewAfterMs(lessons, assumedRenewMs, link.renewFrom);
  // On demand, the server's close is what ends the connection.
  if (!renew || !limits.enabled || mode === 'on-demand' || afterMs === null || !quiet(turn)) return [];
  return [
    { name: renewTimer(link, usedAt), afterMs: afterMs * link.renewShare, from: renewFrom(link, usedAt) },
  ];
}

function turnTimers({ turn, policy }: State): readonly Timer[] {
  const deadline = (afterMs: number): Timer => ({ name: deadlineTimer(turn), afterMs });
  const settling: readonly Timer[] = unsettled(turn)
    ? [{ name: settleTimer(turn), afterMs: DEADLINE_MS.settle }]
    : [];
  switch (turn.phase) {
    case 'idle':
      return [];
    case 'aborting':
      return [deadline(DEADLINE_MS.aborting)];
    case 'pressed':
      return [deadline(DEADLINE_MS.pressed)];
    case 'recording':
      return [deadline(policy.turn.offlineHoldMs)];
    case 'listening':
      return [
        deadline(turn.origin === 'follow-up' ? DEADLINE_MS.followUp : DEADLINE_MS.listening),
        ...settling,
      ];
    case 'finishing':
      return [deadline(DEADLINE_MS.finishing), ...settling];
    case 'thinking':
      if (turn.awaiting === 'audio') return [deadline(DEADLINE_MS.firstAudio)];
      return [deadline(DEADLINE_MS.firstAnswer), ...settling];
    case 'speaking':
      return [deadline(DEADLINE_MS.nextPacket)];
    case 'draining':
      return [deadline(DEADLINE_MS.draining)];
  }
}

function statusOf(turn: Turn): Holds['status'] {
  switch (turn.phase) {
    case 'idle':
    case 'aborting':
      return 'idle';
    case 'pressed':
    case 'recording':
    case 'listening':
      return 'listening';
    case 'finishing':
    case 'thinking':
      return 'thinking';
    case 'speaking':
    case 'draining':
      return 'speaking';
  }
}
