// What a machine says of itself in files that other machines do not have.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { temperatureC, throttled } from '../../../src/adapters/linux/machine.ts';

function assertReads(
  read: (path: string) => number | null,
  rows: readonly (readonly [text: string, value: number | null])[],
): void {
  const folder = mkdtempSync(join(tmpdir(), 'xz-'));
  const file = join(folder, 'file');
  assert.equal(read(file), null);
  for (const [text, value] of rows) {
    writeFileSync(file, text);
    assert.equal(read(file), value, text);
  }
  rmSync(folder, { recursive: true });
}

it('whether it is throttled is read as the firmware counts, and not known where it says nothing', () => {
  assertReads(throttled, [
    ['0\n', 0],
    ['50005\n', 0x50005],
    ['', null],
  ]);
});

it('how warm its chip is is not known where no sensor says so', () => {
  assertReads(temperatureC, [
    ['54768\n', 55],
    ['0\n', 0],
    ['-4200\n', -4],
    ['', null],
    ['N/A\n', null],
  ]);
});
