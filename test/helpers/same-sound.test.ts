// The comparison itself: it must see what is missing, and must not see what is not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evanCodec } from '../../src/adapters/linux/evan-codec.ts';
import type { Pcm } from '../../src/ports.ts';
import { likeness, utterance } from './same-sound.ts';

const BYTES_PER_MS = 32;
const said = utterance(3_000);
const quiet = (ms: number) => new Uint8Array(ms * BYTES_PER_MS);
const join = (...parts: readonly Pcm[]) => Buffer.concat(parts);
const part = (fromMs: number, toMs?: number) =>
  said.subarray(fromMs * BYTES_PER_MS, toMs === undefined ? undefined : toMs * BYTES_PER_MS);

function coded(pcm: Pcm, bitrateBps: number): Pcm {
  const codec = evanCodec();
  if ('missing' in codec) throw new Error(codec.missing);
  const encoder = codec.encoder({ bitrateBps, complexity: 5 });
  const decoder = codec.decoder(16_000);
  const frames: Pcm[] = [];
  for (let at = 0; at + 1_920 <= pcm.length; at += 1_920)
    frames.push(Uint8Array.from(decoder.decode(encoder.encode(pcm.subarray(at, at + 1_920))) ?? []));
  return join(...frames);
}

describe('the likeness of two sounds', () => {
  it('is whole when one is in the other, wherever it lies', () => {
    const found = likeness(join(quiet(500), said, quiet(200)), join(quiet(1_234), said, quiet(900)));
    const nothing = { lostMs: 0, cutMs: 0, putInMs: 0, driftMs: 0, twice: 0, losses: [] };
    assert.deepEqual(found, { comparedMs: found.comparedMs, ...nothing });
    assert.ok(found.comparedMs >= 2_960);
  });

  for (const bitrateBps of [24_000, 8_000])
    it(`is whole after coding at ${bitrateBps / 1_000} kbit/s, apart from the coder's own first moment`, () => {
      const found = likeness(said, coded(join(quiet(60), said, quiet(60)), bitrateBps));
      assert.ok(found.lostMs <= 80 && found.cutMs + found.putInMs === 0, JSON.stringify(found));
      assert.ok(Math.abs(found.driftMs) <= 3 && found.twice === 0, JSON.stringify(found));
    });

  it('shows a beginning, a middle and an end that are missing', () => {
    for (const [heard, from, lostMs] of [
      [part(600), 0, 600],
      [join(part(0, 1_000), quiet(400), part(1_400)), 1_000, 400],
      [part(0, 2_500), 2_500, 500],
    ] as const) {
      const found = likeness(said, join(quiet(100), heard, quiet(100)));
      assert.ok(Math.abs(found.lostMs - lostMs) <= 40, JSON.stringify(found));
      assert.ok(Math.abs((found.losses[0] ?? -1) - from) <= 40, JSON.stringify(found));
    }
  });

  it('shows what was cut out without a trace, and what was said twice', () => {
    const cut = likeness(said, join(part(0, 1_000), part(1_060)));
    assert.ok(Math.abs(cut.cutMs - 60) <= 1 && cut.lostMs <= 160, JSON.stringify(cut));
    const twice = likeness(said, join(part(0, 1_000), part(940)));
    assert.ok(Math.abs(twice.putInMs - 60) <= 1 && twice.lostMs <= 160, JSON.stringify(twice));
  });

  it('shows that a beginning comes a second time, whichever of the two is the right one', () => {
    for (const [heard, twice] of [
      [join(part(0, 1_500), quiet(100), said), 4],
      [join(said, quiet(100), part(0, 1_500)), 4],
      [join(said, said), 8],
    ] as const) {
      const found = likeness(said, heard);
      assert.ok(found.twice >= twice - 1, JSON.stringify(found));
    }
  });

  it('shows a clock that runs half a per cent too fast', () => {
    // Every two hundredth sample is gone.
    const fast = Buffer.concat(
      Array.from({ length: said.length / 400 }, (_, n) => said.subarray(n * 400, n * 400 + 398)),
    );
    const found = likeness(said, join(quiet(100), fast, quiet(100)));
    assert.ok(found.driftMs < -5, JSON.stringify(found));
  });

  it('finds nothing in another utterance', () => {
    const found = likeness(said, utterance(3_000, 7));
    assert.ok(found.lostMs > 0.8 * found.comparedMs, JSON.stringify(found));
  });
});
