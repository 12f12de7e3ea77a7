// The demo as a process, for its tests: in a folder of its own, with what it prints, and what is alive because of it.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RATE_HZ } from '../../src/demo/likeness.ts';
import type { Pcm } from '../../src/ports.ts';
import { unpackPulse } from '../helpers/pulse.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export type DemoRun = {
  readonly child: ChildProcess;
  /** Where it was started; its `demo` is in there. */
  readonly folder: string;
  readonly output: () => string;
  readonly errors: () => string;
  /** Its exit code or signal, when all it wrote has been read. */
  readonly ended: Promise<number | string>;
  /** Processes that it has started, at whatever remove, and what it has left in its temporary folder. */
  remains(): readonly string[];
  clean(): Promise<void>;
};

export type Setting = {
  /** Instead of the machine's programs: the real ones of these names, and scripts. What is in neither is missing. */
  readonly programs?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
};

export async function startDemo(args: readonly string[] = [], setting?: Setting): Promise<DemoRun> {
  const folder = await mkdtemp(join(tmpdir(), 'xz-'));
  const environment = setting === undefined ? {} : await pathOf(join(folder, 'bin'), setting);
  const temporary = join(folder, 't');
  await mkdir(temporary);
  const child = spawn(process.execPath, [MAIN, 'demo', ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code ?? 'unknown')),
  );
  return {
    child,
    folder,
    output: () => output,
    errors: () => errors,
    ended,
    // Everything it starts inherits its TMPDIR, or names a file in it.
    remains: () => [...processesWith(temporary), ...readdirSync(temporary)],
    async clean() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function pathOf(bin: string, { programs = [], scripts = {} }: Setting): Promise<NodeJS.ProcessEnv> {
  await mkdir(bin);
  for (const name of programs)
    if (name !== 'pulseaudio') await symlink(outputOf('which', name).toString().trim(), join(bin, name));
  if (programs.includes('pulseaudio')) await unpackPulse(bin);
  for (const [name, script] of Object.entries(scripts))
    await writeFile(join(bin, name), script, { mode: 0o755 });
  // Where PulseAudio may be unpacked is below these folders.
  return { PATH: bin, HOME: bin, XDG_CACHE_HOME: bin };
}

/** What a program of the machine writes to its standard output. */
export function outputOf(program: string, ...args: readonly string[]): Buffer {
  return execFileSync(program, args);
}

/** 16 kHz mono, as the judgement takes it. */
export function samplesOf(wavFile: string): Pcm {
  return outputOf(
    'sox',
    wavFile,
    '-t',
    'raw',
    ...['-r', String(RATE_HZ), '-e', 'signed', '-b', '16', '-c', '1'],
    '-',
  );
}

function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => contentOf(pid, 'cmdline').includes(text) || contentOf(pid, 'environ').includes(text))
    .map((pid) => `${pid} ${contentOf(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

function contentOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It ended while we looked.
  }
}
