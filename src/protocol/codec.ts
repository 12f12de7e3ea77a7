// Text to message and message to text, for both ends of the wire. Decoding never throws, whatever the text: what is
// wrong comes back as a fault that may go straight into a log line. Must not know sockets, sessions or state.

import { excerpt } from './excerpt.ts';
import { Fields, isObject, quote } from './fields.ts';
import { DEPTH_LIMIT, STRING_LIMIT_CHARS, TEXT_LIMIT_CHARS } from './limits.ts';
import { measure } from './measure.ts';
import type { DeviceMessage, Json, ServerMessage } from './messages.ts';
import { readDevice, readServer, writeDevice, writeServer } from './shapes.ts';

export { excerpt };

export type FaultKind =
  | 'not-json'
  | 'not-an-object'
  | 'no-type'
  | 'unknown-type'
  | 'wrong-shape'
  | 'too-long'
  | 'too-deep';

export type Fault = {
  readonly kind: FaultKind;
  /** What was wrong and where: `tts.state: expected start|stop|…, got 7`. Safe for a log line. */
  readonly detail: string;
  /** The beginning of the text, at most 200 characters. Safe for a log line. */
  readonly excerpt: string;
};

export type Decoded<M> =
  | { readonly ok: true; readonly message: M; readonly sessionId?: string }
  | { readonly ok: false; readonly fault: Fault };

/** What a server said. Keys it added are ignored, optional fields of the wrong type count as absent. */
export function decodeServer(text: string): Decoded<ServerMessage> {
  return decode(text, readServer);
}

/** What a device said; for the local server and the tests. */
export function decodeDevice(text: string): Decoded<DeviceMessage> {
  return decode(text, readDevice);
}

/** Every message but hello begins with `session_id`, empty while none has been assigned. */
export function encodeDevice(message: DeviceMessage, sessionId?: string): string {
  return JSON.stringify(writeDevice(message, sessionId));
}

/** As for the device; a hello carries `message.sessionId`, or else `sessionId`, or none. */
export function encodeServer(message: ServerMessage, sessionId?: string): string {
  return JSON.stringify(writeServer(message, sessionId));
}

type Read<M> = (type: string, fields: Fields) => M | undefined;

function decode<M>(text: string, read: Read<M>): Decoded<M> {
  const parsed = parse(text);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (!isObject(value)) return faulty(text, 'not-an-object', `expected an object, got ${quote(value)}`);
  const { type, session_id: sessionId } = value;
  if (typeof type !== 'string') return faulty(text, 'no-type', `type: expected a string, got ${quote(type)}`);
  const fields = new Fields(value, type);
  const message = read(type, fields);
  if (message === undefined) return faulty(text, 'unknown-type', `type: ${quote(type)} is not known here`);
  if (fields.problem !== undefined) return faulty(text, 'wrong-shape', fields.problem);
  return typeof sessionId === 'string' ? { ok: true, message, sessionId } : { ok: true, message };
}

type Faulty = { readonly ok: false; readonly fault: Fault };

function faulty(text: string, kind: FaultKind, detail: string): Faulty {
  return { ok: false, fault: { kind, detail, excerpt: excerpt(text) } };
}

function parse(text: string): { readonly ok: true; readonly value: Json } | Faulty {
  if (text.length > TEXT_LIMIT_CHARS) {
    return faulty(text, 'too-long', `${text.length} characters, at most ${TEXT_LIMIT_CHARS} are read`);
  }
  const { depth, longestString } = measure(text);
  if (depth > DEPTH_LIMIT) {
    return faulty(text, 'too-deep', `nested ${depth} levels deep, at most ${DEPTH_LIMIT} are read`);
  }
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine's words name the position; they quote the text, so they need the same care.
    return faulty(text, 'not-json', excerpt(String(error)));
  }
  // Asked only now: in a text that is no JSON one stray quote makes everything behind it a "string".
  if (longestString > STRING_LIMIT_CHARS) {
    return faulty(
      text,
      'too-long',
      `a string of ${longestString} characters, at most ${STRING_LIMIT_CHARS} are read`,
    );
  }
  return { ok: true, value };
}
