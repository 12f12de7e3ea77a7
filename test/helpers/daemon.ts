// The real `xiaozhi-agent` as processes: the daemon in folders of its own, and single commands beside it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPath } from '../../src/adapters/linux/control-socket.ts';
import { until } from './card.ts';
import { NOBODY } from './out-of-reach.ts';

const MAIN = join(import.meta.dirname, '../../src/main.js');

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** A command that goes on. */
export type Going = { readonly said: () => string; readonly ended: Promise<Ended> };

function begin(args: readonly string[], environment: NodeJS.ProcessEnv, uid?: number): Going {
  let text = '';
  const ended = new Promise<Ended>((resolve) => {
    const options = { env: environment, timeout: 30_000, ...(uid === undefined ? {} : { uid, gid: uid }) };
    const child = execFile(process.execPath, [MAIN, ...args], options, (_error, stdout, stderr) => {
      noteSaid(stdout + stderr);
      resolve({ code: child.exitCode, stdout, stderr });
    });
    child.stdout?.on('data', (chunk: string) => {
      text += chunk;
    });
  });
  return { said: () => text, ended };
}

/** One command to its end. */
export function command(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return begin(args, environment).ended;
}

/** The same by somebody who may not do everything: oneself, unless one is root. */
export function commandWithoutRights(args: readonly string[]): Promise<Ended> {
  return begin(args, process.env, process.getuid?.() === 0 ? NOBODY : undefined).ended;
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
  /** Until it can be asked; before, nobody answers, and a signal ends it without a word. `ask` and `stop` wait for it. */
  answering(): Promise<void>;
  ask(...args: readonly string[]): Promise<Ended>;
  /** The same, of a command that is looked at while it goes on; to be begun when the daemon answers. */
  begin(...args: readonly string[]): Going;
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
  { root, options }: Folders,
  { settings = {}, environment = process.env }: DaemonOptions = {},
): Daemon {
  const all = { ...NO_CARD, ...settings };
  const set = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const child = spawn(process.execPath, [MAIN, 'run', ...options, ...set], {
    // Whoever asks for its server is given a token there, which one in a file would stand in the way of.
    env: {
      ...('server.ota_url' in settings ? {} : { XIAOZHI_SERVER__TOKEN_FILE: secretIn(root) }),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const keep = (chunk: Buffer) => {
    text += chunk.toString('utf8');
    noteSaid(chunk);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (child.pid === undefined) throw new Error('the daemon did not start');
  const socket = controlPath(options[options.indexOf('--runtime-dir') + 1] ?? '');
  const answering = () =>
    until(() => existsSync(socket) || child.exitCode !== null || child.signalCode !== null, 'control socket');
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
    answering,
    async ask(...args) {
      await answering();
      return command([...args, ...options.slice(2)], environment);
    },
    begin: (...args) => begin([...args, ...options.slice(2)], environment),
    async stop() {
      await answering();
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** Every box has a token, of which the runner sees whether anybody has said it: test/run.ts. */
function secretIn(root: string): string {
  const file = join(root, 't');
  writeFileSync(file, `fixture-token-${randomBytes(6).toString('hex')}\n`, { mode: 0o600 });
  return file;
}

function noteSaid(text: string | Buffer): void {
  const { TEST_SAID_FOLDER: folder } = process.env;
  if (folder !== undefined) appendFileSync(join(folder, `${process.pid}.txt`), text);
}
