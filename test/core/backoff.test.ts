// How long each class of failure waits: the range of every cell, for any dice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { delayAfter, lastStraw, type Setback } from '../../src/core/backoff.ts';
import type { FailureClass, Loss } from '../../src/core/events.ts';

const POLICY = { backoffBaseMs: 1_000, backoffCapMs: 60_000, firstRetryMs: 250 };
const loss = (name: FailureClass, more: Partial<Loss> = {}): Loss => ({
  class: name,
  kind: 'other',
  reason: '',
  detectedBy: '',
  quick: false,
  ...more,
});

/** Sessions that end are connections; a failure in a row is an attempt's. */
function setback(loss: Loss, failures: number, outageMs = 1_000): Setback {
  return {
    loss,
    failures,
    outageMs,
    alike: Math.max(failures, 1),
    of: failures === 0 ? 'connection' : 'attempt',
    backMs: null,
  };
}

/** class, failures in a row, least and most milliseconds. */
const ROWS: readonly (readonly [FailureClass, number, number, number])[] = [
  ['normal', 0, 500, 2_000],
  ['normal', 1, 500, 1_000],
  ['normal', 4, 4_000, 8_000],
  ['transient', 0, 0, 250],
  ['transient', 1, 500, 1_000],
  ['transient', 6, 16_000, 32_000],
  ['transient', 100, 30_000, 60_000],
  ['network', 0, 0, 250],
  ['network', 3, 2_000, 4_000],
  ['local', 0, 0, 250],
  ['local', 2, 5_000, 10_000],
  ['local', 20, 30_000, 60_000],
  ['restarting', 0, 1_000, 5_000],
  ['restarting', 1, 1_000, 5_000],
  ['restarting', 4, 4_000, 8_000],
  ['auth', 0, 30_000, 60_000],
  ['auth', 1, 30_000, 60_000],
  ['auth', 3, 120_000, 240_000],
  ['auth', 50, 450_000, 900_000],
  ['configuration', 2, 60_000, 120_000],
  ['portal', 1, 7_500, 15_000],
  ['portal', 9, 30_000, 60_000],
  ['clock', 7, 5_000, 5_000],
  ['protocol', 1, 2_500, 5_000],
  ['protocol', 20, 30_000, 60_000],
];

describe('the delay', () => {
  for (const [name, failures, least, most] of ROWS)
    it(`after ${failures} failures of class ${name} is between ${least} and ${most} ms`, () => {
      const at = (dice: number) => delayAfter(setback(loss(name), failures), dice, POLICY);
      assert.equal(at(0), least);
      for (const dice of [0.25, 0.5, 0.999_999])
        assert.ok(at(dice) >= least && at(dice) <= most, `${at(dice)}`);
      if (least !== most) assert.ok(at(0.999_999) > most * 0.99, 'the dice reach the whole range');
    });

  it('after quick refusals grows, scatters over a whole period, then hardly differs, for two minutes', () => {
    const quick = loss('transient', { quick: true });
    const range = (failures: number, outageMs: number, policy = POLICY) =>
      [0, 1].map((dice) => delayAfter(setback(quick, failures, outageMs), dice, policy));
    assert.deepEqual(range(3, 5_000), [2_000, 4_000]);
    assert.deepEqual(range(4, 10_000), [1_500, 11_000]);
    assert.deepEqual(range(5, 20_000), [8_500, 11_500]);
    assert.deepEqual(range(20, 119_999), [8_500, 11_500]);
    assert.deepEqual(range(20, 120_000), [30_000, 60_000]);
    assert.deepEqual(range(20, 0, { ...POLICY, backoffCapMs: 3_000 }), [1_500, 3_000]);
    assert.deepEqual(
      range(3, 5_000, { ...POLICY, backoffBaseMs: 1_500 }),
      [3_000, 6_000],
      'half of it is not over',
    );
  });

  it('S12 with a first retry of 10 s spreads every end of a connection over as much, and no attempt comes sooner', () => {
    const calm = { ...POLICY, firstRetryMs: 10_000 };
    const ends = (name: FailureClass, failures: number) =>
      [0, 1].map((dice) =>
        delayAfter(
          { loss: loss(name), failures, alike: 1, outageMs: 0, of: 'connection', backMs: null },
          dice,
          calm,
        ),
      );
    assert.deepEqual(ends('transient', 0), [0, 10_000]);
    assert.deepEqual(ends('normal', 0), [500, 10_500]);
    assert.deepEqual(ends('restarting', 0), [1_000, 11_000]);
    assert.deepEqual(ends('transient', 3), [2_000, 12_000]);
    for (const failures of [1, 2, 3])
      assert.equal(delayAfter(setback(loss('transient'), failures), 1, calm), 10_000);
    assert.equal(delayAfter(setback(loss('transient'), 6), 1, calm), 32_000);
  });

  it('is short as long as the network has just come back, for an attempt and for a connection that did not last', () => {
    const soon = (of: 'connection' | 'attempt', failures: number, backMs: number) =>
      [0, 1].map((dice) =>
        delayAfter({ loss: loss('network'), failures, alike: 1, outageMs: 0, of, backMs }, dice, POLICY),
      );
    assert.deepEqual(soon('attempt', 1, 0), [250, 250]);
    assert.deepEqual(soon('connection', 1, 9_999), [250, 500]);
    assert.deepEqual(soon('connection', 4, 0), [1_000, 1_250]);
    assert.deepEqual(soon('connection', 0, 0), [0, 250]);
    assert.deepEqual(soon('connection', 4, 10_000), [4_000, 8_000]);
  });

  it('is what the server asked for, a little more, and within reason', () => {
    const asked = (ms: number, dice: number) =>
      delayAfter(setback(loss('restarting', { retryAfterMs: ms }), 1), dice, POLICY);
    assert.equal(asked(7_000, 0), 7_000);
    assert.equal(Math.round(asked(7_000, 1)), 7_700);
    assert.equal(asked(0, 0), 1_000);
    assert.equal(asked(86_400_000, 0), 300_000);
  });

  it('is never shorter than its own for having been asked to wait', () => {
    const asked = delayAfter(setback(loss('restarting', { retryAfterMs: 1_000 }), 6), 0, POLICY);
    assert.equal(asked, 16_000);
  });
});

describe('S05 D04 the last attempt', () => {
  const ROWS: readonly (readonly [switchLimit: number, configured: number, holds: number])[] = [
    [5, 10, 5],
    [10, 5, 5],
    [0, 7, 7],
    [7, 0, 7],
  ];
  for (const [switchLimit, configured, limit] of ROWS)
    it(`of a switch limit ${switchLimit} and a configured limit ${configured} is number ${limit}`, () => {
      const limits = { enabled: true, maxAttempts: switchLimit };
      assert.equal(lastStraw(limit - 1, limits, configured), null);
      assert.match(lastStraw(limit, limits, configured) ?? '', new RegExp(`limit of ${limit} `));
    });

  it('never comes without any limit, and is none at all while the switch is off', () => {
    assert.equal(lastStraw(1_000_000, { enabled: true, maxAttempts: 0 }, 0), null);
    assert.match(lastStraw(0, { enabled: false, maxAttempts: 0 }, 0) ?? '', /switched off/);
  });
});
