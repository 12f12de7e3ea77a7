// Invents messages, texts and damage for the fuzz tests from a seed. Must not use the code under test, nor any
// randomness but its own: a seed repeats a run exactly.

import type {
  AudioParams,
  DeviceHello,
  DeviceMessage,
  Json,
  JsonObject,
  ServerMessage,
} from '../../src/protocol/messages.ts';

export type Dice = () => number;

/** A linear congruential generator (the constants of Numerical Recipes), its high bits as a number in [0, 1). */
export function seeded(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // A second step: the low bits of one step alone repeat too soon to pick characters with.
    const high = state >>> 16;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (high * 65_536 + (state >>> 16)) / 2 ** 32;
  };
}

export const below = (dice: Dice, limit: number): number => Math.floor(dice() * limit);

export function pick<T>(dice: Dice, from: readonly [T, ...T[]]): T {
  return from[below(dice, from.length)] ?? from[0];
}

const PIECES = [
  'a',
  'Z',
  '0',
  ' ',
  '"',
  '\\',
  '\n',
  '\0',
  '{',
  ']',
  '你',
  '😀',
  '\ud800',
  '\udfff',
  '\u2028',
  '__proto__',
] as const;

export function randomString(dice: Dice): string {
  let out = '';
  const length = below(dice, 200) === 0 ? 4_000 : below(dice, 12);
  for (let at = 0; at < length; at += 1) out += pick(dice, PIECES);
  return out.slice(0, 16_384);
}

/** Any UTF-16 units at all. */
export function randomUnits(dice: Dice): string {
  return String.fromCharCode(
    ...Array.from({ length: below(dice, 60) }, () => below(dice, pick(dice, [128, 256, 65_536]))),
  );
}

const numberFrom = (dice: Dice): number => pick(dice, [0, 1, -1, 2.5, 1e21, -1e-7, below(dice, 1e6)]);

export function randomJson(dice: Dice, depth: number): Json {
  switch (below(dice, depth > 0 ? 6 : 4)) {
    case 0:
      return null;
    case 1:
      return dice() < 0.5;
    case 2:
      return numberFrom(dice);
    case 3:
      return randomString(dice);
    case 4:
      return randomList(dice, depth - 1);
    default:
      return randomObject(dice, depth - 1);
  }
}

const randomList = (dice: Dice, depth: number): Json[] =>
  Array.from({ length: below(dice, 4) }, () => randomJson(dice, depth));

export function randomObject(dice: Dice, depth: number): JsonObject {
  const object: Record<string, Json> = {};
  for (let left = below(dice, 4); left > 0; left -= 1) {
    const key = pick(dice, ['id', 'method', 'constructor', 'toString', randomString(dice)]);
    // The one key that decoding drops; that it does is shown elsewhere.
    if (key !== '__proto__') object[key] = randomJson(dice, depth);
  }
  return object;
}

const randomAudio = (dice: Dice): AudioParams => ({
  format: pick(dice, ['opus', 'pcm', randomString(dice)]),
  sampleRateHz: pick(dice, [8_000, 16_000, 24_000, 48_000]),
  channels: pick(dice, [1, 2]),
  frameMs: pick(dice, [2.5, 20, 60]),
});

type Loose = { [key: string]: string | undefined };

/** The named optional texts, each present half of the time. */
function maybe<K extends string>(dice: Dice, ...keys: K[]): { [P in K]?: string } {
  const out: Loose = {};
  for (const key of keys) if (dice() < 0.5) out[key] = randomString(dice);
  return out as { [P in K]?: string };
}

export const SERVER_TYPES = [
  'hello',
  'stt',
  'llm',
  'tts',
  'system',
  'alert',
  'custom',
  'goodbye',
  'error',
  'server',
  'pong',
  'iot',
  'abort',
  'mcp',
] as const;

/** `sessionId` is what a hello assigns. */
export function randomServer(
  dice: Dice,
  type: ServerMessage['type'],
  sessionId: string | undefined,
): ServerMessage {
  const text = (): string => randomString(dice);
  switch (type) {
    case 'hello': {
      const id = sessionId === undefined ? {} : { sessionId };
      return { type, transport: pick(dice, ['websocket', 'udp', text()]), ...id, audio: randomAudio(dice) };
    }
    case 'stt':
      return { type, text: text() };
    case 'llm':
      return { type, ...maybe(dice, 'emotion', 'text') };
    case 'tts':
      return dice() < 0.5
        ? { type, state: pick(dice, ['start', 'stop']) }
        : { type, state: pick(dice, ['sentence_start', 'sentence_end']), ...maybe(dice, 'text') };
    case 'system':
      return { type, command: text() };
    case 'alert':
      return { type, status: text(), message: text(), emotion: text() };
    case 'custom':
    case 'mcp':
      return { type, payload: randomObject(dice, 5) };
    case 'goodbye':
      return { type };
    case 'error':
      return { type, ...maybe(dice, 'message') };
    case 'server':
      return { type, ...maybe(dice, 'status', 'message', 'action') };
    case 'pong':
      return { type, ...maybe(dice, 'timestamp') };
    case 'iot':
      return { type, commands: randomList(dice, 4) };
    case 'abort':
      return { type, ...maybe(dice, 'state') };
  }
}

export const DEVICE_TYPES = ['hello', 'listen', 'abort', 'goodbye', 'ping', 'iot', 'mcp'] as const;

export function randomDevice(dice: Dice, type: DeviceMessage['type']): DeviceMessage {
  switch (type) {
    case 'hello':
      return {
        type,
        version: pick(dice, [1, 2, 3]),
        transport: 'websocket',
        features: pick<DeviceHello['features']>(dice, [
          {},
          { mcp: true },
          { mcp: false, aec: true, emoji: false },
        ]),
        audio: randomAudio(dice),
      };
    case 'listen':
      return pick<DeviceMessage>(dice, [
        { type, state: 'start', mode: pick(dice, ['auto', 'manual', 'realtime']) },
        { type, state: 'stop' },
        { type, state: 'detect', text: randomString(dice) },
      ]);
    case 'abort':
      return { type, ...maybe(dice, 'reason') };
    case 'goodbye':
    case 'ping':
      return { type };
    case 'iot':
      return pick<DeviceMessage>(dice, [
        { type },
        { type, descriptors: randomList(dice, 3) },
        { type, descriptors: randomList(dice, 3), states: randomList(dice, 3) },
      ]);
    case 'mcp':
      return { type, payload: randomObject(dice, 5) };
  }
}

/** A few random injuries: characters lost, doubled, replaced, put in, or the end cut off. */
export function damaged(dice: Dice, text: string): string {
  let out = text;
  for (let left = 1 + below(dice, 3); left > 0; left -= 1) {
    const from = below(dice, out.length + 1);
    const to = Math.min(out.length, from + below(dice, 6));
    const piece = pick<string>(dice, [
      '',
      out.slice(from, to).repeat(2),
      '"',
      '{',
      '}',
      '[',
      ',',
      ':',
      '\\',
      '0',
      'null',
      randomString(dice),
    ]);
    out = below(dice, 8) === 0 ? out.slice(0, from) : out.slice(0, from) + piece + out.slice(to);
  }
  return out;
}
