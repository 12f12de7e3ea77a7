// Losses as the class sees them: the order of things, every kind of end, ends on purpose, and late reports. Rows of
// reconnect.md; real servers, time by hand.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import type { Clock, Dialer, LossKind } from '../../src/ports.ts';
import { until } from '../helpers/card.ts';
import type { Script, Session } from '../helpers/scripted-server.ts';
import {
  attemptsAt,
  clientRig,
  deafWire,
  endAll,
  greets,
  type Rig,
  refusing,
  sessionOf,
  startServer,
} from './client-rig.ts';

const HOUR_MS = 3_600_000;

afterEach(endAll);

describe('a loss', () => {
  /** What is done to the wire, among what is told and the state it is told in. */
  function watched(url: string) {
    const order: string[] = [];
    const wire = (clock: Clock): Dialer => {
      const dialer = wsDialer({ clock });
      return {
        dial(request, on) {
          order.push('dial');
          const socket = dialer.dial(request, {
            ...on,
            closed(loss) {
              order.push('lost');
              on.closed(loss);
            },
          });
          const { close, terminate } = {
            close: socket.close.bind(socket),
            terminate: socket.terminate.bind(socket),
          };
          return Object.assign(socket, {
            close() {
              order.push('close');
              close();
            },
            terminate() {
              order.push('terminate');
              terminate();
            },
          });
        },
      };
    };
    const rig = clientRig(url, {}, wire);
    for (const name of ['disconnected', 'reconnected', 'error'] as const)
      rig.client.on(name, () => order.push(`${name} while ${rig.client.status().state}`));
    return { ...rig, order };
  }
  const after = (order: readonly string[], first: string) => order.slice(order.indexOf(first));

  it('S09 is cleaned up, shows in the state, is told once, and then is made good', async () => {
    const server = await startServer(greets);
    const rig = watched(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    (await sessionOf(server, 0)).reset();
    await rig.attempt();
    const steps = after(rig.order, 'lost').filter((one, at, all) => one !== all[at - 1]);
    const wanted = ['lost', 'terminate', 'disconnected while waiting', 'dial', 'reconnected while ready'];
    assert.deepEqual(steps, wanted);
    await rig.client.disconnect();
  });

  it('S09 ends in an error where it is not made good', async () => {
    const server = await startServer(greets);
    const rig = watched(server.url);
    await rig.client.connect();
    (await sessionOf(server, 0)).reset();
    await rig.isState('stopped');
    const steps = after(rig.order, 'lost').filter((one, at, all) => one !== all[at - 1]);
    assert.deepEqual(steps, ['lost', 'terminate', 'disconnected while stopped', 'error while stopped']);
  });

  it('S09 is none when it is on purpose, and is told nobody who was not connected', async () => {
    const server = await startServer(greets);
    const rig = watched(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.disconnect();
    await rig.client.connect();
    await rig.client.disconnect();
    await rig.client.disconnect();
    assert.deepEqual(
      rig.order.filter((one) => one !== 'lost' && one !== 'terminate'),
      ['dial', 'close', 'disconnected while closed'],
    );
    const { kind, reason, detectedBy } = rig.losses()[0] ?? {};
    assert.deepEqual([kind, reason, detectedBy], ['normal close', 'disconnect() was called', 'disconnect']);
  });

  it('S09 of a connection that was never greeted is told as well, for its beginning was', async () => {
    const server = await startServer(async (session) => {
      await session.next('hello');
      session.close(1011);
    });
    const rig = clientRig(server.url);
    assert.equal(await rig.client.connect(), false);
    assert.deepEqual(rig.names(), ['connected', 'disconnected', 'error']);
  });
});

describe('S11 every kind of end', () => {
  type Ending = (session: Session, rig: Rig, wire: { missed: number }) => Promise<void> | void;
  const endings: readonly (readonly [LossKind, Ending])[] = [
    ['normal close', (session) => session.close()],
    ['abnormal close', (session) => session.close(1011, 'keepalive ping timeout')],
    [
      'send on a closed socket',
      async (session, { client }, wire) => {
        session.terminate();
        await until(() => wire.missed === 1, 'the end that nobody was told of');
        assert.equal(client.send({ type: 'ping' }), false);
      },
    ],
    ['connection reset', (session) => session.reset()],
    [
      'network error',
      (session, { clock }) => {
        session.blackHole();
        // Last heard at 0 s: asked at 15 s, given up at 20 s.
        clock.advance(5_000);
        clock.advance(5_000);
      },
    ],
    [
      'other',
      (session, { client }) => {
        session.blackHole();
        // More than the kernel takes for a reader that does not read.
        const text = 'x'.repeat(100_000);
        for (let i = 0; i < 1_000 && client.send({ type: 'listen', state: 'detect', text }); i += 1);
      },
    ],
  ];

  for (const [kind, end] of endings)
    it(`S11 goes the same way: ${kind}`, async () => {
      const server = await startServer(greets);
      const deaf = { now: kind === 'send on a closed socket' };
      const { wire, seen } = deafWire(() => deaf.now);
      const rig = clientRig(server.url, {}, wire);
      rig.client.enableAutoReconnect();
      await rig.client.connect();
      rig.clock.advance(10_000);
      await end(await sessionOf(server, 0), rig, seen);
      deaf.now = false;
      await rig.attempt();
      assert.deepEqual(
        rig.losses().map((loss) => loss.kind),
        [kind],
      );
      assert.deepEqual(rig.names().slice(2), ['disconnected', 'connected', 'authenticated', 'reconnected']);
      await rig.client.disconnect();
    });

  it('D01 one that only the monitor finds does not stop the monitor', async () => {
    const server = await startServer(greets);
    const deaf = { now: true };
    const { wire, seen } = deafWire(() => deaf.now);
    const rig = clientRig(server.url, {}, wire);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    for (let round = 0; round < 3; round += 1) {
      (await sessionOf(server, round)).terminate();
      await until(() => seen.missed > round, 'the end that nobody was told of');
      assert.equal(rig.client.status().state, 'ready');
      rig.clock.advance(5_000);
      await rig.attempt();
    }
    assert.deepEqual(
      rig.losses().map(({ detectedBy }) => detectedBy),
      ['monitor', 'monitor', 'monitor'],
    );
    deaf.now = false;
    await rig.client.disconnect();
  });

  it('D03 five hundred of them leave the stack and the number of timers as they were', async () => {
    const server = await startServer(async (session) => {
      await greets(session);
      session.reset();
    });
    const rig = clientRig(server.url, { maxAttempts: 0 });
    rig.client.enableAutoReconnect(true, 0);
    const depths = new Set<number>();
    const timers = new Set<number>();
    const usual = Error.stackTraceLimit;
    Error.stackTraceLimit = 1_000;
    rig.client.on('disconnected', () => {
      if (rig.client.status().state !== 'waiting') return;
      depths.add((new Error('here').stack ?? '').split('\n').length);
      timers.add(rig.clock.pending());
      setImmediate(() => rig.clock.advance(rig.delayMs() ?? 0));
    });
    await rig.client.connect();
    await until(() => rig.client.status().statistics.reconnects >= 500, '500 reconnections');
    await rig.client.disconnect();
    Error.stackTraceLimit = usual;
    const [deepest, shallowest] = [Math.max(...depths), Math.min(...depths)];
    assert.ok(deepest < 60 && deepest - shallowest < 20, `${shallowest} to ${deepest} frames deep`);
    assert.deepEqual([...timers], [1], 'the retry, and nothing left over');
    assert.equal(rig.clock.pending(), 0);
  });
});

describe('disconnect()', () => {
  it('S07 a deliberate close never reconnects', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    const session = await sessionOf(server, 0);
    await rig.client.disconnect();
    assert.equal((await session.closed).code, 1000);
    rig.clock.advance(HOUR_MS);
    assert.equal(await attemptsAt(server), 1);
    assert.equal(rig.clock.pending(), 0);
  });

  for (const name of ['connected', 'authenticated', 'message', 'disconnected'] as const)
    it(`S07 holds when it is called in a listener of ${name}`, async () => {
      const server = await startServer(async (session) => {
        await greets(session);
        session.say({ type: 'stt', text: 'hello' });
        session.close(1011);
      });
      const rig = clientRig(server.url);
      rig.client.enableAutoReconnect();
      let left: Promise<void> | undefined;
      rig.client.once(name, () => {
        left = rig.client.disconnect();
      });
      await rig.client.connect();
      await rig.isState('closed');
      await left;
      assert.equal(rig.count('disconnected'), 1);
      rig.clock.advance(HOUR_MS);
      assert.equal(await attemptsAt(server), 1);
    });

  it('S07 is over when the socket is gone, and 2 s after it was asked for at the latest', async () => {
    const server = await startServer(greets);
    const ends = { reported: 0 };
    const rig = clientRig(server.url, {}, (clock) => {
      const dialer = wsDialer({ clock });
      return {
        dial: (request, on) =>
          dialer.dial(request, {
            ...on,
            closed(loss) {
              ends.reported += 1;
              on.closed(loss);
            },
          }),
      };
    });
    await rig.client.connect();
    await rig.client.disconnect();
    assert.equal(ends.reported, 1);
    const deaf = deafWire(() => true);
    const other = clientRig(server.url, {}, deaf.wire);
    await other.client.connect();
    let over = 'no';
    const left = other.client.disconnect().then(() => {
      over = 'yes';
    });
    await until(() => deaf.seen.missed === 1, 'an end that nobody is told of');
    other.clock.advance(1_999);
    await attemptsAt(server);
    assert.equal(over, 'no');
    other.clock.advance(1);
    await until(() => over === 'yes', 'it is over');
    await left;
    await other.client.disconnect();
  });

  it('S33 says in the log why nothing follows', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    await rig.client.disconnect();
    const words = rig.log.lines.map(({ text, fields }) => `${text} ${JSON.stringify(fields)}`);
    assert.ok(
      words.some((line) => line.includes('closed') && line.includes('disconnect() was called')),
      words.join('\n'),
    );
  });

  it('D08 ends a wait: nothing wakes up later and connects', async () => {
    const server = await startServer(refusing(() => true));
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    assert.equal(rig.client.status().state, 'waiting');
    await rig.client.disconnect();
    assert.equal(rig.client.status().state, 'closed');
    rig.clock.advance(HOUR_MS);
    assert.equal(await attemptsAt(server), 1);
  });

  it('D08 ends an attempt on its way, and connect() says that it failed', async () => {
    const hanging: Script = Object.assign(greets, { admit: () => 'hang' as const });
    const server = await startServer(hanging);
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    const connected = rig.client.connect();
    await until(() => server.attempts === 1, 'the attempt has arrived');
    await rig.client.disconnect();
    assert.equal(await connected, false);
    assert.equal(rig.client.status().state, 'closed');
    rig.clock.advance(HOUR_MS);
    assert.equal(await attemptsAt(server), 1);
    assert.deepEqual(rig.names(), []);
  });

  it('D09 a stale deadline of one attempt does not touch the next', async () => {
    const server = await startServer(async (session) => {
      await session.next('hello');
      if (session.index > 0) session.hello();
    });
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    const first = rig.client.connect();
    await rig.isState('greeting');
    rig.clock.advance(9_000);
    (await sessionOf(server, 0)).reset();
    assert.equal(await first, false);
    await rig.attempt();
    // The first hello was due one second after its connection broke.
    rig.clock.advance(9_000);
    assert.equal(rig.client.status().state, 'ready');
    assert.deepEqual(rig.names(), ['connected', 'disconnected', 'connected', 'authenticated']);
    await rig.client.disconnect();
  });
});

it('a token that the server quotes is in nothing that the class tells of the end', async () => {
  const server = await startServer(async (session) => {
    await session.next('hello');
    session.raw('we do not know quoted-3f81 here');
    session.close(4001);
    await session.closed;
  });
  const rig = clientRig(server.url, { token: 'Bearer quoted-3f81' });
  assert.equal(await rig.client.connect(), false);
  const told = JSON.stringify([rig.told, rig.client.status()]);
  assert.match(told, /refused by the server: we do not know \[redacted\] here/);
  assert.doesNotMatch(told, /quoted-3f81/);
});
