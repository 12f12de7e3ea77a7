// The mechanism: what becomes of the connection at each fact. One loss handler for every kind of end, one place that
// asks whether there is a next attempt, numbers that make late reports harmless. Pure.
import { anew, deadlineIn, dial, type Only, opened, reached } from './attempt.ts';
import { delayAfter, lastStraw, limitInForce, type Setback } from './backoff.ts';
import { again, isAway } from './demand.ts';
import { explained, failedBefore, foreignHello, sessionRefused, UNANSWERED } from './ends.ts';
import type { Event, Loss } from './events.ts';
import { type Lessons, learnFromEnd, learnFromSuccessor } from './lessons.ts';
import {
  type AroundLink,
  isProven,
  type Link,
  type LinkStepped,
  PROVEN_AFTER_MS,
  quietSince,
  type Ready,
  retryTimer,
  type Successor,
  stepped,
  type Trying,
} from './link.ts';
import { newPulse } from './pulse.ts';
import { alive, ask, getsOn, keptUp } from './upkeep.ts';

/** Of 50 s the last five: as long as a herd takes that was told of a restart. */
const RENEW_SPREAD = 0.1;

export function stepLink(link: Link, event: Event, around: AroundLink): LinkStepped {
  const only: Only = (next, acts = []) => stepped(next, around.lessons, acts);
  if (link.phase === 'ended') return only(link);
  switch (event.type) {
    case 'agent.started':
      return only(started(link, event, around));
    case 'shutdown.asked':
      return only({ phase: 'ended', attempt: link.attempt });
    case 'connect.asked':
      return only(isAway(link) ? dial(anew(link, around.at), 'start', around.at) : link);
    case 'disconnect.asked':
      return only(
        link.phase === 'unconfigured' ? link : { phase: 'closed', attempt: link.attempt, why: event.why },
      );
    case 'reconnect.asked':
      return only(again(link, around));
    case 'reconnect.switched':
      return only(switched(link, around));
    case 'clock.synchronized':
      return only(
        link.phase === 'waiting' && link.loss.class === 'clock' ? dial(link, 'clock set', around.at) : link,
      );
    case 'socket.reached':
      return only(reached(link, event.attempt, event.local));
    case 'socket.opened':
      return opened(link, event.attempt, around, only);
    case 'socket.heard':
      return alive(link, event.attempt, event.rttMs, around);
    case 'socket.moved':
      return only(getsOn(link, event.attempt, around.at));
    case 'server.said':
      return spoken(link, event, around, only);
    case 'server.muttered':
      return only(
        link.phase === 'greeting' && event.attempt === link.attempt ? { ...link, mutter: event.text } : link,
      );
    case 'socket.closed':
      return closed(link, event.attempt, event.loss, around);
    case 'timer.fired':
      return elapsed(link, event.timer, around);
    default:
      return only(link);
  }
}

function started(link: Link, event: Event & { type: 'agent.started' }, around: AroundLink): Link {
  if (link.phase !== 'resting') return link;
  const { at, limits, policy } = around;
  if (policy.mode !== 'always') return { ...link, why: 'nobody has pressed the button yet' };
  const { failures = 0, loss = null } = event;
  // Whoever starts a box anew wants to see it try: a limit reached before leaves one attempt.
  const limit = limitInForce(limits, policy.maxAttempts);
  const counted = limit === 0 ? failures : Math.min(failures, limit - 1);
  if (counted === 0) return dial(anew(link, at), 'start', at);
  // A process that is started over and over must not begin from zero each time.
  const last = failedBefore(failures, loss);
  const streak = { class: last.class, count: counted - 1 };
  return retried({ ...anew(link, at), failures: counted, streak }, last, 'attempt', around);
}

/** A wait that there is no more reason for ends; one that goes on is not begun anew. */
function switched(link: Link, { limits, policy }: AroundLink): Link {
  if (link.phase !== 'waiting' || link.cause === 'renewal') return link;
  const { attempt, failures, loss } = link;
  const why = lastStraw(failures, limits, policy.maxAttempts);
  return why === null ? link : { phase: 'stopped', attempt, failures, why, loss };
}

/**
 * A hello; or a voice that does without one, as servers speak to a box they do not know: it is to be heard. An error in its
 * place is the end of the attempt.
 */
function spoken(
  link: Link,
  { attempt, message }: Event & { type: 'server.said' },
  around: AroundLink,
  only: Only,
): LinkStepped {
  if (message.type === 'hello') return greeted(link, attempt, message.transport, around, only);
  if (message.type === 'error' && awaitsHello(link, attempt))
    return closed(link, attempt, sessionRefused(message.message), around);
  const isVoice = message.type === 'stt' || message.type === 'tts';
  return isVoice && link.phase === 'greeting'
    ? greeted(link, attempt, 'websocket', around, only)
    : only(link);
}

function awaitsHello(link: Link, attempt: number): boolean {
  if (attempt !== link.attempt) return false;
  return link.phase === 'greeting' || (link.phase === 'ready' && link.successor?.phase === 'greeting');
}

function greeted(
  link: Link,
  attempt: number,
  transport: string,
  around: AroundLink,
  only: Only,
): LinkStepped {
  const { at, dice } = around;
  if (!awaitsHello(link, attempt)) return only(link);
  if (transport !== 'websocket') return closed(link, attempt, foreignHello(transport), around);
  const ready = {
    phase: 'ready',
    attempt,
    current: attempt,
    since: at,
    provenAt: at + PROVEN_AFTER_MS,
    renewFrom: at,
    renewShare: 1 - dice * RENEW_SPREAD,
    successor: null,
    pulse: newPulse(at),
  } as const;
  if (link.phase === 'greeting') {
    const { failures, outageSince, streak, cause, local } = link;
    return only({ ...ready, failures, outageSince, streak, cause, local });
  }
  if (link.phase !== 'ready' || link.successor === null) return only(link);
  const { cause, local } = link.successor;
  if (cause === 'doubt') return only({ ...ready, ...afterEnd(link, link.pulse.heardAt, at), cause, local });
  const { failures, outageSince, streak, provenAt } = link;
  // The old connection is closed now: whether the server has closed both is found out before anybody needs to know.
  return ask({ ...ready, failures, outageSince, streak, provenAt, cause, local }, 'renewed', around);
}

/** What counts against the next connection when this one has ended. */
function afterEnd(link: Ready, livedUntil: number, at: number): Omit<Trying, 'attempt'> {
  const { failures, outageSince, streak } = link;
  return isProven(link, livedUntil)
    ? { failures: 0, outageSince: at, streak: null }
    : { failures: failures + 1, outageSince, streak };
}

/** The one loss handler: every kind of end of every attempt comes through here. */
export function closed(link: Link, attempt: number, loss: Loss, around: AroundLink): LinkStepped {
  const { lessons } = around;
  switch (link.phase) {
    case 'dialing':
      return stepped(attempt === link.attempt ? failed(link, loss, around) : link, lessons);
    case 'greeting':
      if (attempt !== link.attempt) return stepped(link, lessons);
      return stepped(failed(link, explained(link.mutter, loss), around), lessons);
    case 'ready':
      if (attempt === link.current) return lost(link, loss, around);
      if (attempt !== link.attempt || link.successor === null) return stepped(link, lessons);
      return unsucceeded(link, link.successor, loss, around);
    case 'unconfigured':
    case 'resting':
    case 'closed':
    case 'waiting':
    case 'stopped':
    case 'ended':
      return stepped(link, lessons);
  }
}

function failed(link: Link & Trying, loss: Loss, around: AroundLink): Link {
  return retried({ ...link, failures: link.failures + 1 }, loss, 'attempt', around);
}

/** The second connection has not come about. */
function unsucceeded(link: Ready, { cause }: Successor, loss: Loss, around: AroundLink): LinkStepped {
  const alone = { ...link, successor: null, renewFrom: around.at };
  // Nothing is heard of the old one either: it counts as lost now, and the next attempt follows as after any loss.
  // Unless it is only more of them that the server does not bear: then the ping that is on its way decides.
  const isThere = loss.quick || link.pulse.ping === null;
  if (cause === 'doubt' && isThere) return lost(alone, UNANSWERED, around);
  return stepped(alone, learnFromSuccessor(around.lessons, loss, around.at));
}

/** The current connection has ended. */
function lost(link: Ready, loss: Loss, around: AroundLink): LinkStepped {
  const { at, policy, limits, quiet, usedAt } = around;
  const lessons = lessonsOf(link, loss, around);
  // Whoever is silent has not worked since the last sign of life.
  const livedUntil = loss.class === 'network' ? link.pulse.heardAt : at;
  const proven = isProven(link, livedUntil);
  const tried = { attempt: link.attempt, ...afterEnd(link, livedUntil, at) };
  const to = (next: Link): LinkStepped => stepped(next, lessons);
  if (link.successor !== null && lastStraw(tried.failures, limits, policy.maxAttempts) === null)
    return to({ ...link.successor, ...tried });
  const rest = (why: string) => to({ phase: 'resting', attempt: link.attempt, why, loss });
  // Whoever is in the middle of a turn asks for a new one.
  if (proven && policy.mode === 'on-demand') return rest(loss.reason);
  const unusedMs = at - usedAt;
  if (proven && quiet && loss.class === 'normal' && policy.restAfterMs > 0 && unusedMs >= policy.restAfterMs)
    return rest(`nobody has talked for ${Math.round(unusedMs / 60_000)} min`);
  return to(retried(tried, loss, 'connection', around));
}

function lessonsOf(link: Ready, loss: Loss, { at, lessons, quiet, usedAt }: AroundLink): Lessons {
  // It has not said a word since the old one was closed.
  if (link.pulse.ping?.why === 'renewed') return learnFromSuccessor(lessons, loss, at);
  // A successor at the door may be what made the server end it.
  if (!isProven(link, at) || !quiet || link.successor !== null) return lessons;
  return learnFromEnd(lessons, loss, at - quietSince(link, usedAt), at);
}

/** @param tried with this setback counted */
function retried(tried: Trying, loss: Loss, of: Setback['of'], around: AroundLink): Link {
  const { at, dice, policy, limits, network } = around;
  const { attempt, failures, outageSince } = tried;
  const why = lastStraw(failures, limits, policy.maxAttempts);
  if (why !== null) return { phase: 'stopped', attempt, failures, why, loss };
  const alike = tried.streak?.class === loss.class ? tried.streak.count : 0;
  const streak = { class: loss.class, count: alike + 1 };
  const backMs = network.backAt === null ? null : at - network.backAt;
  const setback = { loss, failures, alike: streak.count, outageMs: at - outageSince, of, backMs };
  const delayMs = delayAfter(setback, dice, policy);
  return {
    phase: 'waiting',
    attempt,
    failures,
    outageSince,
    streak,
    since: at,
    delayMs,
    loss,
    cause: 'retry',
  };
}

function elapsed(link: Link, timer: string, around: AroundLink): LinkStepped {
  const { at, lessons, policy } = around;
  const only = (next: Link): LinkStepped => stepped(next, lessons);
  if (link.phase === 'waiting' && timer === retryTimer(link, around.network.usable))
    return only(dial(link, link.cause, at));
  const deadline = deadlineIn(link, policy, around.network.backAt);
  if (timer === deadline?.timer) return closed(link, link.attempt, deadline.loss, around);
  if (link.phase !== 'ready') return only(link);
  const kept = keptUp(link, timer, around);
  return 'lost' in kept ? closed(link, link.current, kept.lost, around) : kept;
}
