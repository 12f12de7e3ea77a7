// Lines of the header that are set and read with libgpiod's programs of either generation. A line stays as it was set for as
// long as its gpioset child lives. Knows nothing of what hangs on the line.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Clock } from '../../ports.ts';
import {
  type ChipLine,
  chipsByLabel,
  findLine,
  type Generation,
  generationOf,
  levelArguments,
  linesOf,
} from './gpiod-tools.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** To be found, and no more: they need to know nothing of this process. */
const TO_BE_FOUND: Environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

export type HeaderLine = { readonly gpio: number; readonly activeLow: boolean };

/** They answer in milliseconds; a Pi Zero takes a second to load one from its card. */
const TOOL_DEADLINE_MS = 2_000;
/** A child that cannot have the line says so and ends within some ms of its start; one that is still there has it. */
const HAS_LINE_MS = 100;

export class HeaderLines {
  readonly #clock: Clock;
  readonly #environment: Environment;
  readonly #held = new Map<number, ChildProcess>();

  constructor({
    clock,
    environment = TO_BE_FOUND,
  }: { readonly clock: Clock; readonly environment?: Environment }) {
    this.#clock = clock;
    this.#environment = environment;
  }

  async set({ gpio, activeLow }: HeaderLine, on: boolean): Promise<void> {
    const { generation, chip, offset } = await this.#find(gpio);
    await this.#letGo(gpio);
    const low = activeLow ? ['-l'] : [];
    const level = `${offset}=${on ? 1 : 0}`;
    // 1.6 lets go at once unless it waits for a signal; 2.x holds by itself.
    const args = generation === 1 ? ['--mode=signal', ...low, chip, level] : [...low, '-c', chip, level];
    const child = spawn('gpioset', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...this.#environment },
    });
    this.#held.set(gpio, child);
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said = `${said}${chunk.toString('utf8')}`.slice(0, 200);
      });
      child.once('error', reject);
      child.once('close', () => {
        if (this.#held.get(gpio) === child) this.#held.delete(gpio);
        reject(new Error(said.trim() || 'gpioset ended by itself'));
      });
      this.#clock.after(HAS_LINE_MS, resolve);
    });
  }

  async isOn({ gpio, activeLow }: HeaderLine): Promise<boolean> {
    const { generation, ...line } = await this.#find(gpio);
    const wish = { activeLow, pull: 'off', debounceMs: 0 } as const;
    return (await this.#tool('gpioget', levelArguments(generation, line, wish))).trim() === '1';
  }

  /** Every line goes back to what it is by itself. */
  stop(): void {
    for (const child of this.#held.values()) child.kill('SIGTERM');
    this.#held.clear();
  }

  async #letGo(gpio: number): Promise<void> {
    const child = this.#held.get(gpio);
    if (child === undefined) return;
    this.#held.delete(gpio);
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGTERM');
    await gone;
  }

  async #find(gpio: number): Promise<ChipLine & { readonly generation: Generation }> {
    const generation = generationOf(await this.#tool('gpioget', ['--version']));
    if (generation === undefined) throw new Error("gpioget is not libgpiod's");
    const found = {
      chips: chipsByLabel(await this.#tool('gpiodetect', [])),
      lines: linesOf(await this.#tool('gpioinfo', [])),
    };
    const where = findLine(found, gpio, '');
    if ('missing' in where) throw new Error(where.missing);
    return { ...where, generation };
  }

  #tool(program: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = {
        timeout: TOOL_DEADLINE_MS,
        killSignal: 'SIGKILL',
        env: { ...this.#environment },
      } as const;
      execFile(program, [...args], options, (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        if (error.code === 'ENOENT')
          return reject(new Error('the programs of libgpiod are not installed: apt-get install gpiod'));
        reject(new Error(stderr.trim().split('\n').at(-1) || error.message));
      });
    });
  }
}
