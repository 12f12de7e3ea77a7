// Attempts and what is between them: how they grow, who stops them, what starts them anew, and that late reports of one
// attempt never touch another. The whole agent in this process against real servers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Link } from '../../src/core/link.ts';
import { Panel } from '../../src/panel.ts';
import { statusOf } from '../../src/status.ts';
import { type AgentRig, agentRig } from '../helpers/agent-rig.ts';
import { keptLog, realClock, until } from '../helpers/card.ts';
import { leftAlone } from '../helpers/good-conversation.ts';
import { against, againstPlain, connectedTo, fastClock, hurried, lossesOf } from '../helpers/link-rig.ts';
import { plainServer } from '../helpers/plain-server.ts';
import type { Session } from '../helpers/scripted-server.ts';

const NEVER_MS = 600_000;
const BASE_MS = 20;
const CAP_MS = 160;

type Waiting = Link & { phase: 'waiting' };
const waitsOf = ({ links }: AgentRig) => links.filter((link): link is Waiting => link.phase === 'waiting');

async function greeted(session: Session): Promise<void> {
  await session.next('hello', Number.POSITIVE_INFINITY);
  session.hello();
  await leftAlone(session);
}

const refusing = (status: number, until: number = Number.POSITIVE_INFINITY) =>
  Object.assign((session: Session) => greeted(session), {
    admit: (_: unknown, index: number) => (index < until ? { refuse: status } : 'accept') as never,
  });

function statusNow({ agent }: AgentRig) {
  const none = { version: '0', url: '', startedAtMs: 0, problems: [], lastRun: null, networkMeans: () => '' };
  const panel = new Panel({ lines: [], clock: realClock, log: keptLog(), dispatch() {} });
  return statusOf({ agent, clock: realClock, panel, ...none });
}

describe('attempts', { concurrency: 6 }, () => {
  it('S12 S14 D10 follow each other with growing delays and jitter, none of them early, until one works', async () => {
    const arrivals: number[] = [];
    const REFUSALS = 7;
    const script = Object.assign((session: Session) => greeted(session), {
      admit(_: unknown, index: number) {
        arrivals.push(performance.now());
        return index < REFUSALS ? ({ refuse: 500 } as const) : 'accept';
      },
    });
    await against(
      script,
      async (rig) => {
        await rig.linkIs('ready');
        const waits = waitsOf(rig);
        assert.deepEqual(
          waits.map(({ failures }) => failures),
          [1, 2, 3, 4, 5, 6, 7],
        );
        for (const [at, { delayMs }] of waits.entries()) {
          const fullMs = Math.min(CAP_MS, BASE_MS * 2 ** at);
          assert.ok(delayMs >= fullMs / 2 && delayMs <= fullMs, `delay ${at} is ${delayMs} ms`);
          // Node's timers count whole milliseconds of their own clock.
          const gapMs = (arrivals[at + 1] ?? 0) - (arrivals[at] ?? 0);
          assert.ok(gapMs >= delayMs - 2, `attempt ${at + 2} came after ${gapMs} ms, not ${delayMs}`);
        }
        assert.equal(arrivals.length, REFUSALS + 1);
      },
      { changes: { link: { backoffBaseMs: BASE_MS, backoffCapMs: CAP_MS } } },
    )();
  });

  it(
    'S13 count as failures one by one, and not any more once the connection has worked for 10 s',
    against(
      Object.assign(
        async (session: Session) => {
          await session.next('hello', Number.POSITIVE_INFINITY);
          session.hello();
          if (session.index === 3) {
            // More than 10 s by the box's clock.
            await session.pause(400);
            session.reset();
          }
          await leftAlone(session);
        },
        { admit: (_: unknown, index: number) => (index < 3 ? { refuse: 500 } : 'accept') } as const,
      ),
      async (rig, server) => {
        await until(() => server.sessions.length === 2, 'a second session');
        await rig.linkIs('ready');
        assert.deepEqual(
          waitsOf(rig).map(({ failures }) => failures),
          [1, 2, 3, 0],
        );
      },
      hurried(fastClock(40), { pingIntervalMs: NEVER_MS, backoffCapMs: 4_000 }),
    ),
  );

  it(
    'S15 S17 send the headers again, say hello again, offer no compression, and are watched again',
    against(
      async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        if (session.index === 0) session.reset();
        await leftAlone(session);
      },
      async (rig, server) => {
        await until(() => server.sessions.length === 2, 'a second session');
        await rig.linkIs('ready');
        const [first, second] = server.sessions;
        for (const name of ['authorization', 'protocol-version', 'device-id', 'client-id']) {
          assert.notEqual(first?.headers[name], undefined, name);
          assert.equal(second?.headers[name], first?.headers[name], name);
        }
        assert.equal(second?.headers['sec-websocket-extensions'], undefined);
        const [hello] = second?.received ?? [];
        assert.ok(hello?.kind === 'text' && hello.message?.type === 'hello');
        const held = rig.agent.held.timers.map(({ name }) => name);
        assert.ok(held.some((name) => name.startsWith('link heartbeat of 2')));
        assert.ok(held.some((name) => name.startsWith('link monitor of 2')));
      },
    ),
  );

  it(
    'S16 end after 30 s when so configured, though the server holds the line',
    against(
      Object.assign((session: Session) => greeted(session), {
        admit: (_: unknown, index: number) => (index === 0 ? 'hang' : 'accept') as never,
      }),
      async (rig, server) => {
        await until(() => lossesOf(rig).length > 0, 'a loss');
        const [loss] = lossesOf(rig);
        assert.equal(loss?.detectedBy, 'deadline');
        assert.match(loss?.reason ?? '', /within 30 s$/);
        await until(() => server.attempts >= 2, 'another attempt');
      },
      {
        changes: { link: { connectTimeoutMs: 30_000, helloTimeoutMs: NEVER_MS } },
        deadlineMs: 30_000,
        parts: { clock: fastClock(60) },
      },
    ),
  );

  it('S22 after a refused token stop their fast sequence at once, while after a dead network they go on', async () => {
    await against(refusing(401), async (refused, server) => {
      const away = await plainServer();
      await away.down();
      const lost = agentRig(away.url);
      try {
        await until(() => waitsOf(lost).length >= 5, 'five attempts to nobody');
        await refused.linkIs('waiting');
        const waits = waitsOf(refused);
        assert.equal(server.attempts, 1);
        assert.equal(waits.length, 1);
        assert.equal(waits[0]?.loss.class, 'auth');
        assert.ok((waits[0]?.delayMs ?? 0) >= 30_000, `${waits[0]?.delayMs} ms`);
        assert.ok(waitsOf(lost).every(({ delayMs }) => delayMs <= 200));
      } finally {
        lost.stop();
      }
    })();
  });

  it(
    'S34 grow while the server is away, stop at the limit with one error, and a command starts them anew',
    againstPlain(
      async (rig, server) => {
        await server.down();
        await rig.linkIs('stopped');
        // The first connection may or may not have been made before the server went.
        const waits = waitsOf(rig).filter(({ failures }) => failures > 0);
        const failures = waits.map((wait) => wait.failures);
        assert.deepEqual(failures.slice(-3), [1, 2, 3]);
        const errors = rig.log.lines.filter(({ level }) => level === 'error');
        assert.equal(errors.length, 1, JSON.stringify(errors));
        assert.match(JSON.stringify(errors), /limit of 4/);
        assert.deepEqual(rig.agent.held.timers, []);
        const { link } = statusNow(rig);
        assert.equal(link.phase, 'stopped');
        assert.equal(link.failures, 4);
        assert.equal(link.auto_reconnect.max_attempts, 4);
        assert.notEqual(link.trouble, null);

        rig.agent.dispatch({ type: 'reconnect.asked' });
        await rig.linkIs('stopped');
        await server.up();
        rig.agent.dispatch({ type: 'reconnect.asked' });
        await rig.linkIs('ready');
        assert.equal(statusNow(rig).link.failures, 0);
      },
      { changes: { link: { maxAttempts: 4 } } },
    ),
  );

  it(
    'D10 go on for as long as the server is away, and one works as soon as it is back',
    againstPlain(async (rig, server) => {
      await rig.linkIs('ready');
      await server.down();
      await until(() => waitsOf(rig).length >= 6, 'six attempts');
      await server.up();
      await rig.linkIs('ready');
      assert.equal(server.live.size, 1);
      assert.equal(connectedTo(server.port), 1);
      assert.equal(rig.agent.history.sessions.counters.reconnects, 1);
    }),
  );
});

describe('a state after failed attempts', { concurrency: 6 }, () => {
  const SLOW = { backoffBaseMs: NEVER_MS, backoffCapMs: NEVER_MS };

  it(
    'D07 that waits for long is left at a press',
    againstPlain(
      async (rig, server) => {
        await server.down();
        await until(() => waitsOf(rig).some(({ failures }) => failures > 0), 'a long wait');
        await server.up();
        rig.press();
        await rig.linkIs('ready');
      },
      { changes: { link: SLOW } },
    ),
  );

  it(
    'D07 that waits for a better token is left at a press',
    against(refusing(401, 1), async (rig, server) => {
      await rig.linkIs('waiting');
      rig.press();
      await rig.linkIs('ready');
      assert.equal(server.attempts, 2);
    }),
  );

  it(
    'S34 D07 that has stopped at the limit is left at a press, and that keeps what was said meanwhile',
    againstPlain(
      async (rig, server) => {
        await server.down();
        await rig.linkIs('stopped');
        await server.up();
        rig.press();
        await rig.linkIs('ready');
        await rig.turnIs('listening');
      },
      { changes: { link: { maxAttempts: 1 } } },
    ),
  );
});

describe('a late report', { concurrency: 6 }, () => {
  const HELLO_MS = 400;

  it(
    'D09 of the hello that attempt 1 never got does not end attempt 2',
    against(
      async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        if (session.index === 0) session.reset();
        else {
          session.hello();
          // Beyond the time that attempt 1 would have had.
          await session.pause(2 * HELLO_MS);
          session.say({ type: 'llm', emotion: 'happy', text: 'still here' });
        }
        await leftAlone(session);
      },
      async (rig, server) => {
        const isThere = () =>
          rig.log.lines.some(({ fields }) => 'text' in fields && fields.text === 'still here');
        await until(isThere, 'the message after the old deadline');
        const { link } = rig.agent.state;
        assert.ok(link.phase === 'ready' && link.current === 2);
        assert.equal(server.sessions.length, 2);
        assert.equal(lossesOf(rig).length, 1);
      },
      { changes: { link: { helloTimeoutMs: HELLO_MS } } },
    ),
  );

  it(
    'D09 of an attempt whose hello came too late is nobody’s',
    against(
      async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        if (session.index === 0) {
          // Until the box has given up: its end of this connection is gone.
          await session.closed;
          return;
        }
        session.hello();
        await leftAlone(session);
      },
      async (rig, server) => {
        await until(() => server.sessions.length === 2, 'a second session');
        await rig.linkIs('ready');
        assert.equal(lossesOf(rig)[0]?.detectedBy, 'hello deadline');
        assert.equal(connectedTo(server.port), 1);
      },
      { changes: { link: { helloTimeoutMs: HELLO_MS } } },
    ),
  );

  it('D08 does not connect a box that was told to stay away while it waited', async () => {
    await againstPlain(async (rig, server) => {
      await server.down();
      await until(() => waitsOf(rig).some(({ failures }) => failures >= 2), 'a growing wait');
      const { attempt } = rig.agent.state.link;
      rig.agent.dispatch({ type: 'disconnect.asked', why: 'the test asks for it' });
      await server.up();
      // Longer than the longest delay, counted by a connection of another box.
      const other = agentRig(server.url, {
        link: { firstRetryMs: 0, backoffBaseMs: 250, backoffCapMs: 500 },
      });
      try {
        await other.linkIs('ready');
        for (const { tcp } of server.live) tcp.resetAndDestroy();
        await until(() => server.hellos >= 2, 'the other box twice');
        assert.equal(rig.agent.state.link.phase, 'closed');
        assert.equal(rig.agent.state.link.attempt, attempt);
        assert.deepEqual(rig.agent.held.timers, []);
      } finally {
        other.stop();
      }
    })();
  });
});
