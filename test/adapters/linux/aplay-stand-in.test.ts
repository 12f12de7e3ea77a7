// The speaker's way with a child that misbehaves, on stand-ins: the real aplay cannot be made to stop reading.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { aplaySpeaker } from '../../../src/adapters/linux/aplay-speaker.ts';
import type { Clock } from '../../../src/ports.ts';
import { recorder } from '../../contracts/speaker.ts';
import { childrenNamed, keptLog, realClock, until } from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { standIn } from './stand-in.ts';

const RATE_HZ = 16_000;
const SECOND = new Uint8Array(RATE_HZ * 2);

async function withAplay(
  script: string,
  clock: Clock,
  body: (made: {
    player: ReturnType<typeof aplaySpeaker>;
    log: ReturnType<typeof keptLog>;
    folder: string;
  }) => Promise<void>,
): Promise<void> {
  const program = await standIn('aplay', script);
  try {
    const log = keptLog();
    const { environment, folder } = program;
    await body({
      player: aplaySpeaker({ device: 'hw:0', rateHz: RATE_HZ, clock, log, environment }),
      log,
      folder,
    });
    await until(() => childrenNamed('aplay', 'sleep', 'sh').length === 0, 'no child is left');
  } finally {
    await program.remove();
  }
}

test('its messages are those that are understood here, whatever language the board speaks', async () => {
  await withAplay('echo "aplay: main:831: in $LC_ALL" >&2; exit 1', realClock, async ({ player }) => {
    const events = recorder();
    player.start(events);
    await until(() => events.seen.length > 0, 'ended');
    assert.deepEqual(events.seen, ['ended: hw:0: in C']);
  });
});

test('an exit nobody asked for is an end, even with 0, and even when it is known by a broken pipe only', async () => {
  await withAplay('exit 0', realClock, async ({ player }) => {
    const events = recorder();
    player.start(events);
    for (let n = 0; n < 10; n += 1) player.write(SECOND.subarray(0, 6400));
    await until(() => events.seen.length > 0, 'ended');
    assert.deepEqual(events.seen, ['ended: hw:0: aplay ended by itself (exit code 0)']);
  });
  const script = `exec 0<&-; echo 'aplay: pcm_write:2127: write error: No such device' >&2; exit 1`;
  await withAplay(script, realClock, async ({ player }) => {
    const events = recorder();
    player.start(events);
    player.write(SECOND);
    player.finish();
    await until(() => events.seen.length > 0, 'ended');
    assert.deepEqual(events.seen, [
      'ended: hw:0: write error: No such device (no such device: see arecord -L and aplay -L)',
    ]);
  });
});

test('it asks for short periods, and for sound with the first sample instead of with a full buffer', async () => {
  await withAplay('echo "aplay: $*" >&2; exit 1', realClock, async ({ player }) => {
    const events = recorder();
    player.start(events);
    await until(() => events.seen.length > 0, 'ended');
    const timing = '--start-delay=1 --period-time=20000 --buffer-time=200000';
    assert.deepEqual(events.seen, [`ended: hw:0: -q -D hw:0 -t raw -f S16_LE -r 16000 -c 1 ${timing} -`]);
  });
});

test('a stop is heeded by a child that ignores polite signals', async () => {
  // `withAplay` waits until no child is left.
  const script = `trap '' TERM INT HUP; while :; do head -c 65536 /dev/zero; done >/dev/null`;
  await withAplay(script, realClock, async ({ player }) => {
    player.start({ finished: assert.fail, ended: assert.fail });
    await until(() => ignoresTerm(childrenNamed('aplay', 'sh')[0]), 'it ignores SIGTERM');
    player.stop();
  });
});

function ignoresTerm(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  const termBit = 1n << 14n;
  return (BigInt(`0x${mask}`) & termBit) !== 0n;
}

test('a playback that ends in time leaves no timer behind', async () => {
  const clock = handClock();
  await withAplay('exec cat >/dev/null', clock, async ({ player }) => {
    const events = recorder();
    player.start(events);
    player.write(SECOND);
    player.finish();
    assert.equal(clock.pending(), 1);
    await until(() => events.seen.length > 0, 'finished');
    assert.equal(clock.pending(), 0);
  });
});

test('underruns are counted for the log and are no failure', async () => {
  const script = `echo 'underrun!!! (at least 30.1 ms long)' >&2; exec cat >/dev/null`;
  await withAplay(script, realClock, async ({ player, log }) => {
    const events = recorder();
    player.start(events);
    player.finish();
    await until(() => events.seen.length > 0, 'finished');
    assert.deepEqual(events.seen, ['finished']);
    assert.deepEqual(log.lines, [
      { level: 'debug', fields: { device: 'hw:0', underruns: 1 }, text: 'aplay ran dry' },
    ]);
  });
});

test('a child that stops reading makes us hold two seconds, drop the newest and say so once', async () => {
  await withAplay('cat "$FOLDER/go" >/dev/null; exec cat >"$FOLDER/heard"', realClock, async (made) => {
    const { player, log, folder } = made;
    execFileSync('mkfifo', [join(folder, 'go')]);
    const sound = Uint8Array.from({ length: SECOND.length * 60 }, (_, n) => (n >> 8) + n);
    const events = recorder();
    player.start(events);
    for (let at = 0; at < sound.length; at += 640) player.write(sound.subarray(at, at + 640));
    await writeFile(join(folder, 'go'), '');
    player.finish();
    await until(() => events.seen.length > 0, 'finished');
    const heard = await readFile(join(folder, 'heard'));
    assert.deepEqual(events.seen, ['finished']);
    // 2 s in this process and what the kernel's socket takes.
    assert.ok(
      heard.length >= SECOND.length * 1.9 && heard.length < SECOND.length * 2 + 300_000,
      `${heard.length}`,
    );
    assert.ok(heard.equals(sound.subarray(0, heard.length)), 'the oldest, in order');
    assert.deepEqual(log.lines, [
      {
        level: 'warn',
        fields: { device: 'hw:0', droppedBytes: sound.length - heard.length },
        text: 'the speaker stood still: sound was dropped',
      },
    ]);
  });
});

test('a player that takes no sound is given three seconds to open its device, and is then ended', async () => {
  const clock = handClock();
  await withAplay('exec sleep 1000', clock, async ({ player }) => {
    const events = recorder();
    const playFor = (ms: number) => {
      for (let at = 0; at < ms; at += 20) {
        player.write(SECOND.subarray(0, 960));
        clock.advance(20);
      }
    };
    player.start(events);
    // Loading the program reads files: only then does the child stand still.
    await until(() => childrenNamed('sleep').length === 1, 'the stand-in');
    playFor(2_900);
    assert.equal(childrenNamed('aplay', 'sleep', 'sh').length, 1);
    assert.deepEqual(events.seen, []);
    await until(() => {
      playFor(20);
      return events.seen.length > 0;
    }, 'the end');
    assert.deepEqual(events.seen, ['ended: hw:0: aplay takes no more sound']);
  });
});

test('a playback that hangs at its end is cut off 3 s after the last sound, and says so', async () => {
  const clock = handClock();
  await withAplay('exec sleep 1000', clock, async ({ player, log }) => {
    const events = recorder();
    player.start(events);
    player.write(SECOND);
    player.finish();
    clock.advance(3999);
    assert.equal(childrenNamed('aplay', 'sleep', 'sh').length, 1);
    assert.equal(clock.pending(), 1);
    clock.advance(1);
    await until(() => events.seen.length > 0, 'the end');
    assert.deepEqual(events.seen, ['ended: hw:0: did not play out in time']);
    assert.equal(log.lines[0]?.level, 'warn');
  });
});

test('what waits for the playback before is bounded too', async () => {
  const script = 'cat "$FOLDER/go" >/dev/null; exec cat >>"$FOLDER/heard"';
  await withAplay(script, realClock, async ({ player, log, folder }) => {
    execFileSync('mkfifo', [join(folder, 'go')]);
    const order: string[] = [];
    player.start(recorder(order, 'first '));
    player.finish();
    player.start(recorder(order, 'second '));
    for (let n = 0; n < 5; n += 1) player.write(SECOND);
    player.finish();
    for (const done of [1, 2]) {
      await writeFile(join(folder, 'go'), '');
      await until(() => order.length === done, `${done} have finished`);
    }
    assert.deepEqual(order, ['first finished', 'second finished']);
    assert.equal((await readFile(join(folder, 'heard'))).length, SECOND.length * 2);
    assert.deepEqual(log.lines[0]?.fields, { device: 'hw:0', droppedBytes: SECOND.length * 3 });
  });
});
