// The demo's sound programs, each run to its end: espeak-ng speaks, sox turns files into samples and back, aplay plays.
// Knows their options and nothing of the conversation.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Pcm } from '../ports.ts';
import { type Children, lastWords } from './children.ts';
import { RATE_HZ } from './likeness.ts';
import type { Waits } from './waits.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A sentence takes 0.1 s here; a Pi Zero is thirty times slower, and the longest plays for 4 s. */
const TOOL_DEADLINE_MS = 20_000;
const RAW = ['-t', 'raw', '-r', String(RATE_HZ), '-e', 'signed', '-b', '16', '-c', '1'];

export class SoundTools {
  readonly #children: Children;
  readonly #waits: Waits;
  readonly #environment: Environment;

  constructor(parts: { children: Children; waits: Waits; environment: Environment }) {
    this.#children = parts.children;
    this.#waits = parts.waits;
    this.#environment = parts.environment;
  }

  async speak(sentence: string, wavFile: string): Promise<void> {
    await this.#run('espeak-ng', ['-v', 'en', '-w', wavFile, sentence]);
  }

  read(wavFile: string): Promise<Pcm> {
    return this.#run('sox', [wavFile, ...RAW, '-']);
  }

  async write(wavFile: string, pcm: Pcm): Promise<void> {
    await this.#run('sox', [...RAW, '-', wavFile], pcm);
  }

  async play(wavFile: string, device: string): Promise<void> {
    await this.#run('aplay', ['-q', '-D', device, wavFile]);
  }

  async #run(command: string, args: readonly string[], input?: Pcm): Promise<Pcm> {
    const chunks: Buffer[] = [];
    const child = this.#children.start({
      name: command,
      command,
      args,
      environment: this.#environment,
      ...(input === undefined ? {} : { input }),
      output: (chunk) => chunks.push(chunk),
    });
    const ending = await this.#waits.until(`${command} is done`, TOOL_DEADLINE_MS, () => child.ending);
    if (ending !== 'exit code 0') throw new Error(`${command} failed (${ending})${lastWords(child.lines)}`);
    return Buffer.concat(chunks);
  }
}

export function missingPrograms(names: readonly string[], environment: Environment): readonly string[] {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.filter((name) => !folders.some((folder) => isProgram(join(folder, name))));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
