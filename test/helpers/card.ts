// A virtual sound card for one test file, a real clock to go with it, and what is needed to look at what real
// programs did: waiting for a condition, children left behind, a recorder that listens to the card.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startVirtualCard, type VirtualCard } from '../../src/demo/virtual-card.ts';
import type { Log, Pcm } from '../../src/ports.ts';

/** Generous: a loaded machine must not fail a test, and a passing test never waits this long. */
const DEADLINE_MS = 20_000;
const POLL_MS = 5;

export { clock as realClock } from '../../src/adapters/linux/clock.ts';

export type TestCard = VirtualCard & {
  /** The card's variables on top of this process's own: the whole environment of a child. */
  readonly childEnvironment: Record<string, string | undefined>;
};

/** In `before`; its `stop` belongs in `after`. */
export async function startTestCard(): Promise<TestCard> {
  const directory = await mkdtemp(join(tmpdir(), 'xz-'));
  const card = await startVirtualCard(directory);
  return {
    ...card,
    childEnvironment: { ...process.env, ...card.environment },
    async stop() {
      await card.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function until(condition: () => boolean, what: string, deadlineMs = DEADLINE_MS): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs);
  while (!condition()) {
    if (deadline.aborted) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(POLL_MS);
  }
}

export type LogLine = { readonly level: string; readonly fields: object; readonly text: string };

export function keptLog(): Log & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, text: string) => {
    lines.push({ level, fields, text });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Processes whose parent is this one, those that are dead and not reaped included. */
export function childrenNamed(...names: readonly string[]): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [, name = '', parent = ''] = /^\d+ \((.*)\) \w (\d+) /.exec(statOf(pid)) ?? [];
      return Number(parent) === process.pid && names.includes(name);
    })
    .map(Number);
}

function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ''; // It ended while we looked.
  }
}

export type Ear = {
  /** All that was heard so far. */
  heard(): Pcm;
  stop(): Promise<void>;
};

/** Records from a device of the card; resolves when sound, or silence, comes in. */
export async function listen(card: TestCard, device: string, rateHz: number): Promise<Ear> {
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', String(rateHz), '-c', '1'];
  const timing = ['--period-time=20000', '--buffer-time=1000000'];
  const child: ChildProcess = spawn('arecord', ['-q', '-D', device, ...format, ...timing, '-'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: card.childEnvironment,
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await until(() => chunks.length > 0, `arecord hears ${device}`);
  return {
    heard: () => Buffer.concat(chunks),
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
