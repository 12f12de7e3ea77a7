// One program with fixed arguments, run to its end or to its deadline: no shell, no environment, no input, and a bound to what
// it may say. It is the first of a process group of its own, which ends with it when it is ended; what it leaves behind when it
// ends by itself goes on, and nobody waits for that. Knows nothing of what it is for.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../../ports.ts';

/** A model reads it aloud, or sums it up: a page is more than enough. */
const LONGEST_CHARS = 2_000;
/** Beyond it the program is ended: it is writing a file to us. */
const LONGEST_BYTES = 64 * 1024;

export type Outcome = { readonly said: string } | { readonly failed: string };

export function runFixed(argv: readonly string[], timeoutMs: number, clock: Clock): Promise<Outcome> {
  const [program = '', ...rest] = argv;
  return new Promise((resolve) => {
    try {
      const child = spawn(program, rest, {
        env: {},
        cwd: '/',
        shell: false,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      follow(child, { stdout: child.stdout, stderr: child.stderr }, { timeoutMs, clock }, resolve);
    } catch (error) {
      resolve({ failed: error instanceof Error ? error.message : String(error) });
    }
  });
}

type Limits = { readonly timeoutMs: number; readonly clock: Clock };

function follow(
  child: ChildProcess,
  { stdout, stderr }: { readonly stdout: Readable; readonly stderr: Readable },
  { timeoutMs, clock }: Limits,
  resolve: (outcome: Outcome) => void,
): void {
  const kill = () => endGroup(child);
  const end = (outcome: Outcome) => {
    cancel();
    process.off('exit', kill);
    // Whoever was left behind holds the other ends.
    stdout.destroy();
    stderr.destroy();
    resolve(outcome);
  };
  const give = (failed: string) => {
    kill();
    end({ failed });
  };
  const cancel = clock.after(timeoutMs, () => give(`the program took longer than ${timeoutMs} ms`));
  // Its group is not this one's: nobody else would end it.
  process.once('exit', kill);
  const tooMuch = () => give('the program said too much');
  const [said, complained] = [heardFrom(stdout, tooMuch), heardFrom(stderr, tooMuch)];
  child.once('error', (error) => end({ failed: absence(error) }));
  child.once('exit', (code, signal) => {
    const outcome = () =>
      end(code === 0 ? { said: cut(said()) } : { failed: lastWords(complained(), signal ?? code) });
    child.once('close', outcome);
    // The pipes end later or never where something was left behind. What the program wrote was written before it ended,
    // and is read in the next round of the event loop; the second of two timers comes after a whole one.
    clock.after(0, () => clock.after(0, outcome));
  });
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // They are gone already.
  }
}

/** What was heard until now. */
function heardFrom(stream: Readable, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LONGEST_BYTES) return tooMuch();
    chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function absence(error: Error & { readonly code?: string }): string {
  if (error.code === 'ENOENT') return 'the program is not there';
  return error.code === 'EACCES' ? 'the program may not be run' : error.message;
}

function lastWords(complained: string, end: number | string | null): string {
  const words = cut(complained.trim().split('\n').at(-1) ?? '');
  return words === '' ? `the program failed (${String(end)})` : words;
}

/** What a program prints must not steer a terminal or a log. */
function cut(text: string): string {
  const plain = text.trim().replace(/[^\P{Cc}\n]/gu, ' ');
  return plain.length > LONGEST_CHARS ? `${plain.slice(0, LONGEST_CHARS)}…` : plain;
}
