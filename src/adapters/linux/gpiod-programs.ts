// libgpiod's programs, each run to its end: of which generation they are, which lines there are, and where one of the header
// is. Knows no button and nothing of what hangs on a line.
import { execFile } from 'node:child_process';
import {
  type ChipLine,
  chipsByLabel,
  findLine,
  type Generation,
  generationOf,
  type ListedLine,
  linesOf,
} from './gpiod-tools.ts';

export type GpiodOptions = {
  /** The children's whole environment; without it they inherit this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly deadlineMs?: number;
};

/** `failed`: the program's last words, or that it could not be started. */
export type Said = { readonly said: string; readonly failed?: string | Error };

export type Found = ChipLine & { readonly generation: Generation };
type Lists = {
  readonly generation: Generation;
  readonly chips: ReadonlyMap<string, string>;
  readonly lines: readonly ListedLine[];
};
type NotFound = { readonly failed: string | Error } | { readonly missing: string };

/** They answer in milliseconds; a Pi Zero that has just booted takes a second to load a program from its card. */
const DEADLINE_MS = 5_000;
/** A list of 58 lines is 3 KiB; a board with several expanders stays far below. */
const MAX_LIST_BYTES = 262_144;

export const NOT_INSTALLED = 'the programs of libgpiod are not installed: apt-get install gpiod';

export class GpiodPrograms {
  readonly #environment: GpiodOptions['environment'];
  readonly #deadlineMs: number;
  #looking: Promise<Lists | NotFound> | undefined;

  constructor({ environment, deadlineMs = DEADLINE_MS }: GpiodOptions = {}) {
    this.#environment = environment;
    this.#deadlineMs = deadlineMs;
  }

  /** @param chip its label; empty: see findLine */
  async find(gpio: number, chip: string): Promise<Found | NotFound> {
    const lists = await this.#look();
    if (!('generation' in lists)) return lists;
    const where = findLine(lists, gpio, chip);
    return 'missing' in where ? where : { ...where, generation: lists.generation };
  }

  async holderOf({ chip, offset }: ChipLine): Promise<string | undefined> {
    const { said } = await this.run('gpioinfo', []);
    return linesOf(said).find((one) => one.chip === chip && one.offset === offset)?.holder;
  }

  run(program: string, args: readonly string[]): Promise<Said> {
    const limits = { timeout: this.#deadlineMs, killSignal: 'SIGKILL', maxBuffer: MAX_LIST_BYTES } as const;
    const env = this.#environment === undefined ? {} : { env: { ...this.#environment } };
    return new Promise((resolve) => {
      try {
        execFile(program, [...args], { ...limits, ...env }, (error, stdout, stderr) => {
          const said = stdout.trimEnd();
          if (error === null) return resolve({ said });
          if (error.killed) return resolve({ said, failed: `${program} does not answer` });
          resolve({ said, failed: typeof error.code === 'string' ? error : stderr.trim() || error.message });
        });
      } catch (error) {
        resolve({ said: '', failed: error as Error });
      }
    });
  }

  /** The keys of a box all begin in one moment: they share one look. */
  #look(): Promise<Lists | NotFound> {
    this.#looking ??= this.#lists().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lists(): Promise<Lists | NotFound> {
    const version = await this.run('gpiomon', ['--version']);
    if (version.failed !== undefined) return { failed: version.failed };
    const generation = generationOf(version.said);
    if (generation === undefined) return { missing: `gpiomon is not libgpiod's: ${version.said}` };
    const [detected, info] = [await this.run('gpiodetect', []), await this.run('gpioinfo', [])];
    // Some chips may be for others; what can be listed will do.
    if (detected.said === '' && detected.failed !== undefined) return { failed: detected.failed };
    return { generation, chips: chipsByLabel(detected.said), lines: linesOf(info.said) };
  }
}

export function isAbsent(failed: string | Error): boolean {
  return failed instanceof Error && 'code' in failed && failed.code === 'ENOENT';
}
