// The plain tone: as long, as high and as loud as it is asked for, without a click at either end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tonePcm } from '../../src/audio/tone.ts';
import { measure, samples } from '../helpers/tone.ts';

describe('a tone to test a loudspeaker with', () => {
  for (const [hz, durationMs, rateHz] of [
    [440, 1_000, 24_000],
    [12_000, 50, 48_000],
    [50, 200, 16_000],
  ] as const)
    it(`of ${hz} Hz lasts ${durationMs} ms at ${rateHz} samples a second, and begins and ends softly`, () => {
      const pcm = tonePcm(hz, durationMs, rateHz);
      const values = samples(pcm);
      assert.equal(values.length, (durationMs * rateHz) / 1_000);
      const peak = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(peak > 8_000 && peak <= 8_192, `${peak}: a quarter of full scale`);
      // A tenth of the 10 ms in which it comes and goes.
      for (const end of [values.slice(0, rateHz / 1_000), values.slice(-rateHz / 1_000)])
        assert.ok(Math.max(...end.map(Math.abs)) <= 820, end.join(' '));
      assert.equal(Math.abs(values.at(-1) ?? 1), 0);
      if (durationMs === 1_000) assert.ok(Math.abs(measure(pcm, rateHz).hz - hz) < 2);
    });
});
