// What waits between network and speaker: in order, bounded in bytes and in time, and nobody else's memory.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JitterBuffer } from '../../src/audio/jitter-buffer.ts';
import { DTX_60_MS } from '../helpers/opus-sound.ts';

const PACKET_MS = 60;
const CAP_MS = 300_000;
const CAP_BYTES = 512 * 1024;

/** A packet of 60 ms with so many bytes, the last of which tells it from others. */
function packet(bytes: number, mark = 0): Uint8Array {
  const made = new Uint8Array(bytes).fill(mark);
  made[0] = DTX_60_MS;
  return made;
}

/** How many are taken before the first that is not. */
function takes(buffer: JitterBuffer, bytes: number): number {
  for (let count = 0; ; count += 1) if (buffer.push(packet(bytes), 0) === 'full') return count;
}

describe('the jitter buffer', () => {
  it('gives packets back in the order in which they came, with their length and their moment', () => {
    const buffer = new JitterBuffer();
    for (const mark of [1, 2, 3]) buffer.push(packet(10, mark), mark * 100);
    assert.equal(buffer.queuedMs, 3 * PACKET_MS);
    for (const mark of [1, 2, 3]) {
      assert.equal(buffer.oldestAt, mark * 100);
      assert.deepEqual(buffer.shift(), {
        packet: packet(10, mark),
        durationMs: PACKET_MS,
        arrivedAt: mark * 100,
      });
    }
    assert.equal(buffer.shift(), undefined);
    assert.equal(buffer.oldestAt, undefined);
    assert.equal(buffer.queuedMs, 0);
  });

  it('holds five minutes of packets that are next to nothing each', () => {
    assert.equal(takes(new JitterBuffer(), 1), CAP_MS / PACKET_MS);
  });

  it('holds half a megabyte of larger ones', () => {
    assert.equal(takes(new JitterBuffer(), 1_024), CAP_BYTES / 1_024);
  });

  it('has room again for what was taken out or thrown away', () => {
    for (const bytes of [1, 1_024]) {
      const buffer = new JitterBuffer();
      const most = takes(buffer, bytes);
      for (let count = 0; count < 10; count += 1) buffer.shift();
      assert.equal(takes(buffer, bytes), 10);
      buffer.clear();
      assert.equal(buffer.queuedMs, 0);
      assert.equal(takes(buffer, bytes), most);
    }
  });

  it('keeps packets of its own: neither does the receive buffer live on, nor does what comes next change them', () => {
    const received = new Uint8Array(65_536);
    received.set(packet(100, 7), 1_000);
    const buffer = new JitterBuffer();
    buffer.push(received.subarray(1_000, 1_100), 0);
    received.fill(9);
    const kept = buffer.shift()?.packet ?? new Uint8Array();
    assert.deepEqual(kept, packet(100, 7));
    assert.equal(kept.buffer.byteLength, kept.length);
  });

  it('takes nothing that is no packet', () => {
    const buffer = new JitterBuffer();
    assert.equal(buffer.push(new Uint8Array(0), 0), 'corrupt');
    assert.equal(buffer.queuedMs, 0);
    assert.equal(buffer.shift(), undefined);
  });
});
