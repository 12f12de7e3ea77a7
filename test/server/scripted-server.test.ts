// The scripted server is what other tests lean on, so it is shown here to do what its methods are called. Raw clients only.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { type TestContext, test } from 'node:test';
import { handClock } from '../helpers/hand-clock.ts';
import { DEVICE_HEADERS, DEVICE_HELLO, Refused, rawDevice } from '../helpers/raw-device.ts';
import {
  type Entrance,
  type Script,
  type ScriptClock,
  startScriptedServer,
} from '../helpers/scripted-server.ts';

async function started(t: TestContext, script: Script, clock?: ScriptClock) {
  const server = await startScriptedServer(script, clock);
  t.after(() => server.stop());
  return server;
}

function admitting(entrance: (index: number) => Entrance): Script {
  return Object.assign(async () => {}, { admit: (_request: unknown, index: number) => entrance(index) });
}

/** Lets everything that has already arrived, and every promise that waits for it, run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('a script gets headers, path, number, and what the device says in order', async (t) => {
  let done: (value: string[]) => void = () => {};
  const result = new Promise<string[]>((resolve) => {
    done = resolve;
  });
  const server = await started(t, async (session) => {
    const hello = await session.next('hello');
    const odd = await session.next((heard) => heard.kind === 'binary' && heard.bytes[0] === 3);
    const listen = await session.next('listen');
    done([
      String(session.headers['device-id']),
      session.url,
      String(session.index),
      String(hello.version),
      odd.kind,
      listen.state,
      String(session.received.length),
    ]);
  });
  const device = await rawDevice(server.url);
  device.say(DEVICE_HELLO);
  device.send(Uint8Array.of(1));
  device.send('what?');
  device.send(Uint8Array.of(3));
  device.say({ type: 'listen', state: 'stop' });
  assert.deepEqual(await result, [
    DEVICE_HEADERS['device-id'],
    '/xiaozhi/v1/',
    '0',
    '1',
    'binary',
    'stop',
    '5',
  ]);
  assert.equal(server.attempts, 1);
});

test('the second connection may be treated differently', async (t) => {
  const server = await started(t, async (session) => session.raw(`number ${session.index}`));
  await (await rawDevice(server.url)).nextText('number 0');
  await (await rawDevice(server.url)).nextText('number 1');
  assert.equal(server.sessions.length, 2);
});

test('packets: a burst at once, then one each interval, until something interrupts', async (t) => {
  const clock = handClock();
  const server = await started(
    t,
    async (session) => {
      const list = Array.from({ length: 10 }, (_, i) => Uint8Array.of(i));
      const stopped = await session.packets(
        list,
        { burst: 3, everyMs: 20 },
        (heard) => heard.kind === 'text',
      );
      session.raw(stopped?.kind ?? 'to the end');
    },
    clock,
  );
  const device = await rawDevice(server.url);
  await device.settled();
  assert.equal(device.packets().length, 3);
  for (const expected of [4, 5, 6]) {
    clock.advance(20);
    await device.settled();
    assert.equal(device.packets().length, expected);
  }
  device.say({ type: 'abort' });
  await device.nextText('text');
  clock.advance(1_000);
  await device.settled();
  assert.equal(device.packets().length, 6);
});

test('hello has a session id of eight digits, and what a test overrides', async (t) => {
  const server = await started(t, async (session) => {
    session.hello({ audio: { frameMs: 20 } });
    session.say({ type: 'stt', text: 'x' });
  });
  const device = await rawDevice(server.url);
  const hello = await device.next('hello');
  assert.match(hello.sessionId ?? '', /^[0-9a-f]{8}$/);
  assert.deepEqual(hello.audio, { format: 'opus', sampleRateHz: 24_000, channels: 1, frameMs: 20 });
  await device.next('stt');
  const last = device.told.at(-1);
  assert.ok(last?.kind === 'text' && last.text.includes(`"session_id":"${hello.sessionId}"`));
});

test('close, terminate and reset end a connection in three ways', async (t) => {
  const ways: Script = async (session) => {
    if (session.index === 0) session.close(4_001, 'because');
    else if (session.index === 1) session.terminate();
    else session.reset();
    await session.closed;
  };
  const server = await started(t, ways);
  assert.deepEqual(await (await rawDevice(server.url)).closed, { code: 4_001, reason: 'because' });
  assert.equal((await (await rawDevice(server.url)).closed).code, 1006);
  assert.equal((await (await rawDevice(server.url)).closed).code, 1006);
});

test('terminate sends FIN, reset sends RST', async (t) => {
  const server = await started(t, async (session) => {
    await session.next((heard) => heard.kind === 'text');
    if (session.index === 0) session.terminate();
    else session.reset();
  });
  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  const emptyText = Uint8Array.of(0x81, 0x80, 0, 0, 0, 0);
  const ends: string[] = [];
  for (let i = 0; i < 2; i += 1) {
    const socket = createConnection(server.port, '127.0.0.1');
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''));
    socket.on('end', () => ends.push('FIN'));
    socket.write(upgrade);
    // Only behind the answer: Node reports data and RST that come together as data and FIN.
    await once(socket, 'data');
    socket.write(emptyText);
    await new Promise((resolve) => socket.once('close', resolve));
  }
  assert.deepEqual(ends, ['FIN', 'ECONNRESET']);
});

test('a black hole answers no ping, says nothing and does not close, while others go on', async (t) => {
  const server = await started(t, async (session) => {
    if (session.index > 0) return;
    await session.next('hello');
    session.raw('before');
    session.blackHole();
    session.raw('after');
  });
  const lost = await rawDevice(server.url);
  lost.say(DEVICE_HELLO);
  await lost.nextText('before');
  const states: string[] = [];
  lost.settled().then(
    () => states.push('pong'),
    () => {},
  );
  lost.closed.then(
    () => states.push('closed'),
    () => {},
  );
  const other = await rawDevice(server.url);
  for (let i = 0; i < 5; i += 1) await other.settled();
  assert.deepEqual(states, []);
  assert.equal(lost.told.length, 1);
});

test('an upgrade can be refused, with headers and words', async (t) => {
  const server = await started(
    t,
    admitting((index) =>
      index === 0 ? { refuse: 503, headers: { 'Retry-After': '7' }, body: 'later' } : 'accept',
    ),
  );
  const refused = await rawDevice(server.url).catch((error: unknown) => error);
  assert.ok(refused instanceof Refused);
  assert.deepEqual([refused.status, refused.headers['retry-after'], refused.body], [503, '7', 'later']);
  await rawDevice(server.url);
  assert.equal(server.attempts, 2);
});

test('an upgrade can be delayed', async (t) => {
  const clock = handClock();
  const server = await started(
    t,
    admitting(() => ({ delayMs: 3_000 })),
    clock,
  );
  let open = false;
  const device = rawDevice(server.url).then((one) => {
    open = true;
    return one;
  });
  while (server.attempts === 0) await settle();
  clock.advance(2_999);
  await settle();
  assert.equal(open, false);
  assert.equal(server.sessions.length, 0);
  clock.advance(1);
  await (await device).settled();
});

test('a dribbled upgrade comes a byte at a time and never ends; a hanging one has no byte', async (t) => {
  const clock = handClock();
  const server = await started(
    t,
    admitting((index) => (index === 0 ? { dribbleEveryMs: 100 } : 'hang')),
    clock,
  );
  const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const socket = createConnection(server.port, '127.0.0.1');
  let came = '';
  socket.on('data', (chunk) => {
    came += chunk.toString('latin1');
  });
  socket.write(request);
  for (let length = 1; length <= 100; length += 1) {
    while (came.length < length) await once(socket, 'data');
    assert.equal(came.length, length);
    clock.advance(100);
  }
  assert.match(came, /^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Padding: x+$/);
  socket.destroy();
  const hanging = createConnection(server.port, '127.0.0.1');
  hanging.on('data', () => assert.fail('a hanging upgrade has no answer'));
  hanging.write(request);
  while (server.attempts < 2) await settle();
  clock.advance(60_000);
  await settle();
  const gone = once(hanging, 'close');
  await server.stop();
  await gone;
});

test('a script that fails closes its connection with 1011 and makes stop reject with its error', async () => {
  const server = await startScriptedServer(async (session) => {
    await session.next('hello');
    assert.fail('as expected');
  });
  const device = await rawDevice(server.url);
  device.say(DEVICE_HELLO);
  assert.equal((await device.closed).code, 1011);
  await assert.rejects(server.stop(), /as expected/);
});

test('a deadline that passes is a failure of the script', async () => {
  const server = await startScriptedServer(async (session) => {
    await session.next('abort', 1);
  });
  const device = await rawDevice(server.url);
  await device.closed;
  await assert.rejects(server.stop(), /abort did not come within 1 ms/);
});

test('a script whose device leaves, or that stop cuts off, is no failure', async () => {
  const server = await startScriptedServer(async (session) => {
    await session.next('abort', Number.POSITIVE_INFINITY);
  });
  const leaving = await rawDevice(server.url);
  leaving.terminate();
  await server.sessions[0]?.closed;
  await rawDevice(server.url);
  await server.stop();
});
