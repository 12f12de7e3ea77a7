// The simulated button: the contract, and what only it promises.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simButton } from '../../../src/adapters/sim/sim-button.ts';
import { buttonContract, fingerEar } from '../../contracts/button.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { untilByHand } from './by-hand.ts';

buttonContract('simulated', () => {
  const clock = handClock();
  const button = simButton(clock);
  return {
    button,
    async listening() {},
    press: button.press,
    release: button.release,
    until: untilByHand(clock),
    async gone() {
      clock.advance(1_000);
      assert.equal(clock.pending(), 0);
    },
  };
});

test('it is found as it stands, and a failure ends the run once', () => {
  const clock = handClock();
  const ear = fingerEar();
  const button = simButton(clock);
  button.press();
  button.start(ear);
  clock.advance(0);
  button.fail({ kind: 'broken', reason: 'unplugged' });
  button.fail({ kind: 'broken', reason: 'unplugged' });
  assert.deepEqual([ear.seen, button.isRunning], [['found down', 'broken: unplugged'], false]);
});
