// One look at the machine through a program or a file: text, or null where there is none. For those who gather facts.
import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';

/** Everything asked here answers at once; what hangs is told by its silence. */
const DEADLINE_MS = 4_000;
/** Of a program's words. */
const LONGEST_BYTES = 1024 * 1024;

export type Said = { readonly code: number | null; readonly out: string; readonly err: string };

/** Null: it is not installed. */
export function said(program: string, ...args: readonly string[]): Promise<Said | null> {
  return new Promise((resolve) => {
    const options = { timeout: DEADLINE_MS, maxBuffer: LONGEST_BYTES, env: { ...process.env, LC_ALL: 'C' } };
    execFile(program, args, options, (error, out, err) => {
      const { code } = (error ?? { code: 0 }) as { code?: unknown };
      if (code === 'ENOENT' || code === 'EACCES') return resolve(null);
      resolve({ code: typeof code === 'number' ? code : null, out, err });
    });
  });
}

/** What a program records; null: it does not, or not to its end. */
export function sampled(program: string, ...args: readonly string[]): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const options = { timeout: DEADLINE_MS, maxBuffer: LONGEST_BYTES, encoding: 'buffer' } as const;
    execFile(program, args, options, (error, out) => resolve(error === null ? out : null));
  });
}

export function content(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function modeOf(path: string): number | null {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return null;
  }
}

export function may(path: string, what: 'read' | 'write'): boolean {
  try {
    accessSync(path, what === 'read' ? constants.R_OK : constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Undefined where it is no JSON. */
export function json(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
