// The configuration file that a box is installed with: right as it is, and right with every line of it in force.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { folders } from '../helpers/daemon.ts';

const EXAMPLE = join(import.meta.dirname, '../../../deploy/config.example.toml');

it('the example configuration is right, as it is and with its comments taken away', async () => {
  const places = await folders();
  const text = readFileSync(EXAMPLE, 'utf8');
  const all = text.replace(/^#(?=\w+ = )/gm, '');
  for (const [what, changed] of [
    [text, 0],
    [all, 7],
  ] as const) {
    const configFile = join(places.root, 'config.toml');
    writeFileSync(configFile, what);
    const { problems, origins } = loadConfig({ configFile, mustExist: true, environment: {} });
    assert.deepEqual(problems, []);
    assert.equal(Object.values(origins).filter((origin) => origin !== 'default').length, changed);
  }
  await places.remove();
});
