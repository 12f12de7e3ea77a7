// The agent against every way a real server has been seen to fail: real sockets, real time, simulated card.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { faults, goodConversation } from '../helpers/faults.ts';
import { ANSWER_MS, against, againstWhole, assertWhole, heardBy, lossOf, OPTIONS, turn } from './one-turn.ts';

describe('the agent', { concurrency: 6 }, () => {
  it(
    'holds a conversation of several turns with a good server',
    against(goodConversation(OPTIONS), async (rig, server) => {
      await turn(rig);
      assertWhole(rig);
      await rig.turnIs('speaking');
      await rig.turnIs('listening');
      assertWhole(rig, 2);
      const [session] = server.sessions;
      const said = session?.received.flatMap((heard) => (heard.kind === 'text' ? [heard.text] : [])) ?? [];
      assert.match(said[0] ?? '', /^\{"type":"hello"/);
      for (const text of said.slice(1))
        assert.ok(text.includes(`"session_id":"${session?.sessionId}"`), text);
      assert.equal(session?.headers['device-id'], '02:00:00:00:00:01');
      assert.equal(session?.headers['protocol-version'], '1');
      assert.equal(session?.headers.authorization, 'Bearer test-token');
    }),
  );

  it(
    'comes back when no hello is answered, as often as it takes',
    against(faults.noHello(), async (rig, server) => {
      await until(() => server.attempts >= 3, 'three attempts');
      await rig.linkIs('waiting');
      assert.match(lossOf(rig)?.reason ?? '', /no hello/);
    }),
  );

  it('talks after a hello that was lost once', againstWhole(faults.helloDroppedOnce(OPTIONS)));

  it('does not believe the format in the hello', againstWhole(faults.falseHello(OPTIONS)));

  it(
    'plays what it is told without a greeting, to the end',
    against(faults.unbound(OPTIONS), async (rig) => {
      await rig.turnIs('speaking');
      await rig.turnIs('idle');
      assertWhole(rig);
      assert.ok(rig.log.lines.some(({ fields }) => JSON.stringify(fields).includes('enter code 123456')));
    }),
  );

  it(
    'knows refusal in plain words for a matter of authorisation',
    against(faults.plainTextThenClose(), async (rig) => {
      await rig.linkIs('waiting');
      assert.equal(lossOf(rig)?.class, 'auth');
      assert.match(lossOf(rig)?.reason ?? '', /认证失败/);
    }),
  );

  it(
    'knows HTTP 401 for a matter of authorisation',
    against(faults.unauthorized(), async (rig) => {
      await rig.linkIs('waiting');
      assert.equal(lossOf(rig)?.class, 'auth');
      assert.match(lossOf(rig)?.reason ?? '', /401/);
    }),
  );

  it(
    'plays what has arrived of an answer that is cut off by a reset, and is back',
    against(faults.resetInAnswer(OPTIONS), async (rig, server) => {
      await rig.linkIs('ready');
      rig.press();
      await rig.turnIs('speaking');
      await rig.turnIs('idle');
      const heard = heardBy(rig);
      assert.ok(heard.loudMs >= ANSWER_MS / 2 - 60 && heard.loudMs < ANSWER_MS, `${heard.loudMs} ms heard`);
      await until(() => server.sessions.length === 2, 'a second session');
      await rig.linkIs('ready');
      assert.equal(rig.agent.history.lastLoss?.class, 'transient');
    }),
  );

  it(
    'hears both halves of an answer that stalls in the middle',
    against(faults.stallInAnswer({ ...OPTIONS, stallMs: 1_000 }), async (rig) => {
      await turn(rig);
      const heard = heardBy(rig);
      assert.ok(
        heard.loudMs >= ANSWER_MS - 60 && heard.loudMs <= ANSWER_MS + 180,
        `${heard.loudMs} ms heard`,
      );
      assert.equal(rig.agent.downlink.status().gaps, 1);
    }),
  );

  it('plays to the end when tts stop comes early', againstWhole(faults.promptStop(OPTIONS)));

  it(
    'listens after a barge-in though the server never says tts stop',
    against(faults.noStopAfterAbort(OPTIONS), async (rig) => {
      await rig.linkIs('ready');
      rig.press();
      await rig.turnIs('speaking');
      rig.press();
      assert.equal(rig.agent.state.turn.phase, 'listening');
      await rig.turnIs('speaking');
      await rig.turnIs('listening');
    }),
  );

  it(
    'plays a hundred packets that come at once',
    against(faults.burst(OPTIONS), async (rig) => {
      await turn(rig);
      const heard = heardBy(rig);
      assert.ok(Math.abs(heard.loudMs - 6_000) <= 120, `${heard.loudMs} ms heard`);
    }),
  );

  it(
    'plays packets of 20 ms',
    against(faults.shortFrames({ utterancePackets: 5 }), async (rig) => {
      await turn(rig);
      const heard = heardBy(rig);
      assert.ok(Math.abs(heard.loudMs - 1_000) <= 60, `${heard.loudMs} ms heard`);
      assert.equal(heard.holes, 0);
    }),
  );

  it(
    'plays packets of one byte as what they are',
    against(faults.dtx(OPTIONS), async (rig) => {
      await turn(rig);
      assert.equal(rig.agent.downlink.status().corruptPackets, 0);
    }),
  );

  it(
    'is not disturbed by text that is no message',
    against(faults.nonJsonText(OPTIONS), async (rig) => {
      await turn(rig);
      assertWhole(rig);
      assert.ok(rig.agent.connections.counts.faultsIn >= 5);
    }),
  );

  it('answers each of two requests with the same id', againstWhole(faults.duplicateMcpIds(OPTIONS)));

  it(
    'plays a goodbye nobody asked for, takes the close for an ordinary end, and is back',
    against(faults.goodbyeAfterIdle({ ...OPTIONS, idleMs: 300 }), async (rig, server) => {
      await rig.turnIs('speaking');
      await rig.turnIs('idle');
      assert.ok(heardBy(rig).loudMs >= ANSWER_MS - 60);
      await until(() => server.sessions.length === 2, 'a second session');
    }),
  );

  it(
    'finds a server that has vanished without a word by its silence, and sends the whole utterance to the next',
    against(faults.blackHoleAfterHello(), async (rig, server) => {
      await rig.linkIs('ready');
      rig.press();
      await rig.turnIs('listening');
      rig.agent.dispatch({ type: 'button.pressed' });
      rig.agent.dispatch({ type: 'button.released' });
      await rig.turnIs('thinking');
      await until(() => server.sessions.length === 2, 'a second connection');
      assert.equal(rig.agent.history.lastLoss?.detectedBy, 'heartbeat');
      await until(() => rig.agent.held.utterance?.sendTo === 2, 'the utterance once more');
    }),
  );

  it(
    'plays what has come of an answer whose server vanishes, and can be pressed again',
    against(faults.blackHoleInAnswer(OPTIONS), async (rig) => {
      await rig.linkIs('ready');
      rig.press();
      await rig.turnIs('speaking');
      await until(() => heardBy(rig).loudMs >= ANSWER_MS / 2 - 60, 'the first half');
      rig.press();
      assert.equal(rig.agent.state.turn.phase, 'listening');
    }),
  );
});
