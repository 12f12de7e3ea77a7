// What the log says at the start: a dozen lines, each of them the answer to a question that support asks first. Decides
// nothing.
import { controlPath } from '../adapters/linux/control-socket.ts';
import type { Machine } from '../adapters/linux/machine.ts';
import type { Agent } from '../agent.ts';
import type { Loaded } from '../config/load.ts';
import type { Server } from '../connections.ts';
import type { Panel } from '../panel.ts';
import type { LogOf } from '../ports.ts';
import type { LastRun } from '../status.ts';
import type { Places } from './places.ts';

type Box = {
  readonly machine: Machine;
  readonly loaded: Loaded;
  readonly problems: number;
  readonly server: Server;
  readonly agent: Agent;
  readonly panel: Panel;
  readonly places: Places;
  readonly lastRun: LastRun | null;
};

export function announce(box: Box, logOf: LogOf, networkMeans: string): void {
  const { model, system, kernel, arch, memoryMb } = box.machine;
  const { files, origins } = box.loaded;
  const headers = box.server.headers();
  const start = logOf('start');
  start.info({ model, system, kernel, arch, memoryMb }, 'machine');
  logOf('config').info(
    { files: files.join(' ') || 'none', overridden: overridden(origins), problems: box.problems },
    'configuration',
  );
  const from = origins['server.websocket_url'];
  const token = headers.Authorization !== undefined;
  logOf('link').info({ url: box.server.url || 'none', from, token }, 'server');
  start.info({ device: shortened(headers['Device-Id'] ?? '') }, 'identity');
  const lines = box.panel.status().map(({ role, line }) => `${role}: ${line}`);
  start.info({ lines: lines.join('; ') || 'none' }, 'panel');
  logOf('light').info({ light: box.agent.lamp?.status().backend ?? 'none' }, 'light');
  logOf('network').info({ by: networkMeans }, 'network watched');
  logOf('control').info({ socket: controlPath(box.places.runtimeDirectory) }, 'control socket');
  if (box.lastRun === null) return start.info({}, 'no earlier run is known');
  const { ended, at, clean } = box.lastRun;
  if (clean) start.info({ ended, at }, 'the last run');
  else start.warn({ ended, at }, 'the last run broke off');
}

/** Keys that come neither from a file nor from the defaults: what nobody finds in the files. */
function overridden(origins: Loaded['origins']): string {
  const names = Object.keys(origins).filter((key) => /^(command line|environment)/.test(origins[key] ?? ''));
  return names.join(' ') || 'none';
}

/** Enough to tell two boxes apart, and too little to pose as one: `02:…:3f`. */
function shortened(deviceId: string): string {
  const parts = deviceId.split(':');
  return parts.length < 3 ? `${deviceId.slice(0, 2)}…` : `${parts[0]}:…:${parts.at(-1)}`;
}
