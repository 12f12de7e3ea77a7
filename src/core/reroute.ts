// Where network and link meet: a snapshot has come, an attempt that was owed is due, or a turn has ended. Pure.
import { anew, dial } from './attempt.ts';
import { rerouted as gone } from './ends.ts';
import type { Act, Event, Moment } from './events.ts';
import { breaksFirst } from './lessons.ts';
import { type AroundLink, isForAPerson, type Link, type LinkStepped, type Ready, stepped } from './link.ts';
import {
  absenceTimer,
  goesOtherWay,
  isLoopback,
  isUsable,
  kickAt,
  kicked,
  kickTimer,
  ownerOf,
} from './network.ts';
import { type Change, compare, noticed, type OwnEnd, type Verdict, wentOtherWay } from './network-change.ts';
import { hastened, probeMs } from './pulse.ts';
import { closed } from './reconnect.ts';
import { aroundLink, quiet, type State } from './state.ts';
import { cue, speaksNow } from './turn.ts';
import { ask, succeed } from './upkeep.ts';

type Stepped = { readonly state: State; readonly acts: readonly Act[] };

/** What waits for a person to mend it is not tried with every movement of a loose plug. */
const PATIENT_MS = 60_000;

export function rerouted(before: Stepped, event: Event, moment: Moment): Stepped {
  const { network } = before.state;
  if (event.type === 'network.seen') return seen(before, event, moment);
  if (event.type === 'timer.fired' && event.timer === absenceTimer(network)) return lasting(before);
  const due = event.type === 'timer.fired' && network.owedAt !== null && event.timer === kickTimer(network);
  if (!due) return before;
  const owed = { ...before, state: { ...before.state, network: { ...network, owedAt: null } } };
  return isUsable(network) ? kickedNow(owed, moment) : owed;
}

/** A connection may live on in it, but whoever talks now is not heard; one that was lost has its own cues. */
function lasting({ state, acts }: Stepped): Stepped {
  const { absence } = state.network;
  if (absence === null) return { state, acts };
  const network = { ...state.network, absence: { ...absence, stage: 'lasting' } } as const;
  const isHeardByNobody = state.link.phase === 'ready' && speaksNow(state.turn);
  return { state: { ...state, network }, acts: isHeardByNobody ? [...acts, cue('offline')] : acts };
}

/** A turn has ended, which had kept its connection where it was. */
export function resettled(before: Stepped, moment: Moment): Stepped {
  const { link, network, turn } = before.state;
  // One that was made since the last change goes where it goes for reasons that are not known here.
  const isOlder = link.phase === 'ready' && link.since < network.changed.at;
  return quiet(turn) && isOlder && shouldMove(before.state) ? kickedSoon(before, moment) : before;
}

function seen(before: Stepped, { snapshot }: Event & { type: 'network.seen' }, moment: Moment): Stepped {
  const { network } = before.state;
  const change = compare(network.seen, snapshot, ownEnd(before.state));
  const noted = { ...before.state, network: noticed(network, snapshot, change, moment.at) };
  const fit = { ...noted, link: withFitSuccessor(noted, network.seen, change, moment) };
  // What works is not given up for a better way at every movement of a loose plug.
  const isEarly = change.socket === 'move' && kickAt(network, moment.at) > moment.at;
  const verdict = isEarly ? 'keep' : change.socket;
  const around = aroundLink(fit, moment);
  const there = linked({ ...before, state: fit }, rerouteLink(fit.link, verdict, change, around));
  const wants = change.back || (change.socket !== 'keep' && change.socket !== 'probe');
  return wants && around.network.usable ? kickedSoon(there, moment) : there;
}

/** Of the connection, or of the attempt at one as soon as TCP stands. */
function ownEnd({ link, turn }: State): OwnEnd | null {
  if (link.phase !== 'ready' && link.phase !== 'dialing' && link.phase !== 'greeting') return null;
  return link.local === null ? null : { local: link.local, quiet: link.phase !== 'ready' || quiet(turn) };
}

/** A second connection whose own address is gone, or that goes the old way, is none to go on with. */
function withFitSuccessor(
  { link, network }: State,
  then: State['network']['seen'],
  change: Change,
  { at }: Moment,
): Link {
  if (link.phase !== 'ready' || link.successor === null || network.seen === null) return link;
  const { local, cause } = link.successor;
  const isFit =
    local === null
      ? !change.back
      : isLoopback(local) ||
        (ownerOf(network.seen, local) !== undefined && !wentOtherWay(then, network.seen, local));
  if (isFit) return link;
  const alone = { ...link, successor: null, renewFrom: at };
  return cause === 'doubt' ? succeed(alone, cause, at) : alone;
}

function linked(before: Stepped, { link, lessons, acts }: LinkStepped): Stepped {
  return { state: { ...before.state, link, lessons }, acts: [...before.acts, ...acts] };
}

/** What a change of the network has decided about what there is; whether another is made is `kickedNow`'s. */
function rerouteLink(link: Link, verdict: Verdict, { reasons }: Change, around: AroundLink): LinkStepped {
  const { lessons, network, limits } = around;
  if (link.phase !== 'ready')
    return verdict === 'drop' || verdict === 'move'
      ? closed(link, link.attempt, gone(reasons), around)
      : stepped(link, lessons);
  switch (verdict) {
    case 'keep':
    case 'double':
      return stepped(network.usable || !around.quiet ? link : unasked(link), lessons);
    case 'probe':
      return doubted(link, around);
    case 'drop':
      return closed(link, link.current, gone(reasons), around);
    case 'move':
      // Whoever has switched reconnecting off would have none.
      return limits.enabled ? closed(link, link.current, gone(reasons), around) : stepped(link, lessons);
  }
}

/** The cable is out and nobody talks: an answer cannot come, and the connection may go on when it is in again. */
function unasked(link: Ready): Ready {
  const { ping } = link.pulse;
  if (ping === null || ping.why === 'probe') return link;
  return { ...link, pulse: { ...link.pulse, ping: null } };
}

/** A ping; one that is on its way already has no longer than this one would have. */
function doubted(link: Ready, around: AroundLink): LinkStepped {
  if (link.pulse.ping === null) return ask(link, 'network', around);
  const pulse = hastened(link.pulse, around.at, probeMs(link.pulse, 'network'));
  return stepped({ ...link, pulse }, around.lessons);
}

/** At once, unless the last time was a moment ago. */
function kickedSoon(before: Stepped, moment: Moment): Stepped {
  const { network } = before.state;
  const at = kickAt(network, moment.at);
  if (at <= moment.at) return kickedNow(before, moment);
  return { ...before, state: { ...before.state, network: { ...network, owedAt: at } } };
}

function kickedNow(before: Stepped, moment: Moment): Stepped {
  const { state } = before;
  const around = aroundLink(state, moment);
  const next = shouldMove(state)
    ? moved(state.link, around)
    : stepped(kick(state.link, around), state.lessons);
  if (next.link === state.link) return before;
  const made = linked(before, next);
  return { ...made, state: { ...made.state, network: kicked(made.state.network, moment.at) } };
}

/** There is a connection, and packets to the server go another way than it does. */
function shouldMove(state: State): state is State & { link: Ready } {
  const { link, network, limits } = state;
  if (link.phase !== 'ready' || link.local === null || link.successor !== null || !limits.enabled)
    return false;
  return network.seen !== null && goesOtherWay(network.seen, link.local);
}

function moved(link: Ready, around: AroundLink): LinkStepped {
  const { at, lessons } = around;
  const isAlone = breaksFirst(lessons, at);
  if (around.quiet)
    return isAlone
      ? closed(link, link.current, gone(['packets to the server go another way now']), around)
      : stepped(succeed(link, 'network', at), lessons);
  return doubted(isAlone ? link : succeed(link, 'network', at), around);
}

/** There is a way to the server that was not there before: whatever waits, and whatever calls the old way, tries now. */
function kick(link: Link, { at, policy, limits }: AroundLink): Link {
  switch (link.phase) {
    case 'waiting': {
      const { loss, since, outageSince } = link;
      if (isForAPerson(loss.class) || loss.retryAfterMs !== undefined)
        return at - since < PATIENT_MS ? link : dial(link, 'network', at);
      return dial({ ...anew(link, at), outageSince }, 'network', at);
    }
    case 'dialing': {
      const { local, outageSince, streak } = link;
      if (local !== null) return link;
      const isKept = streak !== null && isForAPerson(streak.class);
      return dial(isKept ? link : { ...anew(link, at), outageSince }, 'network', at);
    }
    case 'stopped':
      return limits.enabled ? dial(anew(link, at), 'network', at) : link;
    case 'resting':
      return policy.mode === 'always' ? dial(anew(link, at), 'network', at) : link;
    case 'unconfigured':
    case 'closed':
    case 'greeting':
    case 'ready':
    case 'ended':
      return link;
  }
}
