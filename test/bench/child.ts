// Child processes of the benches: started with their last words kept, and ended for certain. Knows no program.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Lab } from './lab.ts';

/** The daemon gives itself 5 s to say goodbye; whatever is left then is killed. */
const END_DEADLINE_MS = 8_000;
const LAST_WORDS_CHARS = 2_000;

export type Kept = {
  readonly pid: number;
  readonly process: ChildProcess;
  /** The end of what it wrote to both outputs. */
  lastWords(): string;
};

export type StartOptions = {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Sound goes in or comes out; otherwise stdout is kept as words. */
  readonly sound?: 'in' | 'out';
};

export async function startChild(
  lab: Lab,
  command: string,
  args: readonly string[],
  { environment, sound }: StartOptions = {},
): Promise<Kept> {
  const child = await lab.keep(
    async () => {
      const started = spawn(command, args, {
        stdio: [sound === 'in' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
        env: environment ?? process.env,
      });
      await once(started, 'spawn');
      return started;
    },
    // They have nothing to say at their end, and arecord and aplay take 105 ms over a SIGTERM.
    sound === undefined ? endChild : killChild,
  );
  let words = '';
  const hear = (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-LAST_WORDS_CHARS);
  };
  // A child that is killed while it is written to.
  child.stdin?.on('error', () => undefined);
  if (sound !== 'out') child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return { pid: child.pid, process: child, lastWords: () => words.trim() };
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  const impatience = setTimeout(() => child.kill('SIGKILL'), END_DEADLINE_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(impatience);
}

export async function killChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
