// What a session is made of and what survives the next one: headers, hello, events, ids, messages and audio both ways,
// figures. Rows of reconnect.md; real servers, time by hand.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { type Heard, messageOf, type Session } from '../helpers/scripted-server.ts';
import { clientRig, endAll, greets, IDENTITY, refusing, sessionOf, startServer } from './client-rig.ts';

const PACKET = Uint8Array.of(0x58, 1, 2, 3, 4);

afterEach(endAll);

/** Connected, ten seconds old, then broken off and back. */
async function cameBack(
  url: string,
  first: () => Promise<Session>,
  options: Parameters<typeof clientRig>[1] = {},
) {
  const rig = clientRig(url, options);
  rig.client.enableAutoReconnect();
  await rig.client.connect();
  rig.clock.advance(10_000);
  (await first()).reset();
  await rig.attempt();
  assert.equal(rig.client.status().state, 'ready');
  return rig;
}

const texts = (session: Session | undefined) =>
  (session?.received ?? []).flatMap((heard) => (heard.kind === 'text' ? [heard.text] : []));

describe('a connection', () => {
  it('S18 tells of its upgrade, then of the hello with the session id, then of what is said', async () => {
    const server = await startServer(async (session) => {
      await session.next('hello');
      assert.deepEqual(rig.names(), ['connected'], 'our hello goes out with the upgrade');
      // What comes before the hello belongs to no session.
      session.packet(PACKET);
      session.hello({ sessionId: 'f00d' });
      session.say({ type: 'stt', text: 'what is the time' });
      session.packet(PACKET);
    });
    const rig = clientRig(server.url);
    assert.equal(await rig.client.connect(), true);
    await until(() => rig.count('audio') === 1, 'the packet');
    assert.deepEqual(rig.names(), ['connected', 'authenticated', 'message', 'audio']);
    assert.deepEqual(rig.told[1]?.news, [{ sessionId: 'f00d' }]);
    assert.deepEqual(rig.told[2]?.news, [{ type: 'stt', text: 'what is the time' }]);
    assert.equal(await rig.client.connect(), true, 'connect() is content with what there is');
    assert.equal(server.attempts, 1);
  });

  it('S18 is never told of twice: each `connected` has one `disconnected`', async () => {
    const server = await startServer(greets);
    const rig = await cameBack(server.url, () => sessionOf(server, 0));
    await rig.client.disconnect();
    assert.deepEqual([rig.count('connected'), rig.count('disconnected')], [2, 2]);
  });

  it('asks for more only what the server offers in its hello, and takes a foreign transport for a failure', async () => {
    const server = await startServer(async (session) => {
      await session.next('hello');
      session.hello({ transport: 'udp' });
    });
    const rig = clientRig(server.url);
    assert.equal(await rig.client.connect(), false);
    assert.equal(rig.errors()[0]?.loss?.class, 'protocol');
    assert.equal(rig.count('authenticated'), 0);
  });
});

describe('after a reconnect', () => {
  it('S15 the same headers and a hello go out again', async () => {
    const server = await startServer(greets);
    await cameBack(server.url, () => sessionOf(server, 0), { headers: { 'X-Site': 'kitchen' } });
    for (const session of server.sessions) {
      const { headers } = session;
      assert.equal(headers.authorization, 'Bearer test-token');
      assert.equal(headers['device-id'], IDENTITY.deviceId);
      assert.equal(headers['client-id'], IDENTITY.clientId);
      assert.equal(headers['protocol-version'], '1');
      assert.equal(headers['x-site'], 'kitchen');
      const [first] = session.received;
      assert.equal(first === undefined ? undefined : messageOf(first)?.type, 'hello');
    }
    assert.equal(server.sessions.length, 2);
  });

  it('S15 the heartbeat watches the new connection', async () => {
    const server = await startServer(greets);
    const rig = await cameBack(server.url, () => sessionOf(server, 0));
    (await sessionOf(server, 1)).blackHole();
    // Its interval, a tenth shorter since the first loss, then the time that the answer has.
    rig.clock.advance(15_000);
    rig.clock.advance(5_000);
    await until(() => rig.losses().length === 2, 'the silence is noticed');
    assert.equal(rig.losses()[1]?.detectedBy, 'heartbeat');
  });

  it('S19 that is told, with how long it took; a first connection and one after disconnect() are none', async () => {
    const server = await startServer(refusing((index) => index === 1 || index === 2));
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    rig.clock.advance(10_000);
    (await sessionOf(server, 0)).reset();
    await until(() => rig.count('disconnected') === 1, 'the loss');
    const lostAtMs = rig.clock.now();
    for (let i = 0; i < 3; i += 1) await rig.attempt();
    const back = rig.told.find(({ name }) => name === 'reconnected');
    assert.deepEqual(back?.news, [{ outageMs: Math.round(rig.clock.now() - lostAtMs), attempts: 3 }]);
    assert.deepEqual(rig.names().slice(-2), ['authenticated', 'reconnected']);
    await rig.client.disconnect();
    await rig.client.connect();
    assert.equal(rig.count('reconnected'), 1);
    assert.equal(rig.count('authenticated'), 3);
  });

  it('S35 what the server says and its audio arrive, and ours reaches it', async () => {
    const server = await startServer(greets);
    const rig = await cameBack(server.url, () => sessionOf(server, 0), { framing: 3 });
    const session = await sessionOf(server, 1);
    session.say({ type: 'llm', emotion: 'happy', text: '🙂' });
    session.say({ type: 'tts', state: 'sentence_start', text: 'hello' });
    session.packet(PACKET);
    await until(() => rig.count('audio') === 1, 'the packet');
    const news = rig.told.slice(-3).map((one) => one.news[0]);
    assert.deepEqual(news[0], { type: 'llm', emotion: 'happy', text: '🙂' });
    assert.deepEqual(news[1], { type: 'tts', state: 'sentence_start', text: 'hello' });
    assert.deepEqual(Buffer.from(rig.told.at(-1)?.news[0] as Uint8Array), Buffer.from(PACKET));
    assert.equal(rig.client.send({ type: 'listen', state: 'start', mode: 'auto' }), true);
    assert.equal(rig.client.sendAudio(PACKET), true);
    assert.equal((await session.next('listen')).state, 'start');
    const packet = await session.next((heard: Heard) => heard.kind === 'binary');
    // Version 3: type, reserved, length in two bytes.
    assert.deepEqual(packet.kind === 'binary' ? [...packet.bytes] : [], [0, 0, 0, PACKET.length, ...PACKET]);
  });

  it('D14 the old session id is never sent on the new connection', async () => {
    const server = await startServer(async (session) => {
      await session.next('hello');
      session.hello({ sessionId: `session-${session.index}` });
    });
    const rig = clientRig(server.url);
    rig.client.enableAutoReconnect();
    const said = async (at: number) => {
      rig.client.send({ type: 'listen', state: 'start', mode: 'auto' });
      await (await sessionOf(server, at)).next('listen');
    };
    await rig.client.connect();
    await said(0);
    (await sessionOf(server, 0)).reset();
    await rig.attempt();
    await said(1);
    const ids = texts(server.sessions[1]).map(
      (text) => (JSON.parse(text) as { session_id?: string }).session_id,
    );
    assert.deepEqual(ids, [undefined, 'session-1']);
    assert.deepEqual(
      rig.told.flatMap((one) => (one.name === 'authenticated' ? [one.news[0].sessionId] : [])),
      ['session-0', 'session-1'],
    );
  });
});

describe('what is sent', () => {
  it('is taken between hello and end, and refused at any other time', async () => {
    const server = await startServer(async (session) => {
      await session.next('hello');
      await session.next('ping');
    });
    const rig = clientRig(server.url);
    const tried = () => [rig.client.send({ type: 'ping' }), rig.client.sendAudio(PACKET)];
    assert.deepEqual(tried(), [false, false]);
    const connected = rig.client.connect();
    await rig.isState('greeting');
    assert.deepEqual(tried(), [false, false], 'the server has not greeted yet');
    (await sessionOf(server, 0)).hello();
    await connected;
    assert.deepEqual(tried(), [true, true]);
    await rig.client.disconnect();
    assert.deepEqual(tried(), [false, false]);
    const received = server.sessions[0]?.received ?? [];
    assert.equal(received.filter(({ kind }) => kind === 'binary').length, 1);
    assert.equal(texts(server.sessions[0]).filter((text) => text.includes('ping')).length, 1);
  });

  it('is refused while the network does not carry it, and the connection bears that', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    await rig.client.connect();
    (await sessionOf(server, 0)).blackHole();
    const packet = new Uint8Array(4_000).fill(1);
    let taken = 0;
    while (taken < 10_000 && rig.client.sendAudio(packet)) taken += 1;
    assert.ok(taken < 10_000, 'a reader that does not read stops it');
    assert.equal(rig.client.status().state, 'ready');
  });
});

describe('status()', () => {
  it('S20 has the figures of all connections', async () => {
    const server = await startServer(async (session) => {
      await greets(session);
      session.say({ type: 'stt', text: 'one' });
      session.packet(PACKET);
    });
    const rig = clientRig(server.url);
    assert.deepEqual(rig.client.status(), {
      state: 'resting',
      why: 'starting',
      attempt: 0,
      failures: 0,
      nextAttemptInMs: null,
      limits: { enabled: false, switch: 0, configured: 10, effective: 10 },
      statistics: {
        connections: 0,
        hellos: 0,
        reconnects: 0,
        messagesSent: 0,
        messagesReceived: 0,
        packetsSent: 0,
        packetsReceived: 0,
        lastConnectedAt: null,
        upSince: null,
      },
      trouble: null,
      lastLoss: null,
    });
    rig.client.enableAutoReconnect();
    await rig.client.connect();
    await until(() => rig.count('audio') === 1, 'the first packet');
    rig.clock.advance(10_000);
    (await sessionOf(server, 0)).reset();
    await rig.isState('waiting');
    const lostAt = new Date(rig.clock.wallMs()).toISOString();
    const away = rig.client.status();
    assert.equal(away.statistics.upSince, null);
    assert.equal(away.trouble?.kind, 'connection reset');
    assert.equal(away.nextAttemptInMs, 125);
    await rig.attempt();
    await until(() => rig.count('audio') === 2, 'the second packet');
    rig.client.send({ type: 'ping' });
    rig.client.sendAudio(PACKET);
    const { statistics, lastLoss, trouble } = rig.client.status();
    const since = new Date(rig.clock.wallMs()).toISOString();
    assert.deepEqual(statistics, {
      connections: 2,
      hellos: 2,
      reconnects: 1,
      // Two hellos and a ping; two hellos and two words.
      messagesSent: 3,
      messagesReceived: 4,
      packetsSent: 1,
      packetsReceived: 2,
      lastConnectedAt: since,
      upSince: since,
    });
    assert.equal(trouble, null);
    assert.deepEqual([lastLoss?.at, lastLoss?.recoveredAfterMs], [lostAt, 125]);
  });
});
