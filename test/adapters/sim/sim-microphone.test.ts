// The simulated microphone: the contract, and what only it promises.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simMicrophone } from '../../../src/adapters/sim/sim-microphone.ts';
import { listener, microphoneContract } from '../../contracts/microphone.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { untilByHand } from './by-hand.ts';

microphoneContract('simulated', () => {
  const clock = handClock();
  const microphone = simMicrophone(clock);
  return {
    microphone,
    until: untilByHand(clock),
    async gone() {
      clock.advance(1000);
      assert.equal(clock.pending(), 0);
    },
  };
});

test('it delivers 20 ms every 20 ms, silence unless it has a source', () => {
  const clock = handClock();
  const ear = listener();
  const heard: Uint8Array[] = [];
  simMicrophone(clock).start({ ...ear, pcm: (pcm) => heard.push(pcm) });
  clock.advance(19);
  assert.equal(heard.length, 0);
  clock.advance(981);
  assert.equal(heard.length, 50);
  assert.ok(heard.every((pcm) => pcm.length === 640 && pcm.every((byte) => byte === 0)));
});

test('it plays what its source gives', () => {
  const clock = handClock();
  const heard: number[] = [];
  let next = 0;
  const source = (bytes: number) => {
    next += 1;
    return new Uint8Array(bytes).fill(next);
  };
  const microphone = simMicrophone(clock, { device: 'a file', source });
  microphone.start({ pcm: (pcm) => heard.push(pcm[0] ?? -1), ended: assert.fail });
  clock.advance(60);
  assert.deepEqual(heard, [1, 2, 3]);
  assert.equal(microphone.device, 'a file');
});

test('a failure ends the run once and says why', () => {
  const clock = handClock();
  const ear = listener();
  const microphone = simMicrophone(clock);
  microphone.start(ear);
  assert.equal(microphone.isRunning, true);
  microphone.fail('unplugged');
  microphone.fail('unplugged');
  clock.advance(100);
  assert.deepEqual([ear.ends, ear.chunks, microphone.isRunning], [['unplugged'], [], false]);
});

test('after a stall it catches up on 200 ms and forgets the rest', () => {
  let nowMs = 0;
  const due: { atMs: number; fire: () => void }[] = [];
  const clock = {
    ...handClock(),
    now: () => nowMs,
    after: (delayMs: number, fire: () => void) => {
      due.push({ atMs: nowMs + delayMs, fire });
      return () => {};
    },
  };
  const ear = listener();
  simMicrophone(clock).start(ear);
  nowMs = 5000;
  for (let timer = due.shift(); timer !== undefined && timer.atMs <= nowMs; timer = due.shift()) timer.fire();
  assert.ok(ear.chunks.length >= 10 && ear.chunks.length <= 12, `${ear.chunks.length} chunks`);
});
