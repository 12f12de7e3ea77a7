// The real `xiaozhi-agent run` in a network namespace: its log as it comes, line by line, its control socket, the sockets
// and the children it has. Must not know the server, nor what the network is.

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { askControl } from '../../src/adapters/linux/control-socket.ts';
import type { Status } from '../../src/status.ts';
import { Inbox } from '../helpers/inbox.ts';
import type { Namespaces } from '../helpers/netns.ts';
import { DEADLINE_MS } from './far-server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.js');

export type Line = { readonly level: number; readonly msg: string; readonly [field: string]: unknown };
export type Settings = Readonly<Record<string, string>>;

/** pino's. */
export const WARNING = 40;

/** No card; a turn ends with its answer, so that the next press begins one. */
const ALWAYS: Settings = {
  'log.format': 'json',
  'audio.input.device': 'null',
  'audio.output.device': 'null',
  'turn.follow_up': 'false',
};

export type BoxedDaemon = {
  readonly pid: number;
  readonly token: string;
  readonly lines: readonly Line[];
  /** The exit code, or the signal, once it has ended. */
  readonly ended: number | string | null;
  /** The next line of that text; what came before it counts as read, so that a sequence of calls is an order. */
  logged(text: string, want?: (line: Line) => boolean): Promise<Line>;
  count(text: string, want?: (line: Line) => boolean): number;
  /** Everything it wrote, what is no line of its log included. */
  output(): string;
  press(holdMs?: number): Promise<void>;
  status(): Promise<Status>;
  /** The exit code, or the signal that ended it. */
  stop(): Promise<number | string | null>;
};

export async function bootDaemon(
  net: Namespaces,
  ns: string,
  settings: Settings,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<BoxedDaemon> {
  const root = net.folder(ns);
  const token = `fixture-token-${randomBytes(12).toString('hex')}`;
  const tokenFile = join(root, 'token');
  await writeFile(tokenFile, token, { mode: 0o600 });
  await writeFile(join(root, 'config.toml'), '');
  const runtime = join(root, 'r');
  const all = { ...ALWAYS, 'server.token_file': tokenFile, ...settings };
  const set = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const places = [
    '--config',
    join(root, 'config.toml'),
    '--state-dir',
    join(root, 's'),
    '--runtime-dir',
    runtime,
  ];
  const child = net.spawn(ns, [process.execPath, MAIN, 'run', ...places, ...set], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  });
  if (child.pid === undefined || child.stdout === null || child.stderr === null)
    throw new Error('the daemon did not start');
  const lines = new Inbox<Line>();
  let output = '';
  let ended: number | string | null = null;
  createInterface({ input: child.stdout }).on('line', (text) => {
    output += `${text}\n`;
    if (text.startsWith('{')) lines.push(JSON.parse(text) as Line);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const gone = new Promise<number | string | null>((resolve) => {
    child.once('close', (code, signal) => {
      ended = code ?? signal;
      lines.end('the daemon has ended');
      resolve(ended);
    });
  });

  async function ask(command: string, words: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const answer = await askControl(runtime, { ...words, command }, DEADLINE_MS);
    if ('ok' in answer && answer.ok) return answer;
    throw new Error(`${command}: ${JSON.stringify(answer)}`);
  }

  return {
    pid: child.pid,
    token,
    lines: lines.all,
    get ended() {
      return ended;
    },
    logged: (text, want = () => true) =>
      lines.next((line) => line.msg === text && want(line), `"${text}" in the log`, DEADLINE_MS),
    count: (text, want = () => true) => lines.all.filter((line) => line.msg === text && want(line)).length,
    output: () => output,
    async press(holdMs) {
      await ask('press', holdMs === undefined ? {} : { hold_ms: holdMs });
    },
    status: async () => (await ask('status')).status as Status,
    async stop() {
      child.kill('SIGTERM');
      const patience = new AbortController();
      const late = wait(DEADLINE_MS, undefined, { signal: patience.signal }).then(() => {
        throw new Error(`it did not end within ${DEADLINE_MS} ms`);
      });
      try {
        return await Promise.race([gone, late]);
      } finally {
        patience.abort();
      }
    },
  };
}
