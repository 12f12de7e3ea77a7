// The microphone on ALSA with the real arecord and a virtual card: the contract, the sound, and what goes wrong.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { aplaySpeaker } from '../../../src/adapters/linux/aplay-speaker.ts';
import { type ArecordOptions, arecordMicrophone } from '../../../src/adapters/linux/arecord-microphone.ts';
import { Capture } from '../../../src/audio/capture.ts';
import type { Clock } from '../../../src/ports.ts';
import { listener, microphoneContract } from '../../contracts/microphone.ts';
import { recorder } from '../../contracts/speaker.ts';
import {
  childrenNamed,
  keptLog,
  realClock,
  startTestCard,
  type TestCard,
  until,
} from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { measure, tone } from '../../helpers/tone.ts';

let card: TestCard;
const captures = () => childrenNamed('arecord', 'aplay');
const gone = () => until(() => captures().length === 0, 'no child is left');

before(async () => {
  card = await startTestCard();
});
afterEach(gone);
after(() => card.stop());

function microphone(clock: Clock = realClock, options: Partial<ArecordOptions> = {}) {
  const environment = card.childEnvironment;
  return arecordMicrophone({ device: card.microphone, clock, log: keptLog(), environment, ...options });
}

microphoneContract('arecord', () => ({ microphone: microphone(), until, gone }));

test('the microphone hears what is played into the card, at its pitch and without holes', async () => {
  const mic = microphone();
  const heard: Uint8Array[] = [];
  const ends: string[] = [];
  mic.start({ pcm: (pcm) => heard.push(pcm), ended: (reason) => ends.push(reason) });
  await until(() => heard.length > 0, 'the microphone is open');
  const person = aplaySpeaker({
    device: card.speakInto,
    rateHz: 16_000,
    clock: realClock,
    log: keptLog(),
    environment: card.childEnvironment,
  });
  const events = recorder();
  person.start(events);
  person.write(tone(440, 1000, 16_000));
  person.finish();
  await until(() => events.seen.length > 0, 'it was said');
  await until(() => measure(Buffer.concat(heard), 16_000).silentTailMs > 200, 'it is over');
  mic.stop();
  assert.deepEqual(ends, []);
  const { hz, loudMs, holes } = measure(Buffer.concat(heard), 16_000);
  assert.ok(Math.abs(hz - 440) < 1, `${hz} Hz`);
  assert.ok(Math.abs(loudMs - 1000) <= 20, `${loudMs} ms`);
  assert.equal(holes, 0);
});

test('a process that stood still for longer than a stall takes up what its recorder has kept', async () => {
  const capture = new Capture({ microphone: microphone(), clock: realClock, log: keptLog() });
  let bytes = 0;
  capture.start({ pcm: (pcm) => (bytes += pcm.length), failed() {} });
  try {
    await until(() => bytes > 0, 'the microphone delivers');
    const before = bytes;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    await until(() => bytes - before >= 1_500 * 32, 'what was recorded meanwhile');
    assert.equal(capture.status().restarts, 0, 'another recorder would have recorded as long anew');
  } finally {
    capture.stop();
  }
});

test('two starts make one child', async () => {
  const mic = microphone();
  const ear = listener();
  mic.start(ear);
  mic.start(listener());
  await until(() => ear.chunks.length > 0, 'a chunk');
  assert.equal(captures().length, 1);
  mic.stop();
});

test('a start after a stop waits until the child before has gone, for a real card would be busy', async () => {
  const mic = microphone();
  const first = listener();
  const second = listener();
  mic.start(first);
  await until(() => first.chunks.length > 0, 'a chunk');
  const before = captures();
  mic.stop();
  mic.start(second);
  assert.deepEqual(captures(), before);
  await until(() => second.chunks.length > 0, 'a chunk of the second run');
  assert.equal(captures().length, 1);
  assert.notDeepEqual(captures(), before);
  mic.stop();
});

test('a child that cannot be got rid of is reported instead of waited for', async () => {
  const clock = handClock();
  const mic = microphone(clock);
  const first = listener();
  const second = listener();
  mic.start(first);
  await until(() => first.chunks.length > 0, 'a chunk');
  mic.stop();
  mic.start(second);
  // Before the event loop had a chance to hear of the exit.
  clock.advance(3000);
  assert.deepEqual(second.ends, ['mic: the arecord before does not end']);
  await gone();
  assert.deepEqual([first.ends, second.ends.length, clock.pending()], [[], 1, 0]);
});

test('without arecord the reason says what to install, and nothing is thrown', async () => {
  const mic = microphone(realClock, { environment: { PATH: '/nonexistent' } });
  for (let n = 0; n < 2; n += 1) {
    const ear = listener();
    mic.start(ear);
    await until(() => ear.ends.length > 0, 'ended');
    assert.deepEqual(ear.ends, ['arecord is not installed: apt-get install alsa-utils']);
  }
});

test('a device that does not exist is named, with what ALSA says of it', async () => {
  const ear = listener();
  microphone(realClock, { device: 'hw:9' }).start(ear);
  await until(() => ear.ends.length > 0, 'ended');
  assert.equal(ear.ends.length, 1);
  assert.match(ear.ends[0] ?? '', /^hw:9: audio open error: No such file or directory \(.*9; .*arecord -L/);
});

test('a device name that no process can be given is reported, not thrown', async () => {
  const ear = listener();
  microphone(realClock, { device: 'a\0b' }).start(ear);
  assert.deepEqual(ear.ends, [], 'not from within start');
  await until(() => ear.ends.length > 0, 'ended');
  assert.match(ear.ends[0] ?? '', /^arecord cannot be started: /);
});

test('a microphone stopped before its child could start says nothing', async () => {
  const ear = listener();
  const mic = microphone(realClock, { environment: { PATH: '/nonexistent' } });
  mic.start(ear);
  mic.stop();
  const next = listener();
  mic.start(next);
  await until(() => next.ends.length > 0, 'the next run ended');
  assert.deepEqual(ear.ends, []);
});

test('a card that vanishes in the middle ends the capture once, with a reason', async () => {
  const other = await startTestCard();
  try {
    const ear = listener();
    microphone(realClock, { environment: other.childEnvironment }).start(ear);
    await until(() => ear.chunks.length > 0, 'a chunk');
    await other.stop();
    await until(() => ear.ends.length > 0, 'ended');
    assert.equal(ear.ends.length, 1);
    assert.match(ear.ends[0] ?? '', /^mic: /);
  } finally {
    await other.stop();
  }
});
