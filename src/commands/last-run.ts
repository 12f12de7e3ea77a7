// What the last run has left behind, for the commands that find nobody to ask. Reads one file; knows neither socket nor
// screen.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine } from '../adapters/linux/machine.ts';
import { LINK_FILE } from '../history/memory.ts';
import { endOf, LAST_RUN_FILE, type PastRun, readPastRun } from '../history/post-mortem.ts';
import { readWritten, type Written } from '../history/remembered.ts';
import type { LastRun } from '../status.ts';

type LeftBehind =
  | { readonly found: Written }
  | { readonly missing: 'none' | 'denied' | 'damaged'; readonly because: string };

export function lastRun(stateDirectory: string): LeftBehind {
  const path = join(stateDirectory, LINK_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { missing: 'none', because: `no earlier run has left ${path} behind` };
    const because = `what the last run has left behind cannot be read: ${message}`;
    return code === 'EACCES' || code === 'EPERM'
      ? { missing: 'denied', because: `${because}. Use sudo` }
      : { missing: 'damaged', because };
  }
  const found = readWritten(parsed(text));
  if (found !== undefined) return { found };
  const because = `${path} is damaged: it cannot be understood. The next run sets it aside and begins anew`;
  return { missing: 'damaged', because };
}

/** How it ended and what troubled it; null: nothing that can be read. */
export function pastRun(stateDirectory: string): LastRun | null {
  let text: string;
  try {
    text = readFileSync(join(stateDirectory, LAST_RUN_FILE), 'utf8');
  } catch {
    return null;
  }
  const run = readPastRun(parsed(text));
  if (run === undefined) return null;
  return lastRunOf(run, machine().boot);
}

export function lastRunOf(run: PastRun, bootNow: string): LastRun {
  const { clean, uptime_s, troubles, saved_at: at } = run;
  return { clean, uptime_s, troubles, at, brokeOff: run.ended === null, ended: endOf(run, bootNow) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
