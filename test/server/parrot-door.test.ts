// Who gets in to the parrot, who is told what, and how everybody gets out. Raw `ws` and HTTP; knows no conversation.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { test } from 'node:test';
import { DEVICE_HEADERS, DEVICE_HELLO, Refused, rawDevice } from '../helpers/raw-device.ts';
import { rig } from './parrot-rig.ts';

/** For tests that wait for an end: without it a server that never ends a session would hang the whole run. */
const HANGS = { timeout: 30_000 };

/** The headers without one of them. */
function without(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(DEVICE_HEADERS).filter(([key]) => key !== name));
}

async function refusal(url: string, headers: Readonly<Record<string, string>>): Promise<Refused> {
  const answer = await rawDevice(url, headers).catch((error: unknown) => error);
  assert.ok(answer instanceof Refused, `expected a refusal, got ${String(answer)}`);
  return answer;
}

test('a missing or wrong header is answered with 400 and its name', async (t) => {
  const { server } = await rig(t);
  const rows: [Record<string, string>, RegExp][] = [
    [without('device-id'), /^Device-Id is missing/],
    [{ ...DEVICE_HEADERS, 'device-id': 'kitchen' }, /^Device-Id is wrong/],
    [{ ...DEVICE_HEADERS, 'device-id': '02:00:00:00:00:01:02' }, /^Device-Id is wrong/],
    [without('client-id'), /^Client-Id is missing/],
    [{ ...DEVICE_HEADERS, 'client-id': 'x'.repeat(65) }, /^Client-Id is wrong/],
    [{ ...DEVICE_HEADERS, 'protocol-version': '4' }, /^Protocol-Version is wrong/],
  ];
  for (const [headers, text] of rows) {
    const { status, body } = await refusal(server.url, headers);
    assert.equal(status, 400);
    assert.match(body, text);
  }
  assert.equal(server.sessions, 0);
});

test('without Protocol-Version a device gets in as version 1', async (t) => {
  const { server } = await rig(t);
  const device = await rawDevice(server.url, without('protocol-version'));
  device.say(DEVICE_HELLO);
  await device.next('hello');
});

test('with a token only the very same one gets in, and others are told 401', async (t) => {
  const { server } = await rig(t, { token: 'sesame' });
  for (const authorization of ['Bearer sesam', 'Bearer sesame2', 'bearer sesame', 'sesame', 'Bearer ']) {
    const { status, body } = await refusal(server.url, { ...DEVICE_HEADERS, authorization });
    assert.equal(status, 401, authorization);
    assert.ok(!body.includes('sesam'), 'the token is not told');
  }
  assert.equal((await refusal(server.url, DEVICE_HEADERS)).status, 401);
  await rawDevice(server.url, { ...DEVICE_HEADERS, authorization: 'Bearer sesame' });
  assert.equal(server.sessions, 1);
});

test('the token is in no log line', async (t) => {
  const { server, lines } = await rig(t, { token: 'sesame' });
  await refusal(server.url, { ...DEVICE_HEADERS, authorization: 'Bearer sesame-oil' });
  await rawDevice(server.url, { ...DEVICE_HEADERS, authorization: 'Bearer sesame' });
  assert.ok(lines.length >= 3);
  assert.ok(!JSON.stringify(lines).includes('sesame'));
});

test('another path is 404, for a device and for a browser, and the query does not count', async (t) => {
  const { server } = await rig(t);
  const { status, body } = await refusal(server.url.replace('/v1/', '/v2/'), DEVICE_HEADERS);
  assert.equal(status, 404);
  assert.match(body, /\/xiaozhi\/v1\//);
  const page = await fetch(`http://127.0.0.1:${server.port}/`);
  assert.equal(page.status, 404);
  await page.text();
  await rawDevice(`${server.url}?device-id=x`);
});

test('a browser on the path reads one line that says what this is', async (t) => {
  const { server } = await rig(t);
  const page = await fetch(server.url.replace('ws:', 'http:'));
  assert.equal(page.status, 200);
  assert.match(await page.text(), /^xiaozhi-agent serve: .+\n$/);
});

test('the place after the fiftieth is refused with 503 and a time, and free again when one leaves', async (t) => {
  const { server } = await rig(t);
  const devices = await Promise.all(Array.from({ length: 50 }, () => rawDevice(server.url)));
  assert.equal(server.sessions, 50);
  const { status, headers } = await refusal(server.url, DEVICE_HEADERS);
  assert.equal(status, 503);
  assert.match(String(headers['retry-after']), /^\d+$/);
  devices[0]?.close();
  await devices[0]?.closed;
  await rawDevice(server.url);
});

test('who does not say hello within 10 s is closed with 1002, and not before', HANGS, async (t) => {
  const { server, clock } = await rig(t);
  const device = await rawDevice(server.url);
  await device.settled();
  clock.advance(9_999);
  await device.settled();
  clock.advance(1);
  assert.equal((await device.closed).code, 1002);
});

test('who is silent for three minutes loses the place, a ping in between keeps it', HANGS, async (t) => {
  const { device: connect, clock } = await rig(t);
  const [silent, pinging] = [await connect(), await connect()];
  clock.advance(179_000);
  await pinging.settled();
  clock.advance(1_000);
  assert.equal((await silent.closed).code, 1000);
  clock.advance(178_999);
  await pinging.settled();
});

test('a message above 1 MiB ends that session with 1009 and nobody else', HANGS, async (t) => {
  const { device: connect } = await rig(t);
  const [big, small] = [await connect(), await connect()];
  big.send(new Uint8Array(1_048_577));
  assert.equal((await big.closed).code, 1009);
  await small.settled();
});

test('who reads nothing is cut off before the unread fills the memory', HANGS, async (t) => {
  const { server, device: connect } = await rig(t);
  const [deaf, other] = [await connect(), await connect()];
  deaf.deafen();
  // 32 MB come back: more than the system's buffers and the server's own limit together.
  for (let i = 0; i < 2_000; i += 1) deaf.say({ type: 'listen', state: 'detect', text: 'x'.repeat(16_000) });
  while (server.sessions > 1) await other.settled();
  await other.settled();
});

test(
  'stop says 1001 to everybody, is done when they have left, and may be called twice',
  HANGS,
  async (t) => {
    const { server, device: connect } = await rig(t);
    const devices = [await connect(), await connect()];
    await Promise.all([server.stop(), server.stop()]);
    for (const device of devices) assert.equal((await device.closed).code, 1001);
    assert.equal(server.sessions, 0);
    await assert.rejects(rawDevice(server.url));
  },
);

test('stop cuts off after one second who does not answer the goodbye', HANGS, async (t) => {
  const { server, device: connect, clock } = await rig(t);
  const deaf = await connect();
  deaf.deafen();
  const stopped = server.stop();
  clock.advance(999);
  assert.equal(server.sessions, 1);
  clock.advance(1);
  await stopped;
  assert.equal(server.sessions, 0);
});

test('a connection that never asks for anything does not hold up the stop', HANGS, async (t) => {
  const { server } = await rig(t);
  const idle = createConnection(server.port, '127.0.0.1');
  idle.on('error', () => {});
  await once(idle, 'connect');
  const gone = once(idle, 'close');
  await server.stop();
  idle.resume();
  await gone;
});

test('a port that is taken rejects the start', async (t) => {
  const { server } = await rig(t);
  const { startServer } = await import('../../src/server/parrot.ts');
  const { handClock } = await import('../helpers/hand-clock.ts');
  const { soundCodec } = await import('../helpers/opus-sound.ts');
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const again = { host: '127.0.0.1', port: server.port, codec: soundCodec(), clock: handClock(), log: quiet };
  await assert.rejects(startServer(again), { code: 'EADDRINUSE' });
});

test('a process that stopped its server ends by itself', { timeout: 60_000 }, async () => {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    const { startServer } = await import(${at('../../src/server/parrot.js')});
    const { rawDevice, DEVICE_HELLO } = await import(${at('../helpers/raw-device.js')});
    const { soundCodec } = await import(${at('../helpers/opus-sound.js')});
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const clock = {
      now: () => performance.now(), wallMs: () => Date.now(), dice: () => 0.5,
      after(ms, fire) { const timer = setTimeout(fire, ms * 1000); return () => clearTimeout(timer); },
    };
    const server = await startServer({ host: '127.0.0.1', port: 0, codec: soundCodec(), clock, log });
    const greeted = await rawDevice(server.url);
    greeted.say(DEVICE_HELLO);
    await greeted.next('hello');
    await rawDevice(server.url);
    await server.stop();
    console.log('stopped');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  // A timer of the server's left behind lasts hours by that clock, the library's own for a close 30 s.
  const overdue = setTimeout(() => child.kill('SIGKILL'), 25_000);
  const [exitCode] = await once(child, 'exit');
  clearTimeout(overdue);
  assert.equal(said, 'stopped\n');
  assert.equal(exitCode, 0);
});
