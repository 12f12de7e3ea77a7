// The agent against every way a real server has been seen to fail: real sockets, real time, simulated card.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AgentRig, agentRig, SPEAKER_HZ } from '../helpers/agent-rig.ts';
import type { PolicyChanges } from '../helpers/box.ts';
import { until } from '../helpers/card.ts';
import { type FaultOptions, faults, goodConversation } from '../helpers/faults.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { type Script, type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';
import { measure } from '../helpers/tone.ts';

const ANSWER_MS = 900;
const OPTIONS: FaultOptions = { answer: tonePackets(ANSWER_MS, 60), utterancePackets: 5 };

function against(
  script: Script,
  play: (rig: AgentRig, server: ScriptedServer) => Promise<void>,
  changes?: PolicyChanges,
) {
  return async () => {
    const server = await startScriptedServer(script);
    const rig = agentRig(server.url, changes);
    try {
      await play(rig, server);
    } finally {
      rig.stop();
      await server.stop();
    }
  };
}

const lossOf = ({ agent }: AgentRig) => {
  const { link } = agent.state;
  return link.phase === 'waiting' || link.phase === 'stopped' ? link.loss : undefined;
};

const heardBy = ({ speaker }: AgentRig) => measure(speaker.played(), SPEAKER_HZ);

/** One turn by a click, up to the follow-up listening that comes after the answer was heard. */
async function turn(rig: AgentRig): Promise<void> {
  await rig.linkIs('ready');
  rig.press();
  await rig.turnIs('speaking');
  await rig.turnIs('listening');
}

function assertWhole(rig: AgentRig, answers = 1): void {
  const heard = heardBy(rig);
  assert.ok(Math.abs(heard.loudMs - ANSWER_MS * answers) <= 60 * answers, `${heard.loudMs} ms heard`);
  assert.ok(Math.abs(heard.hz - 440) < 3, `${heard.hz} Hz`);
}

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

  it(
    'talks after a hello that was lost once',
    against(faults.helloDroppedOnce(OPTIONS), async (rig) => {
      await turn(rig);
      assertWhole(rig);
    }),
  );

  it(
    'does not believe the format in the hello',
    against(faults.falseHello(OPTIONS), async (rig) => {
      await turn(rig);
      assertWhole(rig);
    }),
  );

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

  it(
    'plays to the end when tts stop comes early',
    against(faults.promptStop(OPTIONS), async (rig) => {
      await turn(rig);
      assertWhole(rig);
    }),
  );

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

  it(
    'answers each of two requests with the same id',
    against(faults.duplicateMcpIds(OPTIONS), async (rig) => {
      await turn(rig);
      assertWhole(rig);
    }),
  );

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
