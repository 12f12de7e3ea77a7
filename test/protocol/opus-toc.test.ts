// Packet lengths for all 256 first bytes, against a table written out by hand from RFC 6716.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetDuration } from '../../src/protocol/opus-toc.ts';

// One entry per configuration, in tenths of a millisecond so that the table holds whole numbers.
const FRAME_TENTHS = [
  ...[100, 200, 400, 600], // SILK narrow band
  ...[100, 200, 400, 600], // SILK medium band
  ...[100, 200, 400, 600], // SILK wide band
  ...[100, 200], // hybrid super wide band
  ...[100, 200], // hybrid full band
  ...[25, 50, 100, 200], // CELT narrow band
  ...[25, 50, 100, 200], // CELT wide band
  ...[25, 50, 100, 200], // CELT super wide band
  ...[25, 50, 100, 200], // CELT full band
];

const packet = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

test('every first byte, with every frame count where one follows, lasts what the RFC says', () => {
  assert.equal(FRAME_TENTHS.length, 32);
  for (const [config, tenths] of FRAME_TENTHS.entries()) {
    for (const stereo of [0, 1]) {
      const channels = stereo + 1;
      const first = config * 8 + stereo * 4;
      for (const [code, frames] of [1, 2, 2].entries()) {
        assert.deepEqual(
          packetDuration(packet(first + code, 0xff)),
          { ok: true, durationMs: (tenths * frames) / 10, frames, channels },
          `first byte ${first + code}`,
        );
      }
      for (let count = 0; count < 64; count += 1) {
        const total = tenths * count;
        const expected =
          count === 0
            ? { ok: false, reason: 'no-frames' }
            : total > 1200
              ? { ok: false, reason: 'too-long' }
              : { ok: true, durationMs: total / 10, frames: count, channels };
        for (const flags of [0, 64, 128, 192]) {
          assert.deepEqual(
            packetDuration(packet(first + 3, flags + count)),
            expected,
            `first byte ${first + 3}, second ${flags + count}`,
          );
        }
      }
    }
  }
});

test('no packet, and a frame count that is missing, have no length', () => {
  assert.deepEqual(packetDuration(packet()), { ok: false, reason: 'empty' });
  for (let first = 3; first < 256; first += 4) {
    assert.deepEqual(packetDuration(packet(first)), { ok: false, reason: 'no-frame-count' });
  }
});

test('a silence packet of one byte has the length of its frame', () => {
  assert.deepEqual(packetDuration(packet(0x58)), { ok: true, durationMs: 60, frames: 1, channels: 1 });
});

test('48 frames of 2.5 ms are the most a packet can hold', () => {
  assert.deepEqual(packetDuration(packet(0xe3, 48)), { ok: true, durationMs: 120, frames: 48, channels: 1 });
  assert.deepEqual(packetDuration(packet(0xe3, 49)), { ok: false, reason: 'too-long' });
});
