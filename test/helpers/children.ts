// Processes by their number: whether one lives, and which children it has. Knows none by name.
import { readFileSync } from 'node:fs';

export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Direct children; with a name, those that run such a program. */
export function childrenOf(pid: number, name?: string): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child.trim() !== '')
    .map(Number)
    .filter((child) => name === undefined || programOf(child) === name);
}

/** Everything that has come from it, however far down. */
export function descendants(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...(lives(child) ? descendants(child) : [])]);
}

function programOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return ''; // It ended while we looked.
  }
}
