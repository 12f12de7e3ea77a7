// One JSON value in one file, whole or not at all whenever the power goes. Writes never hold up the loop and never throw;
// what cannot be understood is put aside for a person to look at. Knows nothing of what the value means.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log, Store } from '../../ports.ts';
import { isOutOfReach } from './out-of-reach.ts';

/** It may hold what identifies the box. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o750;
/** Some 100 kB at the most; what is much longer would fill a small board's memory. */
const LONGEST_BYTES = 1024 * 1024;

export function stateFile(parts: { directory: string; name: string; log: Log }): Store {
  const { directory, name, log } = parts;
  const path = join(directory, name);
  const nextPath = `${path}.new`;
  /** Not the other one's: both may be at it at once. */
  const lastPath = `${path}.last`;
  /** The newest value that is still to be written. Victim: the one it replaces. */
  let waiting: string | undefined;
  let phase: 'at rest' | 'writing' = 'at rest';
  /** What the last write failed with: said once, not once a write. */
  let trouble: string | undefined;
  /** What could not be read may be good: nothing is written over it. */
  let outOfReach: string | undefined;
  /** Counts writes at once: what was begun before one is older than what it wrote. */
  let writtenNow = 0;

  async function writeWaiting(): Promise<void> {
    while (waiting !== undefined) {
      const text = waiting;
      const writtenNowBefore = writtenNow;
      waiting = undefined;
      try {
        await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
        // One that was left behind would keep its own mode.
        await rm(nextPath, { force: true });
        await writeFile(nextPath, text, { mode: FILE_MODE, flag: 'wx', flush: true });
        // The renaming is done here on the loop, where no newer value can get in between.
        if (writtenNow === writtenNowBefore) {
          renameSync(nextPath, path);
          succeeded();
        } else rmSync(nextPath, { force: true });
      } catch (error) {
        failed(error, nextPath);
      }
    }
    phase = 'at rest';
  }

  function succeeded(): void {
    if (trouble !== undefined) log.info({ path }, 'the state is kept again');
    trouble = undefined;
  }

  function failed(error: unknown, leftover: string): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (trouble === undefined)
      log.warn({ path, reason }, 'the state cannot be kept: it will be forgotten at the next start');
    trouble = reason;
    try {
      rmSync(leftover, { force: true });
    } catch {
      // It is removed before the next write; that it could not be written has been said.
    }
  }

  function setAside(reason: string): void {
    log.warn({ path, reason }, 'the state cannot be read: it is put aside and begun anew');
    try {
      renameSync(path, `${path}.bad`);
    } catch {
      // Then it stays, and the next write replaces it or says that it cannot.
    }
  }

  function leave(reason: string): void {
    if (outOfReach === undefined)
      log.error(
        { path, reason },
        `the state is left as it is, for it cannot be read: nothing new is kept until it can (sudo chown --reference=${directory} ${path}, then restart)`,
      );
    outOfReach = reason;
  }

  return {
    read() {
      try {
        const { size } = statSync(path);
        if (size > LONGEST_BYTES) throw new Error(`it has ${size} bytes, more than this program ever writes`);
        const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
        outOfReach = undefined;
        return value;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (isOutOfReach(error)) leave(message);
        else if (code !== 'ENOENT') setAside(message);
        return undefined;
      }
    },
    setAside,
    write(value) {
      if (outOfReach !== undefined) return;
      // As it is now: the caller may go on changing it.
      waiting = textOf(value);
      if (phase === 'writing') return;
      phase = 'writing';
      void writeWaiting();
    },
    writeNow(value) {
      if (outOfReach !== undefined) return;
      writtenNow += 1;
      waiting = undefined;
      try {
        mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
        rmSync(lastPath, { force: true });
        writeFileSync(lastPath, textOf(value), { mode: FILE_MODE, flag: 'wx', flush: true });
        renameSync(lastPath, path);
        succeeded();
      } catch (error) {
        failed(error, lastPath);
      }
    },
  };
}

function textOf(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
