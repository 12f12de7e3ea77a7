// One outage as a record, in the words of the documented JSON: as `why` shows it and as it is kept in a file. Knows no clock
// and not what led to it.
export type Outage = {
  /** Counts up, over restarts too. */
  readonly id: number;
  /** When it began, ISO. */
  readonly at: string;
  /** The end of a session as every server makes it, answered at the first attempt: nothing is wrong. */
  readonly ordinary: boolean;
  readonly reconnecting: Reconnecting;
  /** How the connection ended; null: there had been none. */
  readonly loss: LossNote | null;
  readonly attempts: {
    readonly made: number;
    readonly failed: number;
    readonly first: readonly AttemptNote[];
    readonly left_out: number;
    readonly last: readonly AttemptNote[];
  };
  /** Null: it goes on. */
  readonly end: EndNote | null;
};

export type Reconnecting = {
  readonly enabled: boolean;
  readonly mode: string;
  /** The limit that holds; 0: none. */
  readonly max_attempts: number;
};

export type FailureNote = {
  readonly class: string;
  readonly kind: string;
  readonly reason: string;
  readonly detected_by: string;
};

export type LossNote = FailureNote & {
  /** The time since the last sign of life: it was noticed no later than this. */
  readonly noticed_within_ms: number | null;
  readonly lasted_ms: number | null;
};

export type AttemptNote = {
  readonly number: number;
  readonly cause: string;
  /** From the beginning of the outage; null: it was under way before. */
  readonly after_ms: number | null;
  readonly took_ms: number;
  readonly outcome: (typeof OUTCOMES)[number];
  readonly failure: FailureNote | null;
};

/** `short-lived`: there was a connection, and it was lost before it had lasted long enough to count. */
export const OUTCOMES = ['worked', 'failed', 'dropped', 'short-lived'] as const;

export type EndNote = {
  readonly how: (typeof ENDS)[number];
  readonly why: string;
  readonly after_ms: number;
};

/** `left`: closed on purpose. `broken off`: the process ended without a word. */
export const ENDS = ['connected', 'rested', 'left', 'broken off'] as const;

/** A week of a bad network, or a night of a very bad one, and still one screenful of JSON each. */
export const OUTAGES_KEPT = 20;
/** The first attempts show what was wrong, the last ones how it ended. */
export const ATTEMPTS_KEPT = 5;

export const NO_ATTEMPTS: Outage['attempts'] = { made: 0, failed: 0, first: [], left_out: 0, last: [] };

/** Comes by the hour, or by the second, and tells nothing that the newest of its kind does not tell. */
export function isUsual({ ordinary, loss, attempts, end }: Outage): boolean {
  const isRestart = loss?.class === 'restarting' && attempts.failed === 0 && end?.how === 'connected';
  return ordinary || isRestart;
}

export function withAttempt(attempts: Outage['attempts'], one: AttemptNote): Outage['attempts'] {
  const { first, last, left_out } = attempts;
  const made = attempts.made + 1;
  const failed = attempts.failed + (one.outcome === 'failed' ? 1 : 0);
  if (first.length < ATTEMPTS_KEPT) return { ...attempts, made, failed, first: [...first, one] };
  const all = [...last, one];
  const cut = Math.max(0, all.length - ATTEMPTS_KEPT);
  return { made, failed, first, left_out: left_out + cut, last: all.slice(cut) };
}

/** The latest one had worked, and has turned out not to last. */
export function withLatest(attempts: Outage['attempts'], failure: FailureNote): Outage['attempts'] {
  const { first, last } = attempts;
  const changed = (list: readonly AttemptNote[]): readonly AttemptNote[] =>
    list.map((one, at) => (at === list.length - 1 ? { ...one, outcome: 'short-lived', failure } : one));
  const failed = attempts.failed + 1;
  return last.length === 0
    ? { ...attempts, failed, first: changed(first) }
    : { ...attempts, failed, last: changed(last) };
}
