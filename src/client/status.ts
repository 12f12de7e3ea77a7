// What `status()` answers: the state of the loop and the figures of its history in one value. Reads, never changes.
import { limitInForce } from '../core/backoff.ts';
import type { Loss } from '../core/events.ts';
import { failuresOf, type Link } from '../core/link.ts';
import type { State } from '../core/state.ts';
import type { History } from '../history/history.ts';
import type { Clock } from '../ports.ts';

export type ClientStatus = {
  /** The phase of the connection; README has the list. */
  readonly state: Link['phase'];
  /** Why no connection is being made. */
  readonly why: string | null;
  /** The number of the latest attempt. */
  readonly attempt: number;
  /** Attempts in a row that did not work. */
  readonly failures: number;
  readonly nextAttemptInMs: number | null;
  /** 0: no limit. `effective` is the lower of the other two, and holds while reconnecting is `enabled`. */
  readonly limits: {
    readonly enabled: boolean;
    readonly switch: number;
    readonly configured: number;
    readonly effective: number;
  };
  /** Of this client, since it was made. Moments are ISO 8601. */
  readonly statistics: {
    /** Upgrades done. */
    readonly connections: number;
    readonly hellos: number;
    readonly reconnects: number;
    readonly messagesSent: number;
    readonly messagesReceived: number;
    readonly packetsSent: number;
    readonly packetsReceived: number;
    readonly lastConnectedAt: string | null;
    readonly upSince: string | null;
  };
  /** Why there is no connection now: the end of the last one, or of the last attempt. */
  readonly trouble: Loss | null;
  /** The last connection that was lost. */
  readonly lastLoss: {
    readonly reason: string;
    readonly class: string;
    readonly detectedBy: string;
    readonly at: string;
    /** Null: it has not been made good. */
    readonly recoveredAfterMs: number | null;
  } | null;
};

/** The part of `Connections` that is read here. */
export type Counts = {
  readonly textsIn: number;
  readonly textsOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
};

export function statusOf(state: State, history: History, counts: Counts, clock: Clock): ClientStatus {
  const { link, limits, policy } = state;
  const { sessions, lastLoss: loss } = history;
  const { connections, hellos, reconnects } = sessions.counters;
  const now = clock.now();
  return {
    state: link.phase,
    why: 'why' in link ? link.why : null,
    attempt: link.attempt,
    failures: failuresOf(link, now),
    nextAttemptInMs: history.retryInMs(state),
    limits: {
      enabled: limits.enabled,
      switch: limits.maxAttempts,
      configured: policy.link.maxAttempts,
      effective: limitInForce(limits, policy.link.maxAttempts),
    },
    statistics: {
      connections,
      hellos,
      reconnects,
      messagesSent: counts.textsOut,
      messagesReceived: counts.textsIn,
      packetsSent: counts.packetsOut,
      packetsReceived: counts.packetsIn,
      lastConnectedAt: sessions.lastConnectedAt,
      upSince: sessions.upSince,
    },
    trouble: history.trouble,
    lastLoss:
      loss === null
        ? null
        : {
            reason: loss.reason,
            class: loss.class,
            detectedBy: loss.detectedBy,
            at: new Date(clock.wallMs() - (now - loss.sinceMs)).toISOString(),
            recoveredAfterMs: loss.recoveredAfterMs,
          },
  };
}
