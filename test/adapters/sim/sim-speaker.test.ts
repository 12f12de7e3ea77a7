// The simulated speaker: the contract, and what only it promises.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simSpeaker } from '../../../src/adapters/sim/sim-speaker.ts';
import { recorder, speakerContract } from '../../contracts/speaker.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { measure, tone } from '../../helpers/tone.ts';
import { untilByHand } from './by-hand.ts';

speakerContract('simulated', async () => {
  const clock = handClock();
  const speaker = simSpeaker(clock, { rateHz: 24_000, rememberMs: 10_000 });
  return {
    speaker,
    until: untilByHand(clock),
    heardMs: () => measure(speaker.played(), 24_000).loudMs,
    async gone() {
      clock.advance(5000);
      assert.equal(clock.pending(), 0);
    },
  };
});

test('it finishes when the last sample has been played, not before', () => {
  const clock = handClock();
  const events = recorder();
  const speaker = simSpeaker(clock);
  speaker.start(events);
  speaker.write(tone(440, 100, speaker.rateHz));
  clock.advance(250); // Played out, then dry for 150 ms.
  speaker.write(tone(440, 100, speaker.rateHz));
  speaker.finish();
  clock.advance(99);
  assert.deepEqual(events.seen, []);
  clock.advance(1);
  assert.deepEqual(events.seen, ['finished']);
});

test('a stop cuts the sound at this very moment', () => {
  const clock = handClock();
  const speaker = simSpeaker(clock, { rateHz: 16_000, rememberMs: 1000 });
  speaker.start(recorder());
  speaker.write(tone(440, 300, 16_000));
  clock.advance(120);
  speaker.stop();
  clock.advance(1000);
  assert.equal(speaker.played().length, 0.12 * 16_000 * 2);
});

test('it remembers the newest sound, as much as it was told to, and none by default', () => {
  const clock = handClock();
  const sound = Uint8Array.from({ length: 3200 }, (_, n) => n & 0xff);
  for (const [rememberMs, expected] of [
    [50, sound.subarray(1600)],
    [undefined, new Uint8Array(0)],
  ] as const) {
    const speaker = simSpeaker(clock, {
      rateHz: 16_000,
      ...(rememberMs === undefined ? {} : { rememberMs }),
    });
    speaker.start(recorder());
    speaker.write(sound);
    clock.advance(100);
    assert.deepEqual(speaker.played(), Uint8Array.from(expected));
  }
});

test('more than two seconds in hand are not taken', () => {
  const clock = handClock();
  const speaker = simSpeaker(clock, { rateHz: 16_000, rememberMs: 10_000 });
  speaker.start(recorder());
  for (let n = 0; n < 5; n += 1) speaker.write(tone(440, 600, 16_000));
  clock.advance(10_000);
  assert.equal(speaker.played().length, 1.8 * 16_000 * 2);
});

test('a failure ends the run once and says why', () => {
  const clock = handClock();
  const events = recorder();
  const speaker = simSpeaker(clock);
  speaker.start(events);
  speaker.write(tone(440, 100, speaker.rateHz));
  speaker.fail('unplugged');
  speaker.fail('unplugged');
  clock.advance(1000);
  assert.deepEqual([events.seen, speaker.isRunning], [['ended: unplugged'], false]);
});
