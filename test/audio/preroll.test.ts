// What a warm microphone heard just before a press: so much of it, once, and no more memory than that.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Preroll } from '../../src/audio/preroll.ts';

const CHUNK_MS = 20;
const CHUNK_BYTES = 640;

function chunk(value: number): Uint8Array {
  return new Uint8Array(CHUNK_BYTES).fill(value);
}

/** Chunks of 20 ms up to this moment, each filled with its own number. */
function filled(lengthMs: number, chunks: number): Preroll {
  const preroll = new Preroll(lengthMs);
  for (let at = 1; at <= chunks; at += 1) preroll.push(chunk(at), at * CHUNK_MS);
  return preroll;
}

const numbersIn = (pcm: Uint8Array) => [...new Set(pcm)];

/** Everything that nobody holds is gone after it. */
async function collected(): Promise<void> {
  // What a weak reference was made for is held until the present job is over.
  await new Promise((resolve) => setImmediate(resolve));
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('what was heard before a press', () => {
  it('is the last of it, to the millisecond', () => {
    const pcm = filled(50, 10).take(10 * CHUNK_MS);
    assert.equal(pcm.length, 50 * 32);
    assert.deepEqual(numbersIn(pcm), [8, 9, 10]);
    assert.equal(pcm.filter((byte) => byte === 8).length, CHUNK_BYTES / 2);
  });

  it('is all there is, when that is less', () => {
    assert.deepEqual(numbersIn(filled(300, 2).take(2 * CHUNK_MS)), [1, 2]);
    assert.equal(new Preroll(300).take(0).length, 0);
  });

  it('is given once: the next press does not say it again', () => {
    const preroll = filled(300, 20);
    assert.equal(preroll.take(20 * CHUNK_MS).length, 300 * 32);
    assert.equal(preroll.take(20 * CHUNK_MS).length, 0);
    preroll.push(chunk(21), 21 * CHUNK_MS);
    assert.deepEqual(numbersIn(preroll.take(21 * CHUNK_MS)), [21]);
  });

  it('is forgotten when that is asked for', () => {
    const preroll = filled(300, 20);
    preroll.clear();
    assert.equal(preroll.take(20 * CHUNK_MS).length, 0);
    for (let at = 21; at <= 22; at += 1) preroll.push(chunk(at), at * CHUNK_MS);
    assert.deepEqual(numbersIn(preroll.take(22 * CHUNK_MS)), [21, 22]);
  });

  it('is nothing when it is too long ago: a microphone that was late is not, one that has died is', () => {
    assert.equal(filled(300, 20).take(20 * CHUNK_MS + 480).length, CHUNK_BYTES * 2);
    assert.equal(filled(300, 20).take(20 * CHUNK_MS + 501).length, 0);
  });

  it('takes no more memory the longer it is waited', async () => {
    const preroll = new Preroll(300);
    const pushed: WeakRef<Uint8Array>[] = [];
    for (let at = 1; at <= 1_000; at += 1) {
      const one = chunk(at);
      pushed.push(new WeakRef(one));
      preroll.push(one, at * CHUNK_MS);
    }
    await collected();
    const held = pushed.filter((one) => one.deref() !== undefined).length;
    assert.equal(preroll.take(1_000 * CHUNK_MS).length, 300 * 32);
    // Fifteen are the 300 ms; the collector may take one or two on the stack for held.
    assert.ok(held >= 15 && held <= 18, `${held} of 1000`);
  });
});
