// Long silences against servers that do not bear them, in quick time: as often as they close, the box is back, and a
// quiet connection is renewed before. Unscaled: test/long/idle.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noLessons } from '../../src/core/lessons.ts';
import type { LinkPolicy } from '../../src/core/link.ts';
import type { Clock } from '../../src/ports.ts';
import { type AgentRig, agentRig } from '../helpers/agent-rig.ts';
import { realClock, until } from '../helpers/card.ts';
import { goodConversation, isListenStart, leftAlone } from '../helpers/good-conversation.ts';
import { against, closeOf, fastClock, hurried, lossesOf } from '../helpers/link-rig.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { type Script, type Session, startScriptedServer } from '../helpers/scripted-server.ts';

const NEVER_MS = 600_000;
const troubles = ({ log }: AgentRig) =>
  log.lines.filter(({ level }) => level === 'warn' || level === 'error');

/** Ends each session in the given way after a minute without a message. */
const impatient =
  (end: (session: Session) => void, limitMs: number): Script =>
  async (session) => {
    await session.next('hello', Number.POSITIVE_INFINITY);
    session.hello();
    for (;;) {
      const heard = await session.pause(limitMs, () => true);
      if (heard === undefined) break;
    }
    end(session);
    await leftAlone(session);
  };

async function scaled(
  factor: number,
  script: Script,
  play: (rig: AgentRig, sessions: readonly Session[], clock: Clock) => Promise<void>,
  link: Partial<LinkPolicy> = {},
): Promise<void> {
  const clock = fastClock(factor);
  const server = await startScriptedServer(script, clock);
  const { changes, deadlineMs, parts } = hurried(clock, link);
  const rig = agentRig(server.url, changes, deadlineMs, parts);
  try {
    await play(rig, server.sessions, clock);
  } finally {
    rig.stop();
    await server.stop();
  }
}

describe('a server that closes after a minute of silence', { concurrency: 6 }, () => {
  it('S31 by 1006 is answered within the first retry time, and the next message works', () =>
    scaled(
      40,
      impatient((session) => session.terminate(), 60_000),
      async (rig, sessions) => {
        await until(() => sessions.length === 2, 'a second session');
        await rig.linkIs('ready');
        const waits = rig.links.filter((link) => link.phase === 'waiting');
        const [wait] = waits;
        assert.ok(waits.length === 1 && wait?.phase === 'waiting');
        // A ping that was on its way when the server let go is answered by a reset.
        assert.ok(['abnormal close', 'connection reset'].includes(wait.loss.kind), wait.loss.kind);
        assert.equal(wait.failures, 0);
        assert.ok(wait.delayMs <= 250, `${wait.delayMs} ms`);
        rig.press();
        await until(() => sessions[1]?.received.some(isListenStart) ?? false, 'listen start');
      },
    ));

  it('S32 for ten minutes is answered as often, and nobody notices', () =>
    scaled(
      100,
      impatient((session) => session.close(1000), 60_000),
      async (rig, sessions, clock) => {
        const beganAt = clock.now();
        await until(
          () => clock.now() - beganAt > NEVER_MS && sessions.length >= 10,
          'ten minutes and ten sessions',
        );
        await rig.linkIs('ready');
        assert.deepEqual(troubles(rig), []);
        assert.ok(lossesOf(rig).every((loss) => loss.class === 'normal'));
        assert.ok(rig.links.every((link) => link.phase !== 'waiting' || link.failures === 0));
        assert.deepEqual(rig.cues, ['ready']);
        rig.press();
        await until(() => sessions.at(-1)?.received.some(isListenStart) ?? false, 'listen start');
      },
      { renew: false },
    ));

  it('is renewed before its next close, once one has shown how long it waits', () =>
    scaled(
      10,
      impatient((session) => session.close(1000), 60_000),
      async (rig, sessions) => {
        await until(() => sessions.length === 2, 'the session after the close');
        await rig.linkIs('ready');
        assert.equal(lossesOf(rig).length, 1);
        await until(() => sessions.length === 3, 'a successor');
        assert.equal(await closeOf(sessions[1]), 1000);
        assert.equal(lossesOf(rig).length, 1, 'it was the box that closed it');
        assert.equal(rig.agent.state.link.phase, 'ready');
      },
    ));
});

describe('renewal', { concurrency: 6 }, () => {
  /** Quiet for so long is reason enough here. */
  const SOON = { assumedRenewMs: 300 };

  it('keeps both sessions until the new one has been greeted, and closes the old one politely', async () => {
    const order: string[] = [];
    const script: Script = async (session) => {
      session.closed.then(({ code }) => order.push(`${session.index} closed with ${code}`)).catch(() => {});
      await session.next('hello', Number.POSITIVE_INFINITY);
      order.push(`${session.index} says hello`);
      session.hello();
      await leftAlone(session);
    };
    await against(
      script,
      async (rig, server) => {
        await until(() => order.includes('1 closed with 1000'), 'the end of the first successor');
        assert.deepEqual(order.slice(0, 4), [
          '0 says hello',
          '1 says hello',
          '0 closed with 1000',
          '2 says hello',
        ]);
        assert.deepEqual(lossesOf(rig), []);
        assert.deepEqual(troubles(rig), []);
        assert.ok(rig.links.every((link) => ['dialing', 'greeting', 'ready'].includes(link.phase)));
        assert.equal(rig.links.filter((link) => link.phase === 'greeting').length, 1, 'the first time only');
        assert.ok(server.sessions.length >= 3);
      },
      { changes: { link: SOON } },
    )();
  });

  it('that a turn overtakes is given up, and the turn is not disturbed', async () => {
    const answer = tonePackets(300, 60);
    const talking = goodConversation({ answer, utterancePackets: 5 });
    const script: Script = async (session) => {
      if (session.index === 0) return talking(session);
      // The hello that a turn does not wait for.
      await session.next('hello', Number.POSITIVE_INFINITY);
      await leftAlone(session);
    };
    await against(
      script,
      async (rig, server) => {
        await until(() => server.sessions[1]?.received.length === 1, 'the hello of the successor');
        rig.press();
        await rig.turnIs('speaking');
        await rig.turnIs('listening');
        await closeOf(server.sessions[1]);
        assert.equal(server.sessions[1]?.received.length, 1, 'nothing of the turn went there');
        const { link } = rig.agent.state;
        assert.ok(link.phase === 'ready' && link.current === 1);
        assert.deepEqual(lossesOf(rig), []);
        const starts = () => server.sessions[0]?.received.filter(isListenStart).length ?? 0;
        await until(() => starts() === 2, 'listen start by the press and for the follow-up');
      },
      { changes: { link: { ...SOON, helloTimeoutMs: NEVER_MS } } },
    )();
  });

  it('on a server that bears one session per device is broken before it is made, after two lessons', async () => {
    const order: string[] = [];
    const open = new Set<Session>();
    const script: Script = async (session) => {
      const others = [...open];
      open.add(session);
      session.closed
        .then(({ code }) => {
          open.delete(session);
          order.push(`${session.index} closed with ${code}`);
        })
        .catch(() => {});
      await session.next('hello', Number.POSITIVE_INFINITY);
      order.push(`${session.index} says hello`);
      session.hello();
      for (const other of others) {
        other.terminate();
        session.terminate();
      }
      await leftAlone(session);
    };
    await against(
      script,
      async (rig) => {
        await until(() => order.includes('5 says hello'), 'a third renewal');
        await rig.linkIs('ready');
        assert.ok(rig.agent.state.lessons.bothDropped?.count === 2);
        assert.deepEqual(order.slice(-3), ['4 says hello', '4 closed with 1000', '5 says hello']);
        assert.equal(lossesOf(rig).length, 2, 'the lessons');
      },
      { changes: { link: SOON } },
    )();
  });

  it('teaches no idle limit when the server ends the old session itself as the new one comes', async () => {
    const open = new Set<Session>();
    const script: Script = async (session) => {
      for (const other of open) other.close(1000, 'connected elsewhere');
      for (const other of open) await other.closed;
      open.clear();
      open.add(session);
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.hello();
      await leftAlone(session);
    };
    await against(
      script,
      async (rig, server) => {
        await until(() => server.sessions.length === 2, 'a successor');
        await until(
          () => rig.agent.state.link.phase === 'ready' && rig.agent.held.sockets.length === 1,
          'it alone',
        );
        assert.equal(rig.agent.state.lessons.idleLimit, null);
      },
      hurried(fastClock(40), { assumedRenewMs: 40_000 }),
    )();
  });

  it('goes by what an earlier run had learned', async () => {
    const lessons = { ...noLessons(realClock.now()), idleLimit: { ms: 400, at: realClock.now() } };
    await against(
      async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        await leftAlone(session);
      },
      async (rig, server) => {
        await until(() => server.sessions.length === 2, 'a successor');
        assert.deepEqual(lossesOf(rig), []);
      },
      { parts: { lessons } },
    )();
  });
});
