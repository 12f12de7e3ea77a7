// The log lines of an outage, driven by the core: enough to follow it from the loss to the recovery, and never a storm.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Loss } from '../../src/core/events.ts';
import { breaksFirst } from '../../src/core/lessons.ts';
import { pingTimer } from '../../src/core/upkeep.ts';
import { RESET } from '../helpers/box.ts';
import { failing, fieldOf, NORMAL, REFUSED, RESTARTING, UNAUTHORIZED, WatchedBox } from './watched-box.ts';

describe('S26 the log of an outage', () => {
  it('can be followed from the loss to the recovery by its number', () => {
    const box = failing(new WatchedBox().proven().lose(), 1).reconnect();
    const told = box.log.lines.filter(({ fields }) => 'outage' in fields && fields.outage === 1);
    assert.deepEqual(
      told.map(({ text, level }) => `${level} ${text}`),
      [
        'warn link lost',
        'info link dialing',
        'info link attempt failed',
        'info link dialing',
        'info link greeting',
        'info link ready',
      ],
    );
    assert.deepEqual(told[0]?.fields, {
      outage: 1,
      class: 'transient',
      kind: 'connection reset',
      reason: RESET.reason,
      detectedBy: 'socket',
      retryAfterMs: undefined,
      silentMs: 0,
      failures: 0,
      retryInMs: 125,
      leftOut: undefined,
      outagesLeftOut: undefined,
      stack: undefined,
    });
    const { recoveredAfterMs, ...rest } = (told.at(-1)?.fields ?? {}) as { recoveredAfterMs: number };
    assert.deepEqual(rest, { outage: 1, attempt: 3, attempts: 2, failed: 1, by: 'retry' });
    assert.ok(recoveredAfterMs > 125);
  });

  it('says how long nothing had been heard, and for how long the server asked to be left alone', () => {
    const box = new WatchedBox()
      .proven()
      .pass(3_000)
      .lose({ ...RESTARTING, retryAfterMs: 7_000 });
    const [line] = box.lines(/^link lost$/);
    const { silentMs, retryAfterMs, retryInMs } = (line?.fields ?? {}) as Record<string, number>;
    assert.deepEqual([silentMs, retryAfterMs], [3_000, 7_000]);
    assert.ok(retryInMs !== undefined && retryInMs >= 7_000);
  });

  it('calls no connection recovered that comes after one that did not last, before it has lasted itself', () => {
    const box = new WatchedBox().proven().lose().reconnect().pass(2_000).lose().reconnect();
    const ready = box.lines(/^link ready$/).map(({ fields }) => 'recoveredAfterMs' in fields);
    assert.deepEqual(ready, [false, true, false], 'of the first one nobody can know it');
    box.pass(9_000);
    assert.deepEqual(box.lines(/^link recovered$/), []);
    box.pass(6_000);
    const [line, ...others] = box.lines(/^link recovered$/);
    assert.deepEqual(others, []);
    const { outage, attempts, failed, lastedMs } = (line?.fields ?? {}) as Record<string, number>;
    assert.deepEqual([outage, attempts, failed, lastedMs], [1, 2, 1, 10_000]);
  });

  it('of an ordinary end frightens nobody', () => {
    const box = new WatchedBox().proven().lose(NORMAL).reconnect();
    assert.deepEqual(
      box.log.lines.filter(({ level }) => level !== 'info' && level !== 'debug'),
      [],
    );
  });

  it('of hundreds of failures has a few lines: three, every doubling, one in ten minutes', () => {
    const box = new WatchedBox().proven().lose();
    const beganAt = box.at;
    failing(box, 400);
    const lines = box.lines(/^link /).filter(({ fields }) => 'outage' in fields);
    const tenMinutes = (box.at - beganAt) / 600_000;
    assert.ok(tenMinutes > 20, 'hours have passed');
    const isSetback = ({ text }: { text: string }) => /^link (lost|attempt failed)$/.test(text);
    const waiting = lines.filter(isSetback);
    // The loss, three failures, the doublings up to 256, and at most one each ten minutes.
    assert.ok(waiting.length >= tenMinutes && waiting.length <= 1 + 3 + 7 + tenMinutes, `${waiting.length}`);
    const failures = waiting.map(({ fields }) => 'failures' in fields && fields.failures);
    for (const doubling of [1, 2, 3, 4, 8, 16, 32, 64, 128, 256]) assert.ok(failures.includes(doubling));
    const leftOut = waiting.reduce(
      (sum, { fields }) => sum + ('leftOut' in fields ? Number(fields.leftOut ?? 0) : 0),
      0,
    );
    const counted = leftOut + waiting.length;
    // Those since the last line are still to be told.
    assert.ok(counted <= 401 && counted > 401 - 40, `${counted}`);
    assert.ok(lines.length < waiting.length + 12, 'the attempts themselves are told only at first');
    const all = box.log.lines.filter(isSetback);
    assert.equal(all.length, 401, 'at debug all of them are there');
  });

  it('of a server that accepts and drops at once is bounded too, and ends when a connection lasts', () => {
    const box = new WatchedBox().connect();
    for (let time = 0; time < 300; time += 1) {
      box.pass(2_000).lose(NORMAL);
      const { link } = box.state;
      if (link.phase === 'waiting') box.pass(link.delayMs);
      box.connect();
    }
    assert.equal(box.outages().length, 1);
    assert.ok(box.lines(/^link /).length < 90, `${box.lines(/^link /).length} lines`);
    const said = box.lines(/^link recovered$/).length;
    box.pass(15_000);
    assert.equal(box.lines(/^link recovered$/).length, said + 1, 'the last one has lasted');
    assert.equal(box.outage().end?.how, 'connected');
  });

  it('warns once of each thing that is wrong, and again when something else is', () => {
    const box = failing(new WatchedBox().proven().lose(), 5);
    failing(box, 3, UNAUTHORIZED);
    failing(box, 3);
    assert.deepEqual(
      box
        .lines(/./)
        .flatMap(({ level, fields }) => (level === 'warn' && 'class' in fields ? [fields.class] : [])),
      ['transient', 'auth'],
    );
  });

  it('S10 has the stack of a surprise once', () => {
    const surprise: Loss = {
      ...RESET,
      kind: 'other',
      reason: 'what?',
      stack: 'Error: what?\n  at somewhere',
    };
    const box = failing(new WatchedBox().proven().lose(surprise), 3, surprise);
    const stacks = box.log.lines.filter(({ fields }) => 'stack' in fields && fields.stack !== undefined);
    assert.equal(stacks.length, 1);
  });

  it('S06 of a limit that is reached is one error line with the limit and the reason', () => {
    const box = failing(new WatchedBox({ link: { maxAttempts: 2 } }).proven().lose(), 2);
    const errors = box.log.lines.filter(({ level }) => level === 'error');
    assert.equal(errors.length, 1);
    assert.match(JSON.stringify(errors[0]), /limit of 2 attempts.*refused by 127/);
  });

  it('S33, S03 says why nothing follows a deliberate close, and which way the switch was turned', () => {
    const box = new WatchedBox().proven();
    box.do({ type: 'reconnect.switched', enabled: true, maxAttempts: 5 });
    box.do({ type: 'reconnect.switched', enabled: false, maxAttempts: 0 });
    box.do({ type: 'disconnect.asked', why: 'the owner moves' });
    assert.deepEqual(
      box.lines(/reconnecting|closed/).map(({ text, fields }) => [text, fields]),
      [
        ['reconnecting is switched on', { maxAttempts: 5 }],
        ['reconnecting is switched off', {}],
        ['link closed', { outage: undefined, why: 'the owner moves', next: 'none until asked to connect' }],
      ],
    );
  });

  it('of renewals is bounded', () => {
    const box = new WatchedBox({ link: { assumedRenewMs: 12_000 } }).connect();
    for (let time = 0; time < 100; time += 1) box.pass(12_000).hearLife().connect();
    assert.equal(box.history.sessions.counters.renewals, 100);
    const lines = box.lines(/^link renewed$/).length;
    assert.ok(lines >= 8 && lines <= 12, `${lines}`);
  });

  it('of renewals on a server that bears one connection only is bounded too, and they are no outages', () => {
    const box = new WatchedBox({ link: { assumedRenewMs: 12_000 } }).connect();
    for (let time = 0; time < 5 && !breaksFirst(box.state.lessons, box.at); time += 1) bothDropped(box);
    assert.ok(breaksFirst(box.state.lessons, box.at));
    const renewed = box.history.sessions.counters.renewals;
    const outages = box.outages().length;
    for (let time = 0; time < 100; time += 1) {
      while (box.state.link.phase === 'ready') box.pass(500);
      box.reconnect();
    }
    assert.equal(box.history.sessions.counters.renewals, renewed + 100);
    assert.equal(box.outages().length, outages);
    const lines = box.lines(/^link (waiting|dialing|greeting|ready)$/).length;
    assert.ok(lines < 60, `${lines}`);
  });
});

/** A renewal, at whose end the server ends the new connection too. */
function bothDropped(box: WatchedBox): void {
  box.pass(12_000);
  box.roundTripMs = null;
  box.connect().pass(1_000).lose();
  box.roundTripMs = 40;
  box.reconnect();
}

describe('S26 the log of outages that follow each other closely', () => {
  const DAY_MS = 86_400_000;
  /** A server that ends each connection after so long, for a day. */
  function day(loss: Loss, lastedMs: number): WatchedBox {
    const box = new WatchedBox().connect();
    for (const until = box.at + DAY_MS; box.at < until; )
      box.pass(lastedMs).hearLife().lose(loss).reconnect();
    return box;
  }
  const aboutOutages = (box: WatchedBox) =>
    box.lines(/^link /).filter(({ fields }) => 'outage' in fields && fields.outage !== undefined);

  for (const [loss, lastedMs] of [
    [RESTARTING, 11_000],
    [NORMAL, 15_000],
    [RESET, 12_000],
  ] as const)
    it(`is bounded for a server that ends each with "${loss.class}" after ${lastedMs} ms`, () => {
      const box = day(loss, lastedMs);
      const ids = new Set(aboutOutages(box).map((line) => Number(fieldOf(line, 'outage'))));
      // Three, the doublings up to 4096, and one each ten minutes.
      assert.ok(ids.size >= 140 && ids.size <= 3 + 11 + 144, `${ids.size} outages`);
      for (const id of [1, 2, 3, 4, 8, 16, 32]) assert.ok(ids.has(id), `${id}`);
      for (const id of [5, 6, 7, 9]) assert.ok(!ids.has(id), `${id}`);
      assert.ok(aboutOutages(box).length <= ids.size * 4, 'each from the loss to the recovery');
      const leftOut = box
        .lines(/^link lost$/)
        .reduce((sum, line) => sum + Number(fieldOf(line, 'outagesLeftOut') ?? 0), 0);
      const newest = box.outages().at(-1)?.id ?? 0;
      assert.equal(leftOut + ids.size, [...ids].at(-1), 'all of them are accounted for');
      assert.ok(newest - leftOut - ids.size < 60, 'but those since the last line');
      assert.equal(box.log.lines.filter(({ text }) => text === 'link lost').length, newest);
    });

  it('never warns of ordinary ends', () => {
    const levels = new Set(day(NORMAL, 15_000).log.lines.map(({ level }) => level));
    assert.deepEqual([...levels].sort(), ['debug', 'info']);
  });

  it('tells one that was to be left out when something new happens in it', () => {
    const closely = () => {
      const box = new WatchedBox().connect();
      for (let time = 0; time < 9; time += 1) box.pass(11_000).hearLife().lose(RESTARTING).reconnect();
      return box.pass(11_000).hearLife().lose(RESTARTING);
    };
    const told = (box: WatchedBox) =>
      aboutOutages(box).filter(({ fields }) => 'outage' in fields && fields.outage === 10);
    assert.deepEqual(told(closely().reconnect()), []);

    const other = told(failing(closely(), 1, UNAUTHORIZED).reconnect());
    assert.deepEqual(
      other.map(({ level, text }) => `${level} ${text}`),
      ['warn link attempt failed', 'info link dialing', 'info link greeting', 'info link ready'],
    );
    assert.equal(fieldOf(other[0], 'outagesLeftOut'), 1, 'the ninth');

    const worse = told(failing(closely(), 4, RESTARTING));
    assert.deepEqual(
      worse.map(({ text }) => text),
      ['link attempt failed'],
      'more attempts failed than in those before',
    );

    const limited = closely();
    limited.do({ type: 'reconnect.switched', enabled: false, maxAttempts: 0 });
    assert.deepEqual(
      told(limited).map(({ level, text }) => `${level} ${text}`),
      ['error link stopped'],
    );
  });

  it('begins anew when a connection has lasted ten minutes', () => {
    const box = new WatchedBox().connect();
    for (let time = 0; time < 7; time += 1) box.pass(11_000).hearLife().lose(RESTARTING).reconnect();
    for (let passed = 0; passed < 600_000; passed += 10_000) box.pass(10_000).hearLife();
    box.lose(RESTARTING);
    const [line] = box.lines(/^link lost$/).slice(-1);
    assert.equal(fieldOf(line, 'outage'), 8);
    assert.equal(line?.level, 'warn');
    box.reconnect().pass(11_000).hearLife().lose(RESTARTING);
    assert.equal(fieldOf(box.lines(/^link lost$/).at(-1), 'outage'), 9);
  });
});

describe('S26 the log of a press that gets no answer', () => {
  it('has the press, the attempt beside the connection, and what becomes of it', () => {
    const box = new WatchedBox().proven().pass(6_000);
    box.roundTripMs = null;
    box.click().pass(1_500);
    const [pressed] = box.lines(/^press unanswered, another connection is made beside this one$/);
    assert.equal(pressed?.level, 'info');
    assert.deepEqual(pressed?.fields, { silentMs: 7_500, attempt: 2 });
    box.do({ type: 'socket.closed', attempt: 2, loss: REFUSED });
    const [failed] = box.lines(/^link attempt failed$/);
    assert.equal(fieldOf(failed, 'attempt'), 2);
    assert.deepEqual(box.lines(/^link not renewed$/), []);
  });

  it('says so too when a renewal that was under way will do', () => {
    const box = new WatchedBox({ link: { assumedRenewMs: 12_000 } }).proven();
    box.roundTripMs = null;
    box.pass(2_000);
    const { link } = box.state;
    assert.equal(link.phase === 'ready' && link.successor?.cause, 'renewal');
    const ping = { at: box.at, movedAt: box.at, why: 'probe', deadlineMs: 1_500 } as const;
    if (link.phase === 'ready')
      box.state = { ...box.state, link: { ...link, pulse: { ...link.pulse, ping } } };
    box.do({ type: 'timer.fired', timer: pingTimer(link as typeof link & { phase: 'ready' }, ping) });
    assert.equal(box.lines(/^press unanswered/).length, 1);
  });
});
