// The figures for machines, where the configuration asks for them. Builds them around the agent and decides nothing else.
import { clock } from '../adapters/linux/clock.ts';
import { clockIsSet } from '../adapters/linux/clock-sync.ts';
import { type Metrics, prometheus } from '../adapters/linux/prometheus.ts';
import type { Agent } from '../agent.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../ports.ts';
import type { Status } from '../status.ts';
import { figuresOf, unreadyReasons } from './figures.ts';
import { content } from './probe-run.ts';

/** A microphone that failed is looked at this often as long as somebody asks whether the box is ready. */
const LOOK_EVERY_MS = 60_000;

export function metricsOf({ metrics }: Config, agent: Agent, status: () => Status, log: Log): Metrics {
  const { listen, textfile } = metrics;
  // Whether it is alive is known only of one that was open; the light shows that it is.
  let lookedAt = clock.now();
  agent.dispatch({ type: 'meter.asked' });
  return prometheus({
    listen,
    textfile,
    clock,
    log,
    figures: () => figuresOf(status(), agent, { clockIsSet: clockIsSet(), wifiDbm: wifiDbm() }),
    unready() {
      const reasons = unreadyReasons(status(), agent.preamp.level);
      const isDue = clock.now() - lookedAt >= LOOK_EVERY_MS;
      if (isDue && reasons.some((reason) => reason.startsWith('microphone'))) {
        lookedAt = clock.now();
        agent.dispatch({ type: 'meter.asked' });
      }
      return reasons;
    },
  });
}

/** Of the first card there is. */
function wifiDbm(): number | null {
  const [, level] = /^\s*\w+:\s+\S+\s+\S+\s+(-\d+)/m.exec(content('/proc/net/wireless') ?? '') ?? [];
  return level === undefined ? null : Number(level);
}
