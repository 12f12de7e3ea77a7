// A child process that says something when a button moves and is silent else: kept to its own run, heard in chunks, and
// found out when it was stopped and not ended. Knows neither its flags nor what it says.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Cancel, Clock } from '../../ports.ts';

export interface EdgeChild {
  /** SIGKILL; nothing more is reported. */
  kill(): void;
}

export type EdgeChildParts = {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly clock: Clock;
  /** The child's whole environment; without it the child inherits this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly on: {
    spawned(pid: number): void;
    output(chunk: Buffer): void;
    /** Once; the last words it had on stderr, or how it ended. */
    ended(said: string | Error): void;
  };
};

/** With no word from it for hours, whether it runs is asked of the kernel: a look is one short read. */
const LOOK_EVERY_MS = 10_000;
/** A debugger stops a process for a moment; one found stopped this often in a row stays so. */
const LOOKS_TO_BE_HUNG = 3;
/** They are in the pipe already; a child of the child may keep it open for ever. */
const LAST_WORDS_MS = 1_000;
/** A line of the log, not a page. */
const MAX_SAID_CHARS = 300;
/** Ends the child with this process, however that ends: an orphan would hold the line until the next press. */
const SETPRIV = '/usr/bin/setpriv';
const WITH_US = ['--pdeathsig', 'KILL', '--'];

export function edgeChild(parts: EdgeChildParts): EdgeChild {
  const { clock, environment, on } = parts;
  const timers = new Set<Cancel>();
  let said = '';
  let over = false;
  let child: ChildProcess | undefined;

  function after(delayMs: number, fire: () => void): void {
    const cancel = clock.after(delayMs, () => {
      timers.delete(cancel);
      if (!over) fire();
    });
    timers.add(cancel);
  }

  function close(): void {
    over = true;
    for (const cancel of timers) cancel();
    timers.clear();
    child?.stdout?.destroy();
    child?.stderr?.destroy();
    // Not asked politely: it has nothing to tidy up, and one that is stopped (SIGSTOP) would not hear.
    child?.kill('SIGKILL');
  }

  function end(how: string | Error): void {
    if (over) return;
    close();
    on.ended(said === '' ? how : said);
  }

  function look(stopped: number): void {
    after(LOOK_EVERY_MS, () => {
      const isStopped = stateOf(child?.pid) === 'T';
      if (isStopped && stopped + 1 >= LOOKS_TO_BE_HUNG) end(`${parts.command} hangs: it has been stopped`);
      else look(isStopped ? stopped + 1 : 0);
    });
  }

  const guarded = existsSync(SETPRIV);
  const [file, args] = guarded
    ? [SETPRIV, [...WITH_US, parts.command, ...parts.arguments]]
    : [parts.command, [...parts.arguments]];
  try {
    child = spawn(file, args, {
      ...(environment === undefined ? {} : { env: { ...environment } }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    // Never from inside start(): the caller is not ready for its own callbacks there.
    after(0, () => end(error as Error));
    return { kill: close };
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    if (!over) on.output(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(-MAX_SAID_CHARS);
  });
  child.on('error', end);
  child.stdout?.on('error', ignore);
  child.stderr?.on('error', ignore);
  child.once('spawn', () => {
    if (over) return;
    look(0);
    on.spawned(child?.pid ?? 0);
  });
  child.once('exit', (code, signal) => {
    const last = () => end(`${parts.command} ended by itself (${signal ?? `exit code ${code}`})`);
    child?.once('close', last);
    after(LAST_WORDS_MS, last);
  });
  return { kill: close };
}

/** `T`: stopped. Undefined once it has gone. */
function stateOf(pid: number | undefined): string | undefined {
  try {
    return /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** A pipe that breaks belongs to a child that ends; unheard, it would end this process too. */
function ignore(): void {}
