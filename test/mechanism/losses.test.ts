// Every kind of end of a connection, made by a real server: told apart, cleaned up after, answered, and to be followed in
// the log. The whole agent in this process.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import type { Loss, LossKind } from '../../src/core/events.ts';
import { type AgentRig, agentRig } from '../helpers/agent-rig.ts';
import { realClock, until } from '../helpers/card.ts';
import { leftAlone } from '../helpers/good-conversation.ts';
import {
  against,
  closeOf,
  connectedTo,
  countingClock,
  fastClock,
  hurried,
  lossesOf,
  type Options,
  withoutReports,
} from '../helpers/link-rig.ts';
import { plainServer } from '../helpers/plain-server.ts';
import type { Script, ScriptedServer, Session } from '../helpers/scripted-server.ts';

/** Longer than any test here lasts. */
const NEVER_MS = 600_000;
const UNPINGED = { pingIntervalMs: NEVER_MS, monitorIntervalMs: NEVER_MS };

const lasting: Script = async (session) => {
  await session.next('hello', Number.POSITIVE_INFINITY);
  session.hello();
  await leftAlone(session);
};

/** Only once the box has read the hello: libuv reports a reset that comes together with data as a mere end. */
async function endFirst(rig: AgentRig, server: ScriptedServer, end: (session: Session) => void) {
  await rig.linkIs('ready');
  const [session] = server.sessions;
  if (session === undefined) throw new Error('ready without a session');
  end(session);
}

type Line = { readonly level: string; readonly fields: object; readonly text: string };
type Words = {
  readonly kind?: string;
  readonly class?: string;
  readonly detectedBy?: string;
  readonly stack?: string;
  readonly outage?: number;
  readonly recoveredAfterMs?: number;
};
const wordsOf = ({ fields }: Line): Words => fields;
const linesOf = ({ log }: AgentRig, text: RegExp) =>
  log.lines.filter((line) => line.level !== 'debug' && text.test(line.text));

/** The kind as the log names it, at the first line that tells of one. */
function loggedLoss(rig: AgentRig): Words {
  const [line] = linesOf(rig, /^link (lost|attempt failed)/);
  return line === undefined ? {} : wordsOf(line);
}

async function backAgain(rig: AgentRig, server: ScriptedServer): Promise<void> {
  await until(() => server.sessions.length === 2, 'a second session');
  await rig.linkIs('ready');
}

const BY_SERVER: readonly (readonly [string, (session: Session) => void, LossKind, string])[] = [
  ['a close with 1000', (session) => session.close(1000), 'normal close', 'normal'],
  ['a close with 1001', (session) => session.close(1001), 'normal close', 'restarting'],
  ['a close with 1011', (session) => session.close(1011, 'oops'), 'abnormal close', 'transient'],
  ['a close with 1002', (session) => session.close(1002), 'abnormal close', 'protocol'],
  ['a close with 1008', (session) => session.close(1008), 'abnormal close', 'auth'],
  ['an end without a close frame', (session) => session.terminate(), 'abnormal close', 'transient'],
  ['a reset', (session) => session.reset(), 'connection reset', 'transient'],
];

describe('the six kinds of S10', { concurrency: 6 }, () => {
  for (const [sentence, end, kind, name] of BY_SERVER)
    it(
      `S10 ${sentence} is told as ${kind}, class ${name}`,
      against(lasting, async (rig, server) => {
        await endFirst(rig, server, end);
        await until(() => lossesOf(rig).length > 0, 'a loss');
        const [loss] = lossesOf(rig);
        assert.deepEqual([loss?.kind, loss?.class], [kind, name]);
        const { kind: toldKind, class: toldClass } = loggedLoss(rig);
        assert.deepEqual([toldKind, toldClass], [kind, name]);
      }),
    );

  it('S10 something to send on a closed socket is a kind of its own', async () => {
    const kept: Loss[] = [];
    await against(
      lasting,
      async (rig, server) => {
        await endFirst(rig, server, (session) => session.close());
        await until(() => kept.length === 1, 'the report that is held back');
        rig.press();
        await backAgain(rig, server);
        const [loss] = lossesOf(rig);
        assert.deepEqual(
          [loss?.kind, loss?.class, loss?.detectedBy],
          ['send on a closed socket', 'local', 'send'],
        );
        assert.equal(loggedLoss(rig).kind, 'send on a closed socket');
      },
      {
        changes: { link: UNPINGED },
        parts: { dialer: (real) => withoutReports(real, kept, () => kept.length === 0) },
      },
    )();
  });

  it('S10 what the network says no to is a network error', async () => {
    const server = await plainServer();
    await server.down();
    const rig = agentRig(server.url);
    try {
      await until(() => lossesOf(rig).length >= 2, 'two attempts');
      assert.equal(lossesOf(rig)[0]?.kind, 'network error');
      assert.match(lossesOf(rig)[0]?.reason ?? '', /refuses the connection/);
      assert.equal(loggedLoss(rig).kind, 'network error');
    } finally {
      rig.stop();
    }
  });

  it('S10 an error that no table knows is told with its stack', async () => {
    const lookup = (_name: string, answer: (error: Error, addresses: []) => void) =>
      answer(new Error('never seen before'), []);
    const rig = agentRig('ws://box.invalid/', {}, 2_000, {
      dialer: () => wsDialer({ clock: realClock, lookup }),
    });
    try {
      await until(() => lossesOf(rig).length >= 2, 'two attempts');
      const [loss] = lossesOf(rig);
      assert.deepEqual([loss?.kind, loss?.class], ['other', 'transient']);
      const { kind, stack } = loggedLoss(rig);
      assert.equal(kind, 'other');
      assert.match(stack ?? '', /never seen before\n\s+at /);
    } finally {
      rig.stop();
    }
  });
});

describe('S08 S11 every kind of loss', { concurrency: 6 }, () => {
  /** What comes at once or in tenths of a second; the class decides how fast, and that is shown elsewhere. */
  const ENDS: typeof BY_SERVER = [
    ...BY_SERVER.filter(([, , , name]) => name === 'normal' || name === 'transient'),
    ['silence', (session) => session.blackHole(), 'network error', 'network'],
  ];
  const PINGED = { pingIntervalMs: 200, pingTimeoutMs: 200 };

  for (const [sentence, end, kind] of ENDS)
    it(`S08 S11 by ${sentence} goes one way: told, cleaned up, and one connection with its timers again`, async () => {
      const clock = countingClock();
      await against(
        lasting,
        async (rig, server) => {
          await endFirst(rig, server, end);
          await backAgain(rig, server);
          assert.deepEqual(
            lossesOf(rig).map((loss) => loss.kind),
            [kind],
          );
          assert.equal(connectedTo(server.port), 1, 'one connection in the kernel’s books');
          assert.deepEqual(rig.agent.held.sockets, [2]);
          const held = rig.agent.held.timers.map(({ name }) => name);
          assert.equal(held.length, 2, held.join(', '));
          assert.ok(held.some((name) => name.startsWith('link monitor of 2')));
          assert.ok(held.some((name) => /^link (heartbeat|heartbeat ping) of 2/.test(name)));
          assert.equal(clock.running(), held.length, 'no other timer runs');
          const [only, ...more] = rig.links.filter((link) => link.phase === 'waiting');
          assert.ok(only !== undefined && more.length === 0, 'handled once');
        },
        { changes: { link: PINGED }, parts: { clock } },
      )();
    });

  it(
    'S08 a polite end is bounded also by a server that never answers the close frame',
    against(
      lasting,
      async (rig, server) => {
        await endFirst(rig, server, (session) => session.blackHole());
        assert.equal(connectedTo(server.port), 1);
        rig.agent.dispatch({ type: 'disconnect.asked', why: 'the test asks for it' });
        assert.equal(rig.agent.held.parting, 'polite');
        await until(() => connectedTo(server.port) === 0, 'the end of the connection');
        assert.equal(server.sessions.length, 1);
        assert.equal(rig.agent.state.link.phase, 'closed');
      },
      { changes: { link: UNPINGED } },
    ),
  );

  it(
    'S07 S33 an end that was asked for is followed by nothing',
    against(lasting, async (rig, server) => {
      await rig.linkIs('ready');
      rig.agent.dispatch({ type: 'disconnect.asked', why: 'the test asks for it' });
      assert.equal(await closeOf(server.sessions[0]), 1000);
      await until(() => connectedTo(server.port) === 0, 'the end of the connection');
      assert.deepEqual(rig.agent.held.timers, []);
      assert.deepEqual(lossesOf(rig), []);
      const [line] = linesOf(rig, /^link closed/);
      assert.ok(line !== undefined && JSON.stringify(line.fields).includes('the test asks for it'));
      rig.agent.dispatch({ type: 'connect.asked' });
      await backAgain(rig, server);
    }),
  );
});

describe('a clean close', { concurrency: 2 }, () => {
  /** Ten seconds alive are a quarter of a second. */
  const FAST: Options = hurried(fastClock(40), UNPINGED);

  it(
    'D12 of a session that had worked is noticed by its frame and is no failure',
    against(
      async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        if (session.index === 0) {
          await session.pause(300);
          session.close();
        }
        await leftAlone(session);
      },
      async (rig, server) => {
        await backAgain(rig, server);
        const [loss] = lossesOf(rig);
        assert.deepEqual([loss?.class, loss?.detectedBy], ['normal', 'close frame']);
        const waiting = rig.links.find((link) => link.phase === 'waiting');
        assert.ok(waiting?.phase === 'waiting' && waiting.failures === 0);
        assert.ok(waiting.delayMs >= 500 && waiting.delayMs <= 2_000, `${waiting.delayMs} ms`);
        assert.deepEqual(
          rig.log.lines.filter(({ level }) => level === 'warn' || level === 'error'),
          [],
        );
        // Between the server's close and the wait for the next attempt nothing else has happened: no timer fired.
        const steps = rig.log.lines.filter(({ text }) => text === 'step').map(({ fields }) => fields);
        const at = steps.findIndex((fields) => 'event' in fields && fields.event === 'socket.closed');
        assert.ok(at > 0);
        assert.ok(steps.slice(0, at).every((fields) => 'event' in fields && fields.event !== 'timer.fired'));
      },
      FAST,
    ),
  );

  it(
    'D06 is told from an abnormal one by its code, each under its own name',
    against(
      async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        if (session.index === 0) session.close(1000);
        if (session.index === 1) session.close(1011, 'broken');
        await leftAlone(session);
      },
      async (rig, server) => {
        await until(() => server.sessions.length === 3, 'a third session');
        const kinds = linesOf(rig, /^link lost/).map((line) => wordsOf(line).kind);
        assert.deepEqual(kinds, ['normal close', 'abnormal close']);
        assert.match(lossesOf(rig)[1]?.reason ?? '', /1011 \(broken\)/);
      },
    ),
  );
});

describe('an outage in the log', { concurrency: 2 }, () => {
  const REFUSED = [1, 2, 4];

  it(
    'S26 is one number from the loss to the recovery, and the next one has another',
    against(
      Object.assign(
        async (session: Session) => {
          await session.next('hello', Number.POSITIVE_INFINITY);
          session.hello();
          // More than 10 s by the box's clock: each is a loss of its own.
          await session.pause(300);
          if (session.index < 5) session.reset();
          await leftAlone(session);
        },
        {
          admit: (_: unknown, index: number) => (REFUSED.includes(index) ? { refuse: 500 } : 'accept'),
        } as const,
      ),
      async (rig, server) => {
        await until(() => server.sessions.length === 3, 'three sessions');
        await rig.linkIs('ready');
        const isEdge = ({ text, fields }: Line) =>
          /^link (lost|attempt failed|recovered)$/.test(text) || 'recoveredAfterMs' in fields;
        const numbers = linesOf(rig, /^link /)
          .filter(isEdge)
          .map((line) => [line.text, wordsOf(line).outage] as const);
        const [, first] = numbers[0] ?? [];
        assert.equal(typeof first, 'number', JSON.stringify(numbers));
        const second = Number(first) + 1;
        assert.deepEqual(numbers, [
          ['link lost', first],
          ['link attempt failed', first],
          ['link attempt failed', first],
          ['link ready', first],
          ['link lost', second],
          ['link attempt failed', second],
          ['link ready', second],
        ]);
      },
      {
        changes: {
          link: {
            ...UNPINGED,
            pingTimeoutMs: NEVER_MS,
            helloTimeoutMs: NEVER_MS,
            connectTimeoutMs: NEVER_MS,
          },
        },
        deadlineMs: NEVER_MS,
        parts: { clock: fastClock(40) },
      },
    ),
  );

  it(
    'S19 S27 tells that it was noticed, that an attempt was planned, and that it succeeded',
    against(lasting, async (rig, server) => {
      await endFirst(rig, server, (session) => session.reset());
      await backAgain(rig, server);
      const told = linesOf(rig, /^link /).map(({ text }) => text.replace(/^link /, ''));
      const from = told.indexOf('lost');
      assert.deepEqual(
        told.slice(from).filter((word) => ['lost', 'dialing', 'ready', 'recovered'].includes(word)),
        ['lost', 'dialing', 'ready'],
      );
      const [waiting] = linesOf(rig, /^link lost/);
      assert.ok(waiting !== undefined && 'retryInMs' in waiting.fields);
      assert.equal(rig.agent.history.sessions.counters.reconnects, 1);
      assert.notEqual(rig.agent.history.lastLoss?.recoveredAfterMs, null);
    }),
  );
});
