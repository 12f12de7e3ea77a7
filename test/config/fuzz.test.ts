// Random damage to configuration files and variables: never a throw, always a complete and valid configuration.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeParse } from 'valibot';
import { loadConfig } from '../../src/config/load.ts';
import { describeProblem } from '../../src/config/problem.ts';
import { allKeys, environmentName } from '../../src/config/schema.ts';
import { scratch } from './scratch.ts';

// Enough to meet every branch of the scanner many times, and a few seconds on a small machine.
const ROUNDS = 1500;

const pieces = [
  '"',
  "'",
  '"""',
  "'''",
  '[',
  ']',
  '[[',
  '{',
  '}',
  '=',
  '.',
  ',',
  '#',
  '\n',
  '\r\n',
  '\\',
  '\0',
  '\u2028',
  '🦀',
  '\uD800',
].concat([
  '1',
  '-0',
  '1e9',
  'nan',
  'inf',
  'true',
  '1979-05-27',
  'a',
  '__proto__',
  'constructor',
  'link',
  'mode',
  ' ',
  '\uFEFF',
]);

test('a damaged file never throws and leaves every value valid', (t) => {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`FUZZ_SEED=${seed}`);
  const pick = picker(seed);
  const files = scratch(t);
  const sound = [...allKeys].map(([key, { example }], index) =>
    index % 3 === 0
      ? `[${key.replace(/\.\w+$/, '')}] #\n${key.replace(/^.*\./, '')} = ${example}`
      : `${key} = ${example}`,
  );
  let unusable = 0;
  let usable = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    // Nine lines of however many there are: more of them would hardly ever fit together.
    let text = sound.filter(() => pick(Math.ceil(sound.length / 9)) === 0).join('\n');
    for (let cuts = pick(5); cuts > 0; cuts -= 1) {
      const at = pick(text.length + 1);
      text = text.slice(0, at) + (pieces[pick(pieces.length)] ?? '') + text.slice(at + pick(3) * pick(10));
    }
    const configFile = files.write('config.toml', text);
    const key = [...allKeys.keys()][pick(allKeys.size)] ?? '';
    const environment = { [environmentName(key).slice(0, 9 + pick(40))]: pieces[pick(pieces.length)] };
    const loaded = loadConfig({
      configFile,
      environment,
      overrides: { [pieces[pick(pieces.length)] ?? '']: '1' },
    });
    if (loaded.files.length === 0) unusable += 1;
    else usable += 1;
    assertValid(loaded.config, text);
    for (const problem of loaded.problems)
      assert.doesNotMatch(describeProblem(problem), /[\p{Cc}\p{Zl}]/u, text);
  }
  assert.ok(usable > ROUNDS / 20 && unusable > ROUNDS / 20, `usable ${usable}, unusable ${unusable}`);
});

function assertValid(config: object, text: string): void {
  for (const [key, { check }] of allKeys) {
    const path = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()).split('.');
    const value = path.reduce<unknown>((node, part) => Object(node)[part], config);
    assert.ok(safeParse(check, value).success, `${key} = ${String(value)} from ${JSON.stringify(text)}`);
  }
}

/** Whole numbers below `limit`, the same ones for the same seed (a 32-bit mixing generator). */
function picker(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % limit;
  };
}
