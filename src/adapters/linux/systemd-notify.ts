// The supervisor port on systemd: each message is a `systemd-notify` child, for Node cannot write to a datagram socket. Knows
// nothing of what is told.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Cancel, Clock, News, Supervisor, SupervisorEvents } from '../../ports.ts';

/** It waits until systemd has read the message, 5 s at the most, and takes some milliseconds; one that hangs is no use. */
const CHILD_MAY_TAKE_MS = 10_000;
const USEC_PER_MS = 1_000;
/** A line of the log. */
const MAX_SAID_CHARS = 200;

export type SystemdParts = {
  readonly clock: Clock;
  /** What systemd has started this process with: its whole environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
};

type Run = {
  readonly on: SupervisorEvents;
  /** Waits while a child is under way. */
  waiting: News;
  child: ChildProcess | undefined;
  patience: Cancel | undefined;
};

/** Undefined: nobody has asked to be told. */
export function systemdSupervisor({ clock, environment, pid }: SystemdParts): Supervisor | undefined {
  if (!environment.NOTIFY_SOCKET) return undefined;
  let run: Run | undefined;

  function next(current: Run): void {
    if (current !== run || current.child !== undefined) return;
    const words = wordsOf(current.waiting);
    if (words.length === 0) return;
    current.waiting = {};
    try {
      const child = spawn('systemd-notify', words, {
        env: { ...environment },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      current.child = child;
      current.patience = clock.after(CHILD_MAY_TAKE_MS, () => child.kill('SIGKILL'));
      watch(current, child);
    } catch (error) {
      // Never from inside the caller's own `tell`.
      clock.after(0, () => ended(current, `systemd-notify cannot be started: ${String(error)}`));
    }
  }

  function watch(current: Run, child: ChildProcess): void {
    let said = '';
    // One that could not be started is said to have closed as well.
    const end = (trouble: string | null) => {
      if (current.child === child) ended(current, trouble);
    };
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString('utf8')}`.slice(0, MAX_SAID_CHARS);
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ENOENT' ? 'systemd-notify is not installed' : error.message),
    );
    child.once('close', (code, signal) => {
      if (code === 0) return end(null);
      const how = signal ?? `exit code ${code}`;
      end(`systemd-notify ended (${how})${said === '' ? '' : `: ${said.trim()}`}`);
    });
  }

  function ended(current: Run, trouble: string | null): void {
    current.patience?.();
    current.child = undefined;
    if (current !== run) return;
    if (trouble !== null) current.on.failed(trouble);
    next(current);
  }

  return {
    watchdogMs: watchdogOf(environment, pid),
    start(on) {
      run ??= { on, waiting: {}, child: undefined, patience: undefined };
    },
    tell(news) {
      if (run === undefined) return;
      run.waiting = { ...run.waiting, ...news };
      next(run);
    },
    stop() {
      run?.child?.kill('SIGKILL');
      run = undefined;
    },
  };
}

function wordsOf({ phase, status, isAlive }: News): readonly string[] {
  return [
    ...(phase === undefined ? [] : [`${phase.toUpperCase()}=1`]),
    // A line end would begin a word of its own.
    ...(status === undefined ? [] : [`STATUS=${status.replace(/\p{Cc}/gu, ' ')}`]),
    ...(isAlive === undefined ? [] : ['WATCHDOG=1']),
  ];
}

/** sd_watchdog_enabled(3): the time is for the process whose number stands beside it. */
function watchdogOf(environment: SystemdParts['environment'], pid: number): number | null {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: whose } = environment;
  if (usec === undefined || !/^[1-9]\d*$/.test(usec)) return null;
  if (whose !== undefined && whose !== String(pid)) return null;
  return Number(usec) / USEC_PER_MS;
}
