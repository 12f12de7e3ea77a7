// The figures of the connection: what was counted, and how each session ended, as the record of its quality. A session
// is an unbroken time with a connection; exchanging one for another does not break it. Nothing depends on it.
import type { Event, Loss } from '../core/events.ts';
import { breaksFirst, type Lessons } from '../core/lessons.ts';
import type { State } from '../core/state.ts';
import type { Clock } from '../ports.ts';
import { type Change, changesOf, type Was } from './link-changes.ts';

const COUNTED = [
  'attempts',
  'failed_attempts',
  /** Sockets opened, whether or not a hello came. */
  'connections',
  'hellos',
  /** Losses that were made good. */
  'reconnects',
  'losses',
  'renewals',
  'failed_renewals',
] as const;

export type Counters = Readonly<Record<(typeof COUNTED)[number], number>>;

export type PastLoss = {
  readonly reason: string;
  readonly class: string;
  readonly detectedBy: string;
  /** By the monotonic clock: a board without a battery jumps by years when it hears the time. */
  readonly sinceMs: number;
  readonly recoveredAfterMs: number | null;
  /** Why no connection was made again. */
  readonly unanswered: string | null;
};

export type Session = {
  readonly ended_at: string;
  readonly lasted_ms: number;
  readonly class: string;
  readonly kind: string;
  readonly detected_by: string;
  readonly rtt_ms: number | null;
};

/** A few days of a good network or an hour of a bad one: enough for a median that means something. */
export const SESSIONS_KEPT = 50;

/** Found out on this side, because nothing came any more. */
const BY_SILENCE = ['heartbeat', 'ping after renewal', 'monitor', 'press'];

export const NO_COUNTERS: Counters = {
  attempts: 0,
  failed_attempts: 0,
  connections: 0,
  hellos: 0,
  reconnects: 0,
  losses: 0,
  renewals: 0,
  failed_renewals: 0,
};

export class Sessions {
  readonly #clock: Clock;
  readonly #earlier: Counters;
  readonly #ended: Session[];
  readonly #counts: Record<(typeof COUNTED)[number], number> = { ...NO_COUNTERS };
  /** Since when there has been a connection without a break. */
  #upSince: number | null = null;
  #lastConnected: number | null = null;
  lastLoss: PastLoss | null = null;

  constructor(parts: {
    readonly clock: Clock;
    readonly earlier?: Counters;
    readonly ended?: readonly Session[];
  }) {
    this.#clock = parts.clock;
    this.#earlier = parts.earlier ?? NO_COUNTERS;
    this.#ended = [...(parts.ended ?? [])].slice(-SESSIONS_KEPT);
  }

  /** Of this run. */
  get counters(): Counters {
    return { ...this.#counts };
  }

  /** Of all runs that are remembered. */
  get total(): Counters {
    const sum = { ...this.#counts };
    for (const name of COUNTED) sum[name] += this.#earlier[name];
    return sum;
  }

  get ended(): readonly Session[] {
    return this.#ended;
  }

  get upSince(): string | null {
    return this.#wall(this.#upSince);
  }

  get lastConnectedAt(): string | null {
    return this.#wall(this.#lastConnected);
  }

  observe(before: State, after: State, event: Event): void {
    for (const change of changesOf(before, after, event, this.#clock.now())) this.#saw(change);
  }

  #saw(change: Change): void {
    switch (change.type) {
      case 'begun':
        this.#counts.attempts += 1;
        return;
      case 'opened':
        this.#counts.connections += 1;
        return;
      case 'failed':
        this.#counts[change.beside && change.cause !== 'doubt' ? 'failed_renewals' : 'failed_attempts'] += 1;
        return;
      case 'ready':
        this.#recovered();
        return this.#greeted();
      case 'replaced':
        if (change.loss === null) this.#counts.renewals += 1;
        else {
          this.#lost(change.was, change.loss);
          this.#recovered();
        }
        return this.#greeted();
      case 'lost':
        return this.#lost(change.was, change.loss);
      case 'released':
        this.#counts.renewals += 1;
        return this.#over(change.was, { class: 'normal', kind: 'renewed', detectedBy: 'this side' });
      case 'left':
        if (change.was !== null)
          this.#over(change.was, { class: 'normal', kind: 'closed on purpose', detectedBy: 'this side' });
        return this.#unanswered(change.why);
      case 'rested':
        return this.#unanswered(change.why);
      case 'dropped':
      case 'doubted':
      case 'resumed':
        return;
    }
  }

  #greeted(): void {
    const now = this.#clock.now();
    this.#counts.hellos += 1;
    this.#lastConnected = now;
    this.#upSince ??= now;
  }

  #lost(was: Was, loss: Loss): void {
    this.#counts.losses += 1;
    this.#over(was, loss);
    const { reason, class: name, detectedBy } = loss;
    const sinceMs = this.#clock.now();
    this.lastLoss = { reason, class: name, detectedBy, sinceMs, recoveredAfterMs: null, unanswered: null };
  }

  #recovered(): void {
    const loss = this.lastLoss;
    if (loss === null || loss.recoveredAfterMs !== null || loss.unanswered !== null) return;
    this.#counts.reconnects += 1;
    this.lastLoss = { ...loss, recoveredAfterMs: Math.round(this.#clock.now() - loss.sinceMs) };
  }

  #unanswered(why: string): void {
    const loss = this.lastLoss;
    if (loss !== null && loss.recoveredAfterMs === null) this.lastLoss = { ...loss, unanswered: why };
  }

  #over(was: Was, end: { class: string; kind: string; detectedBy: Loss['detectedBy'] }): void {
    const now = this.#clock.now();
    this.#ended.push({
      ended_at: new Date(this.#clock.wallMs()).toISOString(),
      lasted_ms: Math.round(now - (this.#upSince ?? now)),
      class: end.class,
      kind: end.kind,
      detected_by: end.detectedBy,
      rtt_ms: was.rttMs === null ? null : Math.round(was.rttMs),
    });
    if (this.#ended.length > SESSIONS_KEPT) this.#ended.shift();
    this.#upSince = null;
  }

  #wall(at: number | null): string | null {
    return at === null ? null : new Date(this.#clock.wallMs() - (this.#clock.now() - at)).toISOString();
  }
}

/**
 * One line about the connection: how long sessions last, how they die, and what has been learned from them.
 * @param now by the clock that the lessons were learned by, for they fade
 */
export function qualityOf(ended: readonly Session[], rttMs: number | null, lessons: Lessons, now: number) {
  const measured = [...ended].reverse().find(({ rtt_ms }) => rtt_ms !== null)?.rtt_ms ?? null;
  const { idleLimit } = lessons;
  return {
    sessions: ended.length,
    median_lasted_s: medianS(ended.map(({ lasted_ms }) => lasted_ms)),
    silent_deaths: ended.filter(({ detected_by }) => BY_SILENCE.includes(detected_by)).length,
    rtt_ms: rttMs === null ? measured : Math.round(rttMs),
    heartbeat_ms: Math.round(lessons.heartbeatMs),
    idle_limit_s: idleLimit === null ? null : Math.round(idleLimit.ms / 1_000),
    break_first: breaksFirst(lessons, now),
  };
}

function medianS(allMs: readonly number[]): number | null {
  const sorted = [...allMs].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : Math.round((lower + upper) / 2 / 100) / 10;
}
