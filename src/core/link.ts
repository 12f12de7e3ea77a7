// The connection as a value: its phases, what each is made of, and what may be asked of it. What changes it is in
// reconnect.ts; the dialler behind the socket port has already said what each failure means. Pure.
import type { BackoffPolicy, Limits } from './backoff.ts';
import type { Act, FailureClass, Loss } from './events.ts';
import type { Lessons } from './lessons.ts';
import type { Pulse, PulsePolicy } from './pulse.ts';

export type LinkPolicy = BackoffPolicy &
  PulsePolicy & {
    /** `always` connects at the start and comes back after every end; `on-demand` connects at a press. */
    readonly mode: 'always' | 'on-demand';
    /** The configured limit of failures in a row; 0: never stop trying. */
    readonly maxAttempts: number;
    readonly connectTimeoutMs: number;
    readonly helloTimeoutMs: number;
    /** Replace a quiet connection before the server's idle limit does. */
    readonly renew: boolean;
    /** The age at which to renew while nothing has been learned of this server; null: not at all. */
    readonly assumedRenewMs: number | null;
    /** After this long without a turn an ordinary close is not answered; 0: it always is. */
    readonly restAfterMs: number;
    /** Binary framing version. */
    readonly version: number;
  };

/** What an attempt was made for. */
export type Cause =
  | 'start'
  | 'retry'
  | 'press'
  | 'speech waits'
  | 'command'
  | 'clock set'
  /** The network has come back, or another way is the better one. */
  | 'network'
  /** Beside a quiet connection, before the server's idle limit ends it. */
  | 'renewal'
  /** Beside a connection that did not answer a ping at a press. */
  | 'doubt';

/** `attempt` is always the latest number given out; `failures` the attempts in a row that did not work. */
export type Link =
  /** No server to connect to. */
  | { readonly phase: 'unconfigured'; readonly attempt: number }
  /** Nobody wants a connection now; whoever does gets one. `loss` is the end that led here. */
  | { readonly phase: 'resting'; readonly attempt: number; readonly why: string; readonly loss: Loss | null }
  /** Closed on purpose: only being asked to connect leads out of here. */
  | { readonly phase: 'closed'; readonly attempt: number; readonly why: string }
  | (Trying & {
      readonly phase: 'waiting';
      readonly since: number;
      readonly delayMs: number;
      readonly loss: Loss;
      /** What the attempt will be for: a server that bears one connection only has to see the old one end first. */
      readonly cause: 'retry' | 'renewal';
    })
  | (Trying & Dialing)
  | (Trying & Greeting)
  | (Trying & {
      readonly phase: 'ready';
      /** The number of the connection that frames go to. */
      readonly current: number;
      /** Its own address: when that is gone, so is the connection. */
      readonly local: string | null;
      readonly since: number;
      /** A sign of life from then on shows that it works; one that took the place of a working one need not show it. */
      readonly provenAt: number;
      readonly cause: Cause;
      readonly pulse: Pulse;
      /** The moment from which the time to the next renewal counts, if nobody talks after it. */
      readonly renewFrom: number;
      /** The share of the time to renewal that it waits: boards that came back together must not renew together. */
      readonly renewShare: number;
      readonly successor: Successor | null;
    })
  /** The agent shuts down; nothing leads out of here. */
  | { readonly phase: 'ended'; readonly attempt: number }
  /** No more attempts by itself: a press or a command starts anew. */
  | {
      readonly phase: 'stopped';
      readonly attempt: number;
      readonly failures: number;
      readonly why: string;
      readonly loss: Loss;
    };

/** `outageSince` is the moment the connection last worked, until it has worked for long enough again. */
export type Trying = {
  readonly attempt: number;
  readonly failures: number;
  readonly outageSince: number;
  readonly streak: Streak | null;
};

/** How often in a row the same class of thing was wrong: what waits for a person to mend it is tried ever more rarely. */
export type Streak = { readonly class: FailureClass; readonly count: number };

type Dialing = {
  readonly phase: 'dialing';
  /** The own address, once the server's machine has answered; until then it can be dropped without losing anything. */
  readonly local: string | null;
  readonly dialedAt: number;
  readonly cause: Cause;
};

/** Open, hello sent. `mutter` is what the server said in plain words instead of a hello. */
type Greeting = {
  readonly phase: 'greeting';
  readonly openedAt: number;
  readonly local: string | null;
  readonly mutter: string | null;
  readonly cause: Cause;
};

/** A second connection made beside the current one, to take its place. Its number is the link's `attempt`. */
export type Successor = Dialing | Greeting;

export type Ready = Link & { phase: 'ready' };

/** What the link may know of the rest of the device. */
export type AroundLink = {
  readonly at: number;
  /** A random number in [0, 1). */
  readonly dice: number;
  readonly policy: LinkPolicy;
  readonly limits: Limits;
  readonly lessons: Lessons;
  /** Whether there is a way to the server as far as is known, and since when there has been one again. */
  readonly network: { readonly usable: boolean; readonly backAt: number | null };
  /** Nothing of a conversation is going on. */
  readonly quiet: boolean;
  /** When somebody last talked to the box, or it to them. */
  readonly usedAt: number;
};

export type LinkStepped = { readonly link: Link; readonly lessons: Lessons; readonly acts: readonly Act[] };

export function stepped(link: Link, lessons: Lessons, acts: readonly Act[] = []): LinkStepped {
  return { link, lessons, acts };
}

/** A session shorter than this was a failure, whatever its close code: some servers accept and drop. */
export const PROVEN_AFTER_MS = 10_000;

/** reliability.md §1, "no usable network": one attempt a minute in spite of what the watch says. */
const DISTRUST_MS = 60_000;

/** A quick refusal costs a moment; in the 20 s for which speech is kept a server that restarts is found within the second. */
const SPEECH_WAITS_MS = 1_000;

export function startLink(configured: boolean): Link {
  return configured
    ? { phase: 'resting', attempt: 0, why: 'starting', loss: null }
    : { phase: 'unconfigured', attempt: 0 };
}

/** Whether anything may come of a change of the network. */
export function watchesNetwork({ phase }: Link): boolean {
  return phase !== 'unconfigured' && phase !== 'closed' && phase !== 'ended';
}

/** The connection that frames go to. */
export function currentOf(link: Link): number | null {
  return link.phase === 'ready' ? link.current : null;
}

/** @param until when it was last known to live */
export function isProven(link: Ready, until: number): boolean {
  return until >= link.provenAt;
}

export function retryTimer(link: Link, usable: boolean): string {
  const waitMs = link.phase === 'waiting' ? ` in ${link.delayMs} ms` : '';
  return `link retry after attempt ${link.attempt}${waitMs}${usable ? '' : ' without a network'}`;
}

/** Speech is kept for some seconds only: whoever cannot take it now is asked again in a moment. */
export function awaited(link: Link & { phase: 'waiting' }): Link {
  const { loss, delayMs } = link;
  const isInVain = isForAPerson(loss.class) || loss.retryAfterMs !== undefined;
  return isInVain || delayMs <= SPEECH_WAITS_MS ? link : { ...link, delayMs: SPEECH_WAITS_MS };
}

/** What was wrong is not the network's, and does not mend itself. */
export function isForAPerson(name: FailureClass): boolean {
  return name === 'auth' || name === 'configuration';
}

/** No attempt without a way; but now and then one all the same, for whoever says so may be wrong. */
export function waitMs(link: Link & { phase: 'waiting' }, usable: boolean): number {
  return usable ? link.delayMs : Math.max(link.delayMs, DISTRUST_MS);
}

/** The moment from which quiet time counts: a turn puts the server's idle limit off. */
export function quietSince(link: Ready, usedAt: number): number {
  return Math.max(link.since, usedAt);
}

/** Renewing counts like quiet time, and again from each renewal that failed or was not wanted. */
export function renewFrom(link: Ready, usedAt: number): number {
  return Math.max(link.renewFrom, quietSince(link, usedAt));
}

export function renewTimer(link: Ready, usedAt: number): string {
  return `link renewal of ${link.current} since ${renewFrom(link, usedAt)}`;
}

/** A connection that has lasted has forgiven what went before it. */
export function failuresOf(link: Link, now: number): number {
  if (link.phase === 'ready' && isProven(link, now)) return 0;
  return 'failures' in link ? link.failures : 0;
}
