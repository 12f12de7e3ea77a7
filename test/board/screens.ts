// What somebody sees who asks a board over SSH: a real `ssh` to its `sshd`, over the cable, as a user with an account there.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocks, PAGE, readPage } from '../helpers/readme.ts';
import type { Stage } from './stage.ts';

/** What is asked, and what its answer has to show. */
const ASKED = {
  'xiaozhi-agent status': /^server\s+ready/m,
  'xiaozhi-agent doctor': /^\d+ checks: .* 0 wrong/m,
  'xiaozhi-agent doctor button': /^ok +button/m,
  'xiaozhi-agent why 1': /^outage \d+, .*[\s\S]*what brought it back\? {2}the network is back/m,
  // What an event did, and not that it came.
  'xiaozhi-agent logs --level info -n 12': /turn over/,
} as const;
const BUTTON_TEST = 'xiaozhi-agent button test --seconds 12';
const CLICKS = 2;
const METER = 'xiaozhi-agent audio meter --seconds 2';

/** Adds them one by one, until one does not show what it has to. */
export async function takeScreens(
  { board, journal, person }: Stage,
  screens: Map<string, string>,
): Promise<void> {
  for (const [command, shows] of Object.entries(ASKED)) {
    const { out } = await board.ssh(command);
    screens.set(command, out);
    assert.match(out, shows, `${command} over SSH`);
  }
  const metered = board.ssh(METER);
  await person.speak();
  const { out: level } = await metered;
  screens.set(METER, level);
  assert.match(level, /peak -[12]?\d dB/, 'somebody speaks');
  const since = journal.mark();
  const tested = board.ssh(BUTTON_TEST);
  await journal.until(/somebody watches the button/, since);
  for (let n = 0; n < CLICKS; n += 1) {
    await person.click();
    // Two in a second would be a double click.
    await board.get('sleep 1.5');
  }
  const { code, out } = await tested;
  screens.set(BUTTON_TEST, out);
  assert.equal(code, 0, out);
  // A finger of an emulated board may come up late, for which it is a hold.
  assert.equal(out.match(/= (click|hold)$/gm)?.length, CLICKS, out);
}

/** Asked for besides those on the page: a screen too long for it. */
const NOT_ON_PAGE = 'xiaozhi-agent doctor';

/**
 * Each in a file of its own. With UPDATE_README=1 also in its place on the README page: the block of text that begins with
 * `$ ` and the command.
 */
export function keepScreens(screens: ReadonlyMap<string, string>, folder: string): void {
  const there = join(folder, 'screens');
  mkdirSync(there, { recursive: true });
  for (const [command, text] of screens) {
    writeFileSync(join(there, `${command.replaceAll(/[^a-z]+/g, '-')}.txt`), text);
    if (process.env.UPDATE_README === '1' && command !== NOT_ON_PAGE) paste(`$ ${command}\n`, text);
  }
}

function paste(heading: string, text: string): void {
  const shown = blocks(readPage(), 'text').find((block) => block.text.startsWith(heading));
  if (shown === undefined) throw new Error(`the README has no block that begins with ${heading}`);
  const page = readPage().replace(shown.text, () => `${heading}${text.replaceAll('\r', '').trimEnd()}\n`);
  writeFileSync(PAGE, page);
}
