// The speaker port on ALSA: one aplay child a run, PCM through its stdin, SIGKILL for silence. The default speaker.
// Knows no codec, no volume, no turn.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Clock, Log, Speaker } from '../../ports.ts';
import { childVoice } from './child-reason.ts';
import { type Output, type OutputEnd, speakerRuns } from './speaker-runs.ts';

export type AplayOptions = {
  readonly device: string;
  readonly rateHz: number;
  readonly clock: Clock;
  readonly log: Log;
  /** The child's own, but for the language of its messages, which are read here. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

export function aplaySpeaker(options: AplayOptions): Speaker {
  return speakerRuns({ ...options, open: (over) => openAplay(options, over) });
}

/** aplay reads at every period, 20 ms; a second without a read while sound is written to it is a device that hangs. */
const STALL_MS = 1_000;
const WATCH_EVERY_MS = 250;
/** Before the device is open it reads nothing: a suspended sink or Bluetooth takes up to two seconds to open. */
const OPENING_MS = 3_000;

function openAplay(options: AplayOptions, over: (end: OutputEnd) => void): Output {
  const { device, log } = options;
  const voice = childVoice('aplay', device);
  const child = start(options);
  if (child instanceof Error) {
    voice.failed(child);
    queueMicrotask(() => over({ end: 'failed', reason: voice.reason(null, null) }));
    return { heldBytes: 0, write: ignore, finish: ignore, silence: ignore };
  }

  const { stdin, stderr } = child;
  const watch = readWatch(child.pid, options.clock);
  let isOver = false;
  let stalled = false;
  function end(code: number | null, signal: string | null): void {
    if (isOver) return;
    isOver = true;
    if (voice.xruns > 0) log.debug({ device, underruns: voice.xruns }, 'aplay ran dry');
    // Without finish() even an exit with 0 broke off a playback.
    const played = stdin?.writableEnded === true && code === 0;
    const reason = stalled ? `${device}: aplay takes no more sound` : voice.reason(code, signal);
    over(played ? { end: 'played' } : { end: 'failed', reason });
  }
  // EPIPE comes here when aplay is gone before `close` says so; `close` then knows the reason.
  stdin?.on('error', ignore);
  stderr?.on('data', voice.hear);
  child.on('error', (error) => {
    voice.failed(error);
    // Out of file descriptors there are no pipes, and no `close` follows.
    if (child.pid === undefined && stdin === undefined) end(null, null);
  });
  child.once('close', end);

  return {
    get heldBytes() {
      return stdin?.writableLength ?? 0;
    },
    write(pcm) {
      if (stdin?.writable === true) stdin.write(pcm);
      if (!watch.stands()) return;
      stalled = true;
      child.kill('SIGKILL');
    },
    finish() {
      stdin?.end();
    },
    silence() {
      child.kill('SIGKILL');
    },
  };
}

/**
 * Whether the child goes on reading: the pipe in between holds some seconds of sound before a write would tell. The
 * kernel counts what a process reads; where that cannot be read (/proc hidden), nothing is noticed.
 */
function readWatch(pid: number | undefined, clock: Clock): { stands(): boolean } {
  const startedAt = clock.now();
  let lookedAt = startedAt;
  let movedAt = startedAt;
  let seen = '';
  return {
    stands() {
      const now = clock.now();
      // A pause in the writing is no standstill of the child's.
      if (now - lookedAt > WATCH_EVERY_MS * 2) movedAt = now;
      if (now - lookedAt < WATCH_EVERY_MS) return false;
      lookedAt = now;
      const read = bytesRead(pid);
      if (read === undefined || read !== seen) {
        seen = read ?? '';
        movedAt = now;
      }
      return now - startedAt >= OPENING_MS && now - movedAt >= STALL_MS;
    },
  };
}

function bytesRead(pid: number | undefined): string | undefined {
  try {
    return /^rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1];
  } catch {
    return undefined;
  }
}

function start({ device, rateHz, environment }: AplayOptions) {
  // --start-delay: a real card otherwise stays silent until its whole buffer is full. 20 ms periods in a buffer of
  // ten: the caller paces 100 ms ahead, the rest is slack for a busy board (packages.md §3, §7).
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', String(rateHz), '-c', '1'];
  const timing = ['--start-delay=1', '--period-time=20000', '--buffer-time=200000'];
  try {
    return spawn('aplay', ['-q', '-D', device, ...format, ...timing, '-'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...environment, LC_ALL: 'C' },
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function ignore(): void {}
