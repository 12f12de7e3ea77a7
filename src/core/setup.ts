// Whether the box knows its server and belongs to somebody: the configuration call, and the wait for the owner's code.
// The third machine; meets link and turn only in step.ts. What is tried is tried for ever. Pure.
import type { Event, Moment } from './events.ts';
import { currentOf, type Link } from './link.ts';
import { isDoubtful, isSpokenToUngreeted, isTriedAtOnce } from './setup-link.ts';
import type { Turn } from './turn.ts';

/** `call` is the number of the last call made; one that runs is held under it. */
export type Setup =
  /** Nothing is asked: all is known, or nobody is there to ask. */
  | (Made & { readonly phase: 'done' })
  /** `why` the one before came to nothing; null: it came to something, or there was none. */
  | (Failing & { readonly phase: 'asking'; readonly why: string | null })
  | (Failing & Waiting & { readonly phase: 'waiting'; readonly why: string })
  /** The server speaks without having greeted us: it has something to tell, and is asked again when it has. */
  | (Heeding & { readonly phase: 'heeding' })
  /** The box belongs to nobody; the code is for whoever it will belong to. */
  | (Unbound & { readonly phase: 'activating' });

type Made = {
  readonly call: number;
  /** When the last answer came that named a server; null: none yet. */
  readonly answeredAt: number | null;
  /** When something new in an answer was last tried at once; null: never. */
  readonly triedAt: number | null;
  /** The connection on which the server speaks without having greeted us: nothing is said to it before a call is answered. */
  readonly ungreeted: number | null;
};
type Failing = Made & { readonly failures: number };
type Waiting = { readonly since: number; readonly delayMs: number };

type Heeding = Made & {
  readonly since: number;
  /** The last of it in words. */
  readonly message: string;
};

type Unbound = Failing & {
  readonly code: string;
  readonly message: string;
  readonly challenge: string | null;
  /** How often the server was asked about this code. */
  readonly polls: number;
  readonly step: (Waiting & { readonly doing: 'resting'; readonly next: Step }) | { readonly doing: Step };
};

/** `polling` asks about the code alone; `asking` makes the whole call again. */
type Step = 'polling' | 'asking';

export type SetupCall = { readonly call: number } & (
  | { readonly what: 'configuration' }
  | { readonly what: 'activation'; readonly challenge: string | null }
);

export type SetupPolicy = {
  /** There is an address to ask; otherwise the server is written down, and nobody else knows. */
  readonly asks: boolean;
};

/** Reference firmware: the next look after "not yet", after anything else, and how many until the whole call again. */
const POLL_MS = 3_000;
const POLL_AFTER_TROUBLE_MS = 10_000;
const POLLS = 10;

/** Issue and protocol: from 10 s, doubled, to 60 s; a quarter more at random, so that a house full of boxes disperses. */
const RETRY_MS = { base: 10_000, cap: 60_000 };
const JITTER = 0.25;

/** Spoken instructions are over by then, however slowly they are read. */
const HEED_MS = 60_000;

const NONE_FAILED = { failures: 0, why: null };

export type AroundSetup = Moment & {
  readonly policy: SetupPolicy;
  readonly link: { readonly before: Link; readonly after: Link };
  /** Somebody presses, or the way to the server is there again: no reason to wait any longer. */
  readonly hurried: boolean;
};

export function startSetup(): Setup {
  return { phase: 'done', call: 0, answeredAt: null, triedAt: null, ungreeted: null };
}

export function stepSetup(setup: Setup, event: Event, around: AroundSetup): Setup {
  switch (event.type) {
    case 'setup.done':
      return {
        phase: 'done',
        call: setup.call,
        answeredAt: around.at,
        triedAt: isTriedAtOnce(around.link) ? around.at : setup.triedAt,
        ungreeted: null,
      };
    case 'setup.activating':
      return unbound(setup, event, around);
    default:
      break;
  }
  if (!around.policy.asks) return setup;
  switch (event.type) {
    case 'agent.started':
      return setup.phase === 'done' ? ask(setup) : setup;
    case 'setup.failed':
      return failed(setup, event.why, around);
    case 'setup.polled':
      return setup.phase === 'activating' && isDoing(setup, 'polling')
        ? polled(setup, event.result, around)
        : setup;
    default:
      if (event.type === 'timer.fired' && event.timer === setupTimer(setup)) return elapsed(setup);
      return moved(setup, event, around);
  }
}

/** What other machines do may make it ask. */
function moved(setup: Setup, event: Event, around: AroundSetup): Setup {
  if (isSpokenToUngreeted(event, around.link)) return spokenTo(setup, event, around);
  if (setup.phase === 'waiting' && around.hurried) return ask(setup, setup);
  if (setup.phase === 'heeding') return { ...setup, message: wordsIn(event) ?? setup.message };
  if (setup.phase !== 'done') return setup;
  // Whoever asks for a connection by hand has found that the one there was is not the right one.
  if (event.type === 'reconnect.asked') return ask(setup);
  return isDoubtful(around.link, setup.answeredAt, around.at) ? ask(setup) : setup;
}

function spokenTo(setup: Setup, event: Event, { at, link }: AroundSetup): Setup {
  const next = { ...setup, ungreeted: currentOf(link.after) };
  // Whoever asks already has no reason to wait for the end of it.
  if (next.phase !== 'done' && next.phase !== 'heeding') return next;
  return { phase: 'heeding', ...made(next), since: at, message: wordsIn(event) ?? '' };
}

/** @param failed what the calls before came to */
function ask(setup: Setup, failed: { failures: number; why: string | null } = NONE_FAILED): Setup {
  const { failures, why } = failed;
  return { phase: 'asking', ...made(setup), call: setup.call + 1, failures, why };
}

function made({ call, answeredAt, triedAt, ungreeted }: Setup): Made {
  return { call, answeredAt, triedAt, ungreeted };
}

function unbound(setup: Setup, event: Event & { type: 'setup.activating' }, { at }: AroundSetup): Setup {
  const { code, message = '', challenge = null } = event;
  // Where nobody answers about the code alone, the whole call goes on being made.
  const isUnsupported = setup.phase === 'activating' && setup.polls === Number.POSITIVE_INFINITY;
  const step = isUnsupported ? resting('asking', POLL_AFTER_TROUBLE_MS, at) : resting('polling', POLL_MS, at);
  const polls = isUnsupported ? Number.POSITIVE_INFINITY : 0;
  return { phase: 'activating', ...made(setup), failures: 0, code, message, challenge, polls, step };
}

function failed(setup: Setup, why: string, { at, dice }: AroundSetup): Setup {
  if (setup.phase === 'asking') {
    const failures = setup.failures + 1;
    return { phase: 'waiting', ...made(setup), failures, since: at, delayMs: retryMs(failures, dice), why };
  }
  if (setup.phase !== 'activating' || !isDoing(setup, 'asking')) return setup;
  const failures = setup.failures + 1;
  return { ...setup, failures, step: resting('asking', retryMs(failures, dice), at) };
}

function polled(
  setup: Setup & { phase: 'activating' },
  result: (Event & { type: 'setup.polled' })['result'],
  { at }: AroundSetup,
): Setup {
  const polls = setup.polls + 1;
  switch (result) {
    case 'bound':
      return doing({ ...setup, polls }, 'asking');
    case 'unsupported':
      return {
        ...setup,
        polls: Number.POSITIVE_INFINITY,
        step: resting('asking', POLL_AFTER_TROUBLE_MS, at),
      };
    case 'pending':
    case 'failed': {
      const delayMs = result === 'pending' ? POLL_MS : POLL_AFTER_TROUBLE_MS;
      return { ...setup, polls, step: resting(polls >= POLLS ? 'asking' : 'polling', delayMs, at) };
    }
  }
}

function elapsed(setup: Setup): Setup {
  switch (setup.phase) {
    case 'waiting':
      return ask(setup, setup);
    case 'heeding':
      return ask(setup);
    case 'activating':
      return setup.step.doing === 'resting' ? doing(setup, setup.step.next) : setup;
    case 'done':
    case 'asking':
      return setup;
  }
}

function doing(setup: Setup & { phase: 'activating' }, step: Step): Setup {
  return { ...setup, call: setup.call + 1, step: { doing: step } };
}

function isDoing(setup: Setup & { phase: 'activating' }, step: Step): boolean {
  return setup.step.doing === step;
}

function resting(next: Step, delayMs: number, at: number): Unbound['step'] {
  return { doing: 'resting', next, since: at, delayMs };
}

function retryMs(failures: number, dice: number): number {
  return Math.min(RETRY_MS.cap, RETRY_MS.base * 2 ** (failures - 1)) * (1 + dice * JITTER);
}

function wordsIn(event: Event): string | undefined {
  if (event.type !== 'server.said') return undefined;
  return 'text' in event.message ? event.message.text : undefined;
}

/** What the server had to tell has been heard to its end. */
export function heeded(setup: Setup, before: Turn, after: Turn): Setup {
  return before.phase !== 'idle' && after.phase === 'idle' ? heardOut(setup) : setup;
}

/** Nobody hears it any further. */
export function heardOut(setup: Setup): Setup {
  return setup.phase === 'heeding' ? ask(setup) : setup;
}

/** The call that must be running. */
export function callOf(setup: Setup): SetupCall | null {
  const { call } = setup;
  if (setup.phase === 'asking') return { call, what: 'configuration' };
  if (setup.phase !== 'activating') return null;
  if (isDoing(setup, 'asking')) return { call, what: 'configuration' };
  return isDoing(setup, 'polling') ? { call, what: 'activation', challenge: setup.challenge } : null;
}

export function setupTimer(setup: Setup): string {
  return `setup ${setup.phase} after call ${setup.call}`;
}

/** The timer that must be running. */
export function setupWait(setup: Setup): { readonly afterMs: number; readonly from: number } | null {
  switch (setup.phase) {
    case 'waiting':
      return { afterMs: setup.delayMs, from: setup.since };
    case 'heeding':
      return { afterMs: HEED_MS, from: setup.since };
    case 'activating':
      return setup.step.doing === 'resting' ? { afterMs: setup.step.delayMs, from: setup.step.since } : null;
    case 'done':
    case 'asking':
      return null;
  }
}
