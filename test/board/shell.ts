// Programs run to their end from here, and how a command is put into another. Knows no board.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type Said = { readonly code: number | null; readonly out: string };

export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function output(
  program: string,
  args: readonly string[],
  input?: Uint8Array,
): Promise<Said & { readonly bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // It may end before it has read what it was given.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    // Not 'close': the connection that ssh leaves behind for the next command keeps standard error open.
    Promise.all([once(child, 'exit'), once(child.stdout, 'close')]).then(([[code]]) => {
      child.stderr.destroy();
      const bytes = Buffer.concat(out);
      resolve({ code, bytes, out: `${bytes.toString('utf8')}${Buffer.concat(err).toString('utf8')}` });
    }, reject);
  });
}

export async function ended(program: string, ...args: readonly string[]): Promise<void> {
  const { code, out } = await output(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${out}`);
}
