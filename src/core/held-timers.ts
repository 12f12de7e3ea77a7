// Every timer that must be running in a given state, by a name that changes when its reason does: derived, never
// remembered.
import { deadlineIn } from './attempt.ts';
import { timersOfGesture } from './gesture.ts';
import { renewAfterMs } from './lessons.ts';
import { type Ready, renewFrom, renewTimer, retryTimer, waitMs, watchesNetwork } from './link.ts';
import { absenceTimer, isUsable, kickTimer } from './network.ts';
import { intervalMs } from './pulse.ts';
import { setupTimer, setupWait } from './setup.ts';
import { quiet, type State } from './state.ts';
import { deadlineTimer, mayBeUnheard, outageTimer, settleTimer, unsettled } from './turn.ts';
import { heartbeatTimer, monitorTimer, pingTimer } from './upkeep.ts';

export type Timer = {
  readonly name: string;
  readonly afterMs: number;
  /** The moment it counts from; the moment it is first held when there is none. */
  readonly from?: number;
};

/**
 * The longest that each phase may last. Listening, thinking and speaking: reference servers' own limits. Finishing: a
 * full buffer of 30 s sent at four times real time, twice over. Draining: far more than the card and its player hold.
 * Pressed: far beyond any gesture's decision. Aborting and settling: a round trip on a bad mobile network; an answer that
 * had not begun may still begin for as long as any other. An outage is told of when a person begins to wonder, and a server
 * that is warming up is spoken to again when it no longer is. Where there is progress the time counts from the last of it.
 */
const DEADLINE_MS = {
  aborting: 3_000,
  abortingUnbegun: 15_000,
  pressed: 5_000,
  listening: 60_000,
  followUp: 8_000,
  outage: 2_000,
  finishing: 15_000,
  firstAnswer: 15_000,
  warmUp: 6_000,
  firstAudio: 60_000,
  nextPacket: 30_000,
  draining: 15_000,
  settle: 1_500,
} as const;

/** A meter on a screen asks several times a second; one that has not asked for so long is gone. */
const METER_MS = 2_000;

/** reliability.md 2.4: a flap is over sooner. */
const ABSENCE_MS = 2_000;

export function holdsTimer(state: State, name: string): boolean {
  return timersOf(state).some((timer) => timer.name === name);
}

export function timersOf(state: State): readonly Timer[] {
  const ofGesture = timersOfGesture(state.gesture, state.policy.gesture);
  return [
    ...linkTimers(state),
    ...networkTimers(state),
    ...turnTimers(state),
    ...ofGesture,
    ...meterTimers(state),
    ...setupTimers(state),
  ];
}

function setupTimers({ setup, policy, link }: State): readonly Timer[] {
  const wait = setupWait(setup);
  // What a test or a server of its own says of a code is believed; nobody is asked about it.
  if (wait === null || !policy.setup.asks || link.phase === 'ended') return [];
  return [{ name: setupTimer(setup), ...wait }];
}

/** reliability.md 6: a loop that is further behind than this does no longer serve anybody. */
const OVERDUE_MS = 5_000;

/** The timer that ought to have fired long ago, if there is one: the machine it belongs to stands still. */
export function overdueTimer(state: State, at: number): string | null {
  const late = timersOf(state).find(
    ({ from, afterMs }) => from !== undefined && at - from - afterMs > OVERDUE_MS,
  );
  return late?.name ?? null;
}

export function meterTimer({ meter }: State): string {
  return `meter since ${meter?.askedAt}`;
}

function meterTimers(state: State): readonly Timer[] {
  const { meter } = state;
  return meter === null ? [] : [{ name: meterTimer(state), afterMs: METER_MS, from: meter.askedAt }];
}

function linkTimers(state: State): readonly Timer[] {
  const { link, policy } = state;
  const usable = isUsable(state.network);
  const deadline = deadlineIn(link, policy.link, state.network.back?.at ?? null);
  const making =
    deadline === null ? [] : [{ name: deadline.timer, afterMs: deadline.afterMs, from: deadline.from }];
  switch (link.phase) {
    case 'waiting':
      // What is owed to the network comes first, and is soon.
      if (state.network.owedAt !== null) return [];
      return [{ name: retryTimer(link, usable), afterMs: waitMs(link, usable), from: link.since }];
    case 'dialing':
    case 'greeting':
      return making;
    case 'ready':
      return [...pulseTimers(link, state), ...(link.successor === null ? renewTimers(link, state) : making)];
    case 'unconfigured':
    case 'resting':
    case 'closed':
    case 'stopped':
    case 'ended':
      return [];
  }
}

function networkTimers({ link, network }: State): readonly Timer[] {
  const { owedAt, absence } = network;
  const isOwed = owedAt !== null && watchesNetwork(link);
  const kick = isOwed ? [{ name: kickTimer(network), afterMs: owedAt, from: 0 }] : [];
  if (absence?.stage !== 'sudden' || !watchesNetwork(link)) return kick;
  return [...kick, { name: absenceTimer(network), afterMs: ABSENCE_MS, from: absence.since }];
}

function pulseTimers(link: Ready, { policy, lessons, network, turn }: State): readonly Timer[] {
  const { heardAt, checkedAt, ping } = link.pulse;
  const afterMs = intervalMs(policy.link, link.pulse, lessons.heartbeatMs, {
    quiet: quiet(turn),
    usable: isUsable(network),
  });
  const beat =
    ping === null
      ? { name: heartbeatTimer(link, afterMs), afterMs, from: heardAt }
      : { name: pingTimer(link, ping), afterMs: ping.deadlineMs, from: ping.movedAt };
  return [beat, { name: monitorTimer(link), afterMs: policy.link.monitorIntervalMs, from: checkedAt }];
}

function renewTimers(link: Ready, { policy, limits, lessons, turn, usedAt }: State): readonly Timer[] {
  const { mode, renew, assumedRenewMs } = policy.link;
  const afterMs = renewAfterMs(lessons, assumedRenewMs, link.renewFrom);
  // On demand, the server's close is what ends the connection.
  if (!renew || !limits.enabled || mode === 'on-demand' || afterMs === null || !quiet(turn)) return [];
  return [
    { name: renewTimer(link, usedAt), afterMs: afterMs * link.renewShare, from: renewFrom(link, usedAt) },
  ];
}

function turnTimers({ turn, link, policy }: State): readonly Timer[] {
  const from = 'movedAt' in turn ? { from: turn.movedAt } : {};
  const deadline = (afterMs: number): Timer => ({ name: deadlineTimer(turn), afterMs, ...from });
  const settling: readonly Timer[] = unsettled(turn)
    ? [{ name: settleTimer(turn), afterMs: settleMs(link) }]
    : [];
  switch (turn.phase) {
    case 'idle':
      return [];
    case 'aborting':
      return [deadline(turn.old === 'old-words' ? DEADLINE_MS.abortingUnbegun : DEADLINE_MS.aborting)];
    case 'pressed':
      return [deadline(DEADLINE_MS.pressed)];
    case 'recording':
      return [
        deadline(policy.turn.offlineHoldMs),
        ...(turn.outage === 'sudden' ? [{ name: outageTimer(turn), afterMs: DEADLINE_MS.outage }] : []),
      ];
    case 'listening':
      return [
        deadline(turn.origin === 'follow-up' ? DEADLINE_MS.followUp : DEADLINE_MS.listening),
        ...settling,
      ];
    case 'finishing':
      return [deadline(DEADLINE_MS.finishing), ...settling];
    case 'thinking':
      if (turn.awaiting === 'audio') return [deadline(DEADLINE_MS.firstAudio)];
      return [deadline(firstAnswerMs(turn.movedAt, link)), ...settling];
    case 'speaking':
      return [deadline(DEADLINE_MS.nextPacket)];
    case 'draining':
      return [deadline(DEADLINE_MS.draining)];
  }
}

/** What the server had said before it heard of the interruption comes within a round trip. */
function settleMs(link: State['link']): number {
  const rttMs = link.phase === 'ready' ? (link.pulse.rttMs ?? 0) : 0;
  return Math.max(DEADLINE_MS.settle, 2 * rttMs);
}

function firstAnswerMs(sentAt: number, link: State['link']): number {
  const greetedAt = link.phase === 'ready' ? link.since : null;
  return mayBeUnheard(sentAt, greetedAt) ? DEADLINE_MS.warmUp : DEADLINE_MS.firstAnswer;
}
