// The real `xiaozhi-agent` as processes: the daemon in folders of its own, and single commands beside it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './card.ts';

const MAIN = join(import.meta.dirname, '../../src/main.js');

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** One command to its end. */
export function command(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
  uid?: number,
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: environment, timeout: 30_000, ...(uid === undefined ? {} : { uid, gid: uid }) };
    const child = execFile(process.execPath, [MAIN, ...args], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

export type Folders = { readonly root: string; readonly options: readonly string[]; remove(): Promise<void> };

/** Places for one instance; short, for a socket's path is at most 107 bytes long. */
export async function folders(): Promise<Folders> {
  const root = await mkdtemp(join(tmpdir(), 'xz-'));
  return {
    root,
    options: ['--state-dir', join(root, 's'), '--runtime-dir', join(root, 'r')],
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

export type Daemon = {
  readonly process: ChildProcess;
  readonly pid: number;
  /** All it has logged so far. */
  log(): string;
  /** Waits for a line that matches, among those already logged too. */
  logged(what: RegExp): Promise<void>;
  /** How often a line matched. */
  count(what: RegExp): number;
  ask(...args: readonly string[]): Promise<Ended>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
};

export type DaemonOptions = {
  readonly settings?: Readonly<Record<string, string>>;
  readonly environment?: NodeJS.ProcessEnv;
};

/** No card unless the settings name one; and what is measured of it is speech, unless they want sounds too. */
const NO_CARD = { 'audio.input.device': 'null', 'audio.output.device': 'null', 'sounds.volume': '0' };

export function startDaemon(
  { options }: Folders,
  { settings = {}, environment = process.env }: DaemonOptions = {},
): Daemon {
  const all = { ...NO_CARD, ...settings };
  const set = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const child = spawn(process.execPath, [MAIN, 'run', ...options, ...set], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const keep = (chunk: Buffer) => {
    text += chunk.toString('utf8');
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (child.pid === undefined) throw new Error('the daemon did not start');
  return {
    process: child,
    pid: child.pid,
    log: () => text,
    async logged(what) {
      await until(() => what.test(text), `${what} in the log`).catch((error: Error) => {
        throw new Error(`${error.message}; the log:\n${text}`);
      });
    },
    count: (what) => text.split('\n').filter((line) => what.test(line)).length,
    ask: (...args) => command([...args, ...options.slice(2)], environment),
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
