// Each fault does what its name says: played against a raw client, with time moved by hand. A fault without a test fails.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { packetDuration } from '../../src/protocol/opus-toc.ts';
import { type FaultOptions, faults, goodConversation } from '../helpers/faults.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { DEVICE_HELLO, Refused, rawDevice } from '../helpers/raw-device.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';
import { count, listen, sendAll } from './parrot-rig.ts';
import { greet, pass, SPOKEN, type Stage, same, speak, stage } from './stage.ts';

const ANSWER = tonePackets(1_200, 60);

const tested = new Set<string>();

function faultTest(
  name: keyof typeof faults,
  sentence: string,
  options: FaultOptions,
  play: (stage: Stage, t: TestContext) => Promise<void>,
): void {
  tested.add(name);
  test(`${name}: ${sentence}`, async (t) => play(await stage(t, faults[name](options)), t));
}

test('without a fault: hello, tools, an echo of what was said, tts stop 420 ms after it, and again', async (t) => {
  const { device, clock } = await stage(t, goodConversation());
  await greet(device);
  assert.equal((await device.next('mcp')).payload.method, 'initialize');
  device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 1, result: {} } });
  assert.equal((await device.next('mcp')).payload.method, 'tools/list');
  for (let turn = 1; turn <= 2; turn += 1) {
    await speak(device);
    await pass(clock, 12 * 60 + 400);
    await device.settled();
    assert.equal(count(device, 'tts', 'stop'), turn - 1);
    await pass(clock, 20);
    await device.next('tts', 'stop');
    assert.ok(same(device.packets().slice((turn - 1) * 17), SPOKEN));
  }
});

test('without a fault: abort is answered with tts stop, and the rest of the answer is dropped', async (t) => {
  const { device, clock } = await stage(t, goodConversation({ answer: ANSWER }));
  await greet(device);
  await speak(device);
  device.say({ type: 'abort' });
  await device.next('tts', 'stop');
  await pass(clock, 3_000);
  await device.settled();
  assert.equal(device.packets().length, 5);
});

test('without a fault: manual waits for listen stop', async (t) => {
  const { device } = await stage(t, goodConversation());
  await greet(device);
  listen(device, 'manual');
  sendAll(device, [...SPOKEN, ...SPOKEN]);
  await device.settled();
  assert.equal(count(device, 'stt'), 0);
  device.say({ type: 'listen', state: 'stop' });
  assert.equal((await device.next('stt')).text, '34 packets');
});

faultTest('noHello', 'the socket opens and nothing is ever said', {}, async ({ device, clock }) => {
  device.say(DEVICE_HELLO);
  await pass(clock, 20_000);
  await device.settled();
  assert.equal(device.told.length, 0);
});

faultTest('helloDroppedOnce', 'the next connection is answered', {}, async ({ device, server, clock }) => {
  device.say(DEVICE_HELLO);
  await pass(clock, 10_000);
  await device.settled();
  assert.equal(device.told.length, 0);
  device.terminate();
  const again = await rawDevice(server.url);
  await greet(again);
  await speak(again);
});

faultTest('falseHello', 'says 16000/20 and sends 24000/60', {}, async ({ device, clock }) => {
  device.say(DEVICE_HELLO);
  const { audio } = await device.next('hello');
  assert.deepEqual([audio.sampleRateHz, audio.frameMs], [16_000, 20]);
  await speak(device);
  await pass(clock, 3_000);
  await device.next('tts', 'stop');
  for (const packet of device.packets()) {
    assert.deepEqual(packetDuration(packet), { ...packetDuration(packet), ok: true, durationMs: 60 });
  }
  assert.ok(same(device.packets(), tonePackets(1_000, 60)));
});

faultTest('unbound', 'speaks without ever saying hello', { answer: ANSWER }, async ({ device, clock }) => {
  device.say(DEVICE_HELLO);
  await device.next('stt');
  await device.next('tts', 'start');
  await pass(clock, 3_000);
  await device.next('tts', 'stop');
  assert.ok(same(device.packets(), ANSWER));
  await pass(clock, 60_000);
  await device.settled();
  assert.equal(count(device, 'hello'), 0);
});

faultTest('plainTextThenClose', 'words that are no JSON, then 1000', {}, async ({ device }) => {
  assert.equal((await device.closed).code, 1000);
  assert.deepEqual(device.told, [{ kind: 'text', text: '认证失败', message: undefined }]);
});

tested.add('unauthorized');
test('unauthorized: 401 instead of 101', async (t) => {
  const server = await startScriptedServer(faults.unauthorized());
  t.after(() => server.stop());
  const refused = await rawDevice(server.url).catch((error: unknown) => error);
  assert.ok(refused instanceof Refused);
  assert.equal(refused.status, 401);
});

faultTest('resetInAnswer', 'cut with RST after half of it', { answer: ANSWER }, async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 3_000);
  assert.equal((await device.closed).code, 1006);
  assert.ok(device.packets().length <= ANSWER.length / 2);
  assert.equal(count(device, 'tts', 'stop'), 0);
});

async function assertLost({ device, server, clock }: Stage): Promise<void> {
  const before = device.told.length;
  const signs: string[] = [];
  device.settled().then(
    () => signs.push('pong'),
    () => {},
  );
  device.closed.then(
    () => signs.push('closed'),
    () => {},
  );
  await pass(clock, 3_000);
  const other = await rawDevice(server.url);
  for (let i = 0; i < 5; i += 1) await other.settled();
  assert.deepEqual(signs, []);
  assert.equal(device.told.length, before);
}

faultTest('blackHoleAfterHello', 'answers the hello, then nothing', {}, async (on) => {
  await greet(on.device);
  await assertLost(on);
});

faultTest(
  'blackHoleInAnswer',
  'after half of it nothing, not even a pong',
  { answer: ANSWER },
  async (on) => {
    await greet(on.device);
    await speak(on.device);
    for (let came = 0; came < ANSWER.length / 2; came += 1) {
      if (came >= 5) await pass(on.clock, 60);
      await on.device.nextBinary();
    }
    await assertLost(on);
  },
);

faultTest(
  'stallInAnswer',
  'stands still for 1.5 s after half of it',
  { answer: ANSWER },
  async ({ device, clock }) => {
    await greet(device);
    await speak(device);
    await pass(clock, 5 * 60);
    await device.settled();
    assert.equal(device.packets().length, 10);
    await pass(clock, 1_480);
    await device.settled();
    assert.equal(device.packets().length, 10);
    await pass(clock, 20);
    await device.settled();
    assert.equal(device.packets().length, 11, 'and does not catch up');
    await pass(clock, 3_000);
    await device.next('tts', 'stop');
    assert.ok(same(device.packets(), ANSWER));
  },
);

faultTest(
  'promptStop',
  'tts stop right behind the last packet',
  { answer: ANSWER },
  async ({ device, clock }) => {
    await greet(device);
    await speak(device);
    await pass(clock, 15 * 60);
    await device.next('tts', 'stop');
    assert.ok(same(device.packets(), ANSWER));
  },
);

faultTest('noStopAfterAbort', 'confirms in another way', { answer: ANSWER }, async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  device.say({ type: 'abort' });
  assert.equal((await device.next('abort')).state, 'success');
  await pass(clock, 10_000);
  await device.settled();
  assert.equal(count(device, 'tts', 'stop'), 0);
  assert.equal(device.packets().length, 5);
});

faultTest('burst', 'a hundred packets before any time has passed', { answer: ANSWER }, async ({ device }) => {
  await greet(device);
  await speak(device);
  await device.settled();
  assert.equal(device.packets().length, 100);
});

faultTest('shortFrames', 'every packet has 20 ms, at 20 ms each', {}, async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await device.settled();
  assert.equal(device.packets().length, 15);
  await pass(clock, 200);
  await device.settled();
  assert.equal(device.packets().length, 25);
  for (const packet of device.packets()) {
    const duration = packetDuration(packet);
    assert.ok(duration.ok && duration.durationMs === 20);
  }
});

faultTest('dtx', 'every second packet has one byte', { answer: ANSWER }, async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 5_000);
  await device.next('tts', 'stop');
  const all = device.packets();
  assert.equal(all.length, 2 * ANSWER.length);
  assert.ok(all.every((packet, i) => (packet.length === 1) === (i % 2 === 1)));
  assert.deepEqual(packetDuration(all[1] ?? Buffer.of()), {
    ok: true,
    durationMs: 60,
    frames: 1,
    channels: 1,
  });
});

faultTest('nonJsonText', 'rubbish around a good answer', { answer: ANSWER }, async ({ device, clock }) => {
  await greet(device);
  await speak(device);
  await pass(clock, 5_000);
  await device.next('tts', 'stop');
  const rubbish = device.told.filter((told) => told.kind === 'text' && told.message === undefined);
  assert.equal(rubbish.length, 10);
  assert.deepEqual(device.told[0], rubbish[0], 'the first before the hello');
  assert.ok(same(device.packets(), ANSWER));
});

faultTest('duplicateMcpIds', 'wants three answers to id 1, then talks', {}, async ({ device }) => {
  await greet(device);
  const ids: unknown[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { id } = (await device.next('mcp')).payload;
    ids.push(id);
    device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 1, result: {} } });
  }
  assert.deepEqual(ids, [1, 1, 1]);
  await speak(device);
});

test('duplicateMcpIds: an answer that is left out fails the script', async () => {
  const server = await startScriptedServer(faults.duplicateMcpIds({ answerWithinMs: 1 }));
  const device = await rawDevice(server.url);
  device.say(DEVICE_HELLO);
  device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 1, result: {} } });
  assert.equal((await device.closed).code, 1011);
  await assert.rejects(server.stop());
});

faultTest(
  'goodbyeAfterIdle',
  'a minute after the last turn it says goodbye aloud and closes with 1000',
  { answer: ANSWER },
  async ({ device, clock }) => {
    await greet(device);
    await pass(clock, 59_000);
    await speak(device);
    await pass(clock, 3_000);
    await device.next('tts', 'stop');
    await pass(clock, 50_000);
    await device.settled();
    assert.equal(count(device, 'tts', 'start'), 1);
    await pass(clock, 15_000);
    assert.equal((await device.closed).code, 1000);
    assert.deepEqual([count(device, 'tts', 'start'), count(device, 'tts', 'stop')], [2, 2]);
    assert.ok(same(device.packets(), [...ANSWER, ...ANSWER]));
  },
);

test('every fault has its test', () => {
  assert.deepEqual([...tested].sort(), Object.keys(faults).sort());
});
