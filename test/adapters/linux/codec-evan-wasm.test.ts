// The fallback codec as it runs where it has no native binary (armv7): the same contract on WebAssembly.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { evanCodec } from '../../../src/adapters/linux/evan-codec.ts';

// The package looks at this when it is loaded, which the contract does too: hence the late import.
process.env.OPUS_FORCE_WASM = '1';
const { codecContract } = await import('../../contracts/codec.ts');
const codec = evanCodec();
assert.ok('name' in codec, JSON.stringify(codec));
codecContract('@evan/opus, WebAssembly', codec);

test('this file did test the WebAssembly build', () => {
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  assert.ok(loaded.some((path) => path.includes('wasm')));
  assert.ok(!loaded.some((path) => path.endsWith('.node')));
});
