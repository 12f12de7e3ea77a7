// The speaker port on the npm package `speaker`, which plays from inside this process: no child, at the price of
// many edges, each guarded here. Offered, not the default. Knows no codec, no volume, no turn.

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import type { Clock, Log, Pcm, Speaker } from '../../ports.ts';
import { type Output, type OutputEnd, speakerRuns } from './speaker-runs.ts';

/** Loading the package took 33 ms on a PC; a Pi Zero with a cold card is some fifty times slower. */
const PROBE_DEADLINE_MS = 5000;
/** ALSA through PulseAudio sounded 35 to 48 ms after a write; dropping the rest earlier would clip the last sound. */
const OUTPUT_LATENCY_MS = 100;
const BYTES_PER_SAMPLE = 2;
/**
 * The package's own step: shorter ones would only multiply its leak of 450 B each, while in a longer write a stop
 * would have to wait for all of it.
 */
const WRITE_BYTES = 1024 * BYTES_PER_SAMPLE;
/** Keeps what a program said to a size for one log line. */
const MAX_REASON_CHARS = 200;

const require = createRequire(import.meta.url);

export type NodeSpeakerOptions = {
  readonly device: string;
  readonly rateHz: number;
  readonly clock: Clock;
  readonly log: Log;
  /** The whole environment of the probing child; without it the child inherits this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

/** What the package's own typings leave out: `device`. */
type SpeakerPackage = new (format: {
  readonly channels: number;
  readonly bitDepth: number;
  readonly signed: boolean;
  readonly sampleRate: number;
  readonly device: string;
}) => Writable & { close(drop: boolean): void };

export async function nodeSpeaker(options: NodeSpeakerOptions): Promise<Speaker | { refused: string }> {
  const path = locate();
  if (path === undefined) return { refused: 'the package speaker is not installed: npm install speaker' };
  const refused = await probe(path, options.environment);
  if (refused !== undefined) return { refused };
  let Package: SpeakerPackage;
  try {
    Package = require(path);
  } catch (error) {
    return { refused: `the package speaker cannot be loaded: ${firstLine(String(error))}` };
  }
  return speakerRuns({ ...options, open: (over) => openSpeaker(Package, options, over) });
}

function locate(): string | undefined {
  try {
    return require.resolve('speaker');
  } catch {
    return undefined;
  }
}

/** Its add-on opens ALSA's default device when it is loaded, and aborts the process when it can't: let a child try. */
function probe(path: string, environment: NodeSpeakerOptions['environment']): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['-e', `require(${JSON.stringify(path)})`],
      {
        timeout: PROBE_DEADLINE_MS,
        killSignal: 'SIGKILL',
        ...(environment === undefined ? {} : { env: environment }),
      },
      (error, _stdout, stderr) => {
        if (error === null) return resolve(undefined);
        const how = error.signal ?? `exit code ${String(error.code)}`;
        const said = stderr.split('\n').find((line) => /assert|error|cannot|unknown/i.test(line));
        resolve(
          firstLine(`the package speaker cannot be loaded here (${how}): ${said ?? 'no reason given'}`),
        );
      },
    );
  });
}

function openSpeaker(
  Package: SpeakerPackage,
  { device, rateHz, clock }: NodeSpeakerOptions,
  over: (end: OutputEnd) => void,
): Output {
  const speaker = new Package({ channels: 1, bitDepth: 16, signed: true, sampleRate: rateHz, device });
  const waiting: Pcm[] = [];
  let heldBytes = 0;
  let phase: 'playing' | 'finishing' | 'closing' | 'over' = 'playing';
  let end: OutputEnd = { end: 'played' };
  let isWriting = false;
  let playedAtMs = clock.now();
  let cancelClose = ignore;

  function writeNext(): void {
    if (isWriting || phase === 'over') return;
    if (phase === 'closing') {
      close();
      return;
    }
    const pcm = waiting.shift();
    if (pcm === undefined) {
      if (phase === 'finishing') closeWhenPlayed();
      return;
    }
    isWriting = true;
    speaker.write(pcm, (error) => wrote(pcm, error));
  }

  function wrote(pcm: Pcm, error: Error | null | undefined): void {
    isWriting = false;
    heldBytes -= pcm.length;
    playedAtMs = Math.max(playedAtMs, clock.now()) + (pcm.length / BYTES_PER_SAMPLE / rateHz) * 1000;
    if (error) broke(error);
    else writeNext();
  }

  function broke(error: unknown): void {
    // The package also reports a write that failed without ever calling back; either way none is in flight now.
    isWriting = false;
    if (phase === 'over') return;
    if (phase !== 'closing') {
      const text = error instanceof Error ? error.message : String(error);
      end = { end: 'failed', reason: firstLine(`${device}: ${text}`) };
    }
    close();
  }

  /** Not end() nor close(false): those wait for the device on the main thread, 400 to 750 ms were measured. */
  function closeWhenPlayed(): void {
    cancelClose = clock.after(Math.max(0, playedAtMs - clock.now()) + OUTPUT_LATENCY_MS, close);
  }

  /** Only ever with no write in flight: freeing the device under one has crashed the process. */
  function close(): void {
    if (phase === 'over') return;
    phase = 'over';
    cancelClose();
    waiting.length = 0;
    try {
      speaker.close(true);
    } catch (error) {
      // The handle is spent all the same, and closing it twice would crash.
      if (end.end === 'played') end = { end: 'failed', reason: firstLine(`${device}: ${String(error)}`) };
    }
    queueMicrotask(() => over(end));
  }

  speaker.on('error', broke);
  // The package opens the device with the first write; an empty one opens it without a sound.
  waiting.push(new Uint8Array(0));
  queueMicrotask(writeNext);

  return {
    get heldBytes() {
      return heldBytes;
    },
    write(pcm) {
      if (phase !== 'playing') return;
      heldBytes += pcm.length;
      for (let at = 0; at < pcm.length; at += WRITE_BYTES) waiting.push(pcm.subarray(at, at + WRITE_BYTES));
      writeNext();
    },
    finish() {
      if (phase !== 'playing') return;
      phase = 'finishing';
      writeNext();
    },
    silence() {
      if (phase === 'over') return;
      phase = 'closing';
      cancelClose();
      writeNext();
    },
  };
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/\p{Cc}/gu, ' ').slice(0, MAX_REASON_CHARS);
}

function ignore(): void {}
