// `ip monitor` as a doorbell: whatever it says, something about the network may have changed. Its words are never read,
// they differ from version to version. Keeps the child alive, and says when it cannot; knows nothing of networks.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Cancel, Clock } from '../../ports.ts';

export interface Doorbell {
  start(on: DoorbellEvents): void;
  stop(): void;
}

export interface DoorbellEvents {
  /** Something happened, or may have; often, when much does. Never from inside `start`. */
  rang(): void;
  /** Nothing is to be heard for now, and why; it goes on trying. */
  gone(reason: string): void;
  /** It can be heard again. */
  back(): void;
}

/** One line per message, flushed by itself. */
const ARGUMENTS = ['-o', 'monitor', 'link', 'address', 'route'];
/** What happens before the child listens is missed: measured 24 ms, a small board takes several times that. */
const LOOKS_AFTER_SPAWN_MS = [100, 1_000];
/** After a read the pipe is left alone for so long: a burst is read at once, and a flood at most a hundred times a second.
 * Meanwhile pipe and stream hold 64 KiB each, or a little more; victim: what comes after, dropped by the kernel, which
 * says so. */
const READ_EVERY_MS = 10;
/** After the first, second, third death in a row, and every further one. */
const RESPAWN_AFTER_MS = [200, 1_000, 5_000, 30_000];
/** Longer than a child that cannot work takes to notice it; from then on its death is a first one. */
const STEADY_MS = 60_000;
/** As many deaths within `STEADY_MS` are no accident any more. */
const DEATHS_TO_BE_GONE = 3;
/** Somebody may install it; looking costs a few system calls. */
const ABSENT_RETRY_MS = 300_000;
/** They are in the pipe already; a child of the child may keep it open for ever. */
const LAST_WORDS_MS = 1_000;
/** A line of the log, not a page: what the child said before it died. */
const MAX_SAID_CHARS = 100;

export type DoorbellParts = {
  readonly clock: Clock;
  /** The child's whole environment; without it the child inherits this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

type Run = {
  readonly on: DoorbellEvents;
  readonly timers: Set<Cancel>;
  child: ChildProcess | undefined;
  /** When the latest children died, the oldest first; at most as many as it takes to be gone. */
  deathsMs: number[];
  /** In a row. */
  failures: number;
  reach: 'in reach' | 'gone';
};

export function doorbell({ clock, environment }: DoorbellParts): Doorbell {
  let run: Run | undefined;

  /** Timers of a run end with it. */
  function after(current: Run, delayMs: number, fire: () => void): void {
    const cancel = clock.after(delayMs, () => {
      current.timers.delete(cancel);
      fire();
    });
    current.timers.add(cancel);
  }

  function open(current: Run): void {
    let said = '';
    let ended = false;
    const keep = (chunk: Buffer) => {
      said = lastLine(chunk);
    };
    const end = (reason: string, absent: boolean) => {
      if (ended) return;
      ended = true;
      child?.stdout?.destroy();
      child?.stderr?.destroy();
      if (run === current) died(current, said === '' ? reason : `${reason}: ${said}`, absent);
    };
    const failed = (error: unknown) => {
      const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      end(absent ? 'ip is not installed' : `ip cannot be started: ${String(error)}`, absent);
    };
    let child: ChildProcess | undefined;
    try {
      const options = environment === undefined ? {} : { env: { ...environment } };
      child = spawn('ip', ARGUMENTS, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      // Never from inside start(): the caller is not ready for its own callbacks there.
      after(current, 0, () => failed(error));
      return;
    }
    current.child = child;
    listen(current, child.stdout, () => {});
    listen(current, child.stderr, keep);
    child.once('error', failed);
    child.once('exit', (code, signal) => {
      const last = () => end(`ip monitor ended (${signal ?? `exit code ${code}`})`, false);
      if (run !== current) return last();
      current.child = undefined;
      // Its last words may still be on their way.
      child?.once('close', last);
      after(current, LAST_WORDS_MS, last);
      child?.stdout?.removeAllListeners('readable').resume();
      child?.stderr?.removeAllListeners('readable').on('data', keep);
    });
    child.once('spawn', () => {
      if (run === current && !ended) alive(current, child);
    });
  }

  /** Rings after each read, not before: what came until then is what the look that follows will see. */
  function listen(current: Run, stream: Readable | null, keep: (chunk: Buffer) => void): void {
    let resting = false;
    const read = () => {
      if (resting || run !== current) return;
      const chunk: unknown = stream?.read();
      if (!Buffer.isBuffer(chunk)) return;
      resting = true;
      after(current, READ_EVERY_MS, () => {
        resting = false;
        read();
      });
      keep(chunk);
      current.on.rang();
    };
    stream?.on('readable', read);
    // A pipe that breaks belongs to a child that ends; unheard, it would end this process too.
    stream?.on('error', () => {});
  }

  function alive(current: Run, child: ChildProcess | undefined): void {
    const later = (delayMs: number, fire: () => void) =>
      after(current, delayMs, () => {
        if (current.child === child) fire();
      });
    for (const delayMs of LOOKS_AFTER_SPAWN_MS) later(delayMs, () => current.on.rang());
    later(STEADY_MS, () => {
      current.failures = 0;
      if (current.reach === 'gone') current.on.back();
      current.reach = 'in reach';
    });
    current.on.rang();
  }

  function died(current: Run, reason: string, absent: boolean): void {
    current.child = undefined;
    const now = clock.now();
    current.deathsMs = [...current.deathsMs.filter((atMs) => now - atMs < STEADY_MS), now];
    current.failures += 1;
    const hopeless = absent || current.deathsMs.length >= DEATHS_TO_BE_GONE;
    const delayMs = absent
      ? ABSENT_RETRY_MS
      : (RESPAWN_AFTER_MS[current.failures - 1] ?? RESPAWN_AFTER_MS.at(-1) ?? 0);
    after(current, delayMs, () => open(current));
    current.on.rang();
    if (run !== current || !hopeless || current.reach === 'gone') return;
    current.reach = 'gone';
    current.on.gone(reason);
  }

  return {
    start(on) {
      if (run !== undefined) return;
      run = { on, timers: new Set(), child: undefined, deathsMs: [], failures: 0, reach: 'in reach' };
      open(run);
    },
    stop() {
      const stopped = run;
      run = undefined;
      if (stopped === undefined) return;
      for (const cancel of stopped.timers) cancel();
      stopped.timers.clear();
      // Not asked politely: it has nothing to tidy up, and one that is stopped (SIGSTOP) would not hear.
      stopped.child?.kill('SIGKILL');
      stopped.child = undefined;
    },
  };
}

function lastLine(chunk: Buffer): string {
  const tail = chunk.toString('utf8', Math.max(0, chunk.length - MAX_SAID_CHARS));
  return (
    tail
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/\p{Cc}/gu, ' ') ?? ''
  );
}
