// The one place where our names and the wire's meet: for each message, how it is read from the fields of a JSON object
// and what object is written for it. Knows nothing of text, limits or faults.

import type { Fields } from './fields.ts';
import { DEVICE_AUDIO, SERVER_AUDIO } from './limits.ts';
import type { AudioParams, DeviceMessage, ServerMessage } from './messages.ts';

type Wire = { readonly type: string; readonly [key: string]: unknown };
type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out the keys whose value is undefined: in a message an absent field has no key at all. */
function given<T extends Record<string, unknown>>(fields: T): Given<T> {
  const kept: Given<T> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) kept[key] = value as Exclude<T[typeof key], undefined>;
  }
  return kept;
}

function readAudio(fields: Fields, unsaid: AudioParams): AudioParams {
  return {
    format: fields.optionalText('format') ?? unsaid.format,
    sampleRateHz: fields.optionalPositive('sample_rate') ?? unsaid.sampleRateHz,
    channels: fields.optionalPositive('channels') ?? unsaid.channels,
    frameMs: fields.optionalPositive('frame_duration') ?? unsaid.frameMs,
  };
}

function writeAudio(audio: AudioParams): object {
  return {
    format: audio.format,
    sample_rate: audio.sampleRateHz,
    channels: audio.channels,
    frame_duration: audio.frameMs,
  };
}

/** Undefined for a type that servers do not send. */
export function readServer(type: string, fields: Fields): ServerMessage | undefined {
  switch (type) {
    case 'hello':
      return {
        type,
        transport: fields.text('transport'),
        ...given({ sessionId: fields.optionalText('session_id') }),
        audio: readAudio(fields.optionalGroup('audio_params'), SERVER_AUDIO),
      };
    case 'stt':
      return { type, text: fields.text('text') };
    case 'llm':
      return {
        type,
        ...given({ emotion: fields.optionalText('emotion'), text: fields.optionalText('text') }),
      };
    case 'tts': {
      const state = fields.oneOf('state', ['start', 'stop', 'sentence_start', 'sentence_end']);
      if (state === 'start' || state === 'stop') return { type, state };
      return { type, state, ...given({ text: fields.optionalText('text') }) };
    }
    case 'system':
      return { type, command: fields.text('command') };
    case 'alert':
      return {
        type,
        status: fields.text('status'),
        message: fields.text('message'),
        emotion: fields.text('emotion'),
      };
    case 'mcp':
    case 'custom':
      return { type, payload: fields.object('payload') };
    case 'goodbye':
      return { type };
    case 'error':
      return { type, ...given({ message: fields.optionalText('message') }) };
    case 'server': {
      const action = fields.optionalGroup('content').optionalText('action');
      const [status, message] = [fields.optionalText('status'), fields.optionalText('message')];
      return { type, ...given({ status, message, action }) };
    }
    case 'pong':
      return { type, ...given({ timestamp: fields.optionalText('timestamp') }) };
    case 'iot':
      return { type, commands: fields.list('commands') };
    case 'abort':
      return { type, ...given({ state: fields.optionalText('state') }) };
    default:
      return undefined;
  }
}

/** Undefined for a type that devices do not send. */
export function readDevice(type: string, fields: Fields): DeviceMessage | undefined {
  switch (type) {
    case 'hello': {
      const features = fields.optionalGroup('features');
      return {
        type,
        // Framing version 1 is what a device without a word about it speaks.
        version: fields.optionalPositive('version') ?? 1,
        transport: fields.text('transport'),
        features: given({
          mcp: features.optionalFlag('mcp'),
          aec: features.optionalFlag('aec'),
          emoji: features.optionalFlag('emoji'),
        }),
        audio: readAudio(fields.optionalGroup('audio_params'), DEVICE_AUDIO),
      };
    }
    case 'listen': {
      const state = fields.oneOf('state', ['start', 'stop', 'detect']);
      if (state === 'stop') return { type, state };
      if (state === 'detect') return { type, state, text: fields.text('text') };
      return { type, state, mode: fields.oneOf('mode', ['auto', 'manual', 'realtime']) };
    }
    case 'abort':
      return { type, ...given({ reason: fields.optionalText('reason') }) };
    case 'goodbye':
    case 'ping':
      return { type };
    case 'iot': {
      const [descriptors, states] = [fields.optionalList('descriptors'), fields.optionalList('states')];
      return { type, ...given({ descriptors, states }) };
    }
    case 'mcp':
      return { type, payload: fields.object('payload') };
    default:
      return undefined;
  }
}

/** A hello carries the session id it assigns; `sessionId` stands in when the message names none. */
export function writeServer(message: ServerMessage, sessionId: string | undefined): object {
  if (message.type === 'hello') {
    const { type, transport, audio } = message;
    // Undefined is left out of the text: some servers assign no id, and tests must be able to play them.
    const session_id = message.sessionId ?? sessionId;
    return { type, version: 1, transport, session_id, audio_params: writeAudio(audio) };
  }
  if (message.type === 'server') {
    const { action, ...rest } = message;
    return inSession(sessionId, action === undefined ? rest : { ...rest, content: { action } });
  }
  return inSession(sessionId, message);
}

/** A device's hello never carries a session id: there is no session yet. */
export function writeDevice(message: DeviceMessage, sessionId: string | undefined): object {
  if (message.type !== 'hello') return inSession(sessionId, message);
  const { type, version, features, transport, audio } = message;
  return { type, version, features, transport, audio_params: writeAudio(audio) };
}

/** Session id first and always, empty when none was assigned: what the firmware does. */
function inSession(sessionId: string | undefined, message: Wire): object {
  const { type, ...rest } = message;
  return { session_id: sessionId ?? '', type, ...rest };
}
