// The speaker on ALSA with the real aplay and a virtual card: the contract, the sound, and what goes wrong.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type AplayOptions, aplaySpeaker } from '../../../src/adapters/linux/aplay-speaker.ts';
import type { Clock } from '../../../src/ports.ts';
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
import { handClock } from '../../helpers/hand-clock.ts';
import { measure, tone } from '../../helpers/tone.ts';

const RATE_HZ = 24_000;
let card: TestCard;
let ear: Ear | undefined;
const players = () => childrenNamed('aplay');

before(async () => {
  card = await startTestCard();
});
afterEach(async () => {
  await ear?.stop();
  ear = undefined;
  await until(() => childrenNamed('aplay', 'arecord').length === 0, 'no child is left');
});
after(() => card.stop());

function speaker(clock: Clock = realClock, options: Partial<AplayOptions> = {}) {
  const environment = card.childEnvironment;
  const log = keptLog();
  return aplaySpeaker({ device: card.speaker, rateHz: RATE_HZ, clock, log, environment, ...options });
}

const heard = () => measure(ear?.heard() ?? new Uint8Array(0), RATE_HZ);
const quiet = () => until(() => heard().silentTailMs >= 300, 'silence');

speakerContract('aplay', async () => {
  ear = await listen(card, card.listenTo, RATE_HZ);
  return {
    speaker: speaker(),
    until,
    heardMs: () => heard().loudMs,
    async gone() {
      await until(() => players().length === 0, 'aplay has gone');
      await quiet();
    },
  };
});

test('a tone is heard at its pitch, in its length and without holes', async () => {
  ear = await listen(card, card.listenTo, RATE_HZ);
  const events = recorder();
  const player = speaker();
  player.start(events);
  for (let n = 0; n < 15; n += 1) player.write(tone(440, 100, RATE_HZ)); // 44 whole waves each
  player.finish();
  await until(() => events.seen.length > 0, 'finished');
  await quiet();
  const { hz, loudMs, holes } = heard();
  assert.ok(Math.abs(hz - 440) < 1, `${hz} Hz`);
  assert.ok(Math.abs(loudMs - 1500) <= 20, `${loudMs} ms`);
  assert.equal(holes, 0);
});

test('a stop is silence at once, whatever was written ahead', async () => {
  ear = await listen(card, card.listenTo, RATE_HZ);
  const player = speaker();
  player.start(recorder());
  player.write(tone(440, 1900, RATE_HZ));
  await until(() => heard().loudMs >= 200, 'it is heard');
  player.stop();
  await until(() => players().length === 0, 'aplay has gone');
  await quiet();
  assert.ok(heard().loudMs < 700, `${heard().loudMs} ms were heard of 1900, stopped after 200`);
});

test('two starts make one child, and a start after a stop waits until it has gone', async () => {
  const player = speaker();
  player.start(recorder());
  player.start(recorder());
  assert.equal(players().length, 1);
  const before = players();
  player.stop();
  const events = recorder();
  player.start(events);
  assert.deepEqual(players(), before);
  player.finish();
  await until(() => events.seen.length > 0, 'finished');
});

test('a child that cannot be got rid of is reported instead of waited for', async () => {
  const clock = handClock();
  const player = speaker(clock);
  const first = recorder();
  const second = recorder();
  player.start(first);
  player.stop();
  player.start(second);
  clock.advance(3000);
  assert.deepEqual(second.seen, ['ended: spk: the playback before does not end']);
  await until(() => players().length === 0, 'aplay has gone');
  assert.deepEqual([first.seen, second.seen.length, clock.pending()], [[], 1, 0]);
});

test('of more sounds than can wait the newest is refused', async () => {
  const player = speaker();
  const order: string[] = [];
  for (let n = 1; n <= 5; n += 1) {
    player.start(recorder(order, `${n} `));
    player.finish();
  }
  await until(() => order.length === 5, 'all have ended');
  const finished = ['1 finished', '2 finished', '3 finished', '4 finished'];
  assert.deepEqual(order, ['5 ended: spk: too many sounds at once', ...finished]);
});

test('without aplay the reason says what to install, and nothing is thrown', async () => {
  const player = speaker(realClock, { environment: { PATH: '/nonexistent' } });
  for (let n = 0; n < 2; n += 1) {
    const events = recorder();
    player.start(events);
    player.write(tone(440, 1000, RATE_HZ));
    await until(() => events.seen.length > 0, 'ended');
    assert.deepEqual(events.seen, ['ended: aplay is not installed: apt-get install alsa-utils']);
  }
});

test('a device that does not exist is named, also when there is much to write to it', async () => {
  const events = recorder();
  const player = speaker(realClock, { device: 'hw:9' });
  player.start(events);
  for (let n = 0; n < 20; n += 1) player.write(tone(440, 1000, RATE_HZ));
  await until(() => events.seen.length > 0, 'ended');
  assert.match(
    events.seen[0] ?? '',
    /^ended: hw:9: audio open error: No such file or directory \(.*aplay -L/,
  );
  assert.equal(events.seen.length, 1);
});

test('a device name that no process can be given is reported, not thrown', async () => {
  const events = recorder();
  speaker(realClock, { device: 'a\0b' }).start(events);
  assert.deepEqual(events.seen, [], 'not from within start');
  await until(() => events.seen.length > 0, 'ended');
  assert.match(events.seen[0] ?? '', /^ended: aplay cannot be started: /);
});

test('a card that vanishes in the middle ends the playback once, with a reason', async () => {
  const other = await startTestCard();
  try {
    const events = recorder();
    const player = speaker(realClock, { environment: other.childEnvironment });
    ear = await listen(other, other.listenTo, RATE_HZ);
    player.start(events);
    player.write(tone(440, 1900, RATE_HZ));
    await until(() => heard().loudMs > 100, 'it is heard');
    await other.stop();
    await until(() => events.seen.length > 0, 'ended');
    assert.equal(events.seen.length, 1);
    assert.match(events.seen[0] ?? '', /^ended: spk: /);
  } finally {
    await other.stop();
  }
});
