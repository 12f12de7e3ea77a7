// The connection: which attempt is current, what follows a loss, and when to renew. Pure; the dialler behind the
// socket port has already said what each failure means.
import { type BackoffPolicy, delayAfter } from './backoff.ts';
import type { Act, Event, Loss, Moment } from './events.ts';

export type LinkPolicy = BackoffPolicy & {
  /** `always` connects at the start and comes back after every end; `on-demand` connects at a press. */
  readonly mode: 'always' | 'on-demand';
  /** 0: never stop trying. */
  readonly maxAttempts: number;
  readonly connectTimeoutMs: number;
  readonly helloTimeoutMs: number;
  /** Replace a quiet connection this old, before the server's idle limit does; null when no limit is known. */
  readonly renewAfterMs: number | null;
  /** Binary framing version. */
  readonly version: number;
};

/** `attempt` is always the latest number given out; `failures` the attempts in a row that did not work. */
export type Link =
  /** No server to connect to. */
  | { readonly phase: 'unconfigured'; readonly attempt: number }
  /** Nobody wants a connection now. */
  | { readonly phase: 'resting'; readonly attempt: number; readonly why: string }
  | (Trying & { readonly phase: 'waiting'; readonly delayMs: number; readonly loss: Loss })
  | (Trying & { readonly phase: 'dialing' })
  /** Open, hello sent. `mutter` is what the server said in plain words instead of a hello. */
  | (Trying & { readonly phase: 'greeting'; readonly mutter: string | null })
  | {
      readonly phase: 'ready';
      readonly attempt: number;
      /** The number of the connection that frames go to. */
      readonly current: number;
      readonly since: number;
      readonly failures: number;
      readonly successor: Successor | null;
    }
  /** The agent shuts down; nothing leads out of here. */
  | { readonly phase: 'ended'; readonly attempt: number }
  /** The limit of attempts is reached; a press or a command starts anew. */
  | { readonly phase: 'stopped'; readonly attempt: number; readonly failures: number; readonly loss: Loss };

type Trying = { readonly attempt: number; readonly failures: number; readonly outageSince: number };

/** A second connection made beside the current one, to take its place. Its number is the link's `attempt`. */
export type Successor = { readonly phase: 'dialing' } | { readonly phase: 'greeting' };

type Stepped = { readonly link: Link; readonly acts: readonly Act[] };

/** A session shorter than this was a failure, whatever its close code: some servers accept and drop. */
export const PROVEN_AFTER_MS = 10_000;

export function startLink(configured: boolean): Link {
  return configured
    ? { phase: 'resting', attempt: 0, why: 'starting' }
    : { phase: 'unconfigured', attempt: 0 };
}

/** The connection that frames go to. */
export function currentOf(link: Link): number | null {
  return link.phase === 'ready' ? link.current : null;
}

export function retryTimer(link: Link): string {
  return `link retry after attempt ${link.attempt}`;
}

export function attemptTimer(link: Link, what: 'dial' | 'hello'): string {
  return `link ${what} of attempt ${link.attempt}`;
}

export const RENEW_TIMER = 'link renew';

export function stepLink(link: Link, event: Event, moment: Moment, policy: LinkPolicy): Stepped {
  switch (event.type) {
    case 'agent.started':
      return link.phase === 'resting' && policy.mode === 'always'
        ? still(dial(link, 0, moment.at))
        : still(link);
    case 'shutdown.asked':
      return still({ phase: 'ended', attempt: link.attempt });
    case 'socket.opened':
      return opened(link, event.attempt, policy);
    case 'server.said':
      return event.message.type === 'hello' && event.message.transport === 'websocket'
        ? still(greeted(link, event.attempt, moment.at))
        : still(link);
    case 'server.muttered':
      return link.phase === 'greeting' && event.attempt === link.attempt
        ? still({ ...link, mutter: event.text })
        : still(link);
    case 'socket.closed':
      return still(closed(link, event.attempt, event.loss, moment, policy));
    case 'timer.fired':
      return still(elapsed(link, event.timer, moment, policy));
    default:
      return still(link);
  }
}

/** Somebody is waiting: try now, whatever the timers and limits say. */
export function hurry(link: Link, at: number): Link {
  switch (link.phase) {
    case 'waiting':
      return dial(link, link.failures, link.outageSince);
    case 'resting':
    case 'stopped':
      return dial(link, 0, at);
    case 'unconfigured':
    case 'dialing':
    case 'greeting':
    case 'ready':
    case 'ended':
      return link;
  }
}

/** A conversation has begun: frames must not move to another connection under it. */
export function keepCurrent(link: Link): Link {
  return link.phase === 'ready' && link.successor !== null ? { ...link, successor: null } : link;
}

function opened(link: Link, attempt: number, policy: LinkPolicy): Stepped {
  if (attempt !== link.attempt) return still(link);
  const hello: Act = { type: 'say', attempt, message: helloOf(policy) };
  if (link.phase === 'dialing') return { link: { ...link, phase: 'greeting', mutter: null }, acts: [hello] };
  if (link.phase === 'ready' && link.successor?.phase === 'dialing')
    return { link: { ...link, successor: { phase: 'greeting' } }, acts: [hello] };
  return still(link);
}

function greeted(link: Link, attempt: number, at: number): Link {
  if (attempt !== link.attempt) return link;
  const ready = { phase: 'ready', attempt, current: attempt, since: at, successor: null } as const;
  if (link.phase === 'greeting') return { ...ready, failures: link.failures };
  if (link.phase === 'ready' && link.successor?.phase === 'greeting') return { ...ready, failures: 0 };
  return link;
}

function closed(link: Link, attempt: number, loss: Loss, moment: Moment, policy: LinkPolicy): Link {
  switch (link.phase) {
    case 'dialing':
      return attempt === link.attempt ? failed(link, link.failures + 1, loss, moment, policy) : link;
    case 'greeting':
      return attempt === link.attempt
        ? failed(link, link.failures + 1, explained(link.mutter, loss), moment, policy)
        : link;
    case 'ready':
      if (attempt === link.current) return lost(link, loss, moment, policy);
      return attempt === link.attempt ? { ...link, successor: null } : link;
    case 'unconfigured':
    case 'resting':
    case 'waiting':
    case 'stopped':
    case 'ended':
      return link;
  }
}

function elapsed(link: Link, timer: string, moment: Moment, policy: LinkPolicy): Link {
  const silent = (what: string, afterMs: number): Loss => ({
    class: 'transient',
    reason: `no ${what} within ${afterMs / 1000} s`,
    detectedBy: `${what} deadline`,
    quick: false,
  });
  if (link.phase === 'waiting' && timer === retryTimer(link))
    return dial(link, link.failures, link.outageSince);
  if (link.phase === 'ready' && timer === RENEW_TIMER)
    return { ...link, attempt: link.attempt + 1, successor: { phase: 'dialing' } };
  if (timer === attemptTimer(link, 'dial'))
    return closed(link, link.attempt, silent('connection', policy.connectTimeoutMs), moment, policy);
  if (timer === attemptTimer(link, 'hello'))
    return closed(link, link.attempt, silent('hello', policy.helloTimeoutMs), moment, policy);
  return link;
}

type Ready = Link & { phase: 'ready' };

function lost(link: Ready, loss: Loss, moment: Moment, policy: LinkPolicy): Link {
  const proven = moment.at - link.since >= PROVEN_AFTER_MS;
  if (link.successor !== null) {
    const trying = { attempt: link.attempt, failures: 0, outageSince: moment.at };
    return link.successor.phase === 'dialing'
      ? { ...trying, phase: 'dialing' }
      : { ...trying, phase: 'greeting', mutter: null };
  }
  // Whoever is in the middle of a turn asks for a new one.
  if (proven && policy.mode === 'on-demand')
    return { phase: 'resting', attempt: link.attempt, why: loss.reason };
  const trying = { attempt: link.attempt, outageSince: moment.at };
  return failed(trying, proven ? 0 : link.failures + 1, loss, moment, policy);
}

function failed(
  tried: { readonly attempt: number; readonly outageSince: number },
  failures: number,
  loss: Loss,
  moment: Moment,
  policy: LinkPolicy,
): Link {
  const { attempt, outageSince } = tried;
  if (policy.maxAttempts > 0 && failures >= policy.maxAttempts)
    return { phase: 'stopped', attempt, failures, loss };
  const delayMs = delayAfter(loss, failures, moment.at - outageSince, moment.dice, policy);
  return { phase: 'waiting', attempt, failures, outageSince, delayMs, loss };
}

/** Plain words before the hello and then a close: that is how common servers refuse a token or a device. */
function explained(mutter: string | null, loss: Loss): Loss {
  if (mutter === null) return loss;
  return {
    class: 'auth',
    reason: `refused by the server: ${mutter}`,
    detectedBy: 'text before hello',
    quick: false,
  };
}

function dial(link: Link, failures: number, outageSince: number): Link {
  return { phase: 'dialing', attempt: link.attempt + 1, failures, outageSince };
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

function still(link: Link): Stepped {
  return { link, acts: [] };
}
