// The microphone port on ALSA: node-record-lpcm16 drives an arecord child, one at a time. Guards the edges of that
// library (errors that are strings, ENOENT uncaught, stderr swallowed). Knows no frames, no codec and no turn.

import { fileURLToPath } from 'node:url';
import lpcm16, { type Recording } from 'node-record-lpcm16';
import type { Cancel, Clock, Log, Microphone, MicrophoneEvents } from '../../ports.ts';
import { childVoice } from './child-reason.ts';
import { type Channel, channelsFor, SAMPLE_BYTES, sideOf } from './stereo-slots.ts';

/** What the port promises: 16 kHz mono. */
const CAPTURE_RATE_HZ = 16_000;
/** A killed process is gone in milliseconds (5-11 ms measured) unless a driver holds it inside the kernel. */
const RELEASE_DEADLINE_MS = 3000;

const recorderFile = fileURLToPath(new URL('./arecord-recorder.cjs', import.meta.url));

export type ArecordOptions = {
  readonly device: string;
  readonly channel?: Channel;
  readonly clock: Clock;
  readonly log: Log;
  /** The child's own, but for the language of its messages, which are read here. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

type Run = { readonly on: MicrophoneEvents };

export function arecordMicrophone(options: ArecordOptions): Microphone {
  const { device, clock, log, channel = 'mix' } = options;
  const channels = channelsFor(channel);
  /** The run that was asked for and neither stopped nor ended. */
  let run: Run | undefined;
  /** The child that exists, be it of this run or of one that was stopped: a real card is busy until it is reaped. */
  let recording: Recording | undefined;
  let releaseDeadline: Cancel | undefined;

  function fail(failed: Run, reason: string): void {
    if (run !== failed) return;
    run = undefined;
    failed.on.ended(reason);
  }

  function open(opened: Run): void {
    const voice = childVoice('arecord', device);
    let child: Recording;
    try {
      child = lpcm16.record({
        recorder: recorderFile,
        audioType: 'raw',
        sampleRate: CAPTURE_RATE_HZ,
        channels,
        device,
        environment: { ...options.environment, LC_ALL: 'C' },
      });
    } catch (error) {
      // Never from inside start(): the caller is not ready for its own callbacks there.
      queueMicrotask(() => fail(opened, `arecord cannot be started: ${String(error)}`));
      return;
    }
    recording = child;
    const wholeFrames = aligner(SAMPLE_BYTES * channels);
    child.stream().on('data', (chunk: Buffer) => {
      if (run !== opened) return;
      const pcm = sideOf(wholeFrames(chunk), channel);
      if (pcm.length > 0) opened.on.pcm(pcm);
    });
    // The library emits a plain string here after every exit but 0, our own SIGKILL included; unheard, it would end
    // the whole process. It says less than `close` does.
    child.stream().on('error', ignore);
    child.process.stderr?.on('data', (chunk: Buffer) => {
      const before = voice.xruns;
      voice.hear(chunk);
      // Told at once and once: a microphone may stay open for days.
      if (before === 0 && voice.xruns > 0)
        log.warn({ device }, 'the microphone was not read in time: sound was lost');
    });
    child.process.on('error', voice.failed);
    child.process.once('close', (code, signal) => {
      // The library's own `close` listener was there first, so its string has been emitted by now.
      child.stream().removeAllListeners();
      child.process.stderr?.removeAllListeners();
      child.process.removeAllListeners();
      if (voice.xruns > 0) log.debug({ device, overruns: voice.xruns }, 'arecord was overrun');
      released();
      fail(opened, voice.reason(code, signal));
    });
  }

  function released(): void {
    recording = undefined;
    if (releaseDeadline === undefined) return;
    releaseDeadline();
    releaseDeadline = undefined;
    if (run !== undefined) open(run);
  }

  function openWhenReleased(waiting: Run): void {
    releaseDeadline?.();
    releaseDeadline = clock.after(RELEASE_DEADLINE_MS, () => {
      releaseDeadline = undefined;
      fail(waiting, `${device}: the arecord before does not end`);
    });
  }

  return {
    device,
    start(on) {
      if (run !== undefined) return;
      run = { on };
      if (recording === undefined) open(run);
      else openWhenReleased(run);
    },
    stop() {
      if (run === undefined) return;
      run = undefined;
      releaseDeadline?.();
      releaseDeadline = undefined;
      // The library's own stop() is a SIGTERM, after which arecord took 105 ms to leave.
      recording?.process.kill('SIGKILL');
    },
  };
}

/** A pipe may cut a frame in two: keeps its beginning for the next chunk. */
function aligner(frameBytes: number): (chunk: Buffer) => Buffer {
  let carry = Buffer.alloc(0);
  return (chunk) => {
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const whole = bytes.length - (bytes.length % frameBytes);
    carry = Buffer.from(bytes.subarray(whole));
    return bytes.subarray(0, whole);
  };
}

function ignore(): void {}
