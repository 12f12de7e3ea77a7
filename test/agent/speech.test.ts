// What is said while there is no connection yet, to a server that is not ready to hear, or far away: the whole agent in this
// process, real sockets, packets compared one by one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AgentRig, agentRig, firstPackets } from '../helpers/agent-rig.ts';
import { until } from '../helpers/card.ts';
import { farAway } from '../helpers/far-away.ts';
import { greeting, isListenStart, leftAlone } from '../helpers/good-conversation.ts';
import {
  type Heard,
  messageOf,
  type Script,
  type ScriptedServer,
  type Session,
  startScriptedServer,
} from '../helpers/scripted-server.ts';

const PATIENT = { link: { helloTimeoutMs: 10_000, connectTimeoutMs: 10_000 } };

const slowDoor = (delayMs: number): Script =>
  Object.assign((session: Session) => greeting(session), { admit: () => ({ delayMs }) });

async function against(
  script: Script,
  play: (rig: AgentRig, server: ScriptedServer) => Promise<void>,
): Promise<void> {
  const server = await startScriptedServer(script);
  const rig = agentRig(server.url, PATIENT, 10_000);
  try {
    await play(rig, server);
  } finally {
    rig.stop();
    await server.stop();
  }
}

/** What a session heard, in order: `listen start manual`, a count of packets, `listen stop`. */
function course(session: Session | undefined): readonly string[] {
  const words: string[] = [];
  let packets = 0;
  const flush = () => {
    if (packets > 0) words.push(`${packets} packets`);
    packets = 0;
  };
  for (const heard of session?.received ?? []) {
    if (heard.kind === 'binary') packets += 1;
    const message = messageOf(heard);
    if (message?.type !== 'listen') continue;
    flush();
    words.push(`listen ${message.state}${message.state === 'start' ? ` ${message.mode}` : ''}`);
  }
  flush();
  return words;
}

const isListenStop = (heard: Heard) => {
  const message = messageOf(heard);
  return message?.type === 'listen' && message.state === 'stop';
};

const packetsOf = (session: Session | undefined) =>
  (session?.received ?? []).flatMap((heard) => (heard.kind === 'binary' ? [heard.bytes] : []));

describe('a press while the connection is still being made', { concurrency: 4 }, () => {
  it('and let go before it is there: start, all the speech, stop', () =>
    against(slowDoor(1_500), async (rig, server) => {
      rig.agent.dispatch({ type: 'press.asked', holdMs: 900 });
      await until(() => course(server.sessions[0]).includes('listen stop'), 'the end of it');
      const [session] = server.sessions;
      const [start, said, stop] = course(session);
      assert.equal(start, 'listen start manual');
      const count = Number.parseInt(said ?? '', 10);
      assert.ok(count >= 14 && count <= 17, said);
      assert.equal(stop, 'listen stop');
      assert.deepEqual(packetsOf(session), firstPackets(count));
    }));

  it('and cancelled: nothing is sent', () =>
    against(slowDoor(1_000), async (rig, server) => {
      rig.press();
      await until(() => rig.agent.uplink.status().keptMs >= 180, 'something said');
      assert.equal(rig.agent.state.turn.phase, 'recording');
      rig.press();
      assert.equal(rig.agent.state.turn.phase, 'idle');
      assert.equal(rig.microphone.isRunning, false);
      await rig.linkIs('ready');
      await until(() => server.sessions.length === 1, 'the session');
      // A new turn: what had been said before is no part of it.
      rig.press();
      await until(() => packetsOf(server.sessions[0]).length >= 3, 'speech');
      assert.equal(course(server.sessions[0])[0], 'listen start auto');
      assert.notDeepEqual(packetsOf(server.sessions[0])[0], firstPackets(1)[0]);
    }));
});

describe('a server that is deaf when it has just said hello', { concurrency: 4 }, () => {
  it('gets the same utterance once more, from its first packet on, and is not asked a third time', () =>
    against(greeting, async (rig, server) => {
      await rig.linkIs('ready');
      rig.agent.dispatch({ type: 'press.asked', holdMs: 900 });
      const [session] = server.sessions;
      await until(() => course(session).filter((one) => one === 'listen stop').length === 2, 'both');
      const [, first, , again, second] = course(session);
      assert.equal(again, 'listen start manual');
      assert.equal(first, second);
      const count = Number.parseInt(first ?? '', 10);
      assert.deepEqual(packetsOf(session).slice(count), packetsOf(session).slice(0, count));
      session?.say({ type: 'stt', text: 'now I hear' });
      await rig.turnIs('thinking');
      await until(() => rig.agent.held.utterance === null, 'what was understood is let go');
    }));
});

describe('what a server has understood', { concurrency: 4 }, () => {
  it('is sent to nobody again when the connection is lost before its answer', async () => {
    const script: Script = async (session) => {
      await session.next('hello');
      session.hello();
      if (session.index > 0) return leftAlone(session);
      await session.next(isListenStop, Number.POSITIVE_INFINITY);
      session.say({ type: 'stt', text: 'I hear' });
      session.reset();
    };
    await against(script, async (rig, server) => {
      await rig.linkIs('ready');
      rig.agent.dispatch({ type: 'press.asked', holdMs: 900 });
      await until(() => server.sessions.length === 2, 'another connection');
      await rig.linkIs('ready');
      assert.equal(rig.agent.state.turn.phase, 'idle');
      assert.deepEqual(rig.cues.slice(-2), ['lost', 'back']);
      // Whatever was going to be sent would come before this.
      rig.press();
      await until(() => packetsOf(server.sessions[1]).length > 0, 'what is said next');
      assert.equal(course(server.sessions[1])[0], 'listen start auto');
      assert.notDeepEqual(packetsOf(server.sessions[1])[0], firstPackets(1)[0]);
    });
  });
});

describe('a server that is two seconds away', () => {
  it('is asked at a press, not given up for its slowness, and gets the utterance once', async () => {
    const server = await startScriptedServer(greeting);
    const away = await farAway(server.url, 1_000);
    const rig = agentRig(away.url, PATIENT, 10_000);
    try {
      await rig.linkIs('ready');
      const ready = performance.now();
      // Silent for longer than the 5 s after which a press asks.
      await until(() => performance.now() - ready > 5_500, 'silence');
      rig.agent.dispatch({ type: 'press.asked', holdMs: 3_000 });
      await until(() => server.sessions[0]?.received.some(isListenStart) === true, 'the press at the server');
      await rig.turnIs('thinking');
      const { link } = rig.agent.state;
      assert.ok(link.phase === 'ready' && link.current === 1, JSON.stringify(link));
      assert.ok(link.pulse.rttMs !== null && link.pulse.rttMs >= 2_000, `${link.pulse.rttMs} ms`);
      await until(() => course(server.sessions[0]).includes('listen stop'), 'the end of it');
      const [start, said, stop, ...more] = course(server.sessions[0]);
      assert.deepEqual([start, stop, more], ['listen start manual', 'listen stop', []]);
      assert.deepEqual(packetsOf(server.sessions[0]), firstPackets(Number.parseInt(said ?? '', 10)));
      for (const other of server.sessions.slice(1)) assert.deepEqual(course(other), [], 'never both');
      assert.equal(rig.log.lines.filter(({ text }) => text === 'link lost').length, 0);
    } finally {
      rig.stop();
      await away.stop();
      await server.stop();
    }
  });
});
