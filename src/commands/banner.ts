// What the log says at the start: a dozen lines, each of them the answer to a question that support asks first. Gets facts
// and gives lines; looks at nothing.
import type { Machine } from '../adapters/linux/machine.ts';
import type { LogOf } from '../ports.ts';

export type BannerFacts = {
  readonly machine: Machine;
  readonly files: readonly string[];
  /** Keys that came from elsewhere than a file or the defaults. */
  readonly overridden: readonly string[];
  readonly problems: number;
  readonly server: { readonly url: string; readonly from: string; readonly token: boolean };
  readonly deviceId: string;
  readonly lines: readonly string[];
  readonly light: string;
  readonly networkMeans: string;
  readonly control: string;
  readonly lastRun: { readonly ended: string; readonly clean: boolean; readonly at: string } | null;
};

export function banner(facts: BannerFacts, logOf: LogOf): void {
  const { machine, server, lastRun } = facts;
  const { model, system, kernel, arch, memoryMb } = machine;
  const start = logOf('start');
  start.info({ model, system, kernel, arch, memoryMb }, 'machine');
  logOf('config').info(
    {
      files: facts.files.join(' ') || 'none',
      overridden: facts.overridden.join(' ') || 'none',
      problems: facts.problems,
    },
    'configuration',
  );
  logOf('link').info({ url: server.url || 'none', from: server.from, token: server.token }, 'server');
  start.info({ device: shortened(facts.deviceId) }, 'identity');
  start.info({ lines: facts.lines.join('; ') || 'none' }, 'panel');
  logOf('light').info({ light: facts.light }, 'light');
  logOf('network').info({ by: facts.networkMeans }, 'network watched');
  logOf('control').info({ socket: facts.control }, 'control socket');
  if (lastRun === null) return start.info({}, 'no earlier run is known');
  const { ended, at } = lastRun;
  if (lastRun.clean) start.info({ ended, at }, 'the last run');
  else start.warn({ ended, at }, 'the last run broke off');
}

/** Enough to tell two boxes apart, and too little to pose as one: `02:…:3f`. */
export function shortened(deviceId: string): string {
  const parts = deviceId.split(':');
  return parts.length < 3 ? `${deviceId.slice(0, 2)}…` : `${parts[0]}:…:${parts.at(-1)}`;
}
