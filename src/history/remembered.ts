// What a file from an earlier run may say, and how to read it without trusting it: a part that is not what it should be
// is dropped alone, everything is bounded. Pure; knows neither file nor clock.
import { FAILURE_CLASSES, type FailureClass, LOSS_KINDS, type LossKind } from '../core/events.ts';
import { HEARTBEAT_MS } from '../core/lessons.ts';
import {
  ATTEMPTS_KEPT,
  type AttemptNote,
  ENDS,
  type EndNote,
  type FailureNote,
  type LossNote,
  OUTAGES_KEPT,
  OUTCOMES,
  type Outage,
  type Reconnecting,
} from './outage.ts';
import { type Counters, NO_COUNTERS, SESSIONS_KEPT, type Session } from './sessions.ts';

/** The lessons of one server; ages instead of moments, for no clock of this run was there. */
export type LessonsNote = {
  readonly url: string;
  readonly heartbeat_ms: number;
  readonly steady_for_ms: number;
  readonly idle_limit: { readonly ms: number; readonly age_ms: number } | null;
  readonly suspected_ms: number | null;
  readonly both_dropped: { readonly count: number; readonly age_ms: number } | null;
};

/** What it was that failed last: what follows from it does not change with a restart. */
export type TroubleNote = {
  readonly class: FailureClass;
  readonly kind: LossKind;
  readonly reason: string;
  readonly detected_by: string;
  readonly quick: boolean;
};

export type Written = {
  readonly version: typeof VERSION;
  readonly saved_at: string;
  /** The process ended on request. */
  readonly clean: boolean;
  readonly failures: number;
  readonly trouble: TroubleNote | null;
  readonly counters: Counters;
  /** The server used last comes first. */
  readonly lessons: readonly LessonsNote[];
  readonly sessions: readonly Session[];
  readonly outages: readonly Outage[];
};

export const VERSION = 1;
/** Of a household's servers, old and new; more is a script that counts through addresses. Victim: the one unused longest. */
export const URLS_KEPT = 8;

/** Longer than every text that this program writes (reasons are cut at 200). */
const LONGEST_TEXT = 300;
/** Longest path that a server in the field uses, many times over. */
const LONGEST_URL = 2_000;
/** Nobody has counted further: one a second for 30 years. */
const LARGEST_COUNT = 1e9;
/** 30 years of milliseconds. */
const LONGEST_MS = 1e12;
/** No idle limit shorter than this is ever learned (core/lessons.ts); a lesson is forgotten after a day. */
export const IDLE_LIMIT_MS = { least: 20_000, most: 86_400_000 };

type Read<T> = (value: unknown) => T | undefined;

const whole =
  (least: number, most: number): Read<number> =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most ? Math.round(value) : undefined;
const count = whole(0, LARGEST_COUNT);
const ms = whole(0, LONGEST_MS);
const flag: Read<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);
const text =
  (longest = LONGEST_TEXT): Read<string> =>
  (value) =>
    typeof value === 'string' && value.length <= longest ? value : undefined;
const time: Read<string> = (value) => {
  const read = text()(value);
  return read === undefined || Number.isNaN(Date.parse(read)) ? undefined : new Date(read).toISOString();
};
const oneOf =
  <T extends string>(words: readonly T[]): Read<T> =>
  (value) =>
    words.find((word) => word === value);
const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value) =>
    value === null ? null : read(value);
/** The newest of those that can be read. */
const list =
  <T>(read: Read<T>, most: number): Read<readonly T[]> =>
  (value) =>
    Array.isArray(value)
      ? value.slice(-most).flatMap((one: unknown) => {
          const found = read(one);
          return found === undefined ? [] : [found];
        })
      : undefined;

/** All of its fields, or nothing. */
function object<T extends object>(fields: { readonly [N in keyof T]-?: Read<T[N]> }): Read<T> {
  return (value) => {
    if (typeof value !== 'object' || value === null) return undefined;
    const found: Partial<T> = {};
    for (const name in fields) {
      const one = fields[name](Reflect.get(value, name));
      if (one === undefined) return undefined;
      found[name] = one;
    }
    return found as T;
  };
}

const trouble = object<TroubleNote>({
  class: oneOf(FAILURE_CLASSES),
  kind: oneOf(LOSS_KINDS),
  reason: text(),
  detected_by: text(),
  quick: flag,
});
const failureFields = { class: text(), kind: text(), reason: text(), detected_by: text() };
const failure = object<FailureNote>(failureFields);
const loss = object<LossNote>({ ...failureFields, noticed_within_ms: orNull(ms), lasted_ms: orNull(ms) });
const attempt = object<AttemptNote>({
  number: count,
  cause: text(),
  after_ms: orNull(ms),
  took_ms: ms,
  outcome: oneOf(OUTCOMES),
  failure: orNull(failure),
});
const attempts = object<Outage['attempts']>({
  made: count,
  failed: count,
  first: list(attempt, ATTEMPTS_KEPT),
  left_out: count,
  last: list(attempt, ATTEMPTS_KEPT),
});
const outage = object<Outage>({
  id: count,
  at: time,
  ordinary: flag,
  reconnecting: object<Reconnecting>({ enabled: flag, mode: text(), max_attempts: count }),
  loss: orNull(loss),
  attempts,
  end: orNull(object<EndNote>({ how: oneOf(ENDS), why: text(), after_ms: ms })),
});
const session = object<Session>({
  ended_at: time,
  lasted_ms: ms,
  class: text(),
  kind: text(),
  detected_by: text(),
  rtt_ms: orNull(ms),
});
const lessons = object<LessonsNote>({
  url: text(LONGEST_URL),
  heartbeat_ms: whole(HEARTBEAT_MS.least, HEARTBEAT_MS.most),
  steady_for_ms: ms,
  idle_limit: orNull(
    object<NonNullable<LessonsNote['idle_limit']>>({
      ms: whole(IDLE_LIMIT_MS.least, IDLE_LIMIT_MS.most),
      age_ms: ms,
    }),
  ),
  suspected_ms: orNull(whole(IDLE_LIMIT_MS.least, IDLE_LIMIT_MS.most)),
  both_dropped: orNull(object<NonNullable<LessonsNote['both_dropped']>>({ count, age_ms: ms })),
});
const counters = object<Counters>({
  attempts: count,
  failed_attempts: count,
  connections: count,
  hellos: count,
  reconnects: count,
  losses: count,
  renewals: count,
  failed_renewals: count,
});

/** Undefined when it is not such a file at all; what else cannot be read of it is as if it were not there. */
export function readWritten(value: unknown): Written | undefined {
  if (typeof value !== 'object' || value === null || Reflect.get(value, 'version') !== VERSION)
    return undefined;
  const part = <T>(name: keyof Written, read: Read<T>, otherwise: T) =>
    read(Reflect.get(value, name)) ?? otherwise;
  const saved_at = part('saved_at', time, '');
  if (saved_at === '') return undefined;
  const outages = part<readonly Outage[]>('outages', list(outage, OUTAGES_KEPT), []);
  return {
    version: VERSION,
    saved_at,
    clean: part('clean', flag, true),
    failures: part('failures', count, 0),
    trouble: part<TroubleNote | null>('trouble', orNull(trouble), null),
    counters: part('counters', counters, NO_COUNTERS),
    lessons: part<readonly LessonsNote[]>('lessons', first(lessons), []),
    sessions: part<readonly Session[]>('sessions', list(session, SESSIONS_KEPT), []),
    // Numbers that do not count up would give two outages the same name.
    outages: outages.filter(({ id }, at) => outages.slice(0, at).every((earlier) => earlier.id < id)),
  };
}

/** Of a list whose newest come first. */
function first(read: Read<LessonsNote>): Read<readonly LessonsNote[]> {
  return (value) => (Array.isArray(value) ? list(read, URLS_KEPT)(value.slice(0, URLS_KEPT)) : undefined);
}
