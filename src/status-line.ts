// How the box fares, in one line: for `systemctl status`. Reads, never changes.
import type { Agent } from './agent.ts';
import type { Clock } from './ports.ts';
import { activationWords, askingWords } from './status.ts';

export type StatusLineParts = {
  readonly agent: Agent;
  readonly clock: Clock;
  /** Everything that is wrong with the configuration, one sentence each. */
  readonly problems: () => readonly string[];
};

/** A line of a terminal, and a half: `systemctl status` cuts nothing. */
const MAX_CHARS = 200;

export function statusLine(parts: StatusLineParts): string {
  const { held, history } = parts.agent;
  const talks = history.turns === 1 ? '1 turn' : `${history.turns} turns`;
  const complaint = complaintOf(parts);
  const line = [linkWords(parts), held.status, talks].join(', ');
  return `${line}${complaint === null ? '' : `; ${complaint}`}`.slice(0, MAX_CHARS);
}

/** What is not configured says so as the first thing already. */
function complaintOf({ agent, problems }: StatusLineParts): string | null {
  const [first, ...more] = problems();
  if (first === undefined || agent.state.link.phase === 'unconfigured') return null;
  return more.length === 0 ? first : `${first} (and ${more.length} more: xiaozhi-agent config check)`;
}

function linkWords({ agent, clock, problems }: StatusLineParts): string {
  const { link, setup } = agent.state;
  if (setup.phase === 'activating') return activationWords(setup);
  switch (link.phase) {
    case 'unconfigured':
      return askingWords(agent.state) ?? `not configured: ${problems()[0] ?? 'no server is set'}`;
    case 'ready':
      return 'connected';
    case 'dialing':
    case 'greeting':
      return link.failures === 0 ? 'connecting' : `connecting, attempt ${link.attempt}`;
    case 'waiting': {
      const inMs = agent.history.retryInMs(agent.state);
      // The time of day: a line that counts down would have to be told anew every second.
      const when = inMs === null ? '' : `, next attempt at ${timeOfDay(clock.wallMs() + inMs)}`;
      return `not connected: ${link.loss.reason}${when}`;
    }
    case 'resting':
      return 'at rest, a press connects';
    case 'closed':
    case 'stopped':
      return `not connected: ${link.why}`;
    case 'ended':
      return 'shutting down';
  }
}

function timeOfDay(wallMs: number): string {
  return new Date(wallMs).toTimeString().slice(0, 'hh:mm:ss'.length);
}
