// Holds the table of test/README.md against the test sources: every row is there, every test it names exists. Reads text
// only; it must not know what a row means.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT, table } from './helpers/readme.ts';

const TESTS = join(ROOT, 'test');

const numbered = (letter: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `${letter}${String(from + at).padStart(2, '0')}`);
const ROWS = [...numbered('S', 1, 27), ...numbered('S', 31, 36), ...numbered('D', 1, 15)];

type Named = { readonly file: string; readonly name: string };
type Row = { readonly row: string; readonly tests: readonly Named[] };

/** What does not begin with a file is a remark. */
function rowsOf(page: string): readonly Row[] {
  return table(page, 'Row', 'Requirement', 'Tests').rows.map(([row = '', , tests = '']) => ({
    row,
    tests: tests.split('<br>').flatMap((entry) => {
      const [, file, name] = /^`([^`]+)` (.+)$/.exec(entry) ?? [];
      return file === undefined || name === undefined ? [] : [{ file, name }];
    }),
  }));
}

/** Why the table is wrong, one sentence each. */
function faults(page: string, sourceOf: (file: string) => string | undefined): readonly string[] {
  const rows = rowsOf(page);
  const missing = ROWS.filter((row) => rows.filter((one) => one.row === row).length !== 1);
  return [
    ...missing.map((row) => `${row} is not in the table once`),
    ...rows.filter(({ row }) => !ROWS.includes(row)).map(({ row }) => `${row} is no row`),
    ...rows.filter(({ tests }) => tests.length === 0).map(({ row }) => `${row} has no test`),
    ...rows.flatMap(({ row, tests }) => tests.flatMap((named) => faultOf(row, named, sourceOf(named.file)))),
    // Whoever sees a test fail is to know what is broken.
    ...rows
      .filter(({ row, tests }) => tests.length > 0 && !tests.some(({ name }) => name.includes(row)))
      .map(({ row }) => `no test of ${row} has it in its name`),
  ];
}

function faultOf(row: string, { file, name }: Named, source: string | undefined): readonly string[] {
  if (source === undefined) return [`${row}: there is no ${file}`];
  const isThere = [`'${name}'`, `"${name}"`, `\`${name}\``].some((literal) => source.includes(literal));
  return isThere ? [] : [`${row}: ${file} has no test "${name}"`];
}

function read(file: string): string | undefined {
  const path = join(TESTS, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

describe('the table of requirements', () => {
  const page = readFileSync(join(TESTS, 'README.md'), 'utf8');

  it('has every row, and every test that it names exists', () => {
    assert.deepEqual(faults(page, read), []);
  });

  it('would be found out: a row that is gone, a test that is gone, a file that is gone', () => {
    const withoutRow = page.replace(/^\| S16 .*\n/m, '');
    assert.deepEqual(faults(withoutRow, read), ['S16 is not in the table once']);
    const renamed = page.replace('S35 emotion and text arrive', 'S35 emotion and text are said to arrive');
    assert.equal(faults(renamed, read).length, 1);
    const nameless = page.replace(
      /^\| S16 .*$/m,
      '| S16 | time | `rows.test.ts` the table of requirements |',
    );
    assert.deepEqual(faults(nameless, read), ['no test of S16 has it in its name']);
    const empty = page.replace(/^\| S20 .*$/m, '| S20 | statistics | later |');
    assert.deepEqual(faults(empty, read), ['S20 has no test']);
    assert.ok(faults(page, () => undefined).length > ROWS.length);
  });
});
