// What `status` answers: the state in the words of the documented JSON. Reads, never changes.
import type { Agent } from './agent.ts';
import type { Trouble } from './audio/restarts.ts';
import type { LineStatus } from './button/line.ts';
import { limitInForce } from './core/backoff.ts';
import { failuresOf } from './core/link.ts';
import { isUsable, wayOf } from './core/network.ts';
import type { PastRun } from './history/post-mortem.ts';
import { type Counters, qualityOf } from './history/sessions.ts';
import type { Panel } from './panel.ts';
import type { Clock } from './ports.ts';
import { excerpt } from './protocol/codec.ts';

export type StatusParts = {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly version: string;
  readonly url: string;
  /** How changes of the network become known. */
  readonly networkMeans: () => string;
  readonly panel: Panel;
  readonly setupTrouble?: () => string | null;
  /** What the answer of the server that was asked is in force for. */
  readonly gives?: readonly Given[];
  /** By the monotonic clock. */
  readonly startedAtMs: number;
  /** Everything that was wrong with the configuration, one sentence each. */
  readonly problems: readonly string[];
  /** Null: none is known of. */
  readonly lastRun: LastRun | null;
};

type Given = 'url' | 'token';

/** How the run before this one ended. */
export type LastRun = Pick<PastRun, 'clean' | 'uptime_s' | 'troubles'> & {
  readonly ended: string;
  /** Without a word: `at` and `uptime_s` are of the last time that it wrote anything down. */
  readonly brokeOff: boolean;
  readonly at: string;
};

const MB = 1024 * 1024;
/** On one screen with all the rest. */
const TROUBLES_SHOWN = 3;

export function statusOf(parts: StatusParts) {
  const { agent, clock } = parts;
  return {
    version: parts.version,
    state: agent.held.status,
    muted: agent.state.muted,
    link: linkStatus(parts),
    setup: setupStatus(parts),
    network: networkStatus(parts),
    audio: { input: inputStatus(agent), output: outputStatus(agent) },
    button: panelStatus(parts.panel),
    light: agent.lamp?.status() ?? { backend: 'none', sign: null, trouble: null },
    turn: turnStatus(agent),
    process: {
      uptime_s: Math.round((clock.now() - parts.startedAtMs) / 1_000),
      rss_mb: Math.round((process.memoryUsage.rss() / MB) * 10) / 10,
      node: process.version,
    },
    problems: parts.problems,
    last_run: lastRunStatus(parts.lastRun),
  };
}

export type Status = ReturnType<typeof statusOf>;

/** What somebody is to do for a box that belongs to nobody; servers that go by the serial number give no code. */
export function activationWords({ code, message }: { code: string | null; message: string | null }): string {
  if (code === null || code === '') return `the server wants no code but a serial number (${message})`;
  // Most servers say it twice: it is the last word of their message, which is made for a screen.
  const where = (message ?? '')
    .split(' ')
    .filter((word) => word !== code)
    .join(' ');
  return `enter the code ${code} in the console of the server${where === '' ? '' : ` (${where})`}`;
}

/** What a server says instead of a greeting: an unbound box is told its code like that; it may also only be spoken. */
export function heedingWords(message: string | null): string {
  const said = message === null || message === '' ? 'speaks to it' : `says: ${message}`;
  return `the server does not greet the box, and ${said}`;
}

/** Of a box that knows no server: how far it is with asking for one; null: nobody is asked. */
export function askingWords({ setup, policy }: Agent['state']): string | null {
  if (setup.phase === 'activating') return activationWords(setup);
  if (!policy.setup.asks) return null;
  if (!('why' in setup) || setup.why === null) return 'the server is asked where to connect';
  // A silent server keeps the next call waiting for longer than anybody looks at this.
  const next = setup.phase === 'asking' ? '; it is made again now' : '';
  return `the configuration call failed: ${setup.why}${next}`;
}

/** Connected, or at rest because nobody wants a connection. */
export function isWell({
  phase,
  trouble,
}: Pick<ReturnType<typeof linkStatus>, 'phase' | 'trouble'>): boolean {
  return phase === 'ready' || (phase === 'resting' && trouble === null);
}

export function linkStatus({ agent, clock, url }: Pick<StatusParts, 'agent' | 'clock' | 'url'>) {
  const { state, history, connections } = agent;
  const { link, limits, policy, lessons } = state;
  const { outages, sessions, trouble } = history;
  const rttMs = link.phase === 'ready' ? link.pulse.rttMs : null;
  return {
    phase: link.phase,
    since: isoTime(history.linkSince),
    url,
    attempt: link.attempt,
    failures: failuresOf(link, clock.now()),
    next_attempt_in_ms: history.retryInMs(state),
    /** Why there is no connection now; `last_loss` is of the last one that there was. */
    trouble:
      trouble === null
        ? null
        : { reason: trouble.reason, class: trouble.class, detected_by: trouble.detectedBy },
    /** Why no attempt is planned. */
    why: 'why' in link ? link.why : link.phase === 'unconfigured' ? askingWords(state) : null,
    rtt_ms: rttMs === null ? null : Math.round(rttMs),
    reconnects: sessions.counters.reconnects,
    last_loss: lossStatus(agent, clock),
    /** The number under which `why` tells of the outage that goes on. */
    outage: outages.open?.id ?? null,
    auto_reconnect: {
      enabled: limits.enabled,
      max_attempts: limitInForce(limits, policy.link.maxAttempts),
      mode: policy.link.mode,
    },
    up_since: sessions.upSince,
    last_connected_at: sessions.lastConnectedAt,
    quality: qualityOf(sessions.ended, rttMs, lessons, clock.now()),
    counts: countsStatus(connections.counts, sessions.counters),
    total: sessions.total,
  };
}

/** Whether the box knows its server and belongs to somebody. */
function setupStatus({ agent: { state }, setupTrouble, gives = [] }: StatusParts) {
  const { setup, policy } = state;
  const isUnbound = setup.phase === 'activating';
  return {
    asks: policy.setup.asks,
    phase: setup.phase,
    code: isUnbound ? setup.code : null,
    /** What the server says about it, or said instead of a hello. */
    message: 'message' in setup ? excerpt(setup.message) : null,
    /** Why the last configuration call came to nothing. */
    trouble: setupTrouble?.() ?? null,
    gives,
  };
}

function networkStatus({ agent, clock, networkMeans }: StatusParts) {
  const { seen, changed } = agent.state.network;
  const way = seen === null ? null : wayOf(seen);
  return {
    /** Null: not looked yet, or not watched. */
    usable: seen === null ? null : isUsable(agent.state.network),
    interface: way?.interface ?? null,
    source: way?.source ?? null,
    watched_by: networkMeans(),
    last_change:
      changed.reasons.length === 0
        ? null
        : { at: isoTime(clock.wallMs() - (clock.now() - changed.at)), reasons: changed.reasons },
  };
}

function lossStatus({ history }: Agent, clock: Clock) {
  const loss = history.lastLoss;
  if (loss === null) return null;
  return {
    reason: loss.reason,
    class: loss.class,
    detected_by: loss.detectedBy,
    at: isoTime(clock.wallMs() - (clock.now() - loss.sinceMs)),
    recovered_after_ms: loss.recoveredAfterMs,
    unanswered: loss.unanswered,
  };
}

function countsStatus(counts: Agent['connections']['counts'], counters: Counters) {
  const { reconnects: _shownBefore, ...counted } = counters;
  return {
    ...counted,
    texts_in: counts.textsIn,
    texts_out: counts.textsOut,
    packets_in: counts.packetsIn,
    packets_out: counts.packetsOut,
    faults_in: counts.faultsIn,
  };
}

function inputStatus(agent: Agent) {
  const { device, state, restarts, constant, lastTrouble } = agent.capture.status();
  const { droppedMs, keptMs, keptBytes, unsentMs, bitRateBps } = agent.uplink.status();
  return {
    device,
    state,
    restarts,
    constant,
    gain_db: agent.preamp.gainDb,
    clipped_samples: agent.preamp.level.clippedSamples,
    last_trouble: troubleStatus(lastTrouble),
    standby: agent.held.standby,
    bit_rate_bps: bitRateBps,
    /** Of the utterance that is not understood yet. */
    kept_ms: keptMs,
    kept_bytes: keptBytes,
    unsent_ms: unsentMs,
    /** Lost for want of room, since the start. */
    dropped_ms: droppedMs,
  };
}

function outputStatus(agent: Agent) {
  const found = agent.downlink.status();
  return {
    device: found.device,
    state: found.state,
    volume: agent.state.volume,
    volume_by: agent.loudness.status().by,
    playback: found.playback,
    restarts: found.restarts,
    last_trouble: troubleStatus(found.lastTrouble),
    buffered_ms: found.bufferedMs,
    reserve_ms: found.reserveMs,
    underruns: found.underruns,
    gaps: found.gaps,
    concealed_ms: found.concealedMs,
    dropped_packets: found.droppedPackets,
    corrupt_packets: found.corruptPackets,
  };
}

/** The button itself, and the keys beside it. */
function panelStatus(panel: Panel) {
  const lines = panel.status();
  const wake = lines.find(({ role }) => role === 'button');
  return {
    ...lineStatus(wake),
    keys: lines.filter((one) => one !== wake).map((one) => ({ role: one.role, ...lineStatus(one) })),
  };
}

function lineStatus(found: LineStatus | undefined) {
  return {
    backend: found?.backend ?? 'none',
    line: found?.line ?? null,
    state: found?.state ?? 'closed',
    is_down: found?.isDown ?? false,
    restarts: found?.restarts ?? 0,
    last_trouble: troubleStatus(found?.lastTrouble ?? null),
    /** What was not taken, and why. */
    others: (found?.others ?? []).map(({ backend, reason }) => ({ backend, reason })),
  };
}

function troubleStatus(trouble: Trouble | null) {
  return trouble === null ? null : { reason: trouble.reason, at: isoTime(trouble.atMs), over: trouble.over };
}

function turnStatus({ state, history }: Agent) {
  const last = history.lastTurn;
  return {
    number: state.turn.turn,
    phase: state.turn.phase,
    count: history.turns,
    last: last === null ? null : { turn: last.turn, why: last.why, at: isoTime(last.atMs) },
  };
}

export function lastRunStatus(run: LastRun | null) {
  if (run === null) return null;
  const { ended, clean, brokeOff: broke_off, at, uptime_s } = run;
  return { ended, clean, broke_off, at, uptime_s, last_troubles: run.troubles.slice(-TROUBLES_SHOWN) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
