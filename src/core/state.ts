// The whole of what the core knows, as one value. Policy is part of it, so that a step needs nothing else.
import type { Limits } from './backoff.ts';
import type { Told } from './cues.ts';
import type { Moment } from './events.ts';
import type { Gesture, GesturePolicy } from './gesture.ts';
import { type Lessons, noLessons } from './lessons.ts';
import { type AroundLink, currentOf, type Link, type LinkPolicy, startLink } from './link.ts';
import { isUsable, type Network, unknownNetwork } from './network.ts';
import { type Setup, type SetupPolicy, startSetup } from './setup.ts';
import type { Around, Turn, TurnPolicy } from './turn.ts';

export type Policy = {
  /** The server is known from the start. */
  readonly configured: boolean;
  readonly setup: SetupPolicy;
  readonly link: LinkPolicy;
  /** Whether lost connections are made again, at the start; it can be switched at any time. */
  readonly limits: Limits;
  readonly gesture: GesturePolicy;
  readonly turn: TurnPolicy;
};

export type State = {
  readonly policy: Policy;
  /** Whether the box belongs to an account yet; while it does not, a press says the code. */
  readonly setup: Setup;
  readonly gesture: Gesture;
  readonly link: Link;
  readonly limits: Limits;
  /** What past connections have taught. */
  readonly lessons: Lessons;
  readonly network: Network;
  readonly turn: Turn;
  /** When somebody last talked to the box, or it to them. */
  readonly usedAt: number;
  /** Independent of every phase: muted boxes connect, speak and reconnect like others. */
  readonly muted: boolean;
  /** The switch that decides stands on mute. */
  readonly muteSwitched: boolean;
  /** Of speech, 0 to 100. */
  readonly volume: number;
  /** What the person was last told of the connection. */
  readonly told: Told;
  /** Somebody looks at what the microphone hears, and asked for it last at that moment. */
  readonly meter: { readonly askedAt: number } | null;
};

/** What the owner has set at the box itself, and finds again after a start. */
export type Prefs = { readonly volume: number; readonly muted: boolean };

/** As loud as the server sends it. */
export const UNTOUCHED: Prefs = { volume: 100, muted: false };

/** @param at the monotonic moment of the start, from which unused time counts */
export function startState(
  policy: Policy,
  at: number,
  lessons: Lessons = noLessons(at),
  { volume, muted }: Prefs = UNTOUCHED,
): State {
  return {
    policy,
    setup: startSetup(),
    gesture: { phase: 'up' },
    link: startLink(policy.configured),
    limits: policy.limits,
    lessons,
    network: unknownNetwork(at),
    turn: { phase: 'idle', turn: 0, why: 'starting' },
    usedAt: at,
    muted,
    muteSwitched: false,
    volume,
    told: 'nothing',
    meter: null,
  };
}

export function aroundTurn(state: State, at: number): Around {
  const { link, muted, policy } = state;
  const greetedAt = link.phase === 'ready' ? link.since : null;
  return { attempt: currentOf(link), greetedAt, reach: reachOf(state), muted, at, policy: policy.turn };
}

export function aroundLink(state: State, { at, dice }: Moment): AroundLink {
  const { policy, limits, lessons, turn, usedAt } = state;
  const network = { usable: isUsable(state.network), backAt: state.network.back?.at ?? null };
  return { at, dice, policy: policy.link, limits, lessons, network, quiet: quiet(turn), usedAt };
}

export function reachOf({ link, network, setup }: State): Around['reach'] {
  if (link.phase === 'ready' && network.absence?.stage === 'lasting') return 'away';
  switch (link.phase) {
    case 'ready':
      return link.current === setup.ungreeted ? 'ungreeted' : 'ready';
    case 'unconfigured':
      // Whoever asks for the server may be given it in a moment; who was refused tries again.
      if (setup.phase === 'asking') return setup.failures > 0 ? 'away' : 'coming';
      return setup.phase === 'waiting' ? 'away' : 'unconfigured';
    case 'waiting':
    case 'stopped':
    case 'closed':
      return 'away';
    case 'dialing':
    case 'greeting':
      return link.failures > 0 ? 'away' : 'coming';
    case 'resting':
    case 'ended':
      return 'coming';
  }
}

/** Nothing of a conversation is going on, so connections may be exchanged. */
export function quiet(turn: Turn): boolean {
  return turn.phase === 'idle';
}
