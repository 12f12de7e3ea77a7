// How long to wait before the next attempt. Pure: failures and dice in, milliseconds out.
import type { Loss } from './events.ts';

export type BackoffPolicy = {
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  readonly firstRetryMs: number;
};

/** Refused at once means that the machine is up: its service is likely back soon (10,000 boards simulated). */
const QUICK_CAP_MS = 12_000;
const QUICK_FOR_MS = 120_000;
/** An announced restart is a herd's moment: everybody comes back within these 4 s. */
const RESTART_MS = { from: 1_000, to: 5_000 };
/** After an ordinary end of session nobody is waiting. */
const ORDINARY_MS = { from: 500, to: 2_000 };
/** What waits for a person to mend it (token, address, certificate, portal) is tried rarely, never given up. */
const SLOW_MS = { base: 60_000, cap: 900_000 };
/** A wrong clock is set right within seconds of the network's coming up. */
const CLOCK_MS = 5_000;
/** One of the two sides broke the protocol; the next try will most likely do so too. */
const PROTOCOL_MS = { base: 5_000, cap: 60_000 };
/** A server may ask for patience, within reason. */
const RETRY_AFTER_MS = { from: 1_000, to: 300_000 };

/**
 * @param failures attempts in a row that did not work, this one included; 0 after a session that had worked
 * @param outageMs time since the connection last worked
 */
export function delayAfter(
  loss: Loss,
  failures: number,
  outageMs: number,
  dice: number,
  policy: BackoffPolicy,
): number {
  if (loss.retryAfterMs !== undefined) {
    const asked = Math.min(Math.max(loss.retryAfterMs, RETRY_AFTER_MS.from), RETRY_AFTER_MS.to);
    // A tenth more, at random, so that everybody told the same does not come at the same moment.
    return asked * (1 + dice / 10);
  }
  switch (loss.class) {
    case 'normal':
      if (failures === 0) return between(ORDINARY_MS, dice);
      break;
    case 'restarting':
      if (failures <= 1) return between(RESTART_MS, dice);
      break;
    case 'auth':
    case 'configuration':
    case 'portal':
      return grown(SLOW_MS.base, SLOW_MS.cap, Math.max(failures, 1), dice);
    case 'clock':
      return CLOCK_MS;
    case 'protocol':
      return grown(PROTOCOL_MS.base, PROTOCOL_MS.cap, Math.max(failures, 1), dice);
    case 'network':
    case 'transient':
    case 'local':
      if (failures === 0) return dice * policy.firstRetryMs;
      break;
  }
  const quick = loss.quick && outageMs < QUICK_FOR_MS;
  const capMs = quick ? Math.min(QUICK_CAP_MS, policy.backoffCapMs) : policy.backoffCapMs;
  return grown(policy.backoffBaseMs, capMs, failures, dice);
}

/** Equal jitter: half fixed, half random, so that a herd disperses and nobody hammers. */
function grown(baseMs: number, capMs: number, failures: number, dice: number): number {
  const fullMs = Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30));
  return fullMs / 2 + (dice * fullMs) / 2;
}

function between(range: { from: number; to: number }, dice: number): number {
  return range.from + dice * (range.to - range.from);
}
