// A turn with the parrot as a device sees it: greeting, tools, hearing, answer, pace, interruption. Sounds are made and
// encoded here; time is moved by hand, and a ping's round trip shows that nothing more is on its way.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unframe } from '../../src/protocol/framing.ts';
import { joined, noise, packets, silence, voice } from '../helpers/opus-sound.ts';
import { DEVICE_HEADERS, DEVICE_HELLO, type RawDevice, rawDevice } from '../helpers/raw-device.ts';
import { count, listen, rig, sendAll } from './parrot-rig.ts';

/** 0.6 s of nothing, 1.5 s of voice, 1.2 s of nothing: 55 packets. */
const UTTERANCE = packets(joined(silence(600), voice(1_500), silence(1_200)));

/** Where in `sent` the whole of `answer` stands, or -1. */
function positionOf(answer: readonly Uint8Array[], sent: readonly Uint8Array[]): number {
  return sent.findIndex((_, from) =>
    answer.every((packet, i) => Buffer.from(packet).equals(sent[from + i] ?? new Uint8Array())),
  );
}

async function heardSeconds(device: RawDevice): Promise<number> {
  const { text } = await device.next('stt');
  const found = /^I heard (\d+\.\d) seconds\.$/.exec(text);
  assert.ok(found, text);
  return Number(found[1]);
}

test('the hello is answered with a new session id each and 24000 Hz, 60 ms', async (t) => {
  const { server } = await rig(t);
  const ids = new Set<string>();
  for (let i = 0; i < 3; i += 1) {
    const device = await rawDevice(server.url);
    device.say(DEVICE_HELLO);
    const hello = await device.next('hello');
    assert.equal(hello.transport, 'websocket');
    assert.deepEqual(hello.audio, { format: 'opus', sampleRateHz: 24_000, channels: 1, frameMs: 60 });
    assert.match(hello.sessionId ?? '', /^[0-9a-f]{8}$/);
    ids.add(hello.sessionId ?? '');
  }
  assert.equal(ids.size, 3);
});

test('initialize comes first, tools/list only after its answer, and the names are logged', async (t) => {
  const { device: connect, lines } = await rig(t);
  const device = await connect();
  const initialize = (await device.next('mcp')).payload;
  assert.equal(initialize.id, 1);
  assert.equal(initialize.method, 'initialize');
  await device.settled();
  assert.equal(count(device, 'mcp'), 1, 'nothing more before the answer');
  device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 1, result: {} } });
  const list = (await device.next('mcp')).payload;
  assert.equal(JSON.stringify(list), '{"jsonrpc":"2.0","id":2,"method":"tools/list"}');
  const first = { tools: [{ name: 'self.one' }, 7, { name: 8 }], nextCursor: 'self.two' };
  device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 2, result: first } });
  assert.equal(JSON.stringify((await device.next('mcp')).payload.params), '{"cursor":"self.two"}');
  device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 2, result: { tools: [{ name: 'self.two' }] } } });
  await device.settled();
  const noted = lines.find((line) => line.text === 'device tools');
  assert.ok(noted !== undefined && 'tools' in noted.fields);
  assert.equal(noted.fields.tools, 'self.one self.two');
});

test('a device that always names another page of tools is not asked for ever', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  device.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 1, result: {} } });
  for (let i = 0; i < 100; i += 1) {
    device.say({
      type: 'mcp',
      payload: { jsonrpc: '2.0', id: 2, result: { tools: [], nextCursor: 'more' } },
    });
  }
  await device.settled();
  assert.equal(count(device, 'mcp'), 33, 'initialize and 32 pages');
});

test('auto: the answer comes in order, and its packets are the very ones spoken, a little around them', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, UTTERANCE);
  assert.ok(Math.abs((await heardSeconds(device)) - 1.5) <= 0.1);
  clock.advance(60_000);
  await device.next('tts', 'stop');
  const answer = device.packets();
  const from = positionOf(answer, UTTERANCE);
  assert.ok(from >= 0, 'byte for byte what was sent, in one piece');
  // Speech is from 600 to 2100 ms; 300 before and 200 after make packets 5 to 38, give or take a window or two.
  assert.ok(from >= 4 && from <= 6, `begins with packet ${from}`);
  assert.ok(from + answer.length >= 38 && from + answer.length <= 41, `ends before ${from + answer.length}`);
  const order = device.told.flatMap((told) => {
    if (told.kind === 'binary') return ['audio'];
    const { message } = told;
    if (message === undefined || message.type === 'hello' || message.type === 'mcp') return [];
    return [message.type === 'tts' ? message.state : message.type];
  });
  assert.deepEqual(
    order.filter((what, i) => what !== 'audio' || order[i - 1] !== 'audio'),
    ['stt', 'start', 'llm', 'sentence_start', 'audio', 'stop'],
  );
});

test('every message of a turn carries the session id', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, UTTERANCE);
  await device.next('stt');
  clock.advance(60_000);
  await device.next('tts', 'stop');
  const ids = device.told.flatMap((told) =>
    told.kind === 'text' ? [/"session_id":"([0-9a-f]{8})"/.exec(told.text)?.[1]] : [],
  );
  assert.equal(new Set(ids).size, 1);
  assert.notEqual(ids[0], undefined);
});

test('five packets come at once, then one each 60 ms, and tts stop 420 ms after the last', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, UTTERANCE);
  await device.next('tts', 'sentence_start');
  await device.settled();
  assert.equal(device.packets().length, 5);
  for (let expected = 6; expected <= 30; expected += 1) {
    clock.advance(59);
    await device.settled();
    assert.equal(device.packets().length, expected - 1);
    clock.advance(1);
    await device.settled();
    assert.equal(device.packets().length, expected);
  }
  let sent = 30;
  for (;;) {
    clock.advance(60);
    await device.settled();
    if (device.packets().length === sent) break;
    sent += 1;
  }
  clock.advance(420 - 60 - 1);
  await device.settled();
  assert.equal(count(device, 'tts', 'stop'), 0);
  clock.advance(1);
  await device.settled();
  assert.equal(count(device, 'tts', 'stop'), 1);
  assert.equal(device.packets().length, sent);
});

test('an utterance is over after 700 ms of silence, not after 600', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  const sound = packets(joined(silence(300), voice(1_500), silence(900)));
  listen(device, 'auto');
  sendAll(device, sound.slice(0, 40));
  await device.settled();
  assert.equal(count(device, 'stt'), 0);
  sendAll(device, sound.slice(40));
  await device.next('stt');
});

test('a pause of 500 ms does not end an utterance', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, packets(joined(silence(300), voice(900), silence(480), voice(900), silence(900))));
  assert.ok(Math.abs((await heardSeconds(device)) - 2.28) <= 0.15);
  await device.settled();
  assert.equal(count(device, 'stt'), 1);
});

test('neither a click of 20 ms nor steady noise is speech, and speech over the noise is', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, packets(joined(silence(960), noise(20, 15_000), silence(2_020))));
  await device.settled();
  assert.equal(count(device, 'stt'), 0, 'a click');
  listen(device, 'auto');
  sendAll(device, packets(noise(6_000, 150)));
  await device.settled();
  assert.equal(count(device, 'stt'), 0, 'noise');
  sendAll(device, packets(joined(voice(1_200), noise(1_200, 150))));
  assert.ok(Math.abs((await heardSeconds(device)) - 1.2) <= 0.15);
});

test('abort: tts stop at once, and nothing after it', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, UTTERANCE);
  await device.next('stt');
  clock.advance(180);
  await device.settled();
  assert.equal(device.packets().length, 8);
  device.say({ type: 'abort' });
  await device.next('tts', 'stop');
  clock.advance(60_000);
  await device.settled();
  assert.equal(device.packets().length, 8);
  assert.equal(count(device, 'tts', 'stop'), 1);
});

test('an abort without an answer is answered with tts stop too', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  device.say({ type: 'abort' });
  await device.next('tts', 'stop');
  listen(device, 'auto');
  sendAll(device, UTTERANCE.slice(0, 20));
  device.say({ type: 'abort', reason: 'wake_word_detected' });
  await device.next('tts', 'stop');
  sendAll(device, UTTERANCE.slice(20));
  await device.settled();
  assert.equal(count(device, 'stt'), 0, 'what was aborted is not answered');
});

test('manual: silence ends nothing, listen stop does', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  const sound = packets(joined(silence(300), voice(600), silence(1_500), voice(600), silence(60)));
  listen(device, 'manual');
  sendAll(device, sound);
  await device.settled();
  assert.equal(count(device, 'stt'), 0);
  device.say({ type: 'listen', state: 'stop' });
  assert.ok(Math.abs((await heardSeconds(device)) - 2.7) <= 0.15, 'both words and the pause between them');
  clock.advance(60_000);
  await device.next('tts', 'stop');
  assert.ok(positionOf(device.packets(), sound) >= 0);
});

test('when nothing was said listen stop is answered by nothing, and it is in the log', async (t) => {
  const { device: connect, lines } = await rig(t);
  const device = await connect();
  for (const mode of ['manual', 'auto'] as const) {
    listen(device, mode);
    sendAll(device, packets(silence(1_200)));
    device.say({ type: 'listen', state: 'stop' });
    await device.settled();
  }
  assert.equal(count(device, 'stt') + count(device, 'tts'), 0);
  assert.equal(lines.filter((line) => line.text === 'nothing was said').length, 2);
});

test('auto: listen stop ends an utterance early', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, UTTERANCE.slice(0, 25));
  device.say({ type: 'listen', state: 'stop' });
  assert.ok(Math.abs((await heardSeconds(device)) - 0.9) <= 0.1);
});

test('what came before listen start does not count', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  sendAll(device, UTTERANCE);
  listen(device, 'manual');
  sendAll(device, UTTERANCE);
  listen(device, 'manual');
  device.say({ type: 'listen', state: 'stop' });
  await device.settled();
  assert.equal(count(device, 'stt'), 0);
});

test('a new listen start ends the answer and hears the next utterance', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, UTTERANCE);
  await device.next('stt');
  listen(device, 'auto');
  await device.next('tts', 'stop');
  sendAll(device, UTTERANCE);
  await device.next('stt');
});

test('auto: the microphone is not listened to while answering', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  listen(device, 'auto');
  sendAll(device, [...UTTERANCE, ...UTTERANCE]);
  await device.next('stt');
  clock.advance(60_000);
  await device.next('tts', 'stop');
  sendAll(device, UTTERANCE);
  await device.settled();
  assert.equal(count(device, 'stt'), 1);
});

test('realtime: speech interrupts the answer and gets its own, without a new listen start', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  listen(device, 'realtime');
  sendAll(device, UTTERANCE);
  await device.next('stt');
  await device.settled();
  sendAll(device, UTTERANCE.slice(0, 9));
  await device.settled();
  assert.equal(count(device, 'tts', 'stop'), 0, 'silence interrupts nothing');
  sendAll(device, UTTERANCE.slice(9, 25));
  await device.next('tts', 'stop');
  const before = device.packets().length;
  clock.advance(60_000);
  await device.settled();
  assert.equal(device.packets().length, before, 'the interrupted answer is dropped');
  sendAll(device, UTTERANCE.slice(25));
  assert.ok(Math.abs((await heardSeconds(device)) - 1.5) <= 0.15, 'nothing of the interruption is lost');
});

test('realtime: it goes on listening after an answer and after an abort', async (t) => {
  const { device: connect, clock } = await rig(t);
  const device = await connect();
  listen(device, 'realtime');
  sendAll(device, UTTERANCE);
  await device.next('stt');
  clock.advance(60_000);
  await device.next('tts', 'stop');
  sendAll(device, UTTERANCE);
  await device.next('stt');
  device.say({ type: 'abort' });
  await device.next('tts', 'stop');
  sendAll(device, UTTERANCE);
  await device.next('stt');
  device.say({ type: 'listen', state: 'stop' });
  clock.advance(60_000);
  await device.next('tts', 'stop');
  sendAll(device, UTTERANCE);
  await device.settled();
  assert.equal(count(device, 'stt'), 3, 'after listen stop it does not');
});

test('listen detect is taken as what the user said and answered without sound', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  device.say({ type: 'listen', state: 'detect', text: 'hello "box"' });
  assert.equal((await device.next('stt')).text, 'hello "box"');
  await device.next('tts', 'start');
  await device.next('tts', 'stop');
  assert.equal(device.packets().length, 0);
});

test('a ping in JSON is answered with pong', async (t) => {
  const { device: connect } = await rig(t);
  const device = await connect();
  device.say({ type: 'ping' });
  await device.next('pong');
});

for (const version of [2, 3] as const) {
  test(`framing version ${version} is spoken both ways`, async (t) => {
    const { frame } = await import('../../src/protocol/framing.ts');
    const { device: connect, clock } = await rig(t);
    const device = await connect({ ...DEVICE_HEADERS, 'protocol-version': String(version) });
    listen(device, 'auto');
    for (const packet of UTTERANCE) device.send(frame(version, packet));
    await device.next('stt');
    clock.advance(60_000);
    await device.next('tts', 'stop');
    const answer = device.packets().map((bytes) => {
      const unframed = unframe(version, bytes);
      assert.ok(unframed.ok);
      return unframed.payload;
    });
    assert.ok(answer.length > 20);
    assert.ok(positionOf(answer, UTTERANCE) >= 0);
  });
}
