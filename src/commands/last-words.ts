// What a run tells the next one of its end, and what it was told itself. Builds it around the agent and decides nothing.
import { clock } from '../adapters/linux/clock.ts';
import type { Agent } from '../agent.ts';
import { PostMortem, type RunNow } from '../history/post-mortem.ts';
import type { Store } from '../ports.ts';
import type { LastRun } from '../status.ts';
import { lastRunOf } from './last-run.ts';

const MB = 1024 * 1024;

export function lastWords(
  store: Store,
  boot: string,
  agent: string,
): { readonly past: PostMortem; readonly lastRun: LastRun | null } {
  const past = new PostMortem({ store, clock, boot, agent, node: process.version });
  const previous = past.previous();
  if (previous === undefined) return { past, lastRun: null };
  return { past, lastRun: lastRunOf(previous, boot) };
}

export function runNow({ state, history }: Agent, uptimeMs: number): RunNow {
  return {
    uptime_s: Math.round(uptimeMs / 1_000),
    rss_mb: Math.round(process.memoryUsage.rss() / MB),
    link: state.link.phase,
    turns: history.turns,
    last_turn: history.pastTurn,
    last_outage: history.outages.list().at(-1) ?? null,
  };
}
