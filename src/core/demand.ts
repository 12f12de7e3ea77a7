// What people want of the connection, each in its own way: whoever presses the button wants it now, whoever talks wants it
// to stay, whoever says `reconnect` wants another. Pure.
import { anew, dial, isStuck } from './attempt.ts';
import { type AroundLink, type Cause, type Link, type LinkStepped, type Ready, stepped } from './link.ts';
import { isSilent, wouldLearnSooner } from './pulse.ts';
import { ask, isInDoubt, succeed } from './upkeep.ts';

/**
 * Somebody is waiting: try now, whatever the timers and limits say. On a connection that has been silent a ping finds
 * out whether it still is one; what is to be sent goes out meanwhile.
 */
export function hurry(link: Link, cause: Cause, around: AroundLink): LinkStepped {
  const { at, lessons } = around;
  const only = (next: Link): LinkStepped => stepped(next, lessons);
  switch (link.phase) {
    case 'waiting':
      return only(dial(link, cause, at));
    case 'resting':
    case 'stopped':
      return only(dial(anew(link, at), cause, at));
    case 'dialing':
      return only(isStuck(link, at) ? dial(link, cause, at) : link);
    case 'ready':
      return pressed(link, around);
    case 'unconfigured':
    case 'closed':
    case 'greeting':
    case 'ended':
      return only(link);
  }
}

/** On a connection that has been silent a ping finds out; one that is made beside it is the next in any case. */
function pressed(link: Ready, around: AroundLink): LinkStepped {
  const { at, lessons } = around;
  const { successor, pulse } = link;
  if (successor !== null && isStuck(successor, at)) return stepped(succeed(link, 'doubt', at), lessons);
  if (!isSilent(pulse, at)) return stepped(link, lessons);
  const doubted =
    successor === null ? link : { ...link, successor: { ...successor, cause: 'doubt' as const } };
  return wouldLearnSooner(pulse, at) ? ask(doubted, 'probe', around) : stepped(doubted, lessons);
}

/** A conversation has begun: frames must not move to another connection under it, unless there is doubt about this one. */
export function keepCurrent(link: Link): Link {
  return link.phase === 'ready' && link.successor !== null && !isInDoubt(link)
    ? { ...link, successor: null }
    : link;
}

/** `reconnect`: whoever asks for it wants to see an attempt. */
export function again(link: Link, around: AroundLink): Link {
  const { at } = around;
  if (link.phase === 'waiting')
    return dial({ ...anew(link, at), outageSince: link.outageSince }, 'command', at);
  if (isAway(link)) return dial(anew(link, at), 'command', at);
  if (link.phase === 'dialing' && isStuck(link, at)) return dial(link, 'command', at);
  // A good connection is not given up before there is a better one.
  if (link.phase === 'ready' && link.successor === null && around.quiet) return succeed(link, 'command', at);
  return link;
}

/** Nothing goes on and nothing is planned, or only a wait. */
export function isAway(link: Link): boolean {
  return (
    link.phase === 'resting' ||
    link.phase === 'closed' ||
    link.phase === 'stopped' ||
    link.phase === 'waiting'
  );
}
