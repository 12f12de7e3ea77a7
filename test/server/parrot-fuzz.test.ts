// Rubbish of every kind, said to the parrot by a device: it stays up, stays in talks, and keeps its log short.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeDevice } from '../../src/protocol/codec.ts';
import type { DeviceMessage } from '../../src/protocol/messages.ts';
import { joined, packets, silence, voice } from '../helpers/opus-sound.ts';
import { DEVICE_HEADERS, DEVICE_HELLO, rawDevice } from '../helpers/raw-device.ts';
import { count, listen, rig, sendAll } from './parrot-rig.ts';

const MESSAGES: readonly DeviceMessage[] = [
  DEVICE_HELLO,
  { type: 'listen', state: 'start', mode: 'auto' },
  { type: 'listen', state: 'start', mode: 'manual' },
  { type: 'listen', state: 'start', mode: 'realtime' },
  { type: 'listen', state: 'stop' },
  { type: 'listen', state: 'detect', text: 'box' },
  { type: 'abort' },
  { type: 'goodbye' },
  { type: 'ping' },
  { type: 'iot', states: [] },
  { type: 'mcp', payload: { jsonrpc: '2.0', id: 1, result: {} } },
  { type: 'mcp', payload: { jsonrpc: '2.0', id: 2, result: { tools: [{ name: 'x' }], nextCursor: 'y' } } },
  { type: 'mcp', payload: { id: 2, result: null } },
];

const TEXTS = [
  '',
  'null',
  '[]',
  '42',
  '"x"',
  '认证失败',
  '{"type":7}',
  '{"type":"x"}',
  '['.repeat(9_999),
  '\u0000',
];

const VOICE = packets(voice(1_200));

for (const version of [1, 2, 3]) {
  test(`five thousand pieces of rubbish in framing version ${version} leave a server that still answers`, async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31) + 1;
    t.diagnostic(`seed ${seed}`);
    let state = seed % 2_147_483_647;
    const below = (limit: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % limit;
    };
    const { server, clock, lines } = await rig(t);
    const device = await rawDevice(server.url, { ...DEVICE_HEADERS, 'protocol-version': String(version) });
    const pick = <T>(list: readonly T[]): T => {
      const one = list[below(list.length)];
      assert.ok(one !== undefined);
      return one;
    };
    for (let i = 0; i < 5_000; i += 1) {
      const kind = below(10);
      if (kind < 3) device.send(encodeDevice(pick(MESSAGES)));
      else if (kind < 5) {
        const text = encodeDevice(pick(MESSAGES));
        const at = below(text.length);
        device.send(text.slice(0, at) + String.fromCharCode(32 + below(95)) + text.slice(at + below(3)));
      } else if (kind < 6) device.send(pick(TEXTS));
      else if (kind < 8) device.send(pick(VOICE));
      else device.send(Uint8Array.from({ length: below(200) }, () => below(256)));
      if (i % 250 === 0) {
        await device.settled();
        clock.advance(below(500));
      }
    }
    await device.settled();
    // 20 rounds of at most 0.5 s are at most two windows of ten seconds, with 40 lines and 10 complaints each.
    assert.ok(lines.length <= 2 * 50 + 5, `${lines.length} lines`);

    const good = await rawDevice(server.url);
    good.say(DEVICE_HELLO);
    await good.next('hello');
    listen(good, 'auto');
    sendAll(good, packets(joined(silence(300), voice(900), silence(900))));
    await good.next('stt');
    device.terminate();
  });
}

test('messages before the hello are ignored and said at debug level', async (t) => {
  const { server, lines } = await rig(t);
  const device = await rawDevice(server.url);
  listen(device, 'manual');
  sendAll(device, VOICE);
  device.say({ type: 'listen', state: 'stop' });
  device.say({ type: 'abort' });
  await device.settled();
  assert.equal(device.told.length, 0);
  const said = lines.filter((line) => line.text === 'message before hello ignored');
  assert.deepEqual(
    said.map((line) => line.level),
    ['debug', 'debug', 'debug'],
  );
});

test('a second hello gets no second answer', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  device.say(DEVICE_HELLO);
  await device.settled();
  assert.equal(count(device, 'hello'), 1);
});

test('a fault is logged at debug level with what was wrong', async (t) => {
  const { device: connect, lines } = await rig(t);
  const device = await connect();
  device.send('{"type":"listen","state":"sideways"}');
  device.send(new Uint8Array(0));
  device.send(Uint8Array.of(0b11));
  await device.settled();
  const bad = lines.find((line) => line.text === 'message ignored');
  assert.equal(bad?.level, 'debug');
  assert.match(JSON.stringify(bad?.fields), /wrong-shape.*state/);
  assert.ok(lines.some((line) => line.text === 'binary message ignored' && line.level === 'debug'));
});

test('a device that goes in mid-answer leaves no timer behind', { timeout: 30_000 }, async (t) => {
  const { device: connect, clock, server } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, packets(joined(silence(300), voice(900), silence(900))));
  await device.next('stt');
  await device.settled();
  assert.ok(clock.pending() >= 2, 'the answer and the watch');
  device.terminate();
  const other = await connect();
  while (server.sessions > 1) await other.settled();
  other.terminate();
  const last = await rawDevice(server.url);
  while (server.sessions > 1) await last.settled();
  assert.equal(clock.pending(), 2, 'the hello deadline and the watch of the last one');
});
