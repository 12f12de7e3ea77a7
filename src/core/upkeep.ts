// What a connection that works needs to stay one, and to be found out when it no longer is: heartbeat, probe, monitor,
// renewal. Finds losses; what follows from one is in reconnect.ts. Pure.
import { delayAfter } from './backoff.ts';
import { noPong, RENEWED } from './ends.ts';
import type { Loss } from './events.ts';
import { breaksFirst, learnBothLive, learnFromPong } from './lessons.ts';
import {
  type AroundLink,
  type Cause,
  type Link,
  type LinkStepped,
  type Ready,
  renewTimer,
  stepped,
} from './link.ts';
import { heard, intervalMs, isStalled, moved, type Ping, pinged, probeMs, timeoutMs } from './pulse.ts';

export function heartbeatTimer(link: Ready, afterMs: number): string {
  return `link heartbeat of ${link.current}, ${afterMs} ms since ${link.pulse.heardAt}`;
}

export function pingTimer(link: Ready, ping: Ping): string {
  return `link ${ping.why} ping of ${link.current} at ${ping.movedAt}, ${ping.deadlineMs} ms`;
}

export function monitorTimer(link: Ready): string {
  return `link monitor of ${link.current} since ${link.pulse.checkedAt}`;
}

/** A sign of life. */
export function alive(link: Link, attempt: number, rttMs: number | null, around: AroundLink): LinkStepped {
  if (link.phase !== 'ready' || attempt !== link.current) return stepped(link, around.lessons);
  const pulse = heard(link.pulse, around.at, rttMs);
  const successor = isInDoubt(link) ? null : link.successor;
  const beside = link.pulse.ping?.why === 'renewed' ? learnBothLive(around.lessons) : around.lessons;
  const lessons = rttMs === null ? beside : learnFromPong(beside, around.at);
  return stepped({ ...link, pulse, successor }, lessons);
}

/** Slow, and not dead. */
export function getsOn(link: Link, attempt: number, at: number): Link {
  if (link.phase !== 'ready' || attempt !== link.current) return link;
  return { ...link, pulse: moved(link.pulse, at) };
}

/** The successor was made because this one might be dead: whichever is heard of first is the one to go on with. */
export function isInDoubt({ successor, pulse }: Ready): boolean {
  if (successor === null) return false;
  return (
    successor.cause === 'doubt' ||
    (successor.cause === 'network' && pulse.ping !== null && pulse.ping.why !== 'heartbeat')
  );
}

/** A ping goes out. */
export function ask(link: Ready, why: Ping['why'], around: AroundLink): LinkStepped {
  const { at, policy, quiet, lessons } = around;
  const deadlineMs =
    why === 'probe' || why === 'network'
      ? probeMs(link.pulse, why)
      : timeoutMs(policy, link.pulse, lessons.heartbeatMs, quiet);
  return {
    link: { ...link, pulse: pinged(link.pulse, at, why, deadlineMs) },
    lessons,
    acts: [{ type: 'ping', attempt: link.current }],
  };
}

/** Another connection, beside this one. */
export function succeed(link: Ready, cause: Cause, at: number): Ready {
  return {
    ...link,
    attempt: link.attempt + 1,
    successor: { phase: 'dialing', local: null, dialedAt: at, cause },
  };
}

/** One of the timers of a ready connection has fired. */
export function keptUp(
  link: Ready,
  timer: string,
  around: AroundLink,
): LinkStepped | { readonly lost: Loss } {
  const { at, lessons, policy, quiet, network } = around;
  const beatMs = intervalMs(policy, link.pulse, lessons.heartbeatMs, { quiet, usable: network.usable });
  if (timer === heartbeatTimer(link, beatMs)) return ask(link, 'heartbeat', around);
  if (timer === monitorTimer(link)) {
    const checked = { ...link, pulse: { ...link.pulse, checkedAt: at } };
    return { link: checked, lessons, acts: [{ type: 'check', attempt: link.current }] };
  }
  if (timer === renewTimer(link, around.usedAt)) return stepped(renewed(link, around), lessons);
  const { ping } = link.pulse;
  if (ping !== null && timer === pingTimer(link, ping)) return unanswered(link, ping, around);
  return stepped(link, lessons);
}

function unanswered(link: Ready, ping: Ping, around: AroundLink): LinkStepped | { lost: Loss } {
  // It was this process that stood still; the server has not had its time to answer.
  if (isStalled(ping, around.at)) return ask(link, ping.why, around);
  if (ping.why !== 'probe') return { lost: noPong(ping, around.network.usable) };
  const doubted = { ...link, pulse: { ...link.pulse, ping: null } };
  // A renewal that is under way will do as well.
  const next = link.successor === null ? succeed(doubted, 'doubt', around.at) : doubted;
  return stepped(next, around.lessons);
}

function renewed(link: Ready, { at, dice, lessons, policy, usedAt, network }: AroundLink): Link {
  if (!network.usable) return { ...link, renewFrom: at };
  // Nobody has talked for long: its end will be let come.
  if (policy.restAfterMs > 0 && at - usedAt >= policy.restAfterMs) return { ...link, renewFrom: at };
  if (!breaksFirst(lessons, at)) return succeed(link, 'renewal', at);
  const failure = {
    loss: RENEWED,
    failures: 0,
    alike: 1,
    outageMs: 0,
    of: 'connection',
    backMs: null,
  } as const;
  const delayMs = delayAfter(failure, dice, policy);
  const { attempt } = link;
  return {
    phase: 'waiting',
    attempt,
    failures: 0,
    outageSince: at,
    streak: null,
    since: at,
    delayMs,
    loss: RENEWED,
    cause: 'renewal',
  };
}
