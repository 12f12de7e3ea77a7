// A file that is there and that this process may not read, for as long as something is done: its directory stays open, so
// that a program could put another in its place. Root may read everything, so it is somebody else meanwhile.
import { chmodSync } from 'node:fs';

/** The user `nobody` of Debian. */
export const NOBODY = 65_534;

export function outOfReach<Found>(directory: string, file: string, during: () => Found): Found {
  const isRoot = process.geteuid?.() === 0;
  chmodSync(directory, 0o777);
  chmodSync(file, 0);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return during();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(file, 0o600);
  }
}
