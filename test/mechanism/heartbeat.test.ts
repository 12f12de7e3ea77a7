// Silent deaths and how they are found: by pings, by the second look, at a press. The whole agent against real servers on
// loopback; what each deadline is exactly is shown in test/core/reconnect.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Loss } from '../../src/core/events.ts';
import { firstPackets } from '../helpers/agent-rig.ts';
import { realClock, until } from '../helpers/card.ts';
import { goodConversation, isListenStart, leftAlone } from '../helpers/good-conversation.ts';
import {
  against,
  againstPlain,
  connectedTo,
  fastClock,
  hurried,
  lossesOf,
  withoutReports,
} from '../helpers/link-rig.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import type { Session } from '../helpers/scripted-server.ts';

const UTTERANCE = 20;
/** Longer than any test here lasts. */
const NEVER_MS = 600_000;
/** A tenth of a second each, and nothing else that could find a loss. */
const PINGS = { pingIntervalMs: 150, pingTimeoutMs: 150, monitorIntervalMs: NEVER_MS };

const isSpeech = (heard: { readonly kind: string }) => heard.kind === 'binary';
const packetsOf = (session: Session | undefined) =>
  (session?.received ?? []).flatMap((heard) => (heard.kind === 'binary' ? [heard.bytes] : []));

describe('a connection that has died silently', { concurrency: 6 }, () => {
  it(
    'S01 is pinged at each interval, stays while the server answers, and is dead when it no longer does',
    againstPlain(
      async (rig, server) => {
        await until(() => server.pings >= 4, 'four real pings');
        assert.equal(rig.agent.state.link.attempt, 1);
        server.answersPings = 'no';
        await until(() => lossesOf(rig).length > 0, 'a loss');
        const [loss] = lossesOf(rig);
        assert.equal(loss?.detectedBy, 'heartbeat');
        assert.equal(loss?.reason, 'no answer to a ping within 0.15 s');
        server.answersPings = 'yes';
        await until(() => server.hellos >= 2, 'another hello');
        await rig.linkIs('ready');
      },
      { changes: { link: PINGS } },
    ),
  );

  it(
    'S01 with the figures of the seed is pinged after 20 s, and dead 20 s later',
    againstPlain(
      async (rig, server) => {
        server.answersPings = 'no';
        await until(() => lossesOf(rig).length > 0, 'a loss');
        assert.ok(server.pings >= 1);
        assert.equal(lossesOf(rig)[0]?.reason, 'no answer to a ping within 20 s');
        const ready = rig.links.find((link) => link.phase === 'ready' && link.pulse.ping !== null);
        assert.ok(ready?.phase === 'ready' && ready.pulse.ping !== null);
        // Node's timers count whole milliseconds, of which one is 40 here.
        assert.ok(ready.pulse.ping.at - ready.pulse.heardAt > 20_000 - 80);
      },
      hurried(fastClock(40), { pingIntervalMs: 20_000, pingTimeoutMs: 20_000 }),
    ),
  );

  it('S02 without a report of its end is found by the monitor', async () => {
    const kept: Loss[] = [];
    await againstPlain(
      async (rig, server) => {
        await rig.linkIs('ready');
        for (const { webSocket } of server.live) webSocket.close(1000);
        await until(() => kept.length === 1, 'the report that is held back');
        await until(() => server.hellos === 2, 'another hello');
        await rig.linkIs('ready');
        assert.equal(lossesOf(rig)[0]?.detectedBy, 'monitor');
        assert.equal(rig.agent.history.lastLoss?.detectedBy, 'monitor');
      },
      {
        changes: { link: { monitorIntervalMs: 100, pingIntervalMs: NEVER_MS } },
        parts: { dialer: (real) => withoutReports(real, kept) },
      },
    )();
  });

  it(
    'S24 makes the pings of the next one more frequent, if it had worked before',
    againstPlain(
      async (rig, server) => {
        await rig.linkIs('ready');
        const [{ tcp } = assert.fail('nobody is connected')] = server.live;
        await until(() => server.pings >= 1, 'the ping after 15 s');
        tcp.pause();
        await until(() => server.hellos === 2, 'another hello');
        await rig.linkIs('ready');
        assert.equal(rig.agent.state.lessons.heartbeatMs, 13_500);
        const beat = rig.agent.held.timers.find(({ name }) => name.startsWith('link heartbeat of 2'));
        assert.equal(beat?.afterMs, 13_500);
        tcp.destroy();
      },
      // Adapted from 15 s; 10 s make a session that has worked.
      hurried(fastClock(20), { pingIntervalMs: 0, pingTimeoutMs: 5_000 }),
    ),
  );

  it(
    'D11 half-open and idle is found, ended at this side too, and replaced',
    against(
      async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        if (session.index === 0) session.blackHole();
        await leftAlone(session);
      },
      async (rig, server) => {
        await until(() => server.sessions.length === 2, 'a second session');
        await rig.linkIs('ready');
        assert.equal(lossesOf(rig)[0]?.detectedBy, 'heartbeat');
        assert.equal(connectedTo(server.port), 1);
      },
      { changes: { link: PINGS } },
    ),
  );
});

describe('a press on a half-open connection', { concurrency: 2 }, () => {
  const answer = tonePackets(300, 60);

  it(
    'D11 is dialled around: the new server hears every packet from the first on, the old one nothing',
    against(
      async (session) => {
        if (session.index > 0) return goodConversation({ answer, utterancePackets: UTTERANCE })(session);
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        session.blackHole();
        await leftAlone(session);
      },
      async (rig, server) => {
        await rig.linkIs('ready');
        const { link } = rig.agent.state;
        assert.ok(link.phase === 'ready');
        // A connection heard within 5 s is not doubted.
        await until(() => realClock.now() - link.pulse.heardAt > 5_100, 'silence');
        rig.press();
        assert.equal(rig.agent.state.turn.phase, 'listening');
        await rig.turnIs('speaking');
        await rig.turnIs('listening');
        const [old, fresh] = server.sessions;
        assert.deepEqual(packetsOf(fresh).slice(0, UTTERANCE), firstPackets(UTTERANCE));
        assert.deepEqual(packetsOf(old), []);
        assert.equal(old?.received.some(isListenStart), false);
        const order = fresh?.received.filter((heard) => isListenStart(heard) || isSpeech(heard));
        assert.ok(order?.[0] !== undefined && isListenStart(order[0]), 'listen start comes first');
        assert.equal(server.sessions.length, 2);
        await until(() => connectedTo(server.port) === 1, 'the end of the old connection');
        assert.equal(lossesOf(rig).length, 0, 'it never was without a connection');
      },
      { changes: { link: { pingIntervalMs: NEVER_MS, monitorIntervalMs: NEVER_MS } } },
    ),
  );

  it(
    'D11 that was only slow keeps its connection, and nothing is said twice',
    against(
      goodConversation({ answer, utterancePackets: UTTERANCE }),
      async (rig, server) => {
        await rig.linkIs('ready');
        const { link } = rig.agent.state;
        assert.ok(link.phase === 'ready');
        await until(() => realClock.now() - link.pulse.heardAt > 5_100, 'silence');
        rig.press();
        assert.ok(rig.links.some((one) => one.phase === 'ready' && one.pulse.ping?.why === 'probe'));
        await rig.turnIs('speaking');
        await rig.turnIs('listening');
        assert.equal(server.sessions.length, 1);
        assert.deepEqual(packetsOf(server.sessions[0]).slice(0, UTTERANCE), firstPackets(UTTERANCE));
      },
      { changes: { link: { pingIntervalMs: NEVER_MS, monitorIntervalMs: NEVER_MS } } },
    ),
  );
});
