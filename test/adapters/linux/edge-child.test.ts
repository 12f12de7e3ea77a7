// The child that reads a button ends with the process that started it, also when that is killed and can tidy nothing up: an
// orphan would hold the line. What else it must keep is shown with the buttons that use it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../helpers/card.ts';
import { lives } from '../../helpers/children.ts';

const SOURCES = join(import.meta.dirname, '../../../src/adapters/linux');
/** A process that has such a child, and says its number. */
const PARENT = `
  import { clock } from '${SOURCES}/clock.js';
  import { edgeChild } from '${SOURCES}/edge-child.js';
  const on = { spawned: (pid) => console.log(pid), output() {}, ended: (said) => console.log(said) };
  edgeChild({ command: 'sleep', arguments: ['60'], clock, on });
`;

test('a child that reads edges ends with a process that is killed', async (t) => {
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
  // Until then it is the program that asks the kernel for this end, and may not have asked.
  await until(
    () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n',
    'the child is what it was begun for',
  );
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(() => !lives(pid), 'the child has ended');
});
