// What of the connection outlives the process: how it fared and what it taught, in one small file. Says when it is
// written, and what of an earlier run still counts; knows neither file system nor format of the log.
import { type Lessons, noLessons } from '../core/lessons.ts';
import type { Cancel, Clock, Loss, Store } from '../ports.ts';
import type { Outage } from './outage.ts';
import {
  IDLE_LIMIT_MS,
  type LessonsNote,
  readWritten,
  type TroubleNote,
  URLS_KEPT,
  VERSION,
  type Written,
} from './remembered.ts';
import type { Counters, Session } from './sessions.ts';

export type Remembered = {
  /** In a row, before a run that broke off a short while ago; else 0. */
  readonly failures: number;
  /** Why there was no connection; null when there was one. */
  readonly trouble: Loss | null;
  readonly lessons: Lessons;
  readonly counters: Counters;
  readonly sessions: readonly Session[];
  readonly outages: readonly Outage[];
};

/** What is to be remembered now. */
export type Present = Remembered;

/** Its name in the state directory (design). */
export const LINK_FILE = 'link.json';
/** Design: at most one write a minute, for the sake of SD cards. */
const WRITE_EVERY_MS = 60_000;
/** Design: failures older than this say nothing about the server any more. */
const FAILURES_COUNT_FOR_MS = 600_000;

export class Memory {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #server: { readonly url: string };
  #present: (() => Present) | null = null;
  /** What is known to be this server's; it moves to the others when another one is talked to. */
  #own: LessonsNote | null = null;
  /** What was learned of other servers. */
  #others: readonly LessonsNote[] = [];
  #writtenAt = Number.NEGATIVE_INFINITY;
  #waiting: Cancel | null = null;

  constructor(parts: { readonly store: Store; readonly clock: Clock; readonly url: string }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    // A configuration call may name another one while this runs.
    this.#server = parts;
  }

  /** What the last run has left behind; undefined: nothing that can be understood. */
  remembered(): Remembered | undefined {
    const found = this.#store.read();
    if (found === undefined) return undefined;
    const written = readWritten(found);
    if (written === undefined) {
      this.#store.setAside('it is of another version, or no such file');
      return undefined;
    }
    this.#others = written.lessons.filter(({ url }) => url !== this.#server.url);
    // A clock that has gone backwards since was not right then, or is not now: as if no time had passed.
    const awayMs = Math.max(0, this.#clock.wallMs() - Date.parse(written.saved_at));
    const broken = !written.clean && awayMs < FAILURES_COUNT_FOR_MS;
    return {
      // The run that broke off amid them is one more: one that is started over and over must not stay where it was.
      failures: broken && written.failures > 0 ? written.failures + 1 : 0,
      trouble: broken ? lossFrom(written.trouble) : null,
      lessons: this.#lessonsFrom(written, awayMs),
      counters: written.counters,
      sessions: written.sessions,
      outages: written.outages.map((one) => brokenOff(one, written.saved_at)),
    };
  }

  /** From now on `changed` writes what this gives. */
  follow(present: () => Present): void {
    this.#present = present;
  }

  /** Another server may be talked to from now on: what was learned of this one belongs to it. */
  leave(): void {
    if (this.#present !== null) this.#noted(this.#present().lessons);
  }

  changed(): void {
    if (this.#present === null || this.#waiting !== null) return;
    const sinceMs = this.#clock.now() - this.#writtenAt;
    // The first at once: a box that breaks off soon after must have left a trace.
    if (sinceMs >= WRITE_EVERY_MS) this.#write();
    else
      this.#waiting = this.#clock.after(WRITE_EVERY_MS - sinceMs, () => {
        this.#waiting = null;
        this.#write();
      });
  }

  /** The last write, before this returns; nothing is written after it. */
  close(clean: boolean): void {
    this.#waiting?.();
    this.#waiting = null;
    if (this.#present === null) return;
    this.#store.writeNow(this.#written(this.#present(), clean));
    this.#present = null;
  }

  #write(): void {
    if (this.#present === null) return;
    this.#writtenAt = this.#clock.now();
    this.#store.write(this.#written(this.#present(), false));
  }

  #written({ failures, trouble, lessons, counters, sessions, outages }: Present, clean: boolean): Written {
    return {
      version: VERSION,
      saved_at: new Date(this.#clock.wallMs()).toISOString(),
      clean,
      failures,
      trouble: trouble === null ? null : noteOf(trouble),
      counters,
      lessons: this.#noted(lessons).slice(0, URLS_KEPT),
      sessions,
      outages,
    };
  }

  /** Of all servers, the present one first. */
  #noted(lessons: Lessons): readonly LessonsNote[] {
    const own = this.#server.url === '' ? null : this.#lessonsNote(lessons);
    const before = this.#own === null || this.#own.url === own?.url ? [] : [this.#own];
    const others = [...before, ...this.#others];
    // Of one that was left, come back to and left again only the newest counts.
    this.#others = others.filter(
      ({ url }, at) => url !== own?.url && others.findIndex((one) => one.url === url) === at,
    );
    this.#own = own;
    return own === null ? this.#others : [own, ...this.#others];
  }

  #lessonsNote({ heartbeatMs, steadySince, idleLimit, suspectedMs, bothDropped }: Lessons): LessonsNote {
    const age = (at: number) => Math.max(0, Math.round(this.#clock.now() - at));
    const short = (ms: number) => Math.round(Math.min(ms, IDLE_LIMIT_MS.most));
    return {
      url: this.#server.url,
      heartbeat_ms: Math.round(heartbeatMs),
      steady_for_ms: age(steadySince),
      idle_limit: idleLimit === null ? null : { ms: short(idleLimit.ms), age_ms: age(idleLimit.at) },
      suspected_ms: suspectedMs === null ? null : short(suspectedMs),
      both_dropped: bothDropped === null ? null : { count: bothDropped.count, age_ms: age(bothDropped.at) },
    };
  }

  #lessonsFrom(written: Written, awayMs: number): Lessons {
    const now = this.#clock.now();
    const note = written.lessons.find(({ url }) => url === this.#server.url);
    if (note === undefined) return noLessons(now);
    const { idle_limit, both_dropped } = note;
    return {
      heartbeatMs: note.heartbeat_ms,
      // Nothing was seen of the connection meanwhile.
      steadySince: now - note.steady_for_ms,
      idleLimit: idle_limit === null ? null : { ms: idle_limit.ms, at: now - idle_limit.age_ms - awayMs },
      suspectedMs: note.suspected_ms,
      bothDropped:
        both_dropped === null ? null : { count: both_dropped.count, at: now - both_dropped.age_ms - awayMs },
    };
  }
}

/** An outage that went on when this was written has ended with the process, and nobody knows when exactly. */
export function brokenOff(outage: Outage, savedAt: string): Outage {
  if (outage.end !== null) return outage;
  const after_ms = Math.max(0, Date.parse(savedAt) - Date.parse(outage.at));
  return {
    ...outage,
    ordinary: false,
    end: { how: 'broken off', why: 'the agent ended without a word', after_ms },
  };
}

function noteOf({ class: name, kind, reason, detectedBy, quick }: Loss): TroubleNote {
  return { class: name, kind, reason, detected_by: detectedBy, quick };
}

function lossFrom(note: TroubleNote | null): Loss | null {
  if (note === null) return null;
  const { class: name, kind, reason, detected_by: detectedBy, quick } = note;
  return { class: name, kind, reason, detectedBy, quick };
}
