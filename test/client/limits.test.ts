// The switch and the limits of the class: when it comes back by itself, how often it tries, and when it stops. Rows of
// reconnect.md; real servers, time by hand.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import type { Script } from '../helpers/scripted-server.ts';
import { attemptsAt, clientRig, endAll, greets, refusing, sessionOf, startServer } from './client-rig.ts';

const HOUR_MS = 3_600_000;

afterEach(endAll);
const never = refusing(() => true);

/** Until it stops by itself, or has made so many attempts. */
async function exhausted(rig: ReturnType<typeof clientRig>, most = 50): Promise<number[]> {
  const delays: number[] = [];
  while (rig.client.status().state !== 'stopped' && rig.client.status().attempt < most) {
    delays.push(rig.delayMs() ?? 0);
    await rig.attempt();
  }
  return delays;
}

describe('the switch', () => {
  it('S03 is off until it is called: a lost connection stays lost, and that is said', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    assert.equal(await rig.client.connect(), true);
    assert.deepEqual(rig.client.status().limits, {
      enabled: false,
      switch: 0,
      configured: 10,
      effective: 10,
    });
    (await sessionOf(server, 0)).reset();
    await rig.isState('stopped');
    assert.deepEqual(rig.names(), ['connected', 'authenticated', 'disconnected', 'error']);
    assert.deepEqual(
      rig.errors().map(({ reason }) => reason),
      ['connection lost'],
    );
    rig.clock.advance(HOUR_MS);
    assert.equal(await attemptsAt(server), 1);
  });

  it('S03 may be turned at any time, and the log says which way', async () => {
    const server = await startServer(refusing((index) => index === 1));
    const rig = clientRig(server.url);
    await rig.client.connect();
    rig.client.enableAutoReconnect();
    assert.deepEqual(rig.client.status().limits, { enabled: true, switch: 5, configured: 10, effective: 5 });
    (await sessionOf(server, 0)).reset();
    await rig.attempt();
    rig.client.enableAutoReconnect(true, 3);
    assert.equal(rig.client.status().state, 'waiting');
    rig.client.enableAutoReconnect(false);
    assert.equal(rig.client.status().state, 'stopped');
    rig.clock.advance(HOUR_MS);
    assert.equal(await attemptsAt(server), 2);
    assert.deepEqual(rig.errors(), [], 'whoever switches it off knows');
    const lines = rig.log.lines.filter(({ text }) => text.startsWith('reconnecting is switched'));
    assert.deepEqual(
      lines.map(({ text, fields }) => [text, fields]),
      [
        ['reconnecting is switched on', { maxAttempts: 5 }],
        ['reconnecting is switched on', { maxAttempts: 3 }],
        ['reconnecting is switched off', {}],
      ],
    );
  });

  it('S04 turned on before connect() it covers the first attempt too', async () => {
    const server = await startServer(refusing((index) => index < 2));
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    assert.equal(await rig.client.connect(), false);
    await rig.attempt();
    await rig.attempt();
    assert.equal(rig.client.status().state, 'ready');
    assert.deepEqual(rig.names(), ['connected', 'authenticated'], 'there was nothing to come back to');
    await rig.client.disconnect();
  });

  it('D05 a first attempt that fails is the last one while it is off', async () => {
    const server = await startServer(never);
    const rig = clientRig(server.url);
    assert.equal(await rig.client.connect(), false);
    rig.clock.advance(HOUR_MS);
    assert.equal(await attemptsAt(server), 1);
    assert.deepEqual(rig.names(), ['error']);
    assert.equal(rig.errors()[0]?.reason, 'attempt failed');
    assert.match(rig.errors()[0]?.message ?? '', /500/);
  });
});

describe('the limits', () => {
  for (const [row, sentence, switched, configured, attempts] of [
    ['S05', "the switch's five are lower than the configured ten", 5, 10, 5],
    ['S05', 'the configured one holds where it is lower', 8, 3, 3],
    ['S05', 'a switch without a limit leaves the configured one', 0, 4, 4],
    ['D04', 'a configuration without a limit leaves that of the switch', 6, 0, 6],
    ['D04', 'one is one: the first failure is the last', 1, 10, 1],
  ] as const)
    it(`${row} ${sentence}`, async () => {
      const server = await startServer(never);
      const rig = clientRig(server.url, { maxAttempts: configured });
      rig.client.enableAutoReconnect(true, switched);
      assert.equal(await rig.client.connect(), false);
      await exhausted(rig);
      rig.clock.advance(HOUR_MS);
      assert.equal(await attemptsAt(server), attempts);
      assert.equal(rig.client.status().limits.effective, attempts);
    });

  it('S05 without any it goes on', async () => {
    const server = await startServer(never);
    const rig = clientRig(server.url, { maxAttempts: 0 });
    rig.client.enableAutoReconnect(true, 0);
    await rig.client.connect();
    await exhausted(rig, 20);
    assert.equal(rig.client.status().state, 'waiting');
    assert.equal(rig.client.status().limits.effective, 0);
    assert.deepEqual(rig.errors(), []);
    await rig.client.disconnect();
  });

  it('S06 at the limit there is one error that names it and the reason, and the state says so', async () => {
    const server = await startServer(never);
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    await exhausted(rig);
    assert.deepEqual(rig.names(), ['error']);
    const [error] = rig.errors();
    assert.equal(error?.reason, 'limit reached');
    assert.match(error?.message ?? '', /limit of 5 attempts.*HTTP 500/);
    const { state, why, failures, trouble, nextAttemptInMs } = rig.client.status();
    assert.deepEqual([state, failures, nextAttemptInMs], ['stopped', 5, null]);
    assert.match(why ?? '', /limit of 5/);
    assert.equal(trouble, error?.loss);
  });

  it('S34 while the server is away the delays grow, and at the limit it stops', async () => {
    const server = await startServer(refusing((index) => index > 0));
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect(true, 6);
    await rig.client.connect();
    rig.clock.advance(10_000);
    (await sessionOf(server, 0)).reset();
    await rig.isState('waiting');
    const delays = await exhausted(rig);
    // The first at a random moment within 250 ms, then half of 1 s, 2 s, 4 s... and the dice's share of the other half.
    assert.deepEqual(delays.slice(0, 4), [125, 750, 1_500, 3_000]);
    assert.ok(
      delays.every((delayMs, at) => at === 0 || delayMs > (delays[at - 1] ?? 0)),
      delays.join(' '),
    );
    assert.equal(await attemptsAt(server), 7);
  });

  it('D07 what has stopped at the limit can be started again', async () => {
    const server = await startServer(refusing((index) => index < 2));
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect(true, 2);
    await rig.client.connect();
    await exhausted(rig);
    assert.equal(rig.client.status().state, 'stopped');
    assert.equal(await rig.client.connect(), true);
    assert.equal(rig.client.status().failures, 0);
    await rig.client.disconnect();
  });
});

describe('the counter', () => {
  it('S13 grows with each failure and is forgotten after ten seconds that work', async () => {
    const server = await startServer(refusing((index) => index < 3));
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    const seen: number[] = [];
    const look = () => seen.push(rig.client.status().failures);
    await rig.client.connect();
    look();
    for (let i = 0; i < 3; i += 1) {
      await rig.attempt();
      look();
    }
    assert.equal(rig.client.status().state, 'ready');
    rig.clock.advance(9_999);
    look();
    rig.clock.advance(1);
    look();
    assert.deepEqual(seen, [1, 2, 3, 3, 3, 0]);
    (await sessionOf(server, 0)).reset();
    await rig.isState('waiting');
    assert.deepEqual([rig.client.status().failures, rig.delayMs()], [0, 125]);
    await rig.client.disconnect();
  });

  it('D02 a server that greets and drops is left alone more and more, and in the end for good', async () => {
    const dropping: Script = async (session) => {
      await greets(session);
      session.close();
    };
    const server = await startServer(dropping);
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    assert.equal(await rig.client.connect(), true);
    const delays: number[] = [];
    for (let drop = 1; drop < 5; drop += 1) {
      await until(() => rig.count('disconnected') === drop, `drop ${drop}`);
      delays.push(rig.delayMs() ?? 0);
      rig.clock.advance(rig.delayMs() ?? 0);
    }
    await rig.isState('stopped');
    assert.deepEqual(delays.slice(0, 3), [750, 1_500, 3_000]);
    assert.ok((delays[3] ?? 0) > 3_000, delays.join(' '));
    assert.equal(rig.errors()[0]?.reason, 'limit reached');
    assert.equal(await attemptsAt(server), 5);
  });

  it('S14 a failed attempt is followed by the next', async () => {
    const server = await startServer(refusing((index) => index > 0 && index < 5));
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    rig.clock.advance(10_000);
    (await sessionOf(server, 0)).reset();
    for (let i = 0; i < 5; i += 1) await rig.attempt();
    assert.equal(rig.client.status().state, 'ready');
    await rig.client.disconnect();
  });

  it('D10 a server that is away for 40 s is found again', async () => {
    const rig: { now?: () => number } = {};
    const away = { fromMs: Number.POSITIVE_INFINITY };
    const back = () => (rig.now?.() ?? 0) >= away.fromMs + 40_000;
    const server = await startServer(refusing((index) => index > 0 && !back()));
    const { client, clock, told, attempt } = clientRig(server.url, { maxAttempts: 0 });
    rig.now = () => clock.now();
    client.enableAutoReconnect(true, 0);
    await client.connect();
    away.fromMs = clock.now();
    (await sessionOf(server, 0)).reset();
    do await attempt();
    while (client.status().state !== 'ready');
    const { outageMs } = told.flatMap((one) => (one.name === 'reconnected' ? [...one.news] : []))[0] ?? {
      outageMs: 0,
    };
    assert.ok(outageMs >= 40_000 && outageMs <= 52_000, `${outageMs} ms`);
    await client.disconnect();
  });
});
