// The judgement of what was heard, on real sentences: spoken by espeak-ng, brought to 16 kHz by sox, sent through Opus.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { judge, LEAST_CORRELATION, lengthOf, RATE_HZ } from '../../src/demo/likeness.ts';
import type { Pcm } from '../../src/ports.ts';
import { joined, noise, packets, silence, soundCodec } from '../helpers/opus-sound.ts';
import { outputOf, samplesOf } from './demo-rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'xz-'));
after(() => rmSync(folder, { recursive: true }));

const sentences = [
  'Hello box, what time is it in the kitchen?',
  'Please remind me to water the plants tomorrow morning.',
  'And how long until the bread is done?',
  'Thank you, and good night.',
].map(spoken);
const [kitchen, plants] = [sentenceAt(0), sentenceAt(1)];

function sentenceAt(at: number): Pcm {
  const pcm = sentences[at];
  assert.ok(pcm !== undefined);
  return pcm;
}

function spoken(text: string): Pcm {
  const wav = join(folder, 'one.wav');
  outputOf('espeak-ng', '-v', 'en', '-w', wav, text);
  return samplesOf(wav);
}

function throughOpus(pcm: Pcm): Pcm {
  const decoder = soundCodec().decoder(RATE_HZ);
  return joined(...packets(pcm).map((packet) => decoder.decode(packet) ?? new Uint8Array()));
}

/** Not a whole number of steps, so that no window of the one begins where a window of the other does. */
function shifted(pcm: Pcm): Pcm {
  return joined(silence(1_000), new Uint8Array(2 * 77), pcm, silence(1_500));
}

function share(pcm: Pcm, part: number): Pcm {
  return pcm.subarray(0, Math.round((pcm.length / 2) * part) * 2);
}

function louder(pcm: Pcm, factor: number): Pcm {
  const samples = new Int16Array(pcm.slice().buffer);
  return new Uint8Array(samples.map((sample) => Math.round(sample * factor)).buffer);
}

test('the same sentence through Opus, later and softer, is the same', () => {
  for (const said of sentences) {
    const { correlation, verdict } = judge(said, louder(throughOpus(shifted(said)), 0.3));
    assert.equal(verdict, 'the same');
    assert.ok(correlation >= 0.95, String(correlation));
  }
});

test('it is found where it lies, and is as long as it was said', () => {
  const { heard, saidMs } = judge(kitchen, shifted(kitchen));
  const { heard: unshifted } = judge(kitchen, kitchen);
  assert.ok(heard !== undefined && unshifted !== undefined);
  // 77 samples are 5 ms, and a window is 30 ms long.
  assert.ok(Math.abs(heard.beginMs - unshifted.beginMs - 1_005) <= 20, JSON.stringify(heard));
  assert.ok(Math.abs(lengthOf(heard) - saidMs) <= 20, JSON.stringify(heard));
});

test('another sentence is something else, well below the threshold', () => {
  for (const said of sentences)
    for (const other of sentences) {
      if (said === other) continue;
      const { correlation, verdict } = judge(said, throughOpus(shifted(other)));
      assert.equal(verdict, 'something else');
      assert.ok(correlation < LEAST_CORRELATION - 0.1, String(correlation));
    }
});

test('the right sentence beside another one is found', () => {
  const { verdict, heard } = judge(plants, joined(shifted(kitchen), shifted(plants)));
  assert.equal(verdict, 'the same');
  assert.ok((heard?.beginMs ?? 0) > 4_000, JSON.stringify(heard));
});

test('silence is silence, however long, and so is the noise of the last bit', () => {
  for (const heard of [new Uint8Array(), silence(5_000), noise(5_000, 1)]) {
    assert.deepEqual(judge(kitchen, heard).verdict, 'silence');
    assert.equal(judge(kitchen, heard).correlation, 0);
  }
});

test('noise is something else, also when it is as long as what was said', () => {
  const burst = noise((kitchen.length / 2 / RATE_HZ) * 1_000, 3_000);
  for (const heard of [noise(6_000, 3_000), shifted(burst)])
    assert.equal(judge(kitchen, heard).verdict, 'something else');
});

test('half a sentence is never the sentence', () => {
  for (const said of sentences) {
    assert.notEqual(judge(said, shifted(share(said, 0.5))).verdict, 'the same');
    const secondHalf = said.subarray(share(said, 0.5).length);
    assert.notEqual(judge(said, shifted(secondHalf)).verdict, 'the same');
  }
});

test('a sentence without its last quarter correlates, and is recognised by its length', () => {
  const { correlation, verdict } = judge(plants, shifted(share(plants, 0.75)));
  assert.ok(correlation >= LEAST_CORRELATION, String(correlation));
  assert.equal(verdict, 'a part is missing');
});
