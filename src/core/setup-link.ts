// Where the configuration call and the connection meet: what of the connection gives reason to ask again, and what an answer
// means for the connection. Pure; changes neither machine but by what it returns.
import { anew, dial } from './attempt.ts';
import type { Event, FailureClass } from './events.ts';
import { type AroundLink, isForAPerson, type Link } from './link.ts';

type Change = { readonly before: Link; readonly after: Link };

/** A server that greets nobody three times in a row may have moved, or forgotten us. */
const HELLOS_MISSED = 3;

/** As many attempts at an address where nothing answers, or something that is no such server: it may have moved. */
const ATTEMPTS_FAILED = 3;
const DEAD: readonly FailureClass[] = ['network', 'transient', 'protocol'];
/** What was answered so short a while ago is not asked again for that: a whole house may be down. */
const SURE_MS = 60_000;

/** A server that gives a new token with each answer and takes none of them is left to the ordinary waits. */
const NEXT_NEW_MS = 10_000;

export const ACTIVATING = 'the box belongs to nobody yet';

/** Unbound boxes are told so by a voice, without a word of greeting. */
export function isSpokenToUngreeted(event: Event, { before, after }: Change): boolean {
  if (event.type !== 'server.said' || event.message.type === 'hello') return false;
  return before.phase === 'greeting' && after.phase === 'ready';
}

/** What the answer had said is doubtful: refused, not there, or silent after the door was opened. */
export function isDoubtful({ before, after }: Change, answeredAt: number | null, at: number): boolean {
  if (before.phase === after.phase || (after.phase !== 'waiting' && after.phase !== 'stopped')) return false;
  const { loss, failures } = after;
  if (isForAPerson(loss.class)) return true;
  if (before.phase === 'greeting' && failures > 0 && failures % HELLOS_MISSED === 0) return true;
  const isDead = failures >= ATTEMPTS_FAILED && DEAD.includes(loss.class);
  return isDead && (answeredAt === null || at - answeredAt >= SURE_MS);
}

/** While the box belongs to nobody there is no conversation; afterwards, there is a server to connect to. */
export function linkInSetup(
  link: Link,
  event: Event,
  { at, policy }: AroundLink,
  triedAt: number | null,
): Link {
  const { attempt } = link;
  if (event.type === 'setup.activating')
    return link.phase === 'unconfigured' || link.phase === 'closed'
      ? link
      : { phase: 'closed', attempt, why: ACTIVATING };
  if (event.type !== 'setup.done') return link;
  const isFreed = link.phase === 'closed' && link.why === ACTIVATING;
  if (link.phase === 'unconfigured' || isFreed)
    return policy.mode === 'always'
      ? dial(anew(link, at), 'start', at)
      : { phase: 'resting', attempt, why: 'nobody has pressed the button yet', loss: null };
  // Something new to try it with, however often what was before had failed.
  const isDue = triedAt === null || at - triedAt >= NEXT_NEW_MS;
  return event.changed === true && link.phase === 'waiting' && isDue ? dial(link, 'command', at) : link;
}

/** By an answer, that is. */
export function isTriedAtOnce({ before, after }: Change): boolean {
  return before.phase === 'waiting' && after.phase === 'dialing';
}
