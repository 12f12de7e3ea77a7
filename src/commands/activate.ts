// `xiaozhi-agent activate`: shows the code and waits until somebody has entered it.

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { escaped } from '../log/line.ts';
import { activationWords, heedingWords, type Status } from '../status.ts';
import { ask } from './ask.ts';
import { EXIT, Stop } from './exit.ts';
import { type PlaceValues, placeOptions } from './places.ts';

/** Sooner than a person looks up from the keyboard, and no load. */
const LOOK_EVERY_MS = 500;

export async function activate(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: placeOptions });
  let shown = '';
  const show = (words: string) => {
    if (words !== shown) process.stdout.write(`${escaped(words)}\n`);
    shown = words;
  };
  for (;;) {
    const setup = await look(values, shown !== '');
    if (setup === null) {
      show('no agent answers; waiting until one does again');
      await pause(LOOK_EVERY_MS);
      continue;
    }
    if (!setup.asks)
      throw new Stop(
        EXIT.failed,
        'nobody is asked for a code: set server.ota_url to the address of the server',
      );
    if (setup.phase === 'done') {
      process.stdout.write('activated\n');
      return;
    }
    show(wordsOf(setup));
    await pause(LOOK_EVERY_MS);
  }
}

/** Null: nobody answers who did before, and is restarting as far as is known from here. */
async function look(values: PlaceValues, hasAnswered: boolean): Promise<Status['setup'] | null> {
  try {
    return ((await ask(values, { command: 'status' })).status as Status).setup;
  } catch (error) {
    if (hasAnswered && error instanceof Stop) return null;
    throw error;
  }
}

export function wordsOf(setup: Pick<Status['setup'], 'phase' | 'code' | 'message' | 'trouble'>): string {
  const { phase, code, message, trouble } = setup;
  if (phase === 'activating') return `${activationWords({ code, message })}; waiting`;
  // Where the code is in what it says, there is no other place for it.
  if (phase === 'heeding') return `${heedingWords(message)}; waiting`;
  return trouble === null
    ? 'asking the server'
    : `the server does not answer as it should: ${trouble}; trying again`;
}
