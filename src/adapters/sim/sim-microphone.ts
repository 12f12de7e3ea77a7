// The microphone port in memory, paced by a clock: test double, and the daemon's device `null`.
// Knows nothing of what is done with the sound.

import type { Cancel, Clock, Microphone, MicrophoneEvents, Pcm } from '../../ports.ts';

const CHUNK_MS = 20;
/** 20 ms at 16 kHz, 16 bit. */
const CHUNK_BYTES = 640;
/** As much as arecord's buffer holds: what a stalled process missed beyond that is lost, as on a card. */
const MAX_CATCH_UP_MS = 200;

export type SimMicrophoneOptions = {
  readonly device?: string;
  /** The next `bytes` of what there is to hear; silence without it. */
  readonly source?: (bytes: number) => Pcm;
};

export interface SimMicrophone extends Microphone {
  readonly isRunning: boolean;
  /** As if the device had gone away. */
  fail(reason: string): void;
}

export function simMicrophone(clock: Clock, options: SimMicrophoneOptions = {}): SimMicrophone {
  const source = options.source ?? ((bytes: number) => new Uint8Array(bytes));
  let run: { readonly on: MicrophoneEvents } | undefined;
  let cancel: Cancel | undefined;
  let dueAtMs = 0;

  function wait(): void {
    dueAtMs = Math.max(dueAtMs + CHUNK_MS, clock.now() - MAX_CATCH_UP_MS);
    cancel = clock.after(Math.max(0, dueAtMs - clock.now()), deliver);
  }

  function deliver(): void {
    if (run === undefined) return;
    // The next first: the callback may stop this run, and start another.
    wait();
    run.on.pcm(source(CHUNK_BYTES));
  }

  function stop(): void {
    run = undefined;
    cancel?.();
    cancel = undefined;
  }

  return {
    device: options.device ?? 'null',
    get isRunning() {
      return run !== undefined;
    },
    start(on) {
      if (run !== undefined) return;
      run = { on };
      dueAtMs = clock.now();
      wait();
    },
    stop,
    fail(reason) {
      const failed = run;
      stop();
      failed?.on.ended(reason);
    },
  };
}
