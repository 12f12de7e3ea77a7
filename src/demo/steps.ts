// What the person sees: one line a step, its name when it begins, how long it took and what came of it when it ends.
// Knows nothing of what the steps do.

import type { Clock } from '../ports.ts';

export type Step = <T>(title: string, work: () => Promise<T>, words?: (result: T) => string) => Promise<T>;

const GREEN = 32;
const RED = 31;
const TITLE_CHARS = 28;

export function stepsTo(parts: {
  clock: Clock;
  write: (text: string) => void;
  colour: boolean;
  interrupted: AbortSignal;
}): Step {
  const { clock, write, interrupted } = parts;
  const paint = (code: number, text: string) => (parts.colour ? `\u001B[${code}m${text}\u001B[0m` : text);
  let count = 0;
  return async (title, work, words) => {
    count += 1;
    write(`${String(count).padStart(2)}  ${title.padEnd(TITLE_CHARS)}`);
    const beganMs = clock.now();
    const took = () => `${((clock.now() - beganMs) / 1000).toFixed(2).padStart(6)} s`;
    try {
      const result = await work();
      const more = words === undefined ? '' : `  ${words(result)}`;
      write(`${took()}  ${paint(GREEN, 'ok')}${more}\n`);
      return result;
    } catch (error) {
      write(`${took()}  ${interrupted.aborted ? 'interrupted' : paint(RED, 'FAILED')}\n`);
      throw new Error(`${title}: ${(error as Error).message}`, { cause: error });
    }
  };
}
