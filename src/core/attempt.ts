// One attempt from its number to its hello: begun, reached, opened. What becomes of it when it works or fails is in
// reconnect.ts. Pure.
import type { Act } from './events.ts';
import type { AroundLink, Cause, Link, LinkPolicy, LinkStepped, Successor, Trying } from './link.ts';

/** An attempt younger than this has not even missed the first answer that TCP would ask for again (RFC 6298: 1 s). */
const HURRY_FLOOR_MS = 1_000;

/** Nobody has answered, and a fresh attempt would lose nothing. */
export function isStuck(making: Successor, at: number): boolean {
  return making.phase === 'dialing' && making.local === null && at - making.dialedAt >= HURRY_FLOOR_MS;
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
