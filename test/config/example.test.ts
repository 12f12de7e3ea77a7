// The configuration file that a box is installed with: right as it is, and right with every line of it in force.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { isAppliedByReload } from '../../src/config/schema.ts';
import { folders } from '../helpers/daemon.ts';

const EXAMPLE = join(import.meta.dirname, '../../../deploy/config.example.toml');

it('the example configuration is right, as it is and with its comments taken away', async () => {
  const places = await folders();
  const text = readFileSync(EXAMPLE, 'utf8');
  const all = text.replace(/^#(?=\w+ = )/gm, '');
  for (const [what, changed] of [
    [text, 0],
    [all, 8],
  ] as const) {
    const configFile = join(places.root, 'config.toml');
    writeFileSync(configFile, what);
    const { problems, origins } = loadConfig({ configFile, mustExist: true, environment: {} });
    assert.deepEqual(problems, []);
    assert.equal(Object.values(origins).filter((origin) => origin !== 'default').length, changed);
  }
  await places.remove();
});

it('its head says of each item whether a reload applies it', () => {
  const text = readFileSync(EXAMPLE, 'utf8');
  const [, reloaded = '', first, last] =
    /`[^`]*reload [^`]*` after a change of (\d or \d), and `restart` after one of (\d) to (\d)/.exec(text) ??
    [];
  const found: string[] = [];
  let [section, item] = ['', ''];
  for (const line of text.split('\n')) {
    section = /^\[(.+)\]$/.exec(line)?.[1] ?? section;
    item = /^# (\d)\./.exec(line)?.[1] ?? item;
    const key = /^#(\w+) = /.exec(line)?.[1];
    if (key === undefined) continue;
    found.push(item);
    const isRight = isAppliedByReload(`${section}.${key}`)
      ? reloaded.split(' or ').includes(item)
      : item >= String(first) && item <= String(last);
    assert.ok(isRight, `${item}: ${section}.${key}`);
  }
  assert.equal(found.length, 8);
});
