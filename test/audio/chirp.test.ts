// The chirp in sound that was made of it: late, soft, turned over, amid noise; and where it is not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chirpIn, chirpPcm } from '../../src/audio/chirp.ts';
import { tonePcm } from '../../src/audio/tone.ts';
import { dice } from '../helpers/dice.ts';

const RATE_HZ = 16_000;

/** A second of noise of that amplitude, with the chirp in it. */
function heard(afterMs: number | null, loudness: number, noise: number): Uint8Array {
  const chance = dice(7);
  const view = new DataView(new ArrayBuffer(RATE_HZ * 2));
  const chirp = new DataView(chirpPcm(RATE_HZ).buffer);
  const from = afterMs === null ? RATE_HZ : (afterMs * RATE_HZ) / 1_000;
  for (let at = 0; at < RATE_HZ; at += 1) {
    const of = (at - from) * 2;
    const own = of >= 0 && of < chirp.byteLength ? chirp.getInt16(of, true) * loudness : 0;
    view.setInt16(at * 2, Math.round(own + (chance() - 0.5) * 2 * noise), true);
  }
  return new Uint8Array(view.buffer);
}

describe('the chirp', () => {
  it('is found where it is, soft or turned over or amid noise', () => {
    for (const [loudness, noise, least] of [
      [1, 0, 0.99],
      [0.01, 0, 0.9],
      [-0.2, 0, 0.99],
      [0.2, 2_000, 0.5],
    ] as const) {
      const { likeness, atMs } = chirpIn(heard(312.5, loudness, noise));
      assert.ok(likeness >= least, `${likeness}`);
      assert.ok(Math.abs(atMs - 312.5) < 0.2, `${atMs}`);
    }
  });

  it('is not found in noise, in a tone, in silence, nor in next to nothing', () => {
    assert.ok(chirpIn(heard(null, 0, 8_000)).likeness < 0.2);
    assert.ok(chirpIn(tonePcm(1_000, 1_000, RATE_HZ)).likeness < 0.3);
    assert.deepEqual(chirpIn(new Uint8Array(RATE_HZ)), { likeness: 0, atMs: 0 });
    assert.deepEqual(chirpIn(new Uint8Array(20)), { likeness: 0, atMs: 0 });
  });

  it('is as long, whatever the rate of the speaker', () => {
    for (const rateHz of [16_000, 24_000, 48_000]) assert.equal(chirpPcm(rateHz).length, rateHz / 2);
  });
});
