// The whole of what the core knows, as one value. Policy is part of it, so that a step needs nothing else.
import type { Gesture, GesturePolicy } from './gesture.ts';
import { currentOf, type Link, type LinkPolicy, startLink } from './link.ts';
import type { Around, Turn, TurnPolicy } from './turn.ts';

export type Policy = {
  readonly configured: boolean;
  readonly link: LinkPolicy;
  readonly gesture: GesturePolicy;
  readonly turn: TurnPolicy;
};

/** Whether the box belongs to an account yet; while it does not, a press says the code. */
export type Setup = { readonly phase: 'done' } | { readonly phase: 'activating'; readonly code: string };

export type State = {
  readonly policy: Policy;
  readonly setup: Setup;
  readonly gesture: Gesture;
  readonly link: Link;
  readonly turn: Turn;
  /** Independent of every phase: muted boxes connect, speak and reconnect like others. */
  readonly muted: boolean;
};

export function startState(policy: Policy): State {
  return {
    policy,
    setup: { phase: 'done' },
    gesture: { phase: 'up' },
    link: startLink(policy.configured),
    turn: { phase: 'idle', turn: 0, why: 'starting' },
    muted: false,
  };
}

export function aroundTurn(state: State, at: number): Around {
  const { link, muted, policy } = state;
  return { attempt: currentOf(link), reach: reachOf(link), muted, at, policy: policy.turn };
}

function reachOf(link: Link): Around['reach'] {
  switch (link.phase) {
    case 'ready':
      return 'ready';
    case 'unconfigured':
      return 'unconfigured';
    case 'waiting':
    case 'stopped':
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
