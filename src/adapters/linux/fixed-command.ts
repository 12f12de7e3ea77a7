// One program with fixed arguments, run to its end or to its deadline: no shell, no environment, no input, and a bound to what
// it may say. Knows nothing of what it is for.
import { type ExecFileException, execFile } from 'node:child_process';

/** A model reads it aloud, or sums it up: a page is more than enough. */
const LONGEST_CHARS = 2_000;
/** Beyond it the program is ended: it is writing a file to us. */
const LONGEST_BYTES = 64 * 1024;

export type Outcome = { readonly said: string } | { readonly failed: string };

export function runFixed(argv: readonly string[], timeoutMs: number): Promise<Outcome> {
  const [program = '', ...rest] = argv;
  return new Promise((resolve) => {
    const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: LONGEST_BYTES } as const;
    try {
      const child = execFile(
        program,
        rest,
        { ...limits, env: {}, cwd: '/', shell: false },
        (error, stdout, stderr) => {
          if (error === null) return resolve({ said: cut(stdout) });
          resolve({ failed: reasonOf(error, stderr, timeoutMs) });
        },
      );
      child.stdin?.on('error', () => undefined);
      child.stdin?.end();
    } catch (error) {
      resolve({ failed: error instanceof Error ? error.message : String(error) });
    }
  });
}

function reasonOf(error: ExecFileException, stderr: string, timeoutMs: number): string {
  if (error.code === 'ENOENT') return 'the program is not there';
  if (error.code === 'EACCES') return 'the program may not be run';
  if (String(error.code) === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'the program said too much';
  if (error.killed === true) return `the program took longer than ${timeoutMs} ms`;
  const words = cut(stderr.trim().split('\n').at(-1) ?? '');
  return words === '' ? `the program failed (${String(error.code)})` : words;
}

/** What a program prints must not steer a terminal or a log. */
function cut(text: string): string {
  const plain = text.trim().replace(/[^\P{Cc}\n]/gu, ' ');
  return plain.length > LONGEST_CHARS ? `${plain.slice(0, LONGEST_CHARS)}…` : plain;
}
