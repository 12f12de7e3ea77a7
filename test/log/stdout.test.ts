// The log on the real standard output of a real process: a pipe that is read, closed, or not read at all.

import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { after, test } from 'node:test';

const logModule = new URL('../../src/log.js', import.meta.url).href;
// A blocked child would never end by itself; a start of Node takes a tenth of a second, on a loaded board a few.
const DEADLINE_MS = 30_000;

const children: ChildProcessByStdio<null, Readable, Readable>[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** Runs `body` with `log` in scope in a process of its own; it reports on standard error. */
function run(body: string) {
  const source = `import { createLog } from ${JSON.stringify(logModule)};
    const log = createLog({ level: 'info', format: 'journal' });
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  children.push(child);
  const said = { out: '', err: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  return { child, said, closed: once(child, 'close') };
}

test('records reach standard output in order and at once, without a flush before an abrupt end', async () => {
  const { child, said, closed } = run(`for (let n = 0; n < 500; n += 1) log.info({ n }, 'line');
    process.kill(process.pid, 'SIGKILL');`);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  assert.deepEqual(await closed, [null, 'SIGKILL']);
  assert.equal(said.out, Array.from({ length: 500 }, (_, n) => `<6>line n=${n}\n`).join(''));
});

test('a reader that closes the pipe ends neither the process nor a log call', async () => {
  const { child, said, closed } = run(`process.once('SIGUSR2', () => {
      clearInterval(alive);
      for (let n = 0; n < 100; n += 1) log.error({ n }, 'nobody reads this');
      log.flush();
      process.stderr.write('alive');
    });
    const alive = setInterval(() => {}, 1000);
    log.info({}, 'ready');`);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  await once(child.stdout, 'close');
  child.kill('SIGUSR2');
  assert.deepEqual(await closed, [0, null]);
  assert.equal(said.err, 'alive');
});

test('a reader that stops reading holds up nothing, and learns afterwards how much it missed', async () => {
  const { child, said, closed } = run(`for (let n = 0; n < 20_000; n += 1) log.info({ n }, 'x'.repeat(90));
    process.once('SIGUSR2', () => {
      clearInterval(alive);
      for (let tries = 0; tries < 50; tries += 1) log.flush();
      log.info({}, 'after');
      log.flush();
    });
    const alive = setInterval(() => {}, 1000);
    process.stderr.write('written');`);
  // Two megabytes are more than any pipe or socket holds: a blocking write would never get here.
  await once(child.stderr, 'data');
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.kill('SIGUSR2');
  assert.deepEqual(await closed, [0, null]);
  const lines = said.out.trimEnd().split('\n');
  assert.equal(lines.pop(), '<6>after');
  const lost = Number(
    /^<4>log: lines were lost because nobody took them lines=(\d+)$/.exec(lines.pop() ?? '')?.[1],
  );
  assert.ok(lost > 0);
  assert.equal(lines.length + lost, 20_000);
  assert.deepEqual(
    lines,
    lines.map((_, n) => `<6>${'x'.repeat(90)} n=${n}`),
  );
});
