// The child that reads a button ends with the process that started it, also when that is killed and can tidy nothing up: an
// orphan would hold the line. What else it must keep is shown with the buttons that use it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../helpers/card.ts';

const SOURCES = join(import.meta.dirname, '../../../src/adapters/linux');
/** A process that has such a child, and says its number. */
const PARENT = `
  import { clock } from '${SOURCES}/clock.js';
  import { edgeChild } from '${SOURCES}/edge-child.js';
  const on = { spawned: (pid) => console.log(pid), output() {}, ended: (said) => console.log(said) };
  edgeChild({ command: 'sleep', arguments: ['60'], clock, on });
`;

test('a child that reads edges ends with a process that is killed', async (t) => {
  if (!existsSync('/usr/bin/setpriv')) return t.skip('setpriv is not installed: util-linux');
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill('SIGKILL'));
  let said = '';
  parent.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(() => /^\d+\n/.test(said), 'the number of the child');
  const pid = Number(said);
  t.after(() => {
    if (lives(pid)) process.kill(pid, 'SIGKILL');
  });
  assert.ok(lives(pid));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(() => !lives(pid), 'the child has ended');
});

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
