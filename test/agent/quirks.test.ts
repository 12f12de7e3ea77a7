// The agent against what single kinds of server do that the others do not: real sockets, real time, simulated card.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentRig } from '../helpers/agent-rig.ts';
import { until } from '../helpers/card.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { quirks } from '../helpers/quirks.ts';
import { messageOf, type ScriptedServer } from '../helpers/scripted-server.ts';
import { ANSWER_MS, against, againstWhole, assertWhole, heardBy, lossOf, OPTIONS, turn } from './one-turn.ts';

const secondSession = (server: ScriptedServer) =>
  until(() => server.sessions.length >= 2, 'a second session');

/** From a press to the end of the turn, which is not followed by listening. */
async function lastTurn(rig: AgentRig): Promise<void> {
  await rig.linkIs('ready');
  rig.press();
  await rig.turnIs('listening');
  await rig.turnIs('idle');
}

const whyIdle = ({ agent: { state } }: AgentRig) => (state.turn.phase === 'idle' ? state.turn.why : '');

describe('the agent', { concurrency: 6 }, () => {
  it(
    'does not wait for the hello of a server that says it begins no session',
    against(
      quirks.sessionRefused(),
      async (rig, server) => {
        await until(() => server.attempts >= 2, 'a second attempt');
        const reasons = rig.links.flatMap((link) => (link.phase === 'waiting' ? [link.loss.reason] : []));
        assert.match(reasons[0] ?? '', /begins no session: session failed/);
      },
      { link: { helloTimeoutMs: 600_000 } },
    ),
  );

  it(
    'plays what has come of an answer when its server ends the session in it, says nothing of a loss, and is back',
    against(quirks.hangsUpInAnswer(OPTIONS), async (rig, server) => {
      await lastTurn(rig);
      const heard = heardBy(rig).loudMs;
      assert.ok(heard >= ANSWER_MS / 2 - 60 && heard < ANSWER_MS - 120, `${heard} ms heard`);
      await secondSession(server);
      await rig.linkIs('ready');
      assert.ok(!rig.cues.includes('lost') && !rig.cues.includes('error'), rig.cues.join());
    }),
  );

  it(
    'takes a second tts stop for nothing, after an answer and after an interruption',
    against(quirks.stopsTwice(OPTIONS), async (rig) => {
      await turn(rig);
      assertWhole(rig);
      await rig.turnIs('speaking');
      rig.press();
      assert.equal(rig.agent.state.turn.phase, 'listening');
      await rig.turnIs('speaking');
      const before = heardBy(rig).loudMs;
      await rig.turnIs('listening');
      assert.ok(heardBy(rig).loudMs - before >= ANSWER_MS - 240, 'the new answer is heard to its end');
    }),
  );

  it(
    'waits for sound that comes long after tts start, and hears all of it without a gap',
    against(quirks.soundComesLate({ ...OPTIONS, stallMs: 800 }), async (rig) => {
      await turn(rig);
      assertWhole(rig);
      assert.equal(rig.agent.downlink.status().gaps, 0);
    }),
  );

  it(
    'plays both answers of a server that interrupts itself, and listens after the second',
    against(quirks.interruptsItself(OPTIONS), async (rig) => {
      await turn(rig);
      const heard = heardBy(rig).loudMs;
      assert.ok(Math.abs(heard - (8 * 60 + ANSWER_MS)) <= 120, `${heard} ms heard`);
    }),
  );

  it(
    'ends the talk, and does not call it a loss, when the server hangs up at an exit word',
    against(quirks.hangsUpAtExitWord(OPTIONS), async (rig, server) => {
      await lastTurn(rig);
      assert.equal(whyIdle(rig), 'the server has ended the session');
      assert.deepEqual([rig.cues.includes('stop'), rig.cues.includes('lost')], [true, false]);
      await secondSession(server);
    }),
  );

  it(
    'says that it has lost the connection when that is cut at an exit word, for nobody can tell, and is back',
    against(quirks.cutsAtExitWord(OPTIONS), async (rig, server) => {
      await lastTurn(rig);
      assert.ok(rig.cues.includes('lost'));
      await secondSession(server);
      await rig.linkIs('ready');
    }),
  );

  it(
    'hears a goodbye to its end, and is quiet when the server hangs up after it',
    against(quirks.goodbyeToTheUser(OPTIONS), async (rig, server) => {
      await rig.linkIs('ready');
      rig.press();
      await rig.turnIs('speaking');
      await rig.turnIs('idle');
      assertWhole(rig);
      await secondSession(server);
      assert.deepEqual([rig.cues.includes('lost'), rig.cues.includes('error')], [false, false]);
    }),
  );

  for (const [name, code, words] of [
    ['hangsUpWhenIdle', '1000', 0],
    ['cutsWhenIdle', '1006', 0],
    ['goodbyeThenCut', '1006', 1],
  ] as const)
    it(
      `is back without a sound of its own when an idle session ends by ${code}, ${words} goodbyes`,
      against(quirks[name]({ ...OPTIONS, idleMs: 300 }), async (rig, server) => {
        await secondSession(server);
        assert.match(rig.agent.history.lastLoss?.reason ?? '', new RegExp(code));
        if (words > 0) await until(() => heardBy(rig).loudMs >= ANSWER_MS - 60, 'the goodbye');
        await rig.linkIs('ready');
        assert.deepEqual(
          rig.cues.filter((cue) => cue !== 'ready'),
          [],
        );
      }),
    );

  it('answers the ping of a server that waits for it', againstWhole(quirks.pingsAndWaits(OPTIONS)));

  it(
    'says nothing to its own words that come back, nor to words that are no message',
    against(quirks.echoes(OPTIONS), async (rig, server) => {
      await turn(rig);
      assertWhole(rig);
      const replies = server.sessions[0]?.received.filter((one) => messageOf(one)?.type === 'mcp');
      assert.equal(replies?.length, 1);
      assert.equal(server.sessions.length, 1);
    }),
  );

  for (const name of ['saysVersions', 'saysMore'] as const)
    it(
      `is not disturbed by keys that it does not know (${name})`,
      against(quirks[name](OPTIONS), async (rig) => {
        await turn(rig);
        assertWhole(rig);
        assert.equal(rig.agent.connections.counts.faultsIn, 0);
      }),
    );

  it(
    'plays speech of 16 kHz as what it is',
    againstWhole(quirks.sixteen({ ...OPTIONS, answer: tonePackets(ANSWER_MS, 60, 16_000) })),
  );

  it(
    'plays the number to enter that a server answers with instead of hearing it, and goes on',
    against(
      quirks.captcha({ ...OPTIONS, answer: tonePackets(ANSWER_MS, 60, 16_000) }),
      async (rig, server) => {
        await rig.linkIs('ready');
        rig.press();
        await rig.turnIs('speaking');
        await rig.turnIs('idle');
        assertWhole(rig);
        assert.deepEqual([rig.agent.state.link.phase, server.sessions.length], ['ready', 1]);
      },
      // It says it again to whatever comes next, and what comes next would be the listening after an answer.
      { turn: { followUp: false } },
    ),
  );

  it(
    'comes again, unhurried, to a server that does not recognise it, and says that it was closed with 1007',
    against(quirks.invalidData(), async (rig, server) => {
      await rig.linkIs('waiting');
      const loss = lossOf(rig);
      assert.deepEqual(
        [loss?.class, /1007.*device id is missing/.test(loss?.reason ?? '')],
        ['protocol', true],
      );
      assert.equal(server.sessions[0]?.headers['device-id'], '02:00:00:00:00:01');
      const { link } = rig.agent.state;
      assert.ok(link.phase === 'waiting' && link.delayMs >= 2_500, `${JSON.stringify(link)}`);
    }),
  );
});
