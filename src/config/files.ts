// Reads configuration files: bytes to parsed TOML with line numbers, or the one thing that is wrong with the file.
// Never throws, never blocks on a pipe, never repeats the file's text. Knows no configuration key.

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { keyLines } from './key-lines.ts';
import type { Problem } from './problem.ts';

export type Table = { readonly [name: string]: unknown };

export type ConfigFile = {
  readonly file: string;
  /** Undefined when the file is missing or unusable. */
  readonly table?: Table;
  readonly lineOf: (key: string) => number | undefined;
  readonly problems: readonly Problem[];
};

type Bytes = { readonly bytes: Uint8Array } | { readonly missing: boolean; readonly reason: string };

// The reference file with every comment is below 20 kB; a larger one is something else, such as a recording.
const LARGEST_FILE_BYTES = 256 * 1024;
// The schema is three levels deep; a deeper file is no configuration and could exhaust the parser's stack.
const DEEPEST_NESTING = 16;
// The parser's sentence holds no part of the file; what follows on further lines quotes it, secrets included.
const PARSER_PREFIX = 'Invalid TOML document: ';

export function readConfigFile(file: string, mustExist: boolean): ConfigFile {
  const unusable = (message: string, line?: number): ConfigFile => ({
    file,
    lineOf: () => undefined,
    problems: [
      {
        severity: 'error',
        file,
        ...(line !== undefined && { line }),
        message: `${message}; the file is ignored`,
      },
    ],
  });

  const read = readBytes(file);
  if (!('bytes' in read)) {
    return read.missing && !mustExist
      ? { file, lineOf: () => undefined, problems: [] }
      : unusable(read.reason);
  }
  const text = decodeUtf8(read.bytes);
  if (typeof text === 'number') return unusable('not valid UTF-8', text);
  try {
    const table: Table = parse(text, { maxDepth: DEEPEST_NESTING });
    const lines = keyLines(text);
    return { file, table, lineOf: (key) => lines.get(key), problems: [] };
  } catch (error) {
    if (!(error instanceof TomlError)) return unusable('not valid TOML');
    const sentence = (error.message.split('\n')[0] ?? '').replace(PARSER_PREFIX, '');
    return unusable(`not valid TOML, column ${error.column}: ${sentence}`, error.line);
  }
}

/** The `*.toml` files of the directory `config.d` beside the file, in name order. */
export function listDropIns(configFile: string): {
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
} {
  const directory = join(dirname(configFile), 'config.d');
  try {
    // A leading dot marks what editors and synchronisers leave behind.
    const names = readdirSync(directory).filter((name) => name.endsWith('.toml') && !name.startsWith('.'));
    // By code unit, not by locale: the order must not depend on the machine.
    return { files: names.sort().map((name) => join(directory, name)), problems: [] };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return { files: [], problems: [] };
    return {
      files: [],
      problems: [{ severity: 'error', file: directory, message: `cannot be read (${code})` }],
    };
  }
}

function readBytes(file: string): Bytes {
  let fd: number;
  try {
    // Opening a pipe that nobody writes to would otherwise hang the start.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    return {
      missing: code === 'ENOENT',
      reason: code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`,
    };
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return { missing: false, reason: 'is a directory' };
    // Character devices: `--config /dev/null` is the usual way to say "none".
    if (!stat.isFile() && !stat.isCharacterDevice())
      return { missing: false, reason: 'is not a regular file' };
    const bytes = new Uint8Array(LARGEST_FILE_BYTES + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > LARGEST_FILE_BYTES)
      return { missing: false, reason: `is larger than ${LARGEST_FILE_BYTES} bytes` };
    return { bytes: bytes.subarray(0, length) };
  } catch (error) {
    return { missing: false, reason: `cannot be read (${codeOf(error)})` };
  } finally {
    closeSync(fd);
  }
}

/** The text, or the number of the first line that is not UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | number {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  // One character per byte keeps the bytes of each line intact.
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  return 1 + lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1')));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown error';
}
