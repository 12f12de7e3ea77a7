// Which converter ALSA has here, and would have on a machine without its plug-ins.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rateConverter } from '../../../src/adapters/linux/rate-converter.ts';

test('the rate converter is the plug-in where there is one, in any folder that Debian has for it', (t) => {
  const libraries = mkdtempSync(join(tmpdir(), 'xz-'));
  t.after(() => rmSync(libraries, { recursive: true, force: true }));
  assert.equal(rateConverter(libraries), 'linear');
  const folder = join(libraries, 'aarch64-linux-gnu', 'alsa-lib');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'libasound_module_rate_samplerate.so'), '');
  assert.equal(rateConverter(libraries), 'linear', 'alsa-lib takes no other by itself');
  writeFileSync(join(folder, 'libasound_module_rate_speexrate.so'), '');
  assert.equal(rateConverter(libraries), 'speexrate');
});

test('the rate converter of this machine is the one that prerequisites.sh installs', () => {
  assert.equal(rateConverter(), 'speexrate');
});

test('the rate converter is not found, and nothing breaks, where there are no libraries', () => {
  assert.equal(rateConverter('/nonexistent'), 'linear');
});
