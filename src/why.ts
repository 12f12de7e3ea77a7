// What `why` answers: the outages that are worth telling, and how things stand, in the words of the documented JSON; from
// the running agent or from what the last run left behind. Reads, never changes.
import { brokenOff } from './history/memory.ts';
import { type EndNote, OUTAGES_KEPT, type Outage } from './history/outage.ts';
import type { Written } from './history/remembered.ts';
import type { Counters } from './history/sessions.ts';
import { linkStatus, type StatusParts } from './status.ts';

export type Why = {
  readonly source: Source;
  /** Null: nothing runs. */
  readonly link: LinkNow | null;
  /** Newest first. */
  readonly outages: readonly ToldOutage[];
  /** How many others are in the book, and how many of them were ordinary ends of a session. */
  readonly others: { readonly ordinary: number; readonly earlier: number };
};

export type ToldOutage = Omit<Outage, 'end'> & {
  /** After a run that broke off nobody knows how long it was: only that it was longer than the record. */
  readonly end:
    | (Omit<EndNote, 'after_ms'> & {
        readonly after_ms: number | null;
        readonly record_ends_after_ms: number | null;
      })
    | null;
};

/** What `status` answers when nothing runs. */
export type WrittenStatus = Why & {
  readonly source: Source & { readonly from: 'file' };
  readonly total: Counters;
};

export type Source =
  | { readonly from: 'agent'; readonly at: string }
  | { readonly from: 'file'; readonly at: string; readonly clean: boolean };

export type LinkNow = Pick<
  ReturnType<typeof linkStatus>,
  | 'phase'
  | 'since'
  | 'url'
  | 'attempt'
  | 'next_attempt_in_ms'
  | 'trouble'
  | 'why'
  | 'outage'
  | 'auto_reconnect'
>;

export const WHY_MOST = OUTAGES_KEPT;
/** A screenful over SSH. */
export const WHY_USUALLY = 3;

export function whyOf(parts: Pick<StatusParts, 'agent' | 'clock' | 'url'>, count: number): Why {
  const { phase, since, url, attempt, next_attempt_in_ms, trouble, why, outage, auto_reconnect } =
    linkStatus(parts);
  return {
    source: { from: 'agent', at: new Date(parts.clock.wallMs()).toISOString() },
    link: { phase, since, url, attempt, next_attempt_in_ms, trouble, why, outage, auto_reconnect },
    ...chosen(parts.agent.history.outages.list(), count),
  };
}

export function whyWritten({ saved_at, clean, outages }: Written, count: number): Why {
  const ended = outages.map((outage) => brokenOff(outage, saved_at));
  return { source: { from: 'file', at: saved_at, clean }, link: null, ...chosen(ended, count) };
}

export function statusWritten(written: Written): WrittenStatus {
  const { saved_at: at, clean, counters: total } = written;
  return { ...whyWritten(written, 1), source: { from: 'file', at, clean }, total };
}

function toldOf(outage: Outage): ToldOutage {
  const { end } = outage;
  if (end === null) return { ...outage, end };
  const { how, why, after_ms } = end;
  return how === 'broken off'
    ? { ...outage, end: { how, why, after_ms: null, record_ends_after_ms: after_ms } }
    : { ...outage, end: { how, why, after_ms, record_ends_after_ms: null } };
}

/** Ordinary ends come by the hour: they are told only where there is nothing better to tell. */
function chosen(all: readonly Outage[], count: number): Pick<Why, 'outages' | 'others'> {
  const newestFirst = [...all].reverse();
  const told = [
    ...newestFirst.filter(({ ordinary }) => !ordinary),
    ...newestFirst.filter(({ ordinary }) => ordinary),
  ].slice(0, count);
  const others = newestFirst.filter((outage) => !told.includes(outage));
  const ordinary = others.filter((outage) => outage.ordinary).length;
  return {
    outages: newestFirst.filter((outage) => told.includes(outage)).map(toldOf),
    others: { ordinary, earlier: others.length - ordinary },
  };
}
