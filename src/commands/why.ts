// `xiaozhi-agent why`: the last outages, from the running daemon, or from the file that the last run has left behind.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LINK_FILE } from '../history/memory.ts';
import { readWritten } from '../history/remembered.ts';
import { escaped } from '../log/line.ts';
import { WHY_MOST, WHY_USUALLY, type Why, whyWritten } from '../why.ts';
import { ask, NotRunning } from './ask.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions, placesFrom } from './places.ts';
import { whyLines } from './why-words.ts';

export async function why(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...placeOptions, json: { type: 'boolean' } },
    allowPositionals: true,
  });
  const count = countFrom(positionals);
  const found = await answer(values, count);
  // What the file says was written by somebody who could write it; it must not speak to the terminal.
  const screen = () => `${whyLines(found).map(escaped).join('\n')}\n`;
  process.stdout.write(values.json ? `${JSON.stringify(found, null, 2)}\n` : screen());
  if (found.link?.phase !== 'ready') process.exitCode = EXIT.failed;
}

function countFrom(positionals: readonly string[]): number {
  const [word, ...more] = positionals;
  if (word === undefined) return WHY_USUALLY;
  const count = Number(word);
  if (more.length > 0 || !Number.isInteger(count) || count < 1 || count > WHY_MOST)
    throw new Stop(
      EXIT.usage,
      `why takes how many outages to tell, from 1 to ${WHY_MOST}, not "${positionals.join(' ')}"`,
    );
  return count;
}

async function answer(values: Parameters<typeof placesFrom>[0], count: number): Promise<Why> {
  try {
    return (await ask(values, { command: 'why', count })).why as Why;
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    return written(join(placesFrom(values, process.env).stateDirectory, LINK_FILE), count, error);
  }
}

function written(path: string, count: number, notRunning: NotRunning): Why {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new Stop(EXIT.notRunning, `${notRunning.message}; and no earlier run has left ${path} behind`);
    const denied = code === 'EACCES' || code === 'EPERM';
    throw new Stop(
      denied ? EXIT.noPermission : EXIT.failed,
      `no agent is running, and what the last run has left behind cannot be read: ${message}${denied ? '. Use sudo' : ''}`,
    );
  }
  const found = readWritten(parsed(text));
  if (found === undefined)
    throw new Stop(
      EXIT.failed,
      `no agent is running, and ${path} is damaged: it cannot be understood. The next run sets it aside and begins anew`,
    );
  return whyWritten(found, count);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
