// The microphone's way with a child that misbehaves, on stand-ins: a busy card needs a real card, and arecord cannot
// be made to cut a sample in two. What they say on stderr is what the real program says.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { arecordMicrophone } from '../../../src/adapters/linux/arecord-microphone.ts';
import { listener } from '../../contracts/microphone.ts';
import { childrenNamed, keptLog, realClock, until } from '../../helpers/card.ts';
import { standIn } from './stand-in.ts';

async function endOf(script: string) {
  const program = await standIn('arecord', script);
  const log = keptLog();
  try {
    const ear = listener();
    const { environment } = program;
    arecordMicrophone({ device: 'plughw:1', clock: realClock, log, environment }).start(ear);
    await until(() => ear.ends.length > 0, 'ended');
    return { ends: ear.ends, lines: log.lines };
  } finally {
    await program.remove();
  }
}

test('a busy card is named as such', async () => {
  const { ends } = await endOf(
    `echo 'arecord: main:831: audio open error: Device or resource busy' >&2; exit 1`,
  );
  assert.deepEqual(ends, [
    'plughw:1: audio open error: Device or resource busy (another program uses this device)',
  ]);
});

test('a lack of permission names the group', async () => {
  const { ends } = await endOf(`printf 'arecord: main:831: audio open error: Permission denied' >&2; exit 1`);
  assert.deepEqual(ends, ['plughw:1: audio open error: Permission denied (is the user in the group audio?)']);
});

test('its messages are those that are understood here, whatever language the board speaks', async () => {
  const { ends } = await endOf('echo "arecord: main:831: in $LC_ALL" >&2; exit 1');
  assert.deepEqual(ends, ['plughw:1: in C']);
});

test('overruns are told once, counted for the log, and are no reason', async () => {
  const { ends, lines } = await endOf(
    // More than a pipe holds: they do not come all at once.
    `i=3000; while [ $i -gt 0 ]; do echo 'overrun!!! (at least 30.1 ms long)'; i=$((i - 1)); done >&2; exit 7`,
  );
  assert.deepEqual(ends, ['plughw:1: arecord ended by itself (exit code 7)']);
  assert.deepEqual(
    lines.map(({ level, fields }) => ({ level, fields })),
    [
      { level: 'warn', fields: { device: 'plughw:1' } },
      { level: 'debug', fields: { device: 'plughw:1', overruns: 3_000 } },
    ],
  );
});

test('an exit with 0 that nobody asked for is an end like any other, and so is a signal', async () => {
  assert.deepEqual((await endOf('exit 0')).ends, ['plughw:1: arecord ended by itself (exit code 0)']);
  assert.deepEqual((await endOf('kill -SEGV $$')).ends, ['plughw:1: arecord ended by itself (SIGSEGV)']);
});

test('of a chain of messages from the library the first one is told: it is the cause', async () => {
  const { ends } = await endOf(`{
    echo "ALSA lib confmisc.c:767:(parse_card) cannot find card '9'"
    echo 'ALSA lib conf.c:4745:(_snd_config_evaluate) function snd_func_card_driver returned error: No such device'
    echo 'ALSA lib pcm.c:2664:(snd_pcm_open_noupdate) Unknown PCM hw:9'
    echo 'arecord: main:831: audio open error: No such device'
  } >&2; exit 1`);
  assert.deepEqual(ends, [
    "plughw:1: audio open error: No such device (cannot find card '9'; no such device: see arecord -L and aplay -L)",
  ]);
});

test('it asks for short periods of the format that the port promises', async () => {
  const { ends } = await endOf('echo "arecord: $*" >&2; exit 1');
  const flags = '-q -D plughw:1 -t raw -f S16_LE -r 16000 -c 1 --period-time=20000 --buffer-time=1000000 -';
  assert.deepEqual(ends, [`plughw:1: ${flags}`]);
});

test('a stop is heeded by a child that ignores polite signals, and what is in the pipe is not delivered', async () => {
  const program = await standIn('arecord', `trap '' TERM INT HUP; while :; do head -c 65536 /dev/zero; done`);
  try {
    let chunks = 0;
    const { environment } = program;
    const mic = arecordMicrophone({ device: 'plughw:1', clock: realClock, log: keptLog(), environment });
    mic.start({
      pcm() {
        chunks += 1;
        mic.stop();
      },
      ended: assert.fail,
    });
    await until(() => chunks > 0, 'a chunk');
    await until(() => childrenNamed('arecord', 'sh', 'head').length === 0, 'no child is left');
    assert.equal(chunks, 1);
  } finally {
    await program.remove();
  }
});

test('a flood on stderr neither fills a line of the log nor hides the last word', async () => {
  const { ends } = await endOf(
    `head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; head -c 500 /dev/zero | tr '\\0' y >&2; exit 1`,
  );
  assert.equal(ends[0]?.length, 200);
  assert.match(ends[0] ?? '', /^plughw:1: y+$/);
});

test('a sample that is cut in two between chunks is put together again', async () => {
  const program = await standIn('arecord', `printf '\\001\\002\\003'; cat "$FOLDER/rest"`);
  try {
    const rest = join(program.folder, 'rest');
    execFileSync('mkfifo', [rest]);
    const heard: number[][] = [];
    const ends: string[] = [];
    const { environment } = program;
    arecordMicrophone({ device: 'plughw:1', clock: realClock, log: keptLog(), environment }).start({
      pcm: (pcm) => heard.push([...pcm]),
      ended: (reason) => ends.push(reason),
    });
    await until(() => heard.length > 0, 'the first chunk');
    await writeFile(rest, Uint8Array.of(4, 5, 6, 7));
    await until(() => ends.length > 0, 'ended');
    assert.deepEqual(heard, [
      [1, 2],
      [3, 4, 5, 6],
    ]);
  } finally {
    await program.remove();
  }
});
