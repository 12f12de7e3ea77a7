// Every shell script of the tree, as shellcheck sees it: scripts run where nobody looks, as root.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const ROOT = join(import.meta.dirname, '../../..');
const FOLDERS = ['deploy', 'test', '.ci'];

const scripts = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(ts|md|wav)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name)),
).filter((file) => /^#!\/.*sh\b/.test(readFileSync(file, 'utf8')));

it('every shell script is clean for shellcheck', () => {
  assert.ok(scripts.length >= 3, scripts.join(' '));
  const { status, stdout, stderr } = spawnSync('shellcheck', scripts, { encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
});
