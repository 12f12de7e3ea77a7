// The virtual card's beginning and end: where PulseAudio is found, and that nothing stays behind.
// That it sounds is shown by the tests of the ALSA adapters.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { startVirtualCard, type VirtualCard } from '../../src/demo/virtual-card.ts';
import { childrenNamed, until } from '../helpers/card.ts';
import { unpackPulse } from '../helpers/pulse.ts';

let folder: string;
const servers = () => childrenNamed('pulseaudio');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xz-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  assert.deepEqual(servers(), []);
});

/** Half a second of silence through the card: it resolves only if the devices open. */
function record(card: VirtualCard): Promise<number> {
  const format = [
    '-q',
    '-D',
    card.microphone,
    '-t',
    'raw',
    '-f',
    'S16_LE',
    '-r',
    '16000',
    '-c',
    '1',
    '-s',
    '8000',
  ];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...card.environment };
    execFile('arecord', [...format, '-'], { encoding: 'buffer', env }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout.length);
    });
  });
}

async function fakePulse(script: string): Promise<Record<string, string | undefined>> {
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin', 'pulseaudio'), script);
  await chmod(join(folder, 'bin', 'pulseaudio'), 0o755);
  return { ...process.env, PATH: join(folder, 'bin') };
}

test('a card comes up in a folder of its own and goes without a trace', async () => {
  const directory = join(folder, 'new', 'deeper');
  const memory = readdirSync('/dev/shm').filter((name) => name.startsWith('pulse'));
  const card = await startVirtualCard(directory);
  assert.equal(servers().length, 1);
  assert.equal(await record(card), 16_000);
  await card.stop();
  await card.stop();
  assert.deepEqual(servers(), []);
  assert.equal(existsSync(directory), false);
  const left = readdirSync('/dev/shm').filter((name) => name.startsWith('pulse') && !memory.includes(name));
  assert.deepEqual(left, []);
});

test('two cards live side by side, and what others put into the directory stays', async () => {
  const one = await startVirtualCard(folder);
  const other = await startVirtualCard(folder);
  await writeFile(join(folder, 'answer.wav'), '');
  assert.notEqual(one.environment.PULSE_SERVER, other.environment.PULSE_SERVER);
  await one.stop();
  assert.equal(await record(other), 16_000);
  await other.stop();
  assert.deepEqual(readdirSync(folder), ['answer.wav']);
});

test('without PulseAudio the error names the script that brings it, and nothing is created', async () => {
  const directory = join(folder, 'card');
  const environment = { PATH: '/nonexistent', HOME: folder };
  await assert.rejects(startVirtualCard(directory, environment), /run deploy\/prerequisites\.sh demo/);
  assert.equal(existsSync(directory), false);
});

test('PulseAudio that is only unpacked is found, with its libraries and modules', async () => {
  const root = await unpackPulse(join(folder, 'cache'));
  for (const where of [{ XDG_CACHE_HOME: join(folder, 'cache') }, { XIAOZHI_PULSE_ROOT: root }]) {
    const card = await startVirtualCard(folder, { PATH: '/nonexistent', HOME: '/nonexistent', ...where });
    const libraries = (card.environment.LD_LIBRARY_PATH ?? '').split(':');
    assert.ok(libraries.every((path) => path.startsWith(root)) && libraries.length >= 2, libraries.join());
    assert.equal(await record(card), 16_000);
    await card.stop();
  }
});

test('a PulseAudio that fails says why, and leaves no folder', async () => {
  const environment = await fakePulse('#!/bin/sh\necho out of luck >&2\nexit 3\n');
  await assert.rejects(
    startVirtualCard(join(folder, 'card'), environment),
    /pulseaudio did not start: exit code 3: out of luck/,
  );
  assert.equal(existsSync(join(folder, 'card')), false);
});

test('a directory too deep for a socket is refused and not left behind', async () => {
  const directory = join(folder, 'x'.repeat(100));
  await assert.rejects(startVirtualCard(directory), /path too long for a socket/);
  assert.equal(existsSync(directory), false);
});

test('a PulseAudio that ignores the polite signal is killed', async () => {
  const environment = await fakePulse(
    `#!${process.execPath}
process.on('SIGTERM', () => {});
process.title = 'pulseaudio';
const socket = process.argv.join(' ').match(/socket=([^ ]+)/)[1];
require('node:net').createServer().listen(socket);
`,
  );
  const card = await startVirtualCard(join(folder, 'card'), environment);
  assert.equal(servers().length, 1);
  await card.stop();
  await until(() => servers().length === 0, 'it has gone');
  assert.equal(existsSync(join(folder, 'card')), false);
});
