// `xiaozhi-agent why`: the last outages, from the running daemon, or from the file that the last run has left behind.
import { parseArgs } from 'node:util';
import { isWell } from '../status.ts';
import { WHY_MOST, WHY_USUALLY, type Why, whyWritten } from '../why.ts';
import { ask, leftBehind, NotRunning, show } from './ask.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions } from './places.ts';
import { whyLines } from './why-words.ts';

export async function why(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...placeOptions, json: { type: 'boolean' } },
    allowPositionals: true,
  });
  const count = countFrom(positionals);
  let found: Why;
  try {
    found = (await ask(values, { command: 'why', count })).why as Why;
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    const last = whyWritten(leftBehind(values, error, EXIT.noPermission), count);
    show(values.json, last, whyLines(last));
    throw error;
  }
  show(values.json, found, whyLines(found));
  if (found.link === null || !isWell(found.link)) process.exitCode = EXIT.failed;
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
