// What the life of past connections teaches about this server and the way to it: how often to ping, how long it bears
// silence, whether it bears two connections at a time. Pure.
import { SILENT_AFTER_RENEWAL } from './ends.ts';
import type { Loss } from './events.ts';

export type Lessons = {
  readonly heartbeatMs: number;
  /** Since when nothing has spoken against the present interval. */
  readonly steadySince: number;
  /** The silence after which the server closes, and when that was learned. */
  readonly idleLimit: { readonly ms: number; readonly at: number } | null;
  /** The silence before an abrupt end; a second one alike makes it the idle limit. */
  readonly suspectedMs: number | null;
  /** How often in a row a second connection did not come about beside the first, and when the last time was. */
  readonly bothDropped: { readonly count: number; readonly at: number } | null;
};

/** Design: from 15 s between 10 and 20 s. */
export const HEARTBEAT_MS = { least: 10_000, start: 15_000, most: 20_000 };
/** Four bad ends or six good hours cross half of the range: a home's network changes no faster. */
const SHORTER = 0.9;
const LONGER = 1.05;
const STEADY_MS = 3_600_000;
/** No server in the field is less patient; what closes sooner closes for another reason. */
const LEAST_LIMIT_MS = 20_000;
/** Two abrupt ends this much alike are a rule: servers look at their clocks every few seconds. */
const ALIKE = 0.1;
/** A wrong lesson is forgotten within a day; a right one is learned again by one close that nobody notices. */
const FORGET_AFTER_MS = 86_400_000;
/** Once is chance. */
const RULE = 2;
const HINDERS_ANY: readonly Loss['class'][] = ['network', 'restarting', 'clock', 'portal', 'local'];
/** An idle limit shorter than those known in the field (60 s and 120 s) is believed when it was seen twice. */
const USUAL_LIMIT_MS = 45_000;
/** Well before a limit that servers check only every few seconds. */
const SAFE_SHARE = 0.8;

export function noLessons(at: number): Lessons {
  return {
    heartbeatMs: HEARTBEAT_MS.start,
    steadySince: at,
    idleLimit: null,
    suspectedMs: null,
    bothDropped: null,
  };
}

/** The age at which to renew; null: no reason to. */
export function renewAfterMs(lessons: Lessons, assumedMs: number | null, at: number): number | null {
  const { idleLimit } = lessons;
  if (idleLimit === null || at - idleLimit.at > FORGET_AFTER_MS) return assumedMs;
  return idleLimit.ms * SAFE_SHARE;
}

/** A proven connection has ended after `quietMs` without a turn. */
export function learnFromEnd(lessons: Lessons, loss: Loss, quietMs: number, at: number): Lessons {
  const next = loss.class === 'normal' ? lessons : unsteady(lessons, at);
  if (quietMs < LEAST_LIMIT_MS) return next;
  if (loss.class === 'normal' && quietMs >= USUAL_LIMIT_MS)
    return { ...next, idleLimit: { ms: quietMs, at }, suspectedMs: null };
  // Which of the two it is depends on what was under way when the server let go.
  if (loss.class !== 'normal' && loss.kind !== 'abnormal close' && loss.kind !== 'connection reset')
    return next;
  const { suspectedMs } = next;
  const alike = suspectedMs !== null && Math.abs(suspectedMs - quietMs) <= suspectedMs * ALIKE;
  return alike
    ? { ...next, idleLimit: { ms: Math.min(suspectedMs, quietMs), at }, suspectedMs: null }
    : { ...next, suspectedMs: quietMs };
}

/** A successor was refused, or has ended together with the connection it took over from. */
export function learnFromSuccessor(lessons: Lessons, loss: Loss, at: number): Lessons {
  // What hinders any connection says nothing about two.
  const isAnyones = loss.class === 'transient' ? loss.quick : HINDERS_ANY.includes(loss.class);
  if (isAnyones && loss.detectedBy !== SILENT_AFTER_RENEWAL) return lessons;
  return { ...lessons, bothDropped: { count: (lessons.bothDropped?.count ?? 0) + 1, at } };
}

/** The server bears two connections, or did so just now. */
export function learnBothLive(lessons: Lessons): Lessons {
  return lessons.bothDropped === null ? lessons : { ...lessons, bothDropped: null };
}

/** The old connection has to go before the new one comes. */
export function breaksFirst({ bothDropped }: Lessons, at: number): boolean {
  return bothDropped !== null && bothDropped.count >= RULE && at - bothDropped.at <= FORGET_AFTER_MS;
}

/** A ping was answered: after an hour of nothing else, they may come more rarely. */
export function learnFromPong(lessons: Lessons, at: number): Lessons {
  if (at - lessons.steadySince < STEADY_MS || lessons.heartbeatMs >= HEARTBEAT_MS.most) return lessons;
  const heartbeatMs = Math.min(lessons.heartbeatMs * LONGER, HEARTBEAT_MS.most);
  return { ...lessons, heartbeatMs, steadySince: at };
}

/** Ways that forget a quiet connection are kept open by more frequent pings, and their silence is found sooner. */
function unsteady(lessons: Lessons, at: number): Lessons {
  const heartbeatMs = Math.max(lessons.heartbeatMs * SHORTER, HEARTBEAT_MS.least);
  return { ...lessons, heartbeatMs, steadySince: at };
}
