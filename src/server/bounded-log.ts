// Lets a peer that talks rubbish fill neither the disk nor the screen: so many log lines in a while, then only a count.
// Knows nothing of what is logged. Victim: what comes after the limit, since the first lines show the pattern.

import type { Clock, Log } from '../ports.ts';

/** With 50 sessions at 10 lines each that is 50 lines a second: what a journal takes without dropping. */
const WINDOW_MS = 10_000;

type Level = keyof Log;

export function boundedLog(log: Log, clock: Clock, linesPerWindow: number): Log {
  let windowBeganMs = Number.NEGATIVE_INFINITY;
  let written = 0;
  let swallowed = 0;

  function write(level: Level, fields: object, text: string): void {
    const nowMs = clock.now();
    if (nowMs - windowBeganMs >= WINDOW_MS) {
      windowBeganMs = nowMs;
      written = 0;
    }
    if (written >= linesPerWindow) {
      swallowed += 1;
      return;
    }
    written += 1;
    log[level](swallowed === 0 ? fields : { ...fields, lines_left_out: swallowed }, text);
    swallowed = 0;
  }

  return {
    debug: (fields, text) => write('debug', fields, text),
    info: (fields, text) => write('info', fields, text),
    warn: (fields, text) => write('warn', fields, text),
    error: (fields, text) => write('error', fields, text),
  };
}
