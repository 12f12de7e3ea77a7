// Lines on their way to a file descriptor that is slow, full or gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOutput } from '../../src/log/output.ts';

/** A descriptor that takes what `room` allows: some bytes, or an errno. */
function descriptor() {
  const state = {
    taken: '',
    pausedMs: 0,
    room: Number.POSITIVE_INFINITY as number | string,
    calls: 0,
    onPause: () => {},
  };
  const output = lineOutput({
    writeSome(bytes) {
      state.calls += 1;
      if (typeof state.room === 'string') throw Object.assign(new Error(state.room), { code: state.room });
      if (state.room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      const count = Math.min(state.room, bytes.length);
      state.room -= count;
      state.taken += Buffer.from(bytes.subarray(0, count)).toString();
      return count;
    },
    pause(pauseMs) {
      state.pausedMs += pauseMs;
      state.onPause();
    },
  });
  return { state, output };
}

test('each line ends with one line end, at once', () => {
  const { state, output } = descriptor();
  output.write('a');
  output.write('é');
  assert.equal(state.taken, 'a\né\n');
});

test('what a full descriptor did not take follows in order with the next line, none of it twice', () => {
  const { state, output } = descriptor();
  state.room = 4;
  output.write('first');
  output.write('second');
  assert.equal(state.taken, 'firs');
  state.room = 5;
  output.write('third');
  assert.equal(state.taken, 'first\nsec');
  state.room = Number.POSITIVE_INFINITY;
  output.write('fourth');
  assert.equal(state.taken, 'first\nsecond\nthird\nfourth\n');
  assert.equal(output.takeLost(), 0);
});

test('the newest lines are lost when too much waits, a begun line is finished, and the loss is counted once', () => {
  const { state, output } = descriptor();
  state.room = 3;
  const line = 'x'.repeat(1023);
  for (let count = 0; count < 200; count += 1) output.write(line);
  assert.equal(output.takeLost(), 0, 'not yet: lines still wait');
  state.room = Number.POSITIVE_INFINITY;
  const lost = output.takeLost();
  // 128 KiB hold 128 lines of 1 KiB, less nothing for the three bytes that got through.
  assert.equal(lost, 200 - 128);
  assert.equal(state.taken, `${line}\n`.repeat(128));
  assert.equal(output.takeLost(), 0);
});

test('a reader that is gone is never written to again', () => {
  for (const code of ['EPIPE', 'EBADF']) {
    const { state, output } = descriptor();
    state.room = code;
    output.write('a');
    output.write('b');
    output.flush();
    assert.deepEqual([state.calls, state.pausedMs], [1, 0], code);
  }
});

test('a full disk costs the lines that meet it and no later ones', () => {
  const { state, output } = descriptor();
  state.room = 'ENOSPC';
  output.write('a');
  output.write('b');
  state.room = Number.POSITIVE_INFINITY;
  assert.equal(output.takeLost(), 2);
  output.write('c');
  assert.equal(state.taken, 'c\n');
});

test('a flush waits for a slow reader, and gives up on one that stopped', () => {
  const slow = descriptor();
  slow.state.room = 0;
  slow.output.write('last words');
  slow.state.onPause = () => {
    slow.state.room = 4;
  };
  slow.output.flush();
  assert.equal(slow.state.taken, 'last words\n');
  assert.equal(slow.state.pausedMs, 30);

  const stopped = descriptor();
  stopped.state.room = 0;
  stopped.output.write('last words');
  stopped.output.flush();
  assert.equal(stopped.state.pausedMs, 200);
});
