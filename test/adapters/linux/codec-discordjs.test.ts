// The default codec: the contract, and how its add-on is found.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { discordjsCodec } from '../../../src/adapters/linux/discordjs-codec.ts';
import { codecContract } from '../../contracts/codec.ts';
import { tone } from '../../helpers/tone.ts';
import { runElsewhere } from './elsewhere.ts';

type Raw = new (
  rateHz: number,
  channels: number,
) => {
  encode(pcm: Buffer): Buffer;
  setBitrate(bitrateBps: number): void;
  applyEncoderCTL(request: number, value: number): void;
};

const codec = discordjsCodec();
/** The same file that the adapter loaded. */
const { OpusEncoder }: { OpusEncoder: Raw } = loadedAddOn();

function loadedAddOn() {
  const require = createRequire(import.meta.url);
  const path = Object.keys(require.cache).find((name) => name.endsWith('opus.node'));
  assert.ok(path !== undefined);
  return require(path);
}

assert.ok('name' in codec, JSON.stringify(codec));
codecContract('@discordjs/opus', codec);

test('it encodes for speech, which the package itself would not', () => {
  const pcm = tone(300, 60, 16_000);
  const raw = (application: number) => {
    const encoder = new OpusEncoder(16_000, 1);
    encoder.applyEncoderCTL(4000, application);
    encoder.applyEncoderCTL(4010, 5);
    encoder.setBitrate(24_000);
    return encoder.encode(Buffer.from(pcm));
  };
  const ours = Buffer.from(codec.encoder({ bitrateBps: 24_000, complexity: 5 }).encode(pcm));
  const [voip, audio] = [raw(2048), raw(2049)];
  assert.notDeepEqual(voip, audio);
  assert.deepEqual(ours, voip);
});

test('only the add-on is loaded, not the installer that the package brings', () => {
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  assert.ok(loaded.some((path) => path.endsWith('opus.node')));
  assert.deepEqual(
    loaded.filter((path) => path.includes('node-pre-gyp')),
    [],
  );
});

test('where the package is not installed, that is said instead of thrown', async () => {
  const said = await runElsewhere('discordjs-codec.js', 'console.log(adapter.discordjsCodec().missing)');
  assert.match(said, /^@discordjs\/opus cannot be loaded: Cannot find module/);
});

test('a binary that does not load is passed over, and the package itself is asked', async () => {
  const folder = `prebuild/node-v999-napi-v3-${process.platform}-${process.arch}-glibc-2.36`;
  const said = await runElsewhere('discordjs-codec.js', 'console.log(adapter.discordjsCodec().name)', {
    '@discordjs/opus/package.json': '{"main":"index.js"}',
    '@discordjs/opus/index.js': 'exports.OpusEncoder = class {};',
    [`@discordjs/opus/${folder}/opus.node`]: 'not a library',
  });
  assert.equal(said, '@discordjs/opus');
});
