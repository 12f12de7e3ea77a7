// Debouncing by a hand-driven clock: what a contact that chatters makes of a level, and what it does not.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type SettledLevel, settledLevel } from '../../../src/adapters/linux/settled-level.ts';
import { fingerEar } from '../../contracts/button.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';

describe('a level that has to settle', () => {
  let clock: HandClock;
  let ear: ReturnType<typeof fingerEar>;
  let settled: SettledLevel;
  function begin(settleMs: number, startsDown = false): void {
    clock = handClock();
    ear = fingerEar();
    settled = settledLevel({ clock, settleMs, startsDown, on: ear });
  }
  beforeEach(() => begin(10));
  /** One edge each 3 ms. */
  function edges(...levels: readonly boolean[]): void {
    for (const down of levels) {
      settled.edge(down);
      clock.advance(3);
    }
  }

  it('is told once it has stood still, and not before', () => {
    settled.edge(true);
    clock.advance(9);
    assert.deepEqual(ear.seen, []);
    clock.advance(1);
    assert.deepEqual(ear.seen, ['pressed']);
  });

  it('that comes back to where it was is nothing at all, at rest or held', () => {
    edges(true, false, true, false);
    clock.advance(1_000);
    assert.deepEqual([ear.seen, clock.pending()], [[], 0]);
    edges(true);
    clock.advance(10);
    edges(false, true);
    clock.advance(1_000);
    assert.deepEqual([ear.seen, clock.pending()], [['pressed'], 0]);
  });

  it('is not told a second time, though an edge in between was missed', () => {
    for (const settleMs of [0, 10]) {
      begin(settleMs, true);
      edges(true);
      clock.advance(1_000);
      assert.deepEqual(ear.seen, [], `${settleMs} ms`);
      edges(false);
      clock.advance(10);
      edges(false);
      clock.advance(1_000);
      assert.deepEqual(ear.seen, ['released'], `${settleMs} ms`);
    }
  });

  it('says nothing after it was stopped', () => {
    settled.edge(true);
    settled.stop();
    clock.advance(1_000);
    assert.deepEqual([ear.seen, clock.pending()], [[], 0]);
  });
});
