// The book of outages, driven by the core: what begins one, what is written into it, what ends it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { currentOf } from '../../src/core/link.ts';
import { OUTAGES_KEPT } from '../../src/history/outage.ts';
import { qualityOf } from '../../src/history/sessions.ts';
import { HELLO, RESET } from '../helpers/box.ts';
import {
  failing,
  fieldOf,
  NORMAL,
  REFUSED,
  RESTARTING,
  START_WALL_MS,
  UNAUTHORIZED,
  WatchedBox,
} from './watched-box.ts';

describe('an outage', () => {
  it('begins with the loss of the connection and says what ended it and how late it was noticed', () => {
    const box = new WatchedBox().proven().pass(3_000).lose();
    const { id, at, loss, ordinary, reconnecting, end } = box.outage();
    assert.equal(id, 1);
    assert.equal(at, new Date(START_WALL_MS + 13_000).toISOString());
    assert.equal(ordinary, false);
    assert.deepEqual(loss, {
      class: 'transient',
      kind: 'connection reset',
      reason: RESET.reason,
      detected_by: 'socket',
      noticed_within_ms: 3_000,
      lasted_ms: 13_000,
    });
    assert.deepEqual(reconnecting, { enabled: true, mode: 'always', max_attempts: 0 });
    assert.equal(end, null);
  });

  it('tells each attempt, when and for what it was made, why it failed, and what brought the connection back', () => {
    const box = failing(new WatchedBox().proven().lose(), 2).reconnect();
    const [first, second, third] = box.attempts();
    assert.equal(box.attempts().length, 3);
    assert.deepEqual(first, {
      number: 2,
      cause: 'retry',
      after_ms: 125,
      took_ms: 0,
      outcome: 'failed',
      failure: { class: 'transient', kind: 'network error', reason: REFUSED.reason, detected_by: 'socket' },
    });
    assert.ok((second?.after_ms ?? 0) > (first?.after_ms ?? 0));
    assert.equal(third?.outcome, 'worked');
    assert.equal(third?.failure, null);
    const { attempts, end } = box.outage();
    assert.deepEqual([attempts.made, attempts.failed], [3, 2]);
    assert.deepEqual(end, { how: 'connected', why: 'retry', after_ms: third?.after_ms });
  });

  it('is ended by a press when a press has cut the wait short', () => {
    const box = failing(new WatchedBox().proven().lose(), 4).do({ type: 'button.pressed' });
    box.connect();
    assert.equal(box.outage().end?.why, 'press');
  });

  it('begins with the first attempt that fails when there has been no connection', () => {
    const box = new WatchedBox().do({ type: 'agent.started' }).pass(2_000).lose(REFUSED);
    const { loss, attempts, at } = box.outage();
    assert.equal(loss, null);
    assert.equal(at, new Date(START_WALL_MS).toISOString());
    assert.equal(attempts.failed, 1);
    assert.equal(box.attempts()[0]?.took_ms, 2_000);
  });

  it('keeps the first five and the last five attempts, and counts those between', () => {
    const box = failing(new WatchedBox().proven().lose(), 40).reconnect();
    const { attempts } = box.outage();
    assert.equal(attempts.made, 41);
    assert.deepEqual([attempts.first.length, attempts.left_out, attempts.last.length], [5, 31, 5]);
    assert.equal(attempts.last.at(-1)?.outcome, 'worked');
    assert.equal(attempts.first[0]?.number, 2);
  });

  it('is marked as ordinary when the server ends a session and the first attempt answers it', () => {
    const box = new WatchedBox().proven().lose(NORMAL);
    assert.equal(box.outage().ordinary, true);
    box.reconnect();
    assert.equal(box.outage().ordinary, true);
    assert.equal(box.outage().loss?.kind, 'normal close');
    box.pass(10_000).lose(NORMAL);
    failing(box, 1);
    assert.equal(box.outage().ordinary, false, 'what follows is not ordinary');
  });

  it('is not ordinary when the server says goodbye at once after its hello', () => {
    const box = new WatchedBox().connect().pass(1_000).lose(NORMAL);
    assert.equal(box.outage().ordinary, false);
  });

  it('goes on when the connection that ended it does not last', () => {
    const box = failing(new WatchedBox().proven().lose(), 1).reconnect().pass(2_000).lose(NORMAL);
    assert.equal(box.outages().length, 1);
    assert.equal(box.outage().end, null);
    assert.equal(box.attempts().at(-1)?.outcome, 'short-lived');
    assert.equal(box.attempts().at(-1)?.failure?.reason, NORMAL.reason);
    assert.equal(box.outage().attempts.failed, 2);
    box.reconnect().pass(10_000).hearLife().lose();
    assert.deepEqual(
      box.outages().map(({ id, end }) => [id, end?.how]),
      [
        [1, 'connected'],
        [2, undefined],
      ],
    );
  });

  it('is none when the connection is closed on purpose', () => {
    const box = new WatchedBox().proven().do({ type: 'disconnect.asked', why: 'asked to' });
    assert.deepEqual(box.outages(), []);
    assert.equal(box.history.sessions.ended.at(-1)?.kind, 'closed on purpose');
  });

  it('is none when a connection that nobody uses is let go', () => {
    const box = new WatchedBox({ link: { restAfterMs: 5_000 } }).proven().lose(NORMAL);
    assert.equal(box.state.link.phase, 'resting');
    assert.deepEqual(box.outages(), []);
    assert.match(box.history.lastLoss?.unanswered ?? '', /nobody has talked/);
  });

  it('ends in rest when nobody wants a connection, and its loss is remembered as the last one', () => {
    const box = new WatchedBox({ link: { mode: 'on-demand' } }).do({ type: 'connect.asked' });
    box.proven().lose();
    assert.equal(box.state.link.phase, 'resting');
    assert.equal(box.outage().end?.how, 'rested');
    assert.equal(box.history.lastLoss?.class, 'transient');
    assert.equal(box.history.lastLoss?.unanswered, RESET.reason);
    const [line] = box.lines(/^link lost$/);
    assert.equal(line?.level, 'warn');
    assert.equal(fieldOf(line, 'next'), 'at a press');
  });

  it('is closed on purpose when somebody disconnects or shuts down in the middle of it', () => {
    const closed = failing(new WatchedBox().proven().lose(), 1);
    closed.do({ type: 'disconnect.asked', why: 'asked to' });
    assert.deepEqual([closed.outage().end?.how, closed.outage().end?.why], ['left', 'asked to']);
    const ended = failing(new WatchedBox().proven().lose(), 1).do({ type: 'shutdown.asked' });
    assert.deepEqual([ended.outage().end?.how, ended.outage().end?.why], ['left', 'shutting down']);
  });

  it('goes on when the limit is reached, until a command brings the connection back', () => {
    const box = failing(
      new WatchedBox({ limits: { maxAttempts: 5 }, link: { maxAttempts: 3 } }).proven().lose(),
      3,
    );
    assert.equal(box.state.link.phase, 'stopped');
    assert.equal(box.outage().reconnecting.max_attempts, 3, 'the lower limit is the one that holds');
    assert.equal(box.outage().end, null);
    box.pass(60_000).do({ type: 'reconnect.asked' }).connect();
    assert.equal(box.outages().length, 1);
    assert.equal(box.outage().end?.why, 'command');
    assert.ok((box.outage().end?.after_ms ?? 0) > 60_000);
  });

  it('is as long as the doubt when a press finds the connection dead', () => {
    const box = new WatchedBox().proven().pass(4_000);
    box.roundTripMs = null;
    box.pass(2_000).click().pass(1_400);
    assert.equal(box.state.link.phase === 'ready' && box.state.link.successor?.cause, 'doubt');
    const { attempt } = box.state.link;
    box.pass(400).do({ type: 'socket.opened', attempt });
    box.do({ type: 'server.said', attempt, message: HELLO });
    const { loss, end, attempts } = box.outage();
    assert.equal(loss?.detected_by, 'press');
    assert.deepEqual(end, { how: 'connected', why: 'doubt', after_ms: 400 });
    assert.deepEqual([attempts.made, attempts.failed], [1, 0]);
    assert.equal(box.history.sessions.counters.reconnects, 1);
    assert.equal(box.lines(/^link replaced$/)[0]?.level, 'warn');
  });

  it('begins at the doubt too when the attempt beside it fails, and tells that attempt', () => {
    const box = new WatchedBox().proven().pass(4_000);
    box.roundTripMs = null;
    box.pass(2_000).click().pass(1_400);
    const doubtedAt = box.at;
    box.pass(1_000).do({ type: 'socket.closed', attempt: 2, loss: REFUSED });
    assert.notEqual(box.state.link.phase, 'ready');
    const { at, loss, attempts } = box.outage();
    assert.equal(Date.parse(at), START_WALL_MS + doubtedAt);
    assert.equal(loss?.detected_by, 'press');
    assert.equal(loss?.noticed_within_ms, doubtedAt - 10_000);
    assert.deepEqual(
      attempts.first.map(({ number, cause, after_ms, outcome }) => [number, cause, after_ms, outcome]),
      [[2, 'doubt', 0, 'failed']],
    );
    assert.equal(box.history.sessions.counters.failed_renewals, 0);
  });

  it('begins at the doubt too when the heartbeat is sooner than the attempt beside it', () => {
    const box = new WatchedBox().proven().pass(4_000);
    box.roundTripMs = null;
    box.pass(2_000).click().pass(1_400);
    const doubtedAt = box.at;
    while (box.state.link.phase === 'ready' && box.at < doubtedAt + 9_000) box.pass(100);
    assert.equal(box.state.link.phase, 'dialing');
    assert.equal(Date.parse(box.outage().at), START_WALL_MS + doubtedAt);
    assert.equal(box.outage().loss?.detected_by, 'press');
    assert.equal(box.connect().attempts()[0]?.after_ms, 0);
  });

  it('begins at its own time when the connection has been heard since the doubt', () => {
    const box = new WatchedBox().proven().pass(4_000);
    box.roundTripMs = null;
    box.pass(2_000).click().pass(1_400).hearLife().pass(2_000).lose();
    assert.equal(Date.parse(box.outage().at), START_WALL_MS + box.at);
    assert.equal(box.outage().loss?.detected_by, 'socket');
  });

  it('is none when a renewal fails: that is counted, and the connection goes on', () => {
    const box = new WatchedBox({ link: { assumedRenewMs: 12_000 } }).proven().pass(2_000);
    assert.equal(box.state.link.phase === 'ready' && box.state.link.successor?.cause, 'renewal');
    const { attempt } = box.state.link;
    box.do({ type: 'socket.closed', attempt, loss: REFUSED });
    assert.deepEqual(box.outages(), []);
    assert.equal(box.history.sessions.counters.failed_renewals, 1);
    assert.equal(box.lines(/^link not renewed$/).length, 1);
  });

  it('is none when a renewal works, and the session is the same one', () => {
    const box = new WatchedBox({ link: { assumedRenewMs: 12_000 } }).proven().pass(2_000).connect();
    assert.equal(box.state.link.phase, 'ready');
    assert.deepEqual(box.outages(), []);
    assert.equal(box.history.sessions.counters.renewals, 1);
    assert.equal(box.history.sessions.upSince, new Date(START_WALL_MS).toISOString());
    assert.deepEqual(box.history.sessions.ended, []);
  });

  it('tells the loss too when a renewal was under way and becomes the way back', () => {
    const box = new WatchedBox({ link: { assumedRenewMs: 12_000 } }).proven().pass(2_000);
    box.lose();
    assert.equal(box.state.link.phase, 'dialing');
    assert.equal(box.outage().loss?.reason, RESET.reason);
    const [line] = box.lines(/^link lost$/);
    assert.equal(line?.level, 'warn');
    assert.match(JSON.stringify(line?.fields), /"reason":"connection broke off/);
    box.connect();
    assert.equal(box.outage().end?.why, 'renewal');
    assert.equal(box.attempts()[0]?.after_ms, null, 'it had begun before');
  });

  it('of a server that vanished is noticed by the heartbeat, and says how late', () => {
    const box = new WatchedBox({ link: { pingIntervalMs: 15_000 } }).proven();
    box.roundTripMs = null;
    box.pass(20_000);
    const { loss } = box.outage();
    assert.equal(loss?.detected_by, 'heartbeat');
    assert.equal(loss?.noticed_within_ms, 20_000);
    assert.equal(box.history.sessions.ended.at(-1)?.rtt_ms, 40);
  });

  it('has the time as it is known at its end: a board without a battery learns it meanwhile', () => {
    const box = new WatchedBox();
    box.wallMs = 0;
    failing(box.proven().lose(), 1);
    box.wallMs = START_WALL_MS;
    box.reconnect();
    assert.equal(box.outage().at, new Date(START_WALL_MS + 10_000).toISOString());
  });
});

describe('the book', () => {
  it('keeps the last twenty outages, and lets ordinary ones go first', () => {
    const box = new WatchedBox().proven().lose().reconnect();
    for (let time = 0; time < 50; time += 1) box.pass(10_000).hearLife().lose(NORMAL).reconnect();
    assert.equal(box.outages().length, OUTAGES_KEPT);
    assert.equal(box.outages()[0]?.id, 1, 'the one that was no ordinary end is still there');
    assert.equal(box.outage().id, 51);
    for (let time = 0; time < 30; time += 1) box.pass(10_000).hearLife().lose().reconnect();
    assert.equal(box.outages().length, OUTAGES_KEPT);
    assert.equal(box.outages()[0]?.id, 81 - OUTAGES_KEPT + 1);
  });

  it('lets the restarts of a server go first as well, but never the newest', () => {
    const box = new WatchedBox().proven().lose().reconnect();
    for (let time = 0; time < 50; time += 1) box.pass(10_000).hearLife().lose(RESTARTING).reconnect();
    assert.equal(box.outages()[0]?.id, 1);
    for (let time = 0; time < OUTAGES_KEPT; time += 1) box.pass(10_000).hearLife().lose().reconnect();
    assert.ok(box.outages().every(({ loss }) => loss?.class === 'transient'));
    box.pass(10_000).hearLife().lose(RESTARTING).reconnect();
    assert.equal(box.outage().loss?.class, 'restarting');
    const line = box.lines(/^link ready$/).at(-1);
    assert.ok(line !== undefined && 'recoveredAfterMs' in line.fields);
  });

  it('counts on from what an earlier run has left behind', () => {
    const earlier = new WatchedBox().proven().lose().reconnect();
    const { state, history } = earlier;
    const remembered = {
      failures: 0,
      trouble: null,
      lessons: state.lessons,
      counters: history.sessions.total,
      sessions: history.sessions.ended,
      outages: history.outages.list(),
    };
    const box = new WatchedBox({}, { remembered }).proven().lose();
    assert.deepEqual(
      box.outages().map(({ id }) => id),
      [1, 2],
    );
    assert.equal(box.history.sessions.total.losses, 2);
    assert.equal(box.history.sessions.counters.losses, 1);
  });

  it('tells of the wait that a broken run leaves to the next', () => {
    const box = new WatchedBox().do({ type: 'agent.started', failures: 3 });
    assert.equal(box.outage().loss?.detected_by, 'last run');
    assert.equal(box.outage().loss?.noticed_within_ms, null);
    box.reconnect();
    assert.equal(box.outage().end?.how, 'connected');
  });

  it('tells of a start after which nothing is tried, too', () => {
    const off = { limits: { enabled: false } };
    const box = new WatchedBox(off).do({ type: 'agent.started', failures: 3 });
    assert.equal(box.state.link.phase, 'stopped');
    assert.equal(box.outage().end, null);
    assert.equal(box.outage().reconnecting.enabled, false);
    assert.match(JSON.stringify(box.lines(/^link stopped$/)), /"level":"error".*"outage":1/);
  });

  it('says that there is something to remember at each beginning, end and failure', () => {
    const box = new WatchedBox().proven();
    const before = box.changes;
    box.lose();
    assert.equal(box.changes, before + 1);
    failing(box, 1);
    assert.equal(box.changes, before + 2);
    box.reconnect();
    assert.equal(box.changes, before + 3);
    box.pass(15_000);
    assert.equal(box.changes, before + 4, 'a connection that lasts has forgiven the failures');
  });
});

describe('S24 the record of quality', () => {
  it('has the median length of the sessions, silent deaths, the round trip, and what was learned', () => {
    const box = new WatchedBox({ link: { pingIntervalMs: 60_000 } });
    for (const lastedMs of [20_000, 40_000, 90_000]) {
      box
        .connect()
        .pass(10_000)
        .hearLife(30)
        .pass(lastedMs - 10_000)
        .lose(NORMAL);
      const { link } = box.state;
      if (link.phase === 'waiting') box.pass(link.delayMs);
    }
    box.connect().hearLife(50);
    box.roundTripMs = null;
    box.pass(70_000);
    const { ended } = box.history.sessions;
    assert.deepEqual(qualityOf(ended, null, box.state.lessons, box.at), {
      sessions: 4,
      median_lasted_s: 52.5,
      silent_deaths: 1,
      rtt_ms: 50,
      heartbeat_ms: 13_500,
      idle_limit_s: 90,
      break_first: false,
    });
    assert.equal(qualityOf([], 12.4, box.state.lessons, box.at).rtt_ms, 12);
    assert.equal(qualityOf([], null, box.state.lessons, box.at).median_lasted_s, null);
  });
});

describe('the book of a box to which anything may happen', () => {
  const seed = Number(process.env.WALK_SEED ?? Date.now() % 1_000_000);
  const modes = [
    {},
    { mode: 'on-demand' },
    { maxAttempts: 3 },
    { assumedRenewMs: 12_000, restAfterMs: 30_000 },
  ] as const;
  for (const link of modes)
    it(`agrees with the connection (${JSON.stringify(link)}, seed ${seed})`, () => {
      const random = dice(seed);
      const box = new WatchedBox({ link });
      for (let step = 0; step < 5_000; step += 1) {
        box.dice = random();
        anything(box, random);
        const { link: now } = box.state;
        const { phase } = now;
        const { open } = box.history.outages;
        if (currentOf(box.state.link) !== null) assert.equal(open, null, `step ${step}: connected`);
        const renewing = now.phase === 'waiting' && now.cause === 'renewal';
        if (!renewing && (phase === 'waiting' || phase === 'stopped'))
          assert.notEqual(open, null, `step ${step}: ${phase}`);
        if (phase === 'closed' || phase === 'resting') assert.equal(open, null, `step ${step}: ${phase}`);
        const outages = box.outages();
        assert.ok(outages.length <= OUTAGES_KEPT + 1);
        for (const { id, attempts, end } of outages) {
          const told = attempts.first.length + attempts.left_out + attempts.last.length;
          assert.equal(attempts.made, told);
          assert.ok(attempts.failed <= attempts.made);
          assert.equal(end === null, id === open?.id);
        }
        const ids = outages.map(({ id }) => id);
        assert.deepEqual(
          ids,
          [...new Set(ids)].sort((a, b) => a - b),
        );
      }
    });
});

/** One thing that people, networks and servers do. */
function anything(box: WatchedBox, random: () => number): void {
  const losses = [RESET, NORMAL, REFUSED, UNAUTHORIZED];
  const loss = losses[Math.floor(random() * losses.length)] ?? RESET;
  const { attempt } = box.state.link;
  box.roundTripMs = random() < 0.9 ? 40 : null;
  const deeds: readonly (() => unknown)[] = [
    () => box.pass(random() * 3_000),
    () => box.pass(random() * 30_000),
    () => box.connect(),
    () => box.connect(),
    () => box.lose(loss),
    () => box.do({ type: 'socket.closed', attempt, loss }),
    () => box.do({ type: 'socket.reached', attempt, local: '192.0.2.7' }),
    () => box.do({ type: 'socket.opened', attempt }),
    () => box.click(),
    () => box.do({ type: 'stop.asked' }),
    () => box.do({ type: 'reconnect.asked' }),
    () => random() < 0.1 && box.do({ type: 'disconnect.asked', why: 'asked to' }),
    () => box.do({ type: 'connect.asked' }),
    () => random() < 0.1 && box.do({ type: 'reconnect.switched', enabled: random() < 0.7, maxAttempts: 4 }),
  ];
  deeds[Math.floor(random() * deeds.length)]?.();
}

/** Mulberry32: small, and the same on every machine. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
