// The parts of the parrot's hearing and speaking that a socket would only get in the way of: thresholds, bounds, lateness.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VoiceDetector } from '../../src/audio/voice-detector.ts';
import type { Clock } from '../../src/ports.ts';
import { boundedLog } from '../../src/server/bounded-log.ts';
import { Ear } from '../../src/server/ear.ts';
import { paceAnswer } from '../../src/server/paced-answer.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { DTX_60_MS, joined, noise, silence, voice } from '../helpers/opus-sound.ts';

test('speech needs 80 ms in a row: 60 ms are none, 100 ms are', () => {
  const short = new VoiceDetector();
  short.feed(joined(silence(200), noise(60, 8_000), silence(1_000)));
  assert.equal(short.speech, undefined);
  assert.equal(short.silenceMs, 0, 'no silence before the first speech');
  const long = new VoiceDetector();
  long.feed(joined(silence(200), noise(100, 8_000), silence(1_000)));
  assert.deepEqual(long.speech, { beginMs: 200, endMs: 300 });
  assert.equal(long.silenceMs, 1_000);
});

test('speech is found from the very first sample', () => {
  const detector = new VoiceDetector();
  detector.feed(voice(500));
  assert.equal(detector.speech?.beginMs, 0);
});

test('pieces of any length are heard as the whole is', () => {
  const sound = joined(silence(310), voice(730), silence(400));
  const whole = new VoiceDetector();
  whole.feed(sound);
  const pieces = new VoiceDetector();
  // 7 samples: a divisor of nothing here.
  for (let at = 0; at < sound.length; at += 14) pieces.feed(sound.subarray(at, at + 14));
  assert.notEqual(whole.speech, undefined);
  assert.deepEqual(pieces.speech, whole.speech);
});

test('noise that starts in mid-listening is speech at first and floor after three seconds', () => {
  const detector = new VoiceDetector();
  detector.feed(joined(silence(1_000), noise(5_000, 600)));
  assert.equal(detector.speech?.beginMs, 1_000);
  assert.ok(detector.silenceMs >= 700, `${detector.silenceMs} ms`);
});

test('a voice of five seconds over that noise stays speech to its end', () => {
  const detector = new VoiceDetector();
  detector.feed(joined(noise(3_500, 150), voice(5_000, 9_000)));
  const end = detector.speech?.endMs ?? 0;
  assert.ok(end >= 8_400, `${end} ms`);
});

/** Answers each packet with 60 ms of a voice that never pauses. */
const LOUD = { decode: () => voice(60, 20_000), conceal: () => silence(60), reset: () => undefined };
const QUIET = { decode: () => silence(60), conceal: () => silence(60), reset: () => undefined };

function numbered(i: number, length: number): Uint8Array {
  const packet = new Uint8Array(length);
  packet[0] = DTX_60_MS;
  new DataView(packet.buffer).setUint16(1, i);
  return packet;
}

function numberOf(packet: Uint8Array | undefined): number {
  return packet === undefined ? -1 : new DataView(packet.buffer, packet.byteOffset).getUint16(1);
}

test('of more than a minute the last minute is kept', () => {
  const ear = new Ear(LOUD);
  for (let i = 0; i < 1_100; i += 1) assert.equal(ear.hear(numbered(i, 40)), undefined);
  const kept = ear.spoken()?.packets ?? [];
  assert.equal(kept.length, 1_000);
  assert.equal(numberOf(kept[0]?.packet), 100);
  assert.equal(numberOf(kept.at(-1)?.packet), 1_099);
});

test('of more than a million bytes the last million is kept', () => {
  const ear = new Ear(LOUD);
  for (let i = 0; i < 300; i += 1) ear.hear(numbered(i, 4_000));
  const kept = ear.spoken()?.packets ?? [];
  assert.equal(kept.length, 250);
  assert.equal(numberOf(kept[0]?.packet), 50);
});

test('what is kept is a copy, not a view of the block it came in', () => {
  const ear = new Ear(LOUD);
  const block = new Uint8Array(65_536);
  for (let i = 0; i < 5; i += 1) {
    block.set(numbered(i, 40), i * 40);
    ear.hear(block.subarray(i * 40, i * 40 + 40));
  }
  block.fill(0);
  const kept = ear.spoken()?.packets ?? [];
  assert.deepEqual(
    kept.map(({ packet }) => [packet.buffer.byteLength, numberOf(packet)]),
    [0, 1, 2, 3, 4].map((i) => [40, i]),
  );
});

test('a packet that is none is named and not kept, and takes no time', () => {
  const ear = new Ear(LOUD);
  assert.equal(ear.hear(new Uint8Array()), 'empty');
  assert.equal(ear.hear(Uint8Array.of(0b11)), 'no-frame-count');
  assert.equal(ear.heardMs, 0);
  const deaf = new Ear({ ...LOUD, decode: () => undefined });
  assert.equal(deaf.hear(numbered(0, 40)), 'not decodable');
  assert.equal(deaf.heardMs, 0);
});

test('silence alone is nothing spoken', () => {
  const ear = new Ear(QUIET);
  for (let i = 0; i < 100; i += 1) ear.hear(numbered(i, 40));
  assert.equal(ear.heardMs, 6_000);
  assert.equal(ear.spoken(), undefined);
  assert.equal(ear.speechEnded, false);
});

test('a late timer is made up for: the schedule does not drift', () => {
  let nowMs = 0;
  const asked: { delayMs: number; fire: () => void }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    wallMs: () => 0,
    dice: () => 0,
    after(delayMs, fire) {
      asked.push({ delayMs, fire });
      return () => {};
    },
  };
  const sentAtMs: number[] = [];
  const packets = Array.from({ length: 10 }, () => ({ packet: new Uint8Array(1), durationMs: 60 }));
  paceAnswer(packets, clock, { packet: () => sentAtMs.push(nowMs), finished() {} });
  assert.deepEqual(sentAtMs, [0, 0, 0, 0, 0]);
  assert.equal(asked.at(-1)?.delayMs, 60);
  nowMs = 130;
  asked.at(-1)?.fire();
  assert.deepEqual(sentAtMs.slice(5), [130, 130], 'those of 60 and 120 ms');
  assert.equal(asked.at(-1)?.delayMs, 50, 'the next still falls due at 180 ms');
});

test('packets of 20 ms are paced by 20 ms', () => {
  const clock = handClock();
  let sent = 0;
  const packets = Array.from({ length: 10 }, () => ({ packet: new Uint8Array(1), durationMs: 20 }));
  let finishedAtMs = 0;
  paceAnswer(packets, clock, {
    packet() {
      sent += 1;
    },
    finished() {
      finishedAtMs = clock.now();
    },
  });
  clock.advance(40);
  assert.equal(sent, 7);
  clock.advance(60_000);
  assert.equal(sent, 10);
  assert.equal(finishedAtMs, 5 * 20 + 420);
});

test('a log is cut at its limit, says how much was left out, and goes on in the next window', () => {
  const clock = handClock();
  const lines: object[] = [];
  const write = (fields: object, text: string) => {
    lines.push({ ...fields, text });
  };
  const log = boundedLog({ debug: write, info: write, warn: write, error: write }, clock, 3);
  for (let i = 0; i < 100; i += 1) log.debug({ i }, 'rubbish');
  assert.equal(lines.length, 3);
  clock.advance(10_000);
  log.info({}, 'after');
  assert.deepEqual(lines.at(-1), { lines_left_out: 97, text: 'after' });
  log.info({}, 'again');
  assert.deepEqual(lines.at(-1), { text: 'again' });
});
