// The book of outages: each time without a connection, from how it began to what ended it, in the words of the
// documented JSON. Watches the states go by; nothing depends on it, and it knows neither log nor file.
import { limitInForce } from '../core/backoff.ts';
import type { Event, Loss } from '../core/events.ts';
import type { Network } from '../core/network.ts';
import type { State } from '../core/state.ts';
import type { Clock } from '../ports.ts';
import { type Change, changesOf, makingOf, type Was } from './link-changes.ts';
import {
  type AttemptNote,
  type EndNote,
  type FailureNote,
  isUsual,
  type LossNote,
  NO_ATTEMPTS,
  OUTAGES_KEPT,
  type Outage,
  type Reconnecting,
  withAttempt,
  withLatest,
} from './outage.ts';

/** The one that goes on; `shortLived`: how often a connection was made and lost again at once. */
export type OpenOutage = { readonly id: number; readonly failed: number; readonly shortLived: number };

type Tried = { readonly beganAt: number; attempts: Outage['attempts'] };

type Open = Tried & {
  readonly id: number;
  readonly reconnecting: Reconnecting;
  readonly loss: LossNote | null;
  /** The session that ended had been a proper one, and ended as sessions do. */
  readonly usual: boolean;
  shortLived: number;
};

/** A press got no answer on the connection `current`, and nothing was heard of it since. */
type Doubt = Tried & { readonly current: number };

export class Outages {
  readonly #clock: Clock;
  readonly #past: Outage[];
  #open: Open | null = null;
  /** Ended by a connection that has not lasted yet. */
  #doubtful: { readonly outage: Open; readonly attempt: number } | null = null;
  #making: { readonly attempt: number; readonly cause: string; readonly at: number } | null = null;
  #doubt: Doubt | null = null;
  #nextId: number;

  constructor(parts: { readonly clock: Clock; readonly kept?: readonly Outage[] }) {
    this.#clock = parts.clock;
    this.#past = [...(parts.kept ?? [])].slice(-OUTAGES_KEPT);
    this.#nextId = Math.max(0, ...this.#past.map(({ id }) => id)) + 1;
  }

  get open(): OpenOutage | null {
    if (this.#open === null) return null;
    const { id, attempts, shortLived } = this.#open;
    return { id, failed: attempts.failed, shortLived };
  }

  get newestId(): number | null {
    return this.#open?.id ?? this.#past.at(-1)?.id ?? null;
  }

  /** Oldest first, the one that goes on included. */
  list(): readonly Outage[] {
    return this.#open === null ? this.#past : [...this.#past, this.#noted(this.#open, null)];
  }

  observe(before: State, after: State, event: Event): void {
    for (const change of changesOf(before, after, event, this.#clock.now())) this.#saw(change, before, after);
  }

  #saw(change: Change, before: State, after: State): void {
    const now = this.#clock.now();
    switch (change.type) {
      case 'begun':
        this.#making = { attempt: change.attempt, cause: change.cause, at: now };
        return;
      case 'failed':
        if (change.beside) return this.#failedBeside(change);
        this.#open ??= this.#begun(outageSince(before, now), null, after);
        return this.#tried(this.#open, change.attempt, 'failed', noteOf(change.loss));
      case 'dropped':
        if (this.#open !== null && !change.beside) this.#tried(this.#open, change.attempt, 'dropped', null);
        return;
      case 'lost':
        if (change.resting && change.loss.class === 'normal') return;
        return this.#lost(change.loss, change.was, after);
      case 'resumed':
        this.#open ??= this.#begun(
          now,
          { ...noteOf(change.loss), noticed_within_ms: null, lasted_ms: null },
          after,
        );
        return;
      case 'doubted':
        if (this.#doubtIn(change.was) === null)
          this.#doubt = { current: change.was.attempt, beganAt: now, attempts: NO_ATTEMPTS };
        return;
      case 'replaced':
        if (change.loss === null) {
          if (this.#doubtful?.attempt === change.was.attempt)
            this.#doubtful = { ...this.#doubtful, attempt: change.by };
          return;
        }
        this.#open = this.#parted(change.loss, change.was, after);
        return this.#worked(change.by, change.cause, after);
      case 'ready':
        return this.#worked(change.attempt, change.cause, after);
      case 'rested':
      case 'left':
        return this.#ended(change.type, change.why);
      case 'opened':
      case 'released':
        return;
    }
  }

  #lost(loss: Loss, was: Was, after: State): void {
    const again = this.#doubtful?.attempt === was.attempt && !was.proven ? this.#doubtful.outage : null;
    this.#doubtful = null;
    if (again === null) {
      this.#open = this.#parted(loss, was, after);
      return;
    }
    // The outage was not over.
    const at = this.#past.findIndex(({ id }) => id === again.id);
    if (at >= 0) this.#past.splice(at, 1);
    again.shortLived += 1;
    again.attempts = withLatest(again.attempts, noteOf(loss));
    this.#open = again;
  }

  /** For the person who pressed, it began when the press got no answer, whatever found the end later. */
  #parted(loss: Loss, was: Was, after: State): Open {
    const now = this.#clock.now();
    const doubt = this.#doubtIn(was);
    this.#doubt = null;
    if (doubt === null) {
      const usual = loss.class === 'normal' && was.proven;
      return { ...this.#begun(now, lossNote(loss, was), after), usual };
    }
    const { beganAt, attempts } = doubt;
    const earlierMs = now - beganAt;
    const then = { ...was, silentMs: was.silentMs - earlierMs, lastedMs: was.lastedMs - earlierMs };
    return { ...this.#begun(beganAt, { ...lossNote(loss, then), detected_by: 'press' }, after), attempts };
  }

  #doubtIn(was: Was): Doubt | null {
    const heardAt = this.#clock.now() - was.silentMs;
    const doubt = this.#doubt;
    return doubt !== null && doubt.current === was.attempt && heardAt < doubt.beganAt ? doubt : null;
  }

  /** Of a connection in doubt it belongs to the outage, should it turn out to be one. */
  #failedBeside({ attempt, cause, loss }: Change & { type: 'failed' }): void {
    if (this.#doubt !== null && cause === 'doubt') this.#tried(this.#doubt, attempt, 'failed', noteOf(loss));
  }

  #worked(attempt: number, cause: string, { network }: State): void {
    const outage = this.#open;
    if (outage === null) return;
    this.#tried(outage, attempt, 'worked', null);
    this.#ended('connected', healedBy(outage, cause, network));
    this.#doubtful = { outage, attempt };
  }

  #begun(beganAt: number, loss: LossNote | null, { limits, policy }: State): Open {
    const id = this.#nextId;
    this.#nextId += 1;
    const { mode, maxAttempts } = policy.link;
    const max_attempts = limitInForce(limits, maxAttempts);
    return {
      id,
      beganAt,
      loss,
      usual: false,
      reconnecting: { enabled: limits.enabled, mode, max_attempts },
      attempts: NO_ATTEMPTS,
      shortLived: 0,
    };
  }

  #tried(tried: Tried, attempt: number, outcome: AttemptNote['outcome'], failure: FailureNote | null): void {
    const now = this.#clock.now();
    const { cause, at } = this.#making?.attempt === attempt ? this.#making : { cause: 'unknown', at: now };
    tried.attempts = withAttempt(tried.attempts, {
      number: attempt,
      cause,
      // A successor may have been under way when the connection was lost.
      after_ms: at < tried.beganAt ? null : Math.round(at - tried.beganAt),
      took_ms: Math.round(now - at),
      outcome,
      failure,
    });
  }

  #ended(how: EndNote['how'], why: string): void {
    const outage = this.#open;
    if (outage === null) return;
    this.#open = null;
    const after_ms = Math.round(this.#clock.now() - outage.beganAt);
    this.#past.push(this.#noted(outage, { how, why, after_ms }));
    if (this.#past.length <= OUTAGES_KEPT) return;
    // What tells nothing goes first, then the oldest; the newest stays, for the log names it.
    const victim = this.#past.slice(0, -1).findIndex(isUsual);
    this.#past.splice(Math.max(0, victim), 1);
  }

  #noted(outage: Open, end: EndNote | null): Outage {
    const { id, beganAt, reconnecting, loss, attempts } = outage;
    const ordinary = outage.usual && attempts.failed === 0 && (end === null || end.how === 'connected');
    // Counted back from now: a board without a battery learns the time while it is offline.
    const at = new Date(this.#clock.wallMs() - (this.#clock.now() - beganAt)).toISOString();
    return { id, at, ordinary, reconnecting, loss, attempts, end };
  }
}

/** Where an outage began that nobody had noticed: with the start, or with the connection that was given up on purpose. */
function outageSince({ link }: State, now: number): number {
  return makingOf(link) !== null && 'outageSince' in link ? link.outageSince : now;
}

function noteOf(loss: Loss): FailureNote {
  return { class: loss.class, kind: loss.kind, reason: loss.reason, detected_by: loss.detectedBy };
}

function lossNote(loss: Loss, was: Was): LossNote {
  return {
    ...noteOf(loss),
    noticed_within_ms: Math.round(was.silentMs),
    lasted_ms: Math.round(was.lastedMs),
  };
}

/** Which of the many things that a network may do it was is what people want to know. */
function healedBy({ beganAt }: Open, cause: string, { back, changed }: Network): string {
  const healed = back !== null && back.at >= beganAt ? back : null;
  if (cause === 'network') return (healed ?? changed).reasons.join('; ');
  // The names of the network, or the first attempt over it, were not there at once.
  return cause === 'retry' && healed !== null ? `${healed.reasons.join('; ')}; then a retry` : cause;
}
