// What `status` answers: the state in the words of the documented JSON. Reads, never changes.
import type { Agent } from './agent.ts';
import type { State } from './core/state.ts';
import type { Clock } from './ports.ts';

export type StatusParts = {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly version: string;
  readonly url: string;
  readonly startedAtMs: number;
  /** Everything that was wrong with the configuration, one sentence each. */
  readonly problems: readonly string[];
};

const MB = 1024 * 1024;

export function statusOf(parts: StatusParts) {
  const { agent, clock } = parts;
  const { state, history } = agent;
  return {
    version: parts.version,
    state: agent.held.status,
    muted: state.muted,
    link: {
      phase: state.link.phase,
      since: isoTime(history.linkSince),
      url: parts.url,
      attempt: state.link.attempt,
      failures: 'failures' in state.link ? state.link.failures : 0,
      next_attempt_in_ms: nextAttemptInMs(state, history.linkSince, clock.wallMs()),
      rtt_ms: null,
      reconnects: history.reconnects,
      last_loss: lastLoss(history.lastLoss),
      auto_reconnect: {
        enabled: state.policy.link.mode === 'always',
        max_attempts: state.policy.link.maxAttempts,
      },
      counts: { ...agent.connections.counts },
    },
    network: { usable: null, interface: null, source: null },
    audio: {
      input: { ...agent.capture.status(), ...agent.uplink.status() },
      output: agent.downlink.status(),
    },
    button: { backend: 'none', line: null },
    turn: {
      number: state.turn.turn,
      phase: state.turn.phase,
      count: history.turns,
      last:
        history.lastTurn === null
          ? null
          : { turn: history.lastTurn.turn, why: history.lastTurn.why, at: isoTime(history.lastTurn.atMs) },
    },
    process: {
      uptime_s: Math.round((clock.wallMs() - parts.startedAtMs) / 1_000),
      rss_mb: Math.round((process.memoryUsage.rss() / MB) * 10) / 10,
      node: process.version,
    },
    problems: parts.problems,
  };
}

export type Status = ReturnType<typeof statusOf>;

function nextAttemptInMs({ link }: State, sinceMs: number, nowMs: number): number | null {
  return link.phase === 'waiting' ? Math.max(0, Math.round(link.delayMs - (nowMs - sinceMs))) : null;
}

function lastLoss(loss: Agent['history']['lastLoss']) {
  if (loss === null) return null;
  return {
    reason: loss.reason,
    class: loss.class,
    detected_by: loss.detectedBy,
    at: isoTime(loss.atMs),
    recovered_after_ms: loss.recoveredAfterMs,
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
