// The programs the demo starts: each in a process group of its own, so that Ctrl-C reaches the demo alone and it can end
// them in order, grandchildren included. Keeps their lines with the time they came. Knows nothing of what they are.

import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Clock } from '../ports.ts';

export type Line = { readonly atMs: number; readonly text: string };

export type Launch = {
  /** As people know it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Runs until it is stopped; if it ends before, something is wrong. */
  readonly lasting?: boolean;
  /** Everything it says is added here. */
  readonly logFile?: string;
  readonly input?: Uint8Array;
  /** Its output is data, not lines. */
  readonly output?: (chunk: Buffer) => void;
};

export type Child = {
  readonly name: string;
  readonly pid: number | undefined;
  /** How it ended: `exit code 0`, the signal, or why it could not be started. */
  readonly ending: string | undefined;
  /** Victim: the oldest. */
  readonly lines: readonly Line[];
  /** SIGTERM, and SIGKILL for its whole group when it does not go. */
  stop(): Promise<string>;
};

/** The agent gives its sockets 2 s for a polite close. */
const STOP_DEADLINE_MS = 3_000;
/** A minute of a server that logs ten lines a second; a conversation has twenty. */
const LINES_LIMIT = 600;
/** A program that never ends its line. */
const PARTIAL_LIMIT_CHARS = 4_096;

export class Children {
  readonly #clock: Clock;
  readonly #living = new Map<number, ChildProcess>();
  readonly #fallen: string[] = [];
  readonly #stops: (() => Promise<string>)[] = [];
  #closing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What a lasting child died of that nobody had stopped. */
  get fallen(): string | undefined {
    return this.#fallen[0];
  }

  start(launch: Launch): Child {
    // Whatever was still on its way when the end began must not start anything more.
    if (this.#closing) throw new Error('the demo is ending');
    const { name, command, args, environment, logFile, input, output } = launch;
    const process = spawn(command, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: environment,
      detached: true,
    });
    const { pid } = process;
    if (pid !== undefined) this.#living.set(pid, process);
    const lines: Line[] = [];
    const said = this.#splitter(lines, logFile);
    const complained = this.#splitter(lines, logFile);
    process.stdout?.on('data', output ?? said);
    process.stderr?.on('data', complained);
    // A program that ends before it has read everything says so by its exit code.
    process.stdin?.on('error', () => {});
    process.stdin?.end(input);

    let ending: string | undefined;
    let stopping: Promise<string> | undefined;
    let stopAsked = false;
    const ended = new Promise<string>((resolve) => {
      const end = (how: string) => {
        if (ending !== undefined) return;
        ending = how;
        if (pid !== undefined) this.#living.delete(pid);
        if (launch.lasting && !stopAsked)
          this.#fallen.push(`${name} ended (${how})${lastWords(lines)}${logFile ? `, see ${logFile}` : ''}`);
        resolve(how);
      };
      process.once('error', (error) => {
        if (pid === undefined) end(error.message);
      });
      process.once('close', (code, signal) => end(signal ?? `exit code ${String(code)}`));
    });
    const stop = () => {
      stopAsked = true;
      stopping ??= this.#end(process, ended);
      return stopping;
    };
    this.#stops.push(stop);
    return {
      name,
      pid,
      lines,
      stop,
      get ending() {
        return ending;
      },
    };
  }

  /** Ends what is left, the latest first. Nothing can be started any more. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const stop of this.#stops.reverse()) await stop();
  }

  /** For an end that waits for nothing. */
  killNow(): void {
    this.#closing = true;
    for (const pid of this.#living.keys()) killGroup(pid);
  }

  async #end(process: ChildProcess, ended: Promise<string>): Promise<string> {
    const { pid } = process;
    if (pid === undefined || !this.#living.has(pid)) return ended;
    const cancel = this.#clock.after(STOP_DEADLINE_MS, () => killGroup(pid));
    process.kill('SIGTERM');
    const how = await ended;
    cancel();
    return how;
  }

  #splitter(lines: Line[], logFile: string | undefined): (chunk: Buffer) => void {
    let partial = '';
    return (chunk) => {
      const atMs = this.#clock.now();
      if (logFile !== undefined) appendFileSync(logFile, chunk);
      const texts = (partial + chunk.toString()).split('\n');
      partial = (texts.pop() ?? '').slice(-PARTIAL_LIMIT_CHARS);
      for (const text of texts) if (text.trim() !== '') lines.push({ atMs, text });
      lines.splice(0, Math.max(0, lines.length - LINES_LIMIT));
    };
  }
}

export function lastWords(lines: readonly Line[]): string {
  const last = lines.at(-1);
  return last === undefined ? '' : `: ${last.text.trim()}`;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just gone.
  }
}
