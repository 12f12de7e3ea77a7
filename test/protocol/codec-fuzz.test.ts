// Random walks over texts: nothing makes decoding throw, and what was encoded decodes to what it was. The seed is
// printed; FUZZ_SEED=<number> in the environment runs another one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Decoded,
  decodeDevice,
  decodeServer,
  encodeDevice,
  encodeServer,
} from '../../src/protocol/codec.ts';
import {
  below,
  DEVICE_TYPES,
  damaged,
  pick,
  randomDevice,
  randomJson,
  randomServer,
  randomString,
  randomUnits,
  SERVER_TYPES,
  seeded,
} from './random-messages.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20_261_122);

/** Gives every object the ordinary prototype, so that decoded and generated ones can be compared strictly. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  // JSON has neither infinity nor a negative zero; a text with 1e999 or -0 in a payload comes back without.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Whether the text was accepted. If so, the message must survive being encoded; if not, the fault must be printable. */
function accepts<M>(
  decode: (text: string) => Decoded<M>,
  encode: (message: M, sessionId?: string) => string,
  text: string,
): boolean {
  const first = decode(text);
  if (first.ok) {
    const second = decode(encode(first.message, first.sessionId));
    assert.ok(second.ok, text);
    assert.deepEqual(plain(second.message), plain(first.message), text);
    return true;
  }
  const { kind, detail, excerpt } = first.fault;
  assert.match(kind, /^(not-json|not-an-object|no-type|unknown-type|wrong-shape|too-long|too-deep)$/);
  assert.ok(excerpt.length <= 200 && detail.length > 0 && detail.length <= 200, text);
  assert.doesNotMatch(detail + excerpt, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  return false;
}

/** By how many of the two sides the text was accepted. */
const acceptances = (text: string): number =>
  Number(accepts(decodeServer, encodeServer, text)) + Number(accepts(decodeDevice, encodeDevice, text));

test('a generated message of every type comes back as it was, with its session id', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const dice = seeded(SEED);
  for (let round = 0; round < 400; round += 1) {
    const sessionId = randomString(dice);
    for (const type of SERVER_TYPES) {
      const message = randomServer(dice, type, sessionId);
      const result = decodeServer(encodeServer(message, sessionId));
      assert.ok(result.ok, type);
      assert.deepEqual(plain(result), plain({ ok: true, message, sessionId }));
    }
    for (const type of DEVICE_TYPES) {
      const message = randomDevice(dice, type);
      const result = decodeDevice(encodeDevice(message, sessionId));
      assert.ok(result.ok, type);
      assert.deepEqual(
        plain(result),
        plain({ ok: true, message, ...(type === 'hello' ? {} : { sessionId }) }),
      );
    }
  }
});

test('20,000 damaged messages are accepted or refused with a reason, and the accepted ones are stable', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const dice = seeded(SEED + 1);
  let accepted = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const text =
      dice() < 0.5
        ? encodeServer(randomServer(dice, pick(dice, SERVER_TYPES), 's'), 's')
        : encodeDevice(randomDevice(dice, pick(dice, DEVICE_TYPES)), 's');
    accepted += acceptances(damaged(dice, text));
  }
  // Both must happen, or the damage is too great or too small to show anything.
  assert.ok(accepted > 1_000 && accepted < 19_000, `${accepted} accepted`);
});

test('10,000 objects of a known type with fields of any type are accepted or refused with a reason', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const dice = seeded(SEED + 2);
  const keys = [
    'text',
    'state',
    'mode',
    'payload',
    'transport',
    'session_id',
    'audio_params',
    'features',
    'content',
    'commands',
    'status',
    'message',
    'emotion',
    'command',
    'reason',
    'descriptors',
    'states',
    'version',
    'timestamp',
    '__proto__',
  ] as const;
  let accepted = 0;
  for (let round = 0; round < 10_000; round += 1) {
    const type = pick<string>(dice, [...SERVER_TYPES, ...DEVICE_TYPES]);
    const fields = Array.from(
      { length: below(dice, 6) },
      () => [pick(dice, keys), randomJson(dice, 3)] as const,
    );
    const text = [['type', type] as const, ...fields]
      .map(([key, value]) => `"${key}":${JSON.stringify(value)}`)
      .join();
    accepted += acceptances(`{${text}}`);
  }
  assert.ok(accepted > 1_000, `${accepted} accepted`);
});

test('10,000 random strings are refused with a reason', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const dice = seeded(SEED + 3);
  for (let round = 0; round < 10_000; round += 1) {
    assert.equal(acceptances(dice() < 0.5 ? randomUnits(dice) : randomString(dice)), 0);
  }
});
