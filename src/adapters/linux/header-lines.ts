// Lines of the header that are set and read with libgpiod's programs of either generation. A line stays as it was set for as
// long as its gpioset child lives. Knows nothing of what hangs on the line.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../ports.ts';
import { type Found, GpiodPrograms, isAbsent, NOT_INSTALLED } from './gpiod-programs.ts';
import { levelArguments } from './gpiod-tools.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** To be found, and no more: they need to know nothing of this process. */
const TO_BE_FOUND: Environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

export type HeaderLine = { readonly gpio: number; readonly activeLow: boolean };

/** `high` is the level of the wire, whatever that means at its other end. */
type Held = { readonly child: ChildProcess; readonly high: boolean };

/** Somebody waits for the answer. */
const TOOL_DEADLINE_MS = 2_000;
/** A child that cannot have the line says so and ends within some ms of its start; one that is still there has it. */
const HAS_LINE_MS = 100;

export class HeaderLines {
  readonly #clock: Clock;
  readonly #environment: Environment;
  readonly #programs: GpiodPrograms;
  readonly #held = new Map<number, Held>();
  /** Of each line the last thing asked for: two at once would both start a child, and one of them be forgotten. */
  readonly #asked = new Map<number, Promise<void>>();
  #phase: 'open' | 'stopped' = 'open';

  constructor({
    clock,
    environment = TO_BE_FOUND,
  }: { readonly clock: Clock; readonly environment?: Environment }) {
    this.#clock = clock;
    this.#environment = environment;
    this.#programs = new GpiodPrograms({ environment, deadlineMs: TOOL_DEADLINE_MS });
  }

  /** One after the other for each line, in the order in which they were asked for. */
  set(line: HeaderLine, on: boolean): Promise<void> {
    const before = this.#asked.get(line.gpio) ?? Promise.resolve();
    const next = before.catch(() => undefined).then(() => this.#set(line, on));
    this.#asked.set(line.gpio, next);
    return next;
  }

  async #set({ gpio, activeLow }: HeaderLine, on: boolean): Promise<void> {
    const high = on !== activeLow;
    // Let go and driven again, a relay would click.
    if (this.#holds(gpio, high)) return;
    const { generation, chip, offset } = await this.#find(gpio);
    await this.#letGo(gpio);
    // A child that is started now would outlive the process and keep the line.
    if (this.#phase === 'stopped') throw new Error('the box is shutting down');
    const low = activeLow ? ['-l'] : [];
    const level = `${offset}=${on ? 1 : 0}`;
    // 1.6 lets go at once unless it waits for a signal; 2.x holds by itself.
    const args = generation === 1 ? ['--mode=signal', ...low, chip, level] : [...low, '-c', chip, level];
    const child = spawn('gpioset', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...this.#environment },
    });
    this.#held.set(gpio, { child, high });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said = `${said}${chunk.toString('utf8')}`.slice(0, 200);
      });
      child.once('error', reject);
      child.once('close', () => {
        if (this.#held.get(gpio)?.child === child) this.#held.delete(gpio);
        reject(new Error(said.trim() || 'gpioset ended by itself'));
      });
      this.#clock.after(HAS_LINE_MS, resolve);
    });
  }

  async isOn({ gpio, activeLow }: HeaderLine): Promise<boolean> {
    const { generation, ...line } = await this.#find(gpio);
    const wish = { activeLow, pull: 'off', debounceMs: 0 } as const;
    const { said, failed } = await this.#programs.run('gpioget', levelArguments(generation, line, wish));
    if (failed !== undefined) throw new Error(words(failed));
    return said === '1';
  }

  /** Every line goes back to what it is by itself. */
  stop(): void {
    this.#phase = 'stopped';
    for (const { child } of this.#held.values()) child.kill('SIGTERM');
    this.#held.clear();
  }

  /** A child that has ended holds nothing, reported or not. */
  #holds(gpio: number, high: boolean): boolean {
    const held = this.#held.get(gpio);
    return held?.high === high && held.child.exitCode === null && held.child.signalCode === null;
  }

  async #letGo(gpio: number): Promise<void> {
    const child = this.#held.get(gpio)?.child;
    if (child === undefined) return;
    this.#held.delete(gpio);
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGTERM');
    await gone;
  }

  async #find(gpio: number): Promise<Found> {
    const found = await this.#programs.find(gpio, '');
    if ('missing' in found) throw new Error(found.missing);
    if ('failed' in found) throw new Error(words(found.failed));
    return found;
  }
}

function words(failed: string | Error): string {
  if (isAbsent(failed)) return NOT_INSTALLED;
  return (failed instanceof Error ? failed.message : failed).split('\n').at(-1) ?? '';
}
