// systemd, if it is what has started the agent, and what it is told.
import { systemdSupervisor } from '../adapters/linux/systemd-notify.ts';
import type { Agent } from '../agent.ts';
import type { Clock, Log } from '../ports.ts';
import { statusLine } from '../status-line.ts';
import { Supervised } from '../supervised.ts';

export function supervisedBy(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly agent: Agent;
  readonly problems: () => readonly string[];
}): Supervised | undefined {
  const { clock, log, agent } = parts;
  const supervisor = systemdSupervisor({ clock, environment: process.env, pid: process.pid });
  if (supervisor === undefined) return undefined;
  return new Supervised({
    supervisor,
    clock,
    log,
    dispatch: (event) => agent.dispatch(event),
    statusLine: () => statusLine(parts),
  });
}
