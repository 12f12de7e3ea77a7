// Whether a connection still lives: when it was last heard, the ping that waits for its answer, and what time is allowed
// for both. Pure.
export type PulsePolicy = {
  /** Longest silence before a ping; 0: adapted from what the connection has been like. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** A second look, at the socket itself, this often. */
  readonly monitorIntervalMs: number;
};

export type Pulse = {
  /** The last sign of life; up to a second old while frames keep coming. */
  readonly heardAt: number;
  /** Smoothed; null until a ping was answered. */
  readonly rttMs: number | null;
  readonly ping: Ping | null;
  readonly checkedAt: number;
};

/**
 * `heartbeat`: after a silence, and its connection is lost without an answer. `probe`: somebody has pressed the button,
 * and without an answer another connection is made beside it. `renewed`: the old connection has just been closed.
 * `network`: something has changed on the way to the server.
 */
export type Ping = {
  readonly at: number;
  /** From when on its time counts: speech that was ahead of it, on a slow road, got on at that moment. */
  readonly movedAt: number;
  readonly why: 'heartbeat' | 'probe' | 'renewed' | 'network';
  readonly deadlineMs: number;
};

/** In a turn somebody waits (design: 5 s / 3 s). */
const IN_TURN = { intervalMs: 5_000, timeoutMs: 3_000 };
/** A slow network answers late, not never: four round trips are allowed, as TCP allows before it sends again. */
const ROUND_TRIPS = 4;
/** A network slower than this carries no speech; waiting longer helps nobody. */
const SLOWEST_MS = 10_000;
/** Of a press on a silent connection (design): at least 1.5 s, for a radio that has gone to sleep; at most 5 s. */
const PROBE_MS = { from: 1_500, to: 5_000 };
/** After a change of the network: 2 s on the same one (reliability.md 2.4), more when it is slow. */
const NETWORK_PROBE_MS = { from: 2_000, to: 5_000 };
/** A cable that is pulled for a while kills no connection: it goes on within half a second of being plugged in again. */
const NO_NETWORK_MS = 60_000;
/** Heard this lately, a connection needs no probe. */
const FRESH_MS = 5_000;
/** reconnect.md D11: half-open and idle, noticed within this. */
const NOTICED_MS = 20_000;
/** A timer this late means that this process stood still, not that the server did (reliability.md 2.6). */
const STALLED_MS = 2_000;

export function newPulse(at: number): Pulse {
  return { heardAt: at, rttMs: null, ping: null, checkedAt: at };
}

/** Any sign of life answers a ping. */
export function heard(pulse: Pulse, at: number, rttMs: number | null): Pulse {
  return { ...pulse, heardAt: at, ping: null, rttMs: rttMs === null ? pulse.rttMs : smoothed(pulse, rttMs) };
}

export function pinged(pulse: Pulse, at: number, why: Ping['why'], deadlineMs: number): Pulse {
  return { ...pulse, ping: { at, movedAt: at, why, deadlineMs } };
}

export function moved(pulse: Pulse, at: number): Pulse {
  return pulse.ping === null ? pulse : { ...pulse, ping: { ...pulse.ping, movedAt: at } };
}

/** The ping that is on its way has at most `leastMs` from now. */
export function hastened(pulse: Pulse, at: number, leastMs: number): Pulse {
  const { ping } = pulse;
  if (ping === null) return pulse;
  const why = ping.why === 'heartbeat' ? 'network' : ping.why;
  return {
    ...pulse,
    ping: { ...ping, why, deadlineMs: Math.min(ping.deadlineMs, at - ping.movedAt + leastMs) },
  };
}

export function isSilent(pulse: Pulse, at: number): boolean {
  return at - pulse.heardAt > FRESH_MS;
}

/** An earlier ping may be answered, or not, before one that is sent now. */
export function wouldLearnSooner({ ping, ...pulse }: Pulse, at: number): boolean {
  return ping === null || at + probeMs({ ...pulse, ping }, 'probe') < ping.movedAt + ping.deadlineMs;
}

export function isStalled(ping: Ping, at: number): boolean {
  return at - ping.movedAt > ping.deadlineMs + STALLED_MS;
}

/** @param learnedMs the interval that has proved right so far */
export function intervalMs(
  policy: PulsePolicy,
  pulse: Pulse,
  learnedMs: number,
  { quiet, usable }: { readonly quiet: boolean; readonly usable: boolean },
): number {
  const idleMs = policy.pingIntervalMs === 0 ? rarest(policy, pulse, learnedMs) : policy.pingIntervalMs;
  if (!quiet) return Math.min(idleMs, IN_TURN.intervalMs);
  return usable ? idleMs : Math.max(idleMs, NO_NETWORK_MS);
}

export function timeoutMs(policy: PulsePolicy, pulse: Pulse, learnedMs: number, quiet: boolean): number {
  const idleMs = policy.pingIntervalMs === 0 ? patience(policy, pulse, learnedMs) : policy.pingTimeoutMs;
  const askedMs = quiet ? idleMs : Math.min(policy.pingTimeoutMs, IN_TURN.timeoutMs);
  return Math.max(askedMs, Math.min(roundTripsMs(pulse), SLOWEST_MS));
}

/** However rare the pings, a silent death is noticed in time: the answer then has less of it. */
function rarest(policy: PulsePolicy, pulse: Pulse, learnedMs: number): number {
  return Math.min(learnedMs, NOTICED_MS - patience(policy, pulse, learnedMs));
}

function patience(policy: PulsePolicy, pulse: Pulse, learnedMs: number): number {
  const leastMs = Math.max(PROBE_MS.from, roundTripsMs(pulse));
  return Math.min(policy.pingTimeoutMs, Math.max(leastMs, NOTICED_MS - learnedMs));
}

export function probeMs(pulse: Pulse, why: 'probe' | 'network'): number {
  const { from, to } = why === 'probe' ? PROBE_MS : NETWORK_PROBE_MS;
  return Math.min(Math.max(from, roundTripsMs(pulse)), to);
}

function roundTripsMs(pulse: Pulse): number {
  return ROUND_TRIPS * (pulse.rttMs ?? 0);
}

/** An eighth of each new one, as TCP smooths it (RFC 6298). */
function smoothed({ rttMs }: Pulse, newMs: number): number {
  return rttMs === null ? newMs : rttMs + (newMs - rttMs) / 8;
}
