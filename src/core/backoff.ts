// Whether there is a next attempt, and how long to wait for it. Pure: failures and dice in, milliseconds out.
import type { Loss } from './events.ts';

export type BackoffPolicy = {
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  readonly firstRetryMs: number;
};

/** Who may stop the attempts: the switch, which can be turned at any time, and the configuration. */
export type Limits = {
  readonly enabled: boolean;
  /** Failures in a row after which to stop; 0: the switch sets no limit of its own. */
  readonly maxAttempts: number;
};

/**
 * Refused at once means that the machine is up: its service is likely back soon. Boards that are refused at the same
 * moments are scattered once over a whole period and kept apart from then on by waits that hardly differ, so that no
 * second sees more than 12 % of them (bench:fleet; equal jitter up to 12 s: 12.4 %) and all are back within 12 s.
 */
const QUICK = {
  capMs: 12_000,
  scatterMs: { from: 1_500, to: 11_000 },
  steadyMs: { from: 8_500, to: 11_500 },
};
const QUICK_FOR_MS = 120_000;
/** An announced restart is a herd's moment: everybody comes back within these 4 s. */
const RESTART_MS = { from: 1_000, to: 5_000 };
/** After an ordinary end of session nobody is waiting. */
const ORDINARY_MS = { from: 500, to: 2_000 };
/** What waits for a person to mend it (token, address, certificate) is tried rarely, never given up. */
const SLOW_MS = { base: 60_000, cap: 900_000 };
/** Somebody may be typing into the portal's page right now. */
const PORTAL_MS = { base: 15_000, cap: 60_000 };
/** A wrong clock is set right within seconds of the network's coming up. */
const CLOCK_MS = 5_000;
/** One of the two sides broke the protocol; the next try will most likely do so too. */
const PROTOCOL_MS = { base: 5_000, cap: 60_000 };
/** This machine has run out of something: an attempt more makes it worse. */
const LOCAL_MS = { base: 5_000, cap: 60_000 };
/**
 * Just after a route there is often no name service yet: it is written down a moment later (reliability.md 2.7); and a
 * neighbour that was silent a moment ago still counts as silent.
 */
const NOT_ALL_YET = { forMs: 10_000, delaysMs: [250, 500, 1_000] };
/** A server may ask for patience, within reason. */
const RETRY_AFTER_MS = { from: 1_000, to: 300_000 };

/** The lower of the switch's limit and the configured one; 0: none. */
export function limitInForce({ maxAttempts }: Limits, configured: number): number {
  if (maxAttempts === 0 || configured === 0) return Math.max(maxAttempts, configured);
  return Math.min(maxAttempts, configured);
}

/** Why there must be no further attempt after so many failures in a row; null: go on. */
export function lastStraw(failures: number, limits: Limits, configured: number): string | null {
  if (!limits.enabled) return 'reconnecting is switched off';
  const limit = limitInForce(limits, configured);
  return limit > 0 && failures >= limit ? `the limit of ${limit} attempts is reached` : null;
}

/** Something did not work. */
export type Setback = {
  readonly loss: Loss;
  /** Attempts in a row that did not work, this one included; 0 after a session that had worked. */
  readonly failures: number;
  /** How many of these, the latest ones, were of the same class. */
  readonly alike: number;
  /** Since the connection last worked. */
  readonly outageMs: number;
  /** A connection's end may hit every board in the same moment; an attempt fails at a moment of its own. */
  readonly of: 'connection' | 'attempt';
  /** How long there has been a network again; null: all along, as far as is known. */
  readonly backMs: number | null;
};

type Range = { readonly from: number; readonly to: number };

export function delayAfter(setback: Setback, dice: number, policy: BackoffPolicy): number {
  const { loss, failures, of, backMs } = setback;
  // A connection that had lasted is made again at once, below; one that had not is lost to the same network, which comes and goes.
  if (loss.class === 'network' && failures > 0 && backMs !== null && backMs < NOT_ALL_YET.forMs)
    return (
      (NOT_ALL_YET.delaysMs[failures - 1] ?? 1_000) + (of === 'connection' ? dice * policy.firstRetryMs : 0)
    );
  const { from, to } = rangeOf(setback, policy);
  // Scattered once, a herd stays so: the attempts that follow are no closer to each other than the first.
  const ownMs =
    setback.of === 'connection'
      ? from + dice * Math.max(to - from, policy.firstRetryMs)
      : Math.max(from + dice * (to - from), policy.firstRetryMs);
  const { retryAfterMs } = setback.loss;
  if (retryAfterMs === undefined) return ownMs;
  const askedMs = Math.min(Math.max(retryAfterMs, RETRY_AFTER_MS.from), RETRY_AFTER_MS.to);
  // A tenth more, at random, so that everybody told the same does not come at the same moment.
  return Math.max(ownMs, askedMs * (1 + dice / 10));
}

function rangeOf({ loss, failures, alike, outageMs }: Setback, policy: BackoffPolicy): Range {
  const first = { from: 0, to: policy.firstRetryMs };
  switch (loss.class) {
    case 'normal':
      if (failures === 0) return ORDINARY_MS;
      break;
    case 'restarting':
      if (failures <= 1) return RESTART_MS;
      break;
    case 'auth':
    case 'configuration':
      return grown(SLOW_MS.base, SLOW_MS.cap, alike);
    case 'portal':
      return grown(PORTAL_MS.base, PORTAL_MS.cap, alike);
    case 'clock':
      return { from: CLOCK_MS, to: CLOCK_MS };
    case 'protocol':
      return grown(PROTOCOL_MS.base, PROTOCOL_MS.cap, alike);
    case 'local':
      return failures === 0 ? first : grown(LOCAL_MS.base, LOCAL_MS.cap, alike);
    case 'network':
    case 'transient':
      if (failures === 0) return first;
      break;
  }
  const { backoffBaseMs: baseMs, backoffCapMs: capMs } = policy;
  const quick = loss.quick && outageMs < QUICK_FOR_MS && QUICK.capMs <= capMs;
  return quick ? refused(baseMs, failures) : grown(baseMs, capMs, failures);
}

function refused(baseMs: number, failures: number): Range {
  const fullMs = grown(baseMs, QUICK.capMs, failures).to;
  if (fullMs >= QUICK.capMs) return QUICK.steadyMs;
  return fullMs * 2 > QUICK.capMs ? QUICK.scatterMs : { from: fullMs / 2, to: fullMs };
}

/** Equal jitter: half fixed, half random, so that a herd disperses and nobody hammers. */
function grown(baseMs: number, capMs: number, failures: number): Range {
  const fullMs = Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30));
  return { from: fullMs / 2, to: fullMs };
}
