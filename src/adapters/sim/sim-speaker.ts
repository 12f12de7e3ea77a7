// The speaker port in memory: "plays" at the real rate by a clock and can remember what was heard. Test double, and
// the daemon's device `null`. Knows nothing of where the sound comes from.

import type { Cancel, Clock, Pcm, Speaker, SpeakerEvents } from '../../ports.ts';

/** The same bound as the real speakers: the newest sound is dropped. */
const MAX_HELD_MS = 2000;
/** What downlinks decode to by default. */
const DEFAULT_RATE_HZ = 24_000;
const BYTES_PER_SAMPLE = 2;

export type SimSpeakerOptions = {
  readonly device?: string;
  readonly rateHz?: number;
  /** How much of what was played is remembered, the newest; nothing without it. */
  readonly rememberMs?: number;
};

export interface SimSpeaker extends Speaker {
  readonly isRunning: boolean;
  /** What has been heard so far, up to this moment. */
  played(): Pcm;
  /** As if the device had gone away. */
  fail(reason: string): void;
}

type Run = { readonly on: SpeakerEvents; phase: 'playing' | 'finishing'; cancel: Cancel | undefined };
type Sound = { readonly pcm: Pcm; readonly fromMs: number };

export function simSpeaker(clock: Clock, options: SimSpeakerOptions = {}): SimSpeaker {
  const rateHz = options.rateHz ?? DEFAULT_RATE_HZ;
  const bytesFor = (durationMs: number) => Math.floor((durationMs * rateHz) / 1000) * BYTES_PER_SAMPLE;
  const maxRememberedBytes = bytesFor(options.rememberMs ?? 0);
  /** In the order in which they are reported: a start() while the last is played out queues behind it. */
  let runs: Run[] = [];
  let sounds: Sound[] = [];
  let untilMs = 0;
  let heard: Pcm = new Uint8Array(0);

  function remember(pcm: Pcm): void {
    if (maxRememberedBytes === 0) return;
    const all = Buffer.concat([heard, pcm]);
    heard = all.subarray(Math.max(0, all.length - maxRememberedBytes));
  }

  /** Moves what has been played by now from the queue to the memory; `rest` says what becomes of a sound cut short. */
  function settle(rest: 'goes on' | 'is dropped'): void {
    const now = clock.now();
    const later: Sound[] = [];
    for (const sound of sounds) {
      const playedBytes = Math.min(sound.pcm.length, Math.max(0, bytesFor(now - sound.fromMs)));
      remember(sound.pcm.subarray(0, playedBytes));
      if (playedBytes < sound.pcm.length) {
        const playedMs = (playedBytes / BYTES_PER_SAMPLE / rateHz) * 1000;
        later.push({ pcm: sound.pcm.subarray(playedBytes), fromMs: sound.fromMs + playedMs });
      }
    }
    sounds = rest === 'goes on' ? later : [];
    if (rest === 'is dropped') untilMs = now;
  }

  function stop(): void {
    settle('is dropped');
    for (const run of runs) run.cancel?.();
    runs = [];
  }

  function finished(run: Run): void {
    settle('goes on');
    runs = runs.filter((other) => other !== run);
    run.on.finished();
  }

  return {
    device: options.device ?? 'null',
    rateHz,
    get isRunning() {
      return runs.length > 0;
    },
    start(on) {
      if (runs.at(-1)?.phase === 'playing') return;
      runs.push({ on, phase: 'playing', cancel: undefined });
    },
    write(pcm) {
      if (runs.at(-1)?.phase !== 'playing') return;
      settle('goes on');
      const fromMs = Math.max(untilMs, clock.now());
      const durationMs = (pcm.length / BYTES_PER_SAMPLE / rateHz) * 1000;
      if (fromMs + durationMs - clock.now() > MAX_HELD_MS) return;
      sounds.push({ pcm: Uint8Array.from(pcm), fromMs });
      untilMs = fromMs + durationMs;
    },
    finish() {
      const run = runs.at(-1);
      if (run === undefined || run.phase !== 'playing') return;
      run.phase = 'finishing';
      run.cancel = clock.after(Math.max(0, untilMs - clock.now()), () => finished(run));
    },
    stop,
    played() {
      settle('goes on');
      return Uint8Array.from(heard);
    },
    fail(reason) {
      const failed = runs[0];
      stop();
      failed?.on.ended(reason);
    },
  };
}
