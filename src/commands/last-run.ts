// What the last run has left behind, for the commands that find nobody to ask. Reads one file; knows neither socket nor
// screen.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LINK_FILE } from '../history/memory.ts';
import { readWritten, type Written } from '../history/remembered.ts';

type LastRun =
  | { readonly found: Written }
  | { readonly missing: 'none' | 'denied' | 'damaged'; readonly because: string };

export function lastRun(stateDirectory: string): LastRun {
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
