// Each quirk does what its name says: played against a raw client, with time moved by hand. A quirk without a test fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../helpers/card.ts';
import type { FaultOptions } from '../helpers/faults.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { quirks } from '../helpers/quirks.ts';
import { DEVICE_HELLO } from '../helpers/raw-device.ts';
import { count, listen, sendAll } from './parrot-rig.ts';
import { greet, pass, SPOKEN, type Stage, same, speak, stage } from './stage.ts';

const ANSWER = tonePackets(600, 60);

const tested = new Set<string>();

function quirkTest(
  name: keyof typeof quirks,
  sentence: string,
  play: (stage: Stage) => Promise<void>,
  options: FaultOptions = { answer: ANSWER },
): void {
  tested.add(name);
  test(`${name}: ${sentence}`, async (t) => play(await stage(t, quirks[name](options))));
}

const textsOf = ({ device }: Stage) =>
  device.told.flatMap((told) => (told.kind === 'text' ? [told.text] : []));

quirkTest('sessionRefused', 'two goodbyes to nobody, an error, no hello', async (on) => {
  on.device.say(DEVICE_HELLO);
  assert.equal((await on.device.next('error')).message, 'session failed');
  assert.equal(textsOf(on).filter((text) => text === '{"session_id":null,"type":"goodbye"}').length, 2);
  assert.equal(count(on.device, 'hello'), 0);
});

quirkTest('hangsUpInAnswer', 'half of it, then 1000', async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 1_000);
  assert.equal((await device.closed).code, 1000);
  assert.ok(same(device.packets(), ANSWER.slice(0, 5)));
  assert.equal(count(device, 'tts', 'stop'), 0);
});

quirkTest('stopsTwice', 'after an answer and after an abort', async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 2_000);
  await device.settled();
  assert.equal(count(device, 'tts', 'stop'), 2);
  await speak(device);
  device.say({ type: 'abort' });
  await device.settled();
  assert.equal(count(device, 'tts', 'stop'), 4);
});

quirkTest('soundComesLate', 'tts start, and 1.5 s of nothing', async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 1_480);
  await device.settled();
  assert.deepEqual([count(device, 'tts', 'start'), device.packets().length], [1, 0]);
  await pass(clock, 2_000);
  await device.next('tts', 'stop');
  assert.ok(same(device.packets(), ANSWER));
});

quirkTest('interruptsItself', 'half an answer, a stop, and another one', async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 2_000);
  await device.settled();
  const words = device.told.flatMap((told) =>
    told.kind === 'text' && (told.message?.type === 'stt' || told.message?.type === 'tts')
      ? [told.message.type === 'stt' ? 'stt' : told.message.state]
      : [],
  );
  assert.deepEqual(words, ['stt', 'start', 'sentence_start', 'stop', 'stt', 'start', 'stop']);
  assert.ok(same(device.packets(), [...ANSWER.slice(0, 5), ...ANSWER]));
});

for (const [name, code] of [
  ['hangsUpAtExitWord', 1000],
  ['cutsAtExitWord', 1006],
] as const)
  quirkTest(name, `stt, then ${code}`, async ({ device }) => {
    await greet(device);
    listen(device, 'auto');
    sendAll(device, SPOKEN);
    assert.equal((await device.next('stt')).text, '退出');
    assert.equal((await device.closed).code, code);
    assert.equal(count(device, 'tts'), 0);
  });

quirkTest('goodbyeToTheUser', 'an answer, then 1000', async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 3_000);
  assert.equal((await device.closed).code, 1000);
  assert.ok(same(device.packets(), ANSWER));
  assert.equal(count(device, 'tts', 'stop'), 1);
});

for (const [name, code, words] of [
  ['hangsUpWhenIdle', 1000, 0],
  ['cutsWhenIdle', 1006, 0],
  ['goodbyeThenCut', 1006, 1],
] as const)
  quirkTest(name, `after a minute ${code}, ${words} goodbyes`, async ({ device, clock }) => {
    await greet(device);
    await pass(clock, 59_000);
    await device.settled();
    assert.equal(count(device, 'tts'), 0);
    await pass(clock, 4_000);
    assert.equal((await device.closed).code, code);
    assert.deepEqual([count(device, 'tts', 'start'), count(device, 'tts', 'stop')], [words, words]);
  });

quirkTest('pingsAndWaits', 'talks to whoever answers its ping', async ({ device }) => {
  await greet(device);
  await device.settled();
  await speak(device);
});

test('pingsAndWaits: says nothing to whoever does not', async (t) => {
  const { device, server, clock } = await stage(t, quirks.pingsAndWaits());
  await greet(device);
  device.deafen();
  listen(device, 'auto');
  sendAll(device, SPOKEN);
  const heard = () => server.sessions[0]?.received.filter(({ kind }) => kind === 'binary').length;
  await until(() => heard() === SPOKEN.length, 'all that is said');
  await pass(clock, 60_000);
  assert.equal(count(device, 'stt'), 0);
});

quirkTest('echoes', 'words that are none, and what came back to it', async ({ device }) => {
  await greet(device);
  await device.nextText('not for you');
  device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 1, result: {} } });
  await device.nextText('{"session_id":"","type":"mcp","payload":{"jsonrpc":"2.0","id":1,"result":{}}}');
  await speak(device);
});

for (const [name, key] of [
  ['saysVersions', '"version":0'],
  ['saysMore', '"audio_codec":"opus"'],
] as const)
  quirkTest(name, `${key} in all that it says of an answer`, async (on) => {
    await greet(on.device);
    await speak(on.device);
    await pass(on.clock, 2_000);
    await on.device.next('tts', 'stop');
    const told = textsOf(on).filter((text) => text.includes('"type":"tts"'));
    assert.equal(told.length, 4);
    for (const text of told) assert.ok(text.includes(key), text);
    assert.ok(same(on.device.packets(), ANSWER));
  });

quirkTest(
  'sixteen',
  'says 16 kHz, and sends it',
  async ({ device, clock }) => {
    device.say(DEVICE_HELLO);
    assert.equal((await device.next('hello')).audio.sampleRateHz, 16_000);
    await speak(device);
    await pass(clock, 2_000);
    await device.next('tts', 'stop');
    assert.ok(same(device.packets(), tonePackets(1_000, 60, 16_000)));
  },
  {},
);

quirkTest(
  'captcha',
  'says hello, and a number to whatever is said, without an stt',
  async ({ device, clock }) => {
    await greet(device);
    listen(device, 'auto');
    await device.next('tts', 'start');
    await pass(clock, 2_000);
    await device.next('tts', 'stop');
    assert.ok(same(device.packets(), ANSWER));
    assert.equal(count(device, 'stt'), 0);
  },
);

quirkTest('invalidData', 'is closed with 1007', async ({ device }) => {
  assert.deepEqual(await device.closed, { code: 1007, reason: 'device id is missing' });
});

test('every quirk has its test', () => {
  assert.deepEqual([...tested].sort(), Object.keys(quirks).sort());
});
