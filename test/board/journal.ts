// The journal of a board, line by line as it is written; waits for a line, and keeps all of them in a file. Knows nothing of
// what they say.
import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Board, SAYS_MS } from './machine.ts';

export type Line = {
  /** Seconds since the board was switched on, by its own clock. */
  readonly atS: number;
  readonly text: string;
};

const POLL_MS = 50;

export class Journal {
  readonly #board: Board;
  readonly #file: string;
  #lines: Line[] = [];
  #stop: () => void = () => undefined;

  constructor(board: Board, file: string) {
    this.#board = board;
    this.#file = file;
    writeFileSync(file, '');
  }

  /** From the beginning of this boot. */
  follow(): void {
    this.#stop();
    this.#lines = [];
    this.#stop = this.#board.follow('journalctl -b -f -n all --no-pager -o short-monotonic', (text) => {
      appendFileSync(this.#file, `${text}\n`);
      const found = /^\[\s*([\d.]+)\] \S+ (.*)$/.exec(text);
      if (found !== null) this.#lines.push({ atS: Number(found[1]), text: found[2] ?? '' });
    });
  }

  stop(): void {
    this.#stop();
  }

  /** What is written from now on, for `until` and `all`. */
  mark(): number {
    return this.#lines.length;
  }

  all(what: RegExp, since: number): readonly Line[] {
    return this.#lines.slice(since).filter(({ text }) => what.test(text));
  }

  async until(what: RegExp, since: number, deadlineMs = SAYS_MS): Promise<Line> {
    const deadline = AbortSignal.timeout(deadlineMs);
    for (;;) {
      const [line] = this.all(what, since);
      if (line !== undefined) return line;
      if (deadline.aborted) {
        // What an event did is told by the others.
        const last = this.#lines
          .slice(since)
          .flatMap(({ text }) => (/: step event=/.test(text) ? [] : [text]));
        throw new Error(`not within ${deadlineMs} ms: ${what}; the journal:\n${last.slice(-40).join('\n')}`);
      }
      await pause(POLL_MS);
    }
  }
}
