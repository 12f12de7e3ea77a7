// The log lines of an outage, driven by the core: enough to follow it from the loss to the recovery, and never a storm.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Loss } from '../../src/core/events.ts';
import { RESET } from '../helpers/box.ts';
import { failing, NORMAL, UNAUTHORIZED, WatchedBox } from './watched-box.ts';

describe('S26 the log of an outage', () => {
  it('can be followed from the loss to the recovery by its number', () => {
    const box = failing(new WatchedBox().proven().lose(), 1).reconnect();
    const told = box.log.lines.filter(({ fields }) => 'outage' in fields && fields.outage === 1);
    assert.deepEqual(
      told.map(({ text, level }) => `${level} ${text}`),
      [
        'warn link waiting',
        'info link dialing',
        'info link waiting',
        'info link dialing',
        'info link greeting',
        'info link ready',
        'info link recovered',
      ],
    );
    assert.deepEqual(told[0]?.fields, {
      outage: 1,
      class: 'transient',
      kind: 'connection reset',
      reason: RESET.reason,
      detectedBy: 'socket',
      failures: 0,
      retryInMs: 125,
      leftOut: undefined,
      stack: undefined,
    });
    const { recoveredAfterMs, ...rest } = (told.at(-1)?.fields ?? {}) as { recoveredAfterMs: number };
    assert.deepEqual(rest, { outage: 1, attempts: 2, failed: 1, by: 'retry' });
    assert.ok(recoveredAfterMs > 125);
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
    const waiting = lines.filter(({ text }) => text === 'link waiting');
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
    const all = box.log.lines.filter(({ text }) => text === 'link waiting');
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
    const box = new WatchedBox({ link: { assumedRenewMs: 12_000 } }).proven().pass(2_000).connect();
    box.pass(1_000).lose().reconnect();
    assert.equal(box.state.lessons.breakFirst, true);
    const outages = box.outages().length;
    for (let time = 0; time < 100; time += 1) {
      while (box.state.link.phase === 'ready') box.pass(500);
      box.reconnect();
    }
    assert.equal(box.history.sessions.counters.renewals, 101);
    assert.equal(box.outages().length, outages);
    const lines = box.lines(/^link (waiting|dialing|greeting|ready)$/).length;
    assert.ok(lines < 60, `${lines}`);
  });
});
