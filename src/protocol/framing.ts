// Puts an Opus packet into a binary WebSocket message and takes it out again, for the three framing versions. All
// integers are big-endian. Must not know what is inside a packet, nor which version was agreed on.

import { AUDIO_LIMIT_BYTES, TEXT_LIMIT_CHARS } from './limits.ts';

/** 1: the packet alone. 2: 16-byte header with a time stamp. 3: 4-byte header. */
export type FramingVersion = 1 | 2 | 3;

export type FramingFault = {
  readonly kind: 'empty' | 'truncated' | 'oversized' | 'wrong-version' | 'unknown-type';
  /** Made of numbers only, safe for a log line. */
  readonly detail: string;
};

export type Unframed =
  | {
      readonly ok: true;
      readonly kind: 'opus' | 'json';
      /** A view into the bytes given, not a copy. */
      readonly payload: Uint8Array;
      /** 0 in the versions that carry none. */
      readonly timestampMs: number;
    }
  | { readonly ok: false; readonly fault: FramingFault };

type FramingFailure = { readonly ok: false; readonly fault: FramingFault };

// Version 2: version u16, type u16, reserved u32, time stamp u32, payload size u32.
const V2_HEADER_BYTES = 16;
const V2_TYPE_AT = 2;
const V2_TIMESTAMP_AT = 8;
const V2_SIZE_AT = 12;

// Version 3: type u8, reserved u8, payload size u16.
const V3_HEADER_BYTES = 4;
const V3_SIZE_AT = 2;

const TYPE_OPUS = 0;
/** Version 2 only; the firmware defines it and never sends it. */
const TYPE_JSON = 1;

/**
 * Version 1 returns the packet itself. The time stamp (version 2 only) wraps after 2^32 ms. Throws a RangeError for a
 * packet no encoder of ours can make: the size field of version 3 would silently wrap.
 */
export function frame(version: FramingVersion, packet: Uint8Array, timestampMs: number = 0): Uint8Array {
  if (packet.length > AUDIO_LIMIT_BYTES) {
    throw new RangeError(`a packet of ${packet.length} bytes, at most ${AUDIO_LIMIT_BYTES} can be sent`);
  }
  if (version === 1) return packet;
  const headerBytes = version === 2 ? V2_HEADER_BYTES : V3_HEADER_BYTES;
  const bytes = new Uint8Array(headerBytes + packet.length);
  const header = new DataView(bytes.buffer);
  if (version === 2) {
    header.setUint16(0, version);
    header.setUint32(V2_TIMESTAMP_AT, timestampMs);
    header.setUint32(V2_SIZE_AT, packet.length);
  } else {
    header.setUint16(V3_SIZE_AT, packet.length);
  }
  bytes.set(packet, headerBytes);
  return bytes;
}

/** What follows the announced payload is ignored, as in the firmware; less than announced is a fault. */
export function unframe(version: FramingVersion, bytes: Uint8Array): Unframed {
  if (bytes.length === 0) return failed('empty', 'a message without bytes');
  if (version === 1) return unwrapped('opus', bytes, 0, bytes.length, 0);
  const headerBytes = version === 2 ? V2_HEADER_BYTES : V3_HEADER_BYTES;
  if (bytes.length < headerBytes) {
    return failed('truncated', `${bytes.length} bytes, a version ${version} header has ${headerBytes}`);
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  if (version === 3) {
    const type = header.getUint8(0);
    if (type !== TYPE_OPUS) return failed('unknown-type', `type ${type} in version 3`);
    return unwrapped('opus', bytes, V3_HEADER_BYTES, header.getUint16(V3_SIZE_AT), 0);
  }
  const said = header.getUint16(0);
  if (said !== version) return failed('wrong-version', `the header says version ${said}, agreed was 2`);
  const type = header.getUint16(V2_TYPE_AT);
  if (type !== TYPE_OPUS && type !== TYPE_JSON) return failed('unknown-type', `type ${type} in version 2`);
  const kind = type === TYPE_OPUS ? 'opus' : 'json';
  return unwrapped(
    kind,
    bytes,
    V2_HEADER_BYTES,
    header.getUint32(V2_SIZE_AT),
    header.getUint32(V2_TIMESTAMP_AT),
  );
}

function unwrapped(
  kind: 'opus' | 'json',
  bytes: Uint8Array,
  start: number,
  size: number,
  timestampMs: number,
): Unframed {
  const limit = kind === 'opus' ? AUDIO_LIMIT_BYTES : TEXT_LIMIT_CHARS;
  const there = bytes.length - start;
  if (size === 0) return failed('empty', 'a header that announces no payload');
  if (size > limit) return failed('oversized', `a payload of ${size} bytes, at most ${limit} are read`);
  if (size > there) return failed('truncated', `a payload of ${size} bytes announced, ${there} are there`);
  return { ok: true, kind, payload: bytes.subarray(start, start + size), timestampMs };
}

function failed(kind: FramingFault['kind'], detail: string): FramingFailure {
  return { ok: false, fault: { kind, detail } };
}
