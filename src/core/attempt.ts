// One attempt from its number to its hello: begun, reached, opened. What becomes of it when it works or fails is in
// reconnect.ts. Pure.
import { silent } from './ends.ts';
import type { Act, Loss } from './events.ts';
import type { AroundLink, Cause, Link, LinkPolicy, LinkStepped, Successor, Trying } from './link.ts';

/** An attempt younger than this has not even missed the first answer that TCP would ask for again (RFC 6298: 1 s). */
const HURRY_FLOOR_MS = 1_000;

/** Nobody has answered, and a fresh attempt would lose nothing. */
export function isStuck(making: Successor, at: number): boolean {
  return making.phase === 'dialing' && making.local === null && at - making.dialedAt >= HURRY_FLOOR_MS;
}

/** The dialler has a deadline of its own; the one here is for a dialler that broke its word. */
const DIAL_GRACE_MS = 1_000;
/** Of an attempt that had TCP when the network came back: to finish, or to be found lost on the old way (reliability.md 2.4). */
const LET_FINISH_MS = 3_000;

/** When an attempt is given up, and what for. */
type Deadline = {
  readonly timer: string;
  readonly from: number;
  readonly afterMs: number;
  readonly loss: Loss;
};

/** Of the attempt that is under way, be it beside a connection; null: there is none. */
export function deadlineIn(link: Link, policy: LinkPolicy, backAt: number | null): Deadline | null {
  if (link.phase === 'dialing' || link.phase === 'greeting') return deadlineOf(link, policy, backAt);
  if (link.phase !== 'ready' || link.successor === null) return null;
  return deadlineOf({ ...link.successor, attempt: link.attempt }, policy, backAt);
}

/** @param backAt when there was a way to the server again the last time */
function deadlineOf(
  making: Successor & { readonly attempt: number },
  { connectTimeoutMs, helloTimeoutMs }: LinkPolicy,
  backAt: number | null,
): Deadline {
  const [what, from, askedMs, graceMs] =
    making.phase === 'dialing'
      ? (['connection', making.dialedAt, connectTimeoutMs, DIAL_GRACE_MS] as const)
      : (['hello', making.openedAt, helloTimeoutMs, 0] as const);
  const isOld = backAt !== null && from < backAt && making.local !== null;
  const restMs = isOld ? backAt - from + LET_FINISH_MS : Number.POSITIVE_INFINITY;
  const afterMs = Math.min(askedMs + graceMs, restMs);
  const timer = `link ${what} of attempt ${making.attempt}, ${afterMs} ms`;
  return { timer, from, afterMs, loss: silent(what, Math.min(askedMs, restMs)) };
}

/** Nothing that went before counts any more. */
export function anew({ attempt }: Link, at: number): Trying {
  return { attempt, failures: 0, outageSince: at, streak: null };
}

export function dial(tried: Trying, cause: Cause, at: number): Link {
  const { failures, outageSince, streak } = tried;
  const attempt = tried.attempt + 1;
  return { phase: 'dialing', attempt, failures, outageSince, streak, local: null, dialedAt: at, cause };
}

/** The server's machine has answered. */
export function reached(link: Link, attempt: number, local: string): Link {
  if (attempt !== link.attempt) return link;
  if (link.phase === 'dialing') return { ...link, local };
  if (link.phase === 'ready' && link.successor?.phase === 'dialing')
    return { ...link, successor: { ...link.successor, local } };
  return link;
}

export type Only = (link: Link, acts?: readonly Act[]) => LinkStepped;

/** The socket is open: hello goes out. */
export function opened(link: Link, attempt: number, { at, policy }: AroundLink, only: Only): LinkStepped {
  if (attempt !== link.attempt) return only(link);
  const greeting = { phase: 'greeting', openedAt: at, mutter: null } as const;
  const hello: Act = { type: 'say', attempt, message: helloOf(policy) };
  if (link.phase === 'dialing') {
    const { failures, outageSince, streak, cause, local } = link;
    return only({ attempt, failures, outageSince, streak, cause, local, ...greeting }, [hello]);
  }
  if (link.phase === 'ready' && link.successor?.phase === 'dialing') {
    const { cause, local } = link.successor;
    return only({ ...link, successor: { ...greeting, cause, local } }, [hello]);
  }
  return only(link);
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
