// The mechanism: what becomes of the connection at each fact. One loss handler for every kind of end, one place that
// asks whether there is a next attempt, numbers that make late reports harmless. Pure.
import { delayAfter, lastStraw, type Setback } from './backoff.ts';
import { explained, failedBefore, foreignHello, silent } from './ends.ts';
import type { Act, Event, Loss } from './events.ts';
import { BOTH_DROPPED_WITHIN_MS, type Lessons, learnBreakFirst, learnFromEnd } from './lessons.ts';
import {
  type AroundLink,
  attemptTimer,
  type Cause,
  isProven,
  type Link,
  type LinkPolicy,
  type LinkStepped,
  quietSince,
  type Ready,
  retryTimer,
} from './link.ts';
import { isSilent, newPulse } from './pulse.ts';
import { alive, ask, keptUp, succeed } from './upkeep.ts';

/** Of 50 s the last five: as long as a herd takes that was told of a restart. */
const RENEW_SPREAD = 0.1;
/** An attempt younger than this has not even missed the first answer that TCP would ask for again (RFC 6298: 1 s). */
const HURRY_FLOOR_MS = 1_000;

export function stepLink(link: Link, event: Event, around: AroundLink): LinkStepped {
  const only = (next: Link, acts: readonly Act[] = []): LinkStepped => ({
    link: next,
    lessons: around.lessons,
    acts,
  });
  if (link.phase === 'ended') return only(link);
  switch (event.type) {
    case 'agent.started':
      return only(started(link, event.failures ?? 0, around));
    case 'shutdown.asked':
      return only({ phase: 'ended', attempt: link.attempt });
    case 'connect.asked':
      return only(isAway(link) ? dial(link, 0, around.at, 'start', around.at) : link);
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
        link.phase === 'waiting' && link.loss.class === 'clock'
          ? dial(link, link.failures, link.outageSince, 'clock set', around.at)
          : link,
      );
    case 'socket.reached':
      return only(reached(link, event.attempt));
    case 'socket.opened':
      return opened(link, event.attempt, around, only);
    case 'socket.heard':
      return alive(link, event.attempt, event.rttMs, around);
    case 'server.said':
      return event.message.type === 'hello'
        ? greeted(link, event.attempt, event.message.transport, around, only)
        : only(link);
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

/**
 * Somebody is waiting: try now, whatever the timers and limits say. On a connection that has been silent a ping finds
 * out whether it still is one; what is to be sent goes out meanwhile.
 */
export function hurry(link: Link, cause: Cause, around: AroundLink): LinkStepped {
  const { at, lessons } = around;
  switch (link.phase) {
    case 'waiting':
      return { link: dial(link, link.failures, link.outageSince, cause, at), lessons, acts: [] };
    case 'resting':
    case 'stopped':
      return { link: dial(link, 0, at, cause, at), lessons, acts: [] };
    case 'dialing':
      return { link: isStuck(link, at) ? { ...redial(link, cause, at) } : link, lessons, acts: [] };
    case 'ready':
      return isSilent(link.pulse, at) && link.pulse.ping?.why !== 'probe'
        ? ask(link, 'probe', around)
        : { link, lessons, acts: [] };
    case 'unconfigured':
    case 'closed':
    case 'greeting':
    case 'ended':
      return { link, lessons, acts: [] };
  }
}

/** A conversation has begun: frames must not move to another connection under it, unless there is doubt about this one. */
export function keepCurrent(link: Link): Link {
  return link.phase === 'ready' && link.successor !== null && link.successor.cause !== 'doubt'
    ? { ...link, successor: null }
    : link;
}

function started(link: Link, failures: number, around: AroundLink): Link {
  if (link.phase !== 'resting' || around.policy.mode !== 'always') return link;
  const trying = { attempt: link.attempt, outageSince: around.at };
  if (failures === 0) return dial(link, 0, around.at, 'start', around.at);
  // A process that is started over and over must not begin from zero each time.
  return retried(trying, failures, failedBefore(failures), 'attempt', around);
}

/** A wait that there is no more reason for ends; one that goes on is not begun anew. */
function switched(link: Link, { limits, policy }: AroundLink): Link {
  if (link.phase !== 'waiting' || link.cause === 'renewal') return link;
  const { attempt, failures, loss } = link;
  const why = lastStraw(failures, limits, policy.maxAttempts);
  return why === null ? link : { phase: 'stopped', attempt, failures, why, loss };
}

/** Nothing goes on and nothing is planned, or only a wait. */
function isAway(link: Link): boolean {
  return (
    link.phase === 'resting' ||
    link.phase === 'closed' ||
    link.phase === 'stopped' ||
    link.phase === 'waiting'
  );
}

function again(link: Link, around: AroundLink): Link {
  const { at } = around;
  if (link.phase === 'waiting') return dial(link, 0, link.outageSince, 'command', at);
  if (isAway(link)) return dial(link, 0, at, 'command', at);
  if (link.phase === 'dialing' && isStuck(link, at)) return redial(link, 'command', at);
  // A good connection is not given up before there is a better one.
  if (link.phase === 'ready' && link.successor === null && around.quiet) return succeed(link, 'command', at);
  return link;
}

function isStuck(link: Link & { phase: 'dialing' }, at: number): boolean {
  return link.stage === 'calling' && at - link.dialedAt >= HURRY_FLOOR_MS;
}

function redial(link: Link & { phase: 'dialing' }, cause: Cause, at: number): Link {
  return dial(link, link.failures, link.outageSince, cause, at);
}

function dial(
  link: { readonly attempt: number },
  failures: number,
  outageSince: number,
  cause: Cause,
  at: number,
): Link {
  const attempt = link.attempt + 1;
  return { phase: 'dialing', attempt, failures, outageSince, stage: 'calling', dialedAt: at, cause };
}

function reached(link: Link, attempt: number): Link {
  if (attempt !== link.attempt) return link;
  if (link.phase === 'dialing') return { ...link, stage: 'reached' };
  if (link.phase === 'ready' && link.successor?.phase === 'dialing')
    return { ...link, successor: { ...link.successor, stage: 'reached' } };
  return link;
}

type Only = (link: Link, acts?: readonly Act[]) => LinkStepped;

function opened(link: Link, attempt: number, { at, policy }: AroundLink, only: Only): LinkStepped {
  if (attempt !== link.attempt) return only(link);
  const greeting = { phase: 'greeting', openedAt: at, mutter: null } as const;
  const hello: Act = { type: 'say', attempt, message: helloOf(policy) };
  if (link.phase === 'dialing') {
    const { failures, outageSince, cause } = link;
    return only({ attempt, failures, outageSince, cause, ...greeting }, [hello]);
  }
  if (link.phase === 'ready' && link.successor?.phase === 'dialing')
    return only({ ...link, successor: { ...greeting, cause: link.successor.cause } }, [hello]);
  return only(link);
}

function greeted(
  link: Link,
  attempt: number,
  transport: string,
  around: AroundLink,
  only: Only,
): LinkStepped {
  const { at, dice } = around;
  const successor = link.phase === 'ready' ? link.successor : null;
  if (attempt !== link.attempt || (link.phase !== 'greeting' && successor?.phase !== 'greeting'))
    return only(link);
  if (transport !== 'websocket') return closed(link, attempt, foreignHello(transport), around);
  const ready = {
    phase: 'ready',
    attempt,
    current: attempt,
    since: at,
    renewFrom: at,
    renewShare: 1 - dice * RENEW_SPREAD,
    successor: null,
  } as const;
  const pulse = newPulse(at);
  if (link.phase === 'greeting') {
    const { failures, outageSince, cause } = link;
    return only({ ...ready, failures, outageSince, cause, pulse });
  }
  const cause = successor?.cause ?? 'renewal';
  const next = { ...ready, failures: 0, outageSince: at, cause, pulse };
  // The old connection is closed now: whether the server has closed both is found out before anybody needs to know.
  return cause === 'doubt' ? only(next) : ask(next, 'renewed', around);
}

/** The one loss handler: every kind of end of every attempt comes through here. */
function closed(link: Link, attempt: number, loss: Loss, around: AroundLink): LinkStepped {
  const { lessons } = around;
  switch (link.phase) {
    case 'dialing':
      return { link: attempt === link.attempt ? failed(link, loss, around) : link, lessons, acts: [] };
    case 'greeting':
      return {
        link: attempt === link.attempt ? failed(link, explained(link.mutter, loss), around) : link,
        lessons,
        acts: [],
      };
    case 'ready':
      if (attempt === link.current) return lost(link, loss, around);
      if (attempt !== link.attempt) return { link, lessons, acts: [] };
      return { link: { ...link, successor: null, renewFrom: around.at }, lessons, acts: [] };
    case 'unconfigured':
    case 'resting':
    case 'closed':
    case 'waiting':
    case 'stopped':
    case 'ended':
      return { link, lessons, acts: [] };
  }
}

function failed(
  link: Link & { failures: number; outageSince: number },
  loss: Loss,
  around: AroundLink,
): Link {
  return retried(link, link.failures + 1, loss, 'attempt', around);
}

/** The current connection has ended. */
function lost(link: Ready, loss: Loss, around: AroundLink): LinkStepped {
  const { at, policy, quiet, usedAt } = around;
  const lessons = lessonsOf(link, loss, around);
  const proven = isProven(link, at);
  const failures = proven ? 0 : link.failures + 1;
  const outageSince = proven ? at : link.outageSince;
  const to = (next: Link): LinkStepped => ({ link: next, lessons, acts: [] });
  if (link.successor !== null) return to({ ...link.successor, attempt: link.attempt, failures, outageSince });
  const rest = (why: string) => to({ phase: 'resting', attempt: link.attempt, why, loss });
  // Whoever is in the middle of a turn asks for a new one.
  if (proven && policy.mode === 'on-demand') return rest(loss.reason);
  const unusedMs = at - usedAt;
  if (proven && quiet && loss.class === 'normal' && policy.restAfterMs > 0 && unusedMs >= policy.restAfterMs)
    return rest(`nobody has talked for ${Math.round(unusedMs / 60_000)} min`);
  return to(retried({ attempt: link.attempt, outageSince }, failures, loss, 'connection', around));
}

function lessonsOf(link: Ready, loss: Loss, { at, lessons, quiet, usedAt }: AroundLink): Lessons {
  if (link.cause === 'renewal' && at - link.since <= BOTH_DROPPED_WITHIN_MS) return learnBreakFirst(lessons);
  // A successor at the door may be what made the server end it.
  if (!isProven(link, at) || !quiet || link.successor !== null) return lessons;
  return learnFromEnd(lessons, loss, at - quietSince(link, usedAt), at);
}

function retried(
  tried: { readonly attempt: number; readonly outageSince: number },
  failures: number,
  loss: Loss,
  of: Setback['of'],
  { at, dice, policy, limits }: AroundLink,
): Link {
  const { attempt, outageSince } = tried;
  const why = lastStraw(failures, limits, policy.maxAttempts);
  if (why !== null) return { phase: 'stopped', attempt, failures, why, loss };
  const delayMs = delayAfter({ loss, failures, outageMs: at - outageSince, of }, dice, policy);
  return { phase: 'waiting', attempt, failures, outageSince, delayMs, loss, cause: 'retry' };
}

function elapsed(link: Link, timer: string, around: AroundLink): LinkStepped {
  const { at, lessons, policy } = around;
  const only = (next: Link, acts: readonly Act[] = []): LinkStepped => ({ link: next, lessons, acts });
  if (link.phase === 'waiting' && timer === retryTimer(link))
    return only(dial(link, link.failures, link.outageSince, link.cause, at));
  if (timer === attemptTimer(link, 'dial'))
    return closed(link, link.attempt, silent('connection', policy.connectTimeoutMs), around);
  if (timer === attemptTimer(link, 'hello'))
    return closed(link, link.attempt, silent('hello', policy.helloTimeoutMs), around);
  if (link.phase !== 'ready') return only(link);
  const kept = keptUp(link, timer, around);
  return 'lost' in kept ? closed(link, link.current, kept.lost, around) : kept;
}

function helloOf(policy: LinkPolicy): Extract<Act, { type: 'say' }>['message'] {
  return {
    type: 'hello',
    version: policy.version,
    transport: 'websocket',
    // No `aec`: it would ask the server to listen while it speaks.
    features: { mcp: true },
    audio: { format: 'opus', sampleRateHz: 16_000, channels: 1, frameMs: 60 },
  };
}
