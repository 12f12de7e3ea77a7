// How the last run ended, for a board whose journal is gone after a restart: one small file, written rarely for the sake
// of SD cards. Knows the shape of the file and when it is written; neither file system nor format of the log.
import type { Cancel, Clock, Store } from '../ports.ts';
import type { Outage } from './outage.ts';
import type { PastTurn } from './turn-log.ts';

/** Its name in the state directory (design). */
export const LAST_RUN_FILE = 'last-run.json';
const VERSION = 1;
/** reliability.md and ux.md 5: SD cards; what a crash loses of the last minutes, `link.json` has in part. */
const WRITE_EVERY_MS = 300_000;
/** The file stays below 16 kB: these, an outage with its attempts (some 4 kB) and the rest. */
const MOST_TROUBLES = 20;
const LONGEST_TEXT = 300;
const MOST_BYTES = 16_000;

export type PastTrouble = {
  readonly at: string;
  readonly level: 'warn' | 'error';
  readonly code: string | null;
  readonly text: string;
};

/** What is to be remembered now. */
export type RunNow = {
  readonly uptime_s: number;
  readonly rss_mb: number;
  readonly link: string;
  readonly turns: number;
  readonly last_turn: PastTurn | null;
  readonly last_outage: Outage | null;
};

export type PastRun = RunNow & {
  readonly version: typeof VERSION;
  readonly agent: string;
  readonly node: string;
  /** Of the machine's start, so that a restart of the machine is told from one of the agent. */
  readonly boot: string;
  readonly saved_at: string;
  /** Null while it runs, and for ever when it broke off without a word. */
  readonly ended: string | null;
  readonly clean: boolean;
  readonly troubles: readonly PastTrouble[];
};

type Parts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly agent: string;
  readonly node: string;
  readonly boot: string;
};

export class PostMortem {
  readonly #parts: Parts;
  readonly #troubles: PastTrouble[] = [];
  #present: (() => RunNow) | null = null;
  #waiting: Cancel | null = null;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What the last run has left behind; undefined: nothing that can be understood. */
  previous(): PastRun | undefined {
    const found = this.#parts.store.read();
    if (found === undefined) return undefined;
    const run = readPastRun(found);
    if (run === undefined) this.#parts.store.setAside('it is of another version, or no such file');
    return run;
  }

  /** A line of the log that was a warning or an error. Victim: the oldest. */
  saw({ level, code, text }: Omit<PastTrouble, 'at'>): void {
    const at = new Date(this.#parts.clock.wallMs()).toISOString();
    this.#troubles.push({ at, level, code, text: text.slice(0, LONGEST_TEXT) });
    if (this.#troubles.length > MOST_TROUBLES) this.#troubles.shift();
    this.changed();
  }

  /** From now on what this gives is written, and first at once: a run that breaks off soon after must have left a trace. */
  follow(present: () => RunNow): void {
    this.#present = present;
    this.changed();
  }

  changed(): void {
    if (this.#present === null || this.#waiting !== null) return;
    const { clock } = this.#parts;
    const sinceMs = clock.now() - this.#writtenAt;
    if (sinceMs >= WRITE_EVERY_MS) this.#write();
    else
      this.#waiting = clock.after(WRITE_EVERY_MS - sinceMs, () => {
        this.#waiting = null;
        this.#write();
      });
  }

  /** The last write, before this returns; nothing is written after it. */
  close(ended: string, clean: boolean): void {
    this.#waiting?.();
    this.#waiting = null;
    if (this.#present === null) return;
    this.#parts.store.writeNow(this.#run(this.#present(), ended.slice(0, LONGEST_TEXT), clean));
    this.#present = null;
  }

  #write(): void {
    if (this.#present === null) return;
    this.#writtenAt = this.#parts.clock.now();
    this.#parts.store.write(this.#run(this.#present(), null, false));
  }

  #run(now: RunNow, ended: string | null, clean: boolean): PastRun {
    const { clock, agent, node, boot } = this.#parts;
    const saved_at = new Date(clock.wallMs()).toISOString();
    const whole = { version: VERSION, agent, node, boot, saved_at, ended, clean, ...now } as const;
    const troubles = [...this.#troubles];
    while (troubles.length > 0 && sizeOf({ ...whole, troubles }) > MOST_BYTES) troubles.shift();
    const run = { ...whole, troubles };
    return sizeOf(run) > MOST_BYTES ? { ...run, last_outage: null } : run;
  }
}

/** As the file has it. */
function sizeOf(run: object): number {
  return JSON.stringify(run, null, 2).length;
}

export function readPastRun(found: unknown): PastRun | undefined {
  if (typeof found !== 'object' || found === null) return undefined;
  const run = found as Partial<Record<keyof PastRun, unknown>>;
  const isRun =
    run.version === VERSION &&
    typeof run.saved_at === 'string' &&
    !Number.isNaN(Date.parse(run.saved_at)) &&
    typeof run.boot === 'string' &&
    typeof run.clean === 'boolean' &&
    (run.ended === null || typeof run.ended === 'string') &&
    typeof run.uptime_s === 'number' &&
    Array.isArray(run.troubles) &&
    run.troubles.every(isTrouble);
  return isRun ? (found as PastRun) : undefined;
}

function isTrouble(found: unknown): boolean {
  if (typeof found !== 'object' || found === null) return false;
  const { at, text } = found as Partial<PastTrouble>;
  return typeof at === 'string' && !Number.isNaN(Date.parse(at)) && typeof text === 'string';
}

/** In a sentence for people. */
export function endOf({ ended, boot }: PastRun, bootNow: string): string {
  if (ended !== null) return ended;
  return boot === bootNow
    ? 'broke off without a word: killed, out of memory, or stuck until the watchdog ended it'
    : 'broke off without a word: the machine was restarted or lost its power';
}
