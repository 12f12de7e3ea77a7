// What every speaker on Linux has in common: runs one after the other on an output that can be open only once,
// a bound on what is held, and a way out of every wait. Knows nothing of how an output makes sound.

import type { Cancel, Clock, Log, Pcm, Speaker, SpeakerEvents } from '../../ports.ts';

/** An open device. `over` is called once, when the device is free for the next run. */
export interface Output {
  /** Bytes it took and could not pass on yet. */
  readonly heldBytes: number;
  write(pcm: Pcm): void;
  /** Plays out what it took. */
  finish(): void;
  /** Drops what it took. */
  silence(): void;
}

export type OutputEnd = { readonly end: 'played' } | { readonly end: 'failed'; readonly reason: string };
export type OpenOutput = (over: (end: OutputEnd) => void) => Output;

export type SpeakerRunsOptions = {
  readonly device: string;
  readonly rateHz: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly open: OpenOutput;
};

/** The caller paces 100 ms ahead, so 2 s in hand means that the device stands still; the newest sound is dropped. */
const MAX_HELD_MS = 2000;
/** On top of what is yet to be played: opening the device and draining its 200 to 500 ms of buffer. */
const FINISH_GRACE_MS = 3000;
/** A device that was told to be silent lets go in milliseconds, unless a driver is stuck. */
const RELEASE_DEADLINE_MS = 3000;
/** A cue and an answer may queue behind a sound that is being played out; more is a mistake, and refused. */
const MAX_RUNS = 4;
const BYTES_PER_SAMPLE = 2;

type Run = {
  readonly on: SpeakerEvents;
  readonly kept: Pcm[];
  keptBytes: number;
  droppedBytes: number;
  phase: 'playing' | 'finishing' | 'overdue';
  output: Output | undefined;
  playedAtMs: number;
  deadline: Cancel | undefined;
};

export function speakerRuns(options: SpeakerRunsOptions): Speaker {
  const { device, rateHz, clock, log } = options;
  const maxHeldBytes = (MAX_HELD_MS / 1000) * rateHz * BYTES_PER_SAMPLE;
  /** Oldest first; only the first may have an output. */
  let runs: Run[] = [];
  /** The output that exists; after stop() it belongs to no run. */
  let output: Output | undefined;
  let releaseDeadline: Cancel | undefined;

  function openNext(): void {
    const run = runs[0];
    if (output !== undefined || run === undefined) return;
    releaseDeadline?.();
    releaseDeadline = undefined;
    const opened = options.open((end) => over(run, opened, end));
    output = opened;
    run.output = opened;
    for (const pcm of run.kept) pass(run, opened, pcm);
    run.kept.length = 0;
    if (run.phase === 'finishing') playOut(run, opened);
  }

  function pass(run: Run, to: Output, pcm: Pcm): void {
    run.playedAtMs = Math.max(run.playedAtMs, clock.now()) + (pcm.length / BYTES_PER_SAMPLE / rateHz) * 1000;
    to.write(pcm);
  }

  function playOut(run: Run, playing: Output): void {
    const unplayedMs = Math.max(0, run.playedAtMs - clock.now());
    run.deadline = clock.after(unplayedMs + FINISH_GRACE_MS, () => {
      run.phase = 'overdue';
      log.warn({ device, unplayedMs }, 'the speaker did not play out in time');
      playing.silence();
    });
    playing.finish();
  }

  function over(run: Run, was: Output, end: OutputEnd): void {
    if (output === was) output = undefined;
    run.deadline?.();
    if (run.droppedBytes > 0) {
      log.warn({ device, droppedBytes: run.droppedBytes }, 'the speaker stood still: sound was dropped');
    }
    if (runs[0] === run) {
      runs.shift();
      // The next one first: what the callback starts must queue behind it.
      openNext();
      if (run.phase === 'overdue') run.on.ended(`${device}: did not play out in time`);
      else if (end.end === 'failed') run.on.ended(end.reason);
      else run.on.finished();
    } else {
      openNext();
    }
  }

  function refuse(run: Run, reason: string): void {
    if (!runs.includes(run)) return;
    runs = runs.filter((other) => other !== run);
    run.on.ended(reason);
  }

  return {
    device,
    rateHz,
    start(on) {
      const last = runs.at(-1);
      if (last !== undefined && last.phase === 'playing') return;
      const run: Run = {
        on,
        kept: [],
        keptBytes: 0,
        droppedBytes: 0,
        phase: 'playing',
        output: undefined,
        playedAtMs: 0,
        deadline: undefined,
      };
      runs.push(run);
      if (runs.length > MAX_RUNS) {
        queueMicrotask(() => refuse(run, `${device}: too many sounds at once`));
        return;
      }
      if (output !== undefined && runs.length === 1) {
        releaseDeadline = clock.after(RELEASE_DEADLINE_MS, () => {
          releaseDeadline = undefined;
          for (const waiting of [...runs]) refuse(waiting, `${device}: the playback before does not end`);
        });
      }
      openNext();
    },
    write(pcm) {
      const run = runs.at(-1);
      if (run === undefined || run.phase !== 'playing' || pcm.length === 0) return;
      const heldBytes = run.output?.heldBytes ?? run.keptBytes;
      if (heldBytes + pcm.length > maxHeldBytes) {
        run.droppedBytes += pcm.length;
      } else if (run.output === undefined) {
        run.kept.push(pcm);
        run.keptBytes += pcm.length;
      } else {
        pass(run, run.output, pcm);
      }
    },
    finish() {
      const run = runs.at(-1);
      if (run === undefined || run.phase !== 'playing') return;
      run.phase = 'finishing';
      if (run.output !== undefined) playOut(run, run.output);
    },
    stop() {
      for (const run of runs) run.deadline?.();
      const wasRunning = runs.length > 0;
      runs = [];
      releaseDeadline?.();
      releaseDeadline = undefined;
      if (wasRunning) output?.silence();
    },
  };
}
