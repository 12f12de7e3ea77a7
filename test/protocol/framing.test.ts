// The three ways to wrap a packet, as literal bytes, and every way in which a wrapped one can be broken.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FramingVersion, frame, unframe } from '../../src/protocol/framing.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const PACKET = hex('f8fffe');
const V2 = '0002 0000 00000000 11223344 00000003 f8fffe';
const V3 = '00 00 0003 f8fffe';

function fault(version: FramingVersion, bytes: Uint8Array): string {
  const result = unframe(version, bytes);
  assert.ok(!result.ok, 'expected a fault');
  assert.match(result.fault.detail, /^[\w ,]+$/);
  return result.fault.kind;
}

test('version 1 is the packet itself, both ways', () => {
  assert.equal(frame(1, PACKET, 77), PACKET);
  const result = unframe(1, PACKET);
  assert.deepEqual(result, { ok: true, kind: 'opus', payload: PACKET, timestampMs: 0 });
});

test('version 2 has a header of 16 bytes with a time stamp', () => {
  assert.deepEqual(frame(2, PACKET, 0x11223344), hex(V2));
  assert.deepEqual(frame(2, PACKET), hex('0002 0000 00000000 00000000 00000003 f8fffe'));
  assert.deepEqual(unframe(2, hex(V2)), {
    ok: true,
    kind: 'opus',
    payload: PACKET,
    timestampMs: 0x11223344,
  });
});

test('the time stamp uses all 32 bits and wraps behind them', () => {
  assert.deepEqual(frame(2, PACKET, 2 ** 32 + 5).subarray(8, 12), hex('00000005'));
  const result = unframe(2, frame(2, PACKET, 0xfffffffe));
  assert.ok(result.ok);
  assert.equal(result.timestampMs, 0xfffffffe);
});

test('version 3 has a header of 4 bytes', () => {
  assert.deepEqual(frame(3, PACKET, 77), hex(V3));
  assert.deepEqual(unframe(3, hex(V3)), { ok: true, kind: 'opus', payload: PACKET, timestampMs: 0 });
});

test('JSON inside version 2 is told apart from audio and may be longer', () => {
  const result = unframe(2, hex('0002 0001 00000000 00000000 00000002 7b7d'));
  assert.deepEqual(result, { ok: true, kind: 'json', payload: hex('7b7d'), timestampMs: 0 });
  const long = new Uint8Array(16 + 5_000);
  long.set(hex('0002 0001 00000000 00000000 00001388'));
  assert.equal(unframe(2, long).ok, true);
});

test('the payload is a view into the message, also when the message is one itself', () => {
  for (const [version, text] of [
    [1, 'f8fffe'],
    [2, V2],
    [3, V3],
  ] as const) {
    const whole = hex(`aaaaaa ${text} bbbb`);
    const result = unframe(version, whole.subarray(3, whole.length - 2));
    assert.ok(result.ok);
    assert.deepEqual([...result.payload], [0xf8, 0xff, 0xfe]);
    assert.equal(result.payload.buffer, whole.buffer);
  }
});

test('bytes behind the announced payload are ignored', () => {
  for (const result of [unframe(2, hex(`${V2} 0102`)), unframe(3, hex(`${V3} 0102`))]) {
    assert.ok(result.ok);
    assert.deepEqual(result.payload, PACKET);
  }
});

test('a message without bytes or without a payload is empty', () => {
  for (const version of [1, 2, 3] as const) assert.equal(fault(version, new Uint8Array(0)), 'empty');
  assert.equal(fault(2, hex('0002 0000 00000000 00000000 00000000')), 'empty');
  assert.equal(fault(3, hex('00 00 0000 f8')), 'empty');
});

test('a message cut at any byte is truncated', () => {
  for (let length = 1; length < hex(V2).length; length += 1) {
    assert.equal(fault(2, hex(V2).subarray(0, length)), 'truncated', `version 2, ${length} bytes`);
  }
  for (let length = 1; length < hex(V3).length; length += 1) {
    assert.equal(fault(3, hex(V3).subarray(0, length)), 'truncated', `version 3, ${length} bytes`);
  }
});

test('a packet of 4 KiB passes in every version, one byte more is oversized', () => {
  for (const version of [1, 2, 3] as const) {
    const most = new Uint8Array(4_096).fill(1);
    const result = unframe(version, frame(version, most));
    assert.ok(result.ok);
    assert.deepEqual(result.payload, most);
    assert.throws(() => frame(version, new Uint8Array(4_097)), RangeError);
  }
  assert.equal(fault(1, new Uint8Array(4_097)), 'oversized');
  const v2 = new Uint8Array(16 + 4_097);
  v2.set(hex('0002 0000 00000000 00000000 00001001'));
  assert.equal(fault(2, v2), 'oversized');
  const v3 = new Uint8Array(4 + 4_097);
  v3.set(hex('00 00 1001'));
  assert.equal(fault(3, v3), 'oversized');
});

test('a size beyond reason is oversized, however little is there', () => {
  assert.equal(fault(2, hex('0002 0000 00000000 00000000 ffffffff f8')), 'oversized');
  assert.equal(fault(2, hex('0002 0001 00000000 00000000 00100001 7b')), 'oversized');
  assert.equal(fault(2, hex('0002 0001 00000000 00000000 00100000 7b')), 'truncated');
  assert.equal(fault(3, hex('00 00 ffff f8')), 'oversized');
});

test('a header of another version is wrong-version', () => {
  assert.equal(fault(2, hex('0003 0000 00000000 00000000 00000001 f8')), 'wrong-version');
  assert.equal(fault(2, new Uint8Array(20)), 'wrong-version');
});

test('a type nobody defined is unknown-type, JSON in version 3 included', () => {
  assert.equal(fault(2, hex('0002 0002 00000000 00000000 00000001 f8')), 'unknown-type');
  assert.equal(fault(2, hex('0002 0100 00000000 00000000 00000001 f8')), 'unknown-type');
  assert.equal(fault(3, hex('01 00 0001 7b')), 'unknown-type');
});
