// The figures for machines, where the configuration asks for them. Builds them around the agent and decides nothing else.
import { clock } from '../adapters/linux/clock.ts';
import { clockIsSet } from '../adapters/linux/clock-sync.ts';
import { throttled } from '../adapters/linux/machine.ts';
import { type Metrics, prometheus } from '../adapters/linux/prometheus.ts';
import type { Agent } from '../agent.ts';
import type { Config } from '../config/schema.ts';
import type { Clock, Log } from '../ports.ts';
import type { Status } from '../status.ts';
import { figuresOf, unreadyReasons } from './figures.ts';
import { signalDbm } from './radio.ts';

/** The microphone is looked at this often as long as somebody asks whether the box is ready. */
const LOOK_EVERY_MS = 60_000;

export function metricsOf({ metrics }: Config, agent: Agent, status: () => Status, log: Log): Metrics {
  const { listen, textfile } = metrics;
  const looked = looksAgain(clock, () => agent.dispatch({ type: 'meter.asked' }));
  return prometheus({
    listen,
    textfile,
    clock,
    log,
    figures: () =>
      figuresOf(status(), agent, { clockIsSet: clockIsSet(), wifiDbm: signalDbm(), throttled: throttled() }),
    unready: () => looked(unreadyReasons(status(), agent.preamp.level)),
  });
}

/**
 * Whether a microphone is alive is known only of one that is open, and of what was heard once nothing follows: it is looked
 * at now, which the light shows, and again, whatever was known of it.
 */
export function looksAgain(
  { now }: Pick<Clock, 'now'>,
  look: () => void,
): (reasons: readonly string[]) => readonly string[] {
  let lookedAt = now();
  look();
  return (reasons) => {
    if (now() - lookedAt >= LOOK_EVERY_MS) {
      lookedAt = now();
      look();
    }
    return reasons;
  };
}
