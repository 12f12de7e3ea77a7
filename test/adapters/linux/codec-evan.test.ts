// The fallback codec with its native binary: the contract, and its absence.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evanCodec } from '../../../src/adapters/linux/evan-codec.ts';
import { codecContract } from '../../contracts/codec.ts';
import { runElsewhere } from './elsewhere.ts';

const codec = evanCodec();
assert.ok('name' in codec, JSON.stringify(codec));
codecContract('@evan/opus', codec);

test('where the package is not installed, that is said instead of thrown', async () => {
  const said = await runElsewhere('evan-codec.js', 'console.log(adapter.evanCodec().missing)');
  assert.match(said, /^@evan\/opus cannot be loaded: Cannot find module/);
});
