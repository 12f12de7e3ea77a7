// `xiaozhi-agent activate`: shows the code and waits until somebody has entered it.

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { escaped } from '../log/line.ts';
import type { Status } from '../status.ts';
import { ask } from './ask.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions } from './places.ts';

/** Sooner than a person looks up from the keyboard, and no load. */
const LOOK_EVERY_MS = 500;

export async function activate(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: placeOptions });
  let shown = '';
  for (;;) {
    const { setup } = (await ask(values, { command: 'status' })).status as Status;
    if (!setup.asks)
      throw new Stop(
        EXIT.failed,
        'nobody is asked for a code: set server.ota_url to the address of the server',
      );
    if (setup.phase === 'done' || setup.phase === 'heeding') {
      process.stdout.write('activated\n');
      return;
    }
    const words = wordsOf(setup);
    if (words !== shown) process.stdout.write(`${escaped(words)}\n`);
    shown = words;
    await pause(LOOK_EVERY_MS);
  }
}

function wordsOf({ phase, code, message, trouble }: Status['setup']): string {
  if (phase === 'activating')
    return `enter the code ${code} in the console of the server (${message}); waiting`;
  return trouble === null
    ? 'asking the server'
    : `the server does not answer as it should: ${trouble}; trying again`;
}
