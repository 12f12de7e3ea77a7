// What has happened to the connection between two states, as facts in the past tense: what log, book of outages and
// figures have in common. Reads states and the event between them; decides nothing and keeps nothing.
import { deadlineIn } from '../core/attempt.ts';
import { foreignHello, noPong, rerouted, UNANSWERED } from '../core/ends.ts';
import type { Event, Loss } from '../core/events.ts';
import { type Cause, currentOf, isProven, type Link, type Ready } from '../core/link.ts';
import { isUsable, type Network } from '../core/network.ts';
import type { State } from '../core/state.ts';

export type Change =
  /** `beside`: a connection that works goes on meanwhile. */
  | { readonly type: 'begun'; readonly attempt: number; readonly cause: Cause; readonly beside: boolean }
  | { readonly type: 'opened'; readonly attempt: number }
  | {
      readonly type: 'failed';
      readonly attempt: number;
      readonly cause: Cause;
      readonly loss: Loss;
      readonly beside: boolean;
    }
  /** Given up though nothing was wrong with it. */
  | { readonly type: 'dropped'; readonly attempt: number; readonly beside: boolean }
  /** The connection that frames go to has ended; `resting`: nobody wants another. */
  | { readonly type: 'lost'; readonly loss: Loss; readonly was: Was; readonly resting: boolean }
  /** It was given up before its successor was made: this server does not bear two. */
  | { readonly type: 'released'; readonly was: Was }
  /** Another has taken its place; `loss` when it was for something that was wrong with it. */
  | {
      readonly type: 'replaced';
      readonly was: Was;
      readonly by: number;
      readonly cause: Cause;
      readonly loss: Loss | null;
    }
  /** There is a connection again, or for the first time. */
  | { readonly type: 'ready'; readonly attempt: number; readonly cause: Cause }
  /** A press got no answer: another connection is made beside the present one, or is under way already. */
  | { readonly type: 'doubted'; readonly was: Was; readonly by: number }
  /** The wait of a run that had broken off goes on in this one. */
  | { readonly type: 'resumed'; readonly loss: Loss }
  | { readonly type: 'rested'; readonly why: string }
  /** On purpose; `was` when there was a connection. */
  | { readonly type: 'left'; readonly why: string; readonly was: Was | null };

/** The connection that is no more. */
export type Was = {
  readonly attempt: number;
  readonly lastedMs: number;
  /** How long ago it was last heard: nobody can have noticed its end later than this. */
  readonly silentMs: number;
  readonly rttMs: number | null;
  readonly proven: boolean;
};

/** @param at the moment of the event, by the clock that the core was stepped with */
export function changesOf(before: State, after: State, event: Event, at: number): readonly Change[] {
  const [was, is] = [before.link, after.link];
  if (was === is) return [];
  return [
    ...endOfAttempt(before, after, event),
    ...endOfConnection(was, after, event, at),
    ...newPhase(was, is, at),
    ...newAttempt(was, is),
    ...newDoubt(was, is, event, at),
  ];
}

type Making = {
  readonly attempt: number;
  readonly cause: Cause;
  readonly phase: 'dialing' | 'greeting';
  readonly beside: boolean;
};

export function makingOf(link: Link): Making | null {
  const { attempt } = link;
  if (link.phase === 'dialing' || link.phase === 'greeting')
    return { attempt, cause: link.cause, phase: link.phase, beside: false };
  if (link.phase !== 'ready' || link.successor === null) return null;
  return { attempt, cause: link.successor.cause, phase: link.successor.phase, beside: true };
}

function endOfAttempt(before: State, { link: is }: State, event: Event): readonly Change[] {
  const made = makingOf(before.link);
  if (made === null || makingOf(is)?.attempt === made.attempt || currentOf(is) === made.attempt) return [];
  const { attempt, cause, beside } = made;
  const loss = beside ? lossBeside(before, made, event) : lossOf(is);
  if (loss === null) return [{ type: 'dropped', attempt, beside }];
  return [{ type: 'failed', attempt, cause, loss, beside }];
}

function endOfConnection(
  was: Link,
  { link: is, network }: State,
  event: Event,
  at: number,
): readonly Change[] {
  if (was.phase !== 'ready' || currentOf(is) === was.current) return [];
  const gone = wasOf(was, at);
  if (is.phase === 'ready') {
    const loss = is.cause === 'doubt' ? UNANSWERED : null;
    return [{ type: 'replaced', was: gone, by: is.current, cause: is.cause, loss }];
  }
  if (is.phase === 'waiting' && is.cause === 'renewal') return [{ type: 'released', was: gone }];
  if (is.phase === 'closed' || is.phase === 'ended') return [];
  const loss = lossOf(is) ?? lossFrom(event, was, network);
  // Whoever is silent has not worked since the last sign of life.
  const proven = isProven(was, loss.class === 'network' ? was.pulse.heardAt : at);
  return [{ type: 'lost', loss, was: { ...gone, proven }, resting: is.phase === 'resting' }];
}

function newPhase(was: Link, is: Link, at: number): readonly Change[] {
  if (was.phase === is.phase) return [];
  switch (is.phase) {
    case 'ready':
      return [{ type: 'ready', attempt: is.current, cause: is.cause }];
    case 'waiting':
    case 'stopped':
      return was.phase === 'resting' ? [{ type: 'resumed', loss: is.loss }] : [];
    case 'resting':
      return [{ type: 'rested', why: is.why }];
    case 'closed':
      return [{ type: 'left', why: is.why, was: was.phase === 'ready' ? wasOf(was, at) : null }];
    case 'ended':
      return [{ type: 'left', why: 'shutting down', was: was.phase === 'ready' ? wasOf(was, at) : null }];
    case 'unconfigured':
    case 'dialing':
    case 'greeting':
      return [];
  }
}

function newAttempt(was: Link, is: Link): readonly Change[] {
  const [before, after] = [makingOf(was), makingOf(is)];
  if (after === null) return [];
  const { attempt, cause, beside } = after;
  if (before?.attempt !== attempt) return [{ type: 'begun', attempt, cause, beside }];
  return before.phase === 'dialing' && after.phase === 'greeting' ? [{ type: 'opened', attempt }] : [];
}

function newDoubt(was: Link, is: Link, event: Event, at: number): readonly Change[] {
  if (was.phase !== 'ready' || is.phase !== 'ready' || was.current !== is.current) return [];
  const [before, after] = [makingOf(was), makingOf(is)];
  const isDialled = after?.cause === 'doubt' && after.attempt !== before?.attempt;
  const isUnanswered =
    event.type === 'timer.fired' && was.pulse.ping?.why === 'probe' && is.pulse.ping === null;
  return isDialled || isUnanswered ? [{ type: 'doubted', was: wasOf(was, at), by: is.attempt }] : [];
}

function wasOf(link: Ready, at: number): Was {
  const { current: attempt, since, pulse } = link;
  const { heardAt, rttMs } = pulse;
  return { attempt, lastedMs: at - since, silentMs: at - heardAt, rttMs, proven: isProven(link, at) };
}

/** The ordinary end of a session is none. */
export function troubleOf(link: Link): Loss | null {
  const loss = lossOf(link);
  return link.phase === 'resting' && loss?.class === 'normal' ? null : loss;
}

/** The loss that a phase without a connection carries. */
function lossOf(link: Link): Loss | null {
  if (link.phase === 'waiting') return link.cause === 'retry' ? link.loss : null;
  return link.phase === 'stopped' || link.phase === 'resting' ? link.loss : null;
}

/** A connection whose successor was under way leaves no trace of its loss in the state. */
function lossFrom(event: Event, was: Ready, network: Network): Loss {
  if (event.type === 'socket.closed') return event.loss;
  if (event.type === 'network.seen') return rerouted(network.changed.reasons);
  if (was.pulse.ping !== null) return noPong(was.pulse.ping, isUsable(network));
  return { class: 'transient', kind: 'other', reason: 'it has ended', detectedBy: event.type, quick: false };
}

function lossBeside({ link, network, policy }: State, { attempt }: Making, event: Event): Loss | null {
  if (event.type === 'socket.closed') return event.attempt === attempt ? event.loss : null;
  if (event.type === 'server.said')
    return event.message.type === 'hello' && event.attempt === attempt
      ? foreignHello(event.message.transport)
      : null;
  const deadline = deadlineIn(link, policy.link, network.back?.at ?? null);
  return event.type === 'timer.fired' && event.timer === deadline?.timer ? deadline.loss : null;
}
