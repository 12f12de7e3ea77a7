// The speaker on the package `speaker`, which plays from inside this process, with a virtual card: the contract, and
// each of the package's hard edges.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { nodeSpeaker } from '../../../src/adapters/linux/node-speaker.ts';
import type { Clock, Speaker } from '../../../src/ports.ts';
import { recorder, speakerContract } from '../../contracts/speaker.ts';
import {
  childrenNamed,
  type Ear,
  keptLog,
  listen,
  realClock,
  startTestCard,
  type TestCard,
  until,
} from '../../helpers/card.ts';
import { measure, tone } from '../../helpers/tone.ts';
import { runElsewhere } from './elsewhere.ts';

const RATE_HZ = 24_000;
let card: TestCard;
let ear: Ear | undefined;

before(async () => {
  card = await startTestCard();
  // ALSA lives in this process here, and reads these when it is first used.
  Object.assign(process.env, card.environment);
});
afterEach(async () => {
  await ear?.stop();
  ear = undefined;
  await until(() => childrenNamed('node', 'arecord').length === 0, 'no child is left');
});
after(() => card.stop());

async function speaker(device: string = card.speaker, clock: Clock = realClock): Promise<Speaker> {
  const made = await nodeSpeaker({ device, rateHz: RATE_HZ, clock, log: keptLog() });
  assert.ok('start' in made, JSON.stringify(made));
  return made;
}

const heard = () => measure(ear?.heard() ?? new Uint8Array(0), RATE_HZ);
const quiet = () => until(() => heard().silentTailMs >= 300, 'silence');

speakerContract('speaker', async () => {
  ear = await listen(card, card.listenTo, RATE_HZ);
  return { speaker: await speaker(), until, heardMs: () => heard().loudMs, gone: quiet };
});

type Package = {
  prototype: {
    close(flush?: boolean): void;
    _write(chunk: Buffer, encoding: string, done: (error?: Error | null) => void): void;
  };
};

test('the device is always dropped, never drained on the main thread, and never under a write', async () => {
  const played = await speaker();
  const { prototype } = createRequire(import.meta.url)('speaker') as Package;
  const { close, _write } = prototype;
  const closes: { readonly flush: boolean | undefined; readonly writing: number }[] = [];
  let writing = 0;
  prototype.close = function (this: Package['prototype'], flush) {
    closes.push({ flush, writing });
    close.call(this, flush);
  };
  prototype._write = function (this: Package['prototype'], chunk, encoding, done) {
    writing += 1;
    _write.call(this, chunk, encoding, (error) => {
      writing -= 1;
      done(error);
    });
  };
  try {
    const events = recorder();
    played.start(events);
    played.write(tone(440, 200, RATE_HZ));
    played.finish();
    await until(() => events.seen.length > 0, 'the end');
    assert.deepEqual(events.seen, ['finished']);
    for (let time = 1; time <= 5; time += 1) {
      played.start(recorder());
      played.write(tone(440, 1_500, RATE_HZ));
      await until(() => writing > 0, 'a write in flight');
      played.stop();
      await until(() => closes.length === time + 1, 'the close');
    }
    assert.deepEqual(closes, Array(6).fill({ flush: true, writing: 0 }));
  } finally {
    Object.assign(prototype, { close, _write });
  }
});

test('where the default device cannot be opened the package would abort us: it is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xz-'));
  try {
    const file = join(folder, 'asound.conf');
    await writeFile(file, '</usr/share/alsa/alsa.conf>\npcm.!default { type hw card 97 }\n');
    // A server that answers would make ALSA's own configuration choose it for the default.
    const environment = { PATH: process.env.PATH, PULSE_SERVER: '/nonexistent', ALSA_CONFIG_PATH: file };
    const made = await nodeSpeaker({
      device: card.speaker,
      rateHz: RATE_HZ,
      clock: realClock,
      log: keptLog(),
      environment,
    });
    assert.ok('refused' in made);
    assert.match(
      made.refused,
      /^the package speaker cannot be loaded here \(SIGABRT\): .*cannot open device default/,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('where the package is not installed, that is said instead of thrown', async () => {
  const script = `console.log((await adapter.nodeSpeaker({})).refused)`;
  const said = await runElsewhere('node-speaker.js', script);
  assert.equal(said, 'the package speaker is not installed: npm install speaker');
});

test('a stop with a write in flight, twenty times over, leaves the process alive and reports nothing', async () => {
  const player = await speaker();
  const events = recorder();
  for (let n = 0; n < 20; n += 1) {
    player.start(events);
    // Longer than the 0.5 s buffer, so that a write is blocked when the stop comes.
    player.write(tone(440, 900, RATE_HZ));
    await new Promise((resolve) => setImmediate(resolve));
    player.stop();
  }
  const last = recorder();
  player.start(last);
  player.finish();
  await until(() => last.seen.length > 0, 'the last run has finished');
  assert.deepEqual([events.seen, last.seen], [[], ['finished']]);
});

test('a tone is heard at its pitch, in its length and without holes', async () => {
  ear = await listen(card, card.listenTo, RATE_HZ);
  const player = await speaker();
  const events = recorder();
  player.start(events);
  player.write(tone(440, 1500, RATE_HZ));
  player.finish();
  await until(() => events.seen.length > 0, 'finished');
  await quiet();
  const { hz, loudMs, holes } = heard();
  assert.ok(Math.abs(hz - 440) < 1, `${hz} Hz`);
  assert.ok(Math.abs(loudMs - 1500) <= 20, `${loudMs} ms`);
  assert.equal(holes, 0);
});

test('a device that cannot be opened ends the run with a reason that names it', async () => {
  const player = await speaker('nosuch');
  for (let n = 0; n < 3; n += 1) {
    const events = recorder();
    player.start(events);
    await until(() => events.seen.length > 0, 'ended');
    assert.deepEqual(events.seen, ['ended: nosuch: Failed to open output device']);
  }
});

test('a device that does not let go is reported instead of waited for', async () => {
  const due: (() => void)[] = [];
  const clock: Clock = {
    ...realClock,
    after(_delayMs, fire) {
      due.push(fire);
      return () => {};
    },
  };
  const player = await speaker(card.speaker, clock);
  player.start(recorder());
  player.write(tone(440, 900, RATE_HZ));
  player.stop();
  const events = recorder();
  player.start(events);
  for (const fire of due) fire();
  assert.deepEqual(events.seen, ['ended: spk: the playback before does not end']);
});

test('a card that vanishes in the middle ends the playback once, with a reason', async () => {
  // The last test of this file: this process has no card after it.
  ear = await listen(card, card.listenTo, RATE_HZ);
  const player = await speaker();
  const events = recorder();
  player.start(events);
  player.write(tone(440, 1900, RATE_HZ));
  await until(() => heard().loudMs > 100, 'it is heard');
  await card.stop();
  await until(() => events.seen.length > 0, 'ended');
  assert.equal(events.seen.length, 1);
  assert.match(events.seen[0] ?? '', /^ended: spk: /);
});
