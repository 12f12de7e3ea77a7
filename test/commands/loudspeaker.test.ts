// From the sounds' keys to what is played for a cue.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chimesOf } from '../../src/commands/loudspeaker.ts';
import { loadConfig } from '../../src/config/load.ts';
import { keptLog } from '../helpers/card.ts';

function chimes(overrides: Readonly<Record<string, string>> = {}) {
  const { config, problems } = loadConfig({ environment: {}, overrides });
  assert.deepEqual(problems, []);
  return chimesOf(() => config, keptLog());
}

test('nothing is cut from the microphone for a cue unless that is asked for', () => {
  assert.equal(chimes().cutOverlap, false);
  assert.equal(chimes({ 'sounds.cut_overlap': 'true' }).cutOverlap, true);
});

test('each sound can be switched off, and all of them be softer', () => {
  assert.deepEqual(chimes({ 'sounds.off': 'thinking, again' }).policy().off, ['thinking', 'again']);
  const gain = (volume: string) => chimes({ 'sounds.volume': volume }).policy().gain;
  assert.deepEqual([gain('0'), gain('100')], [0, 1]);
  assert.ok(gain('50') > 0 && gain('50') < 0.5, `${gain('50')}`);
});

for (const [language, server, spoken] of [
  ['auto', 'zh-CN', 'zh'],
  ['auto', 'en-US', 'en'],
  ['zh', 'en-US', 'zh'],
  ['beeps', 'zh-CN', 'beeps'],
] as const)
  test(`digits are said in ${spoken} when sounds are set to ${language} and the server to ${server}`, () => {
    const policy = chimes({ 'sounds.language': language, 'server.language': server }).policy();
    assert.equal(policy.language, spoken);
  });

test('the package has all its sounds; a folder of the owner’s own is used in its place', () => {
  assert.deepEqual(chimes().sounds.missing, []);
  const { sounds } = chimes({ 'sounds.dir': import.meta.dirname });
  assert.equal(sounds.pcm('listen'), undefined);
  assert.deepEqual(sounds.missing, ['listen']);
});
