// How long each class of failure waits: the range of every cell, for any dice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { delayAfter } from '../../src/core/backoff.ts';
import type { FailureClass, Loss } from '../../src/core/events.ts';

const POLICY = { backoffBaseMs: 1_000, backoffCapMs: 60_000, firstRetryMs: 250 };
const loss = (name: FailureClass, more: Partial<Loss> = {}): Loss => ({
  class: name,
  reason: '',
  detectedBy: '',
  quick: false,
  ...more,
});

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
  ['local', 2, 1_000, 2_000],
  ['restarting', 0, 1_000, 5_000],
  ['restarting', 1, 1_000, 5_000],
  ['restarting', 4, 4_000, 8_000],
  ['auth', 0, 30_000, 60_000],
  ['auth', 1, 30_000, 60_000],
  ['auth', 3, 120_000, 240_000],
  ['auth', 50, 450_000, 900_000],
  ['configuration', 2, 60_000, 120_000],
  ['portal', 1, 30_000, 60_000],
  ['clock', 7, 5_000, 5_000],
  ['protocol', 1, 2_500, 5_000],
  ['protocol', 20, 30_000, 60_000],
];

describe('the delay', () => {
  for (const [name, failures, least, most] of ROWS)
    it(`after ${failures} failures of class ${name} is between ${least} and ${most} ms`, () => {
      const at = (dice: number) => delayAfter(loss(name), failures, 1_000, dice, POLICY);
      assert.equal(at(0), least);
      for (const dice of [0.25, 0.5, 0.999_999])
        assert.ok(at(dice) >= least && at(dice) <= most, `${at(dice)}`);
      if (least !== most) assert.ok(at(0.999_999) > most * 0.99, 'the dice reach the whole range');
    });

  it('after quick refusals is capped at 12 s for two minutes, and not below the configured cap', () => {
    const quick = loss('transient', { quick: true });
    assert.equal(delayAfter(quick, 20, 119_999, 1, POLICY), 12_000);
    assert.equal(delayAfter(quick, 20, 120_000, 1, POLICY), 60_000);
    assert.equal(delayAfter(quick, 20, 0, 1, { ...POLICY, backoffCapMs: 3_000 }), 3_000);
  });

  it('is what the server asked for, a little more, and within reason', () => {
    const asked = (ms: number, dice: number) =>
      delayAfter(loss('restarting', { retryAfterMs: ms }), 1, 0, dice, POLICY);
    assert.equal(asked(7_000, 0), 7_000);
    assert.equal(Math.round(asked(7_000, 1)), 7_700);
    assert.equal(asked(0, 0), 1_000);
    assert.equal(asked(86_400_000, 0), 300_000);
  });
});
