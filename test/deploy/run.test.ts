// test/run.ts on a small tree of its own. It must not know which tests this project has.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, test } from 'node:test';

/** The runner, and what it loads into the process of each file. */
const PARTS = ['run', 'whole-report'];

describe('test/run.ts', () => {
  let tree: string;

  function write(name: string, text: string): void {
    const file = path.join(tree, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** A test with its source, as the compiler would have left both. */
  function addTest(name: string, body = ''): void {
    write(`test/${name}.test.ts`, '');
    write(
      `dist/test/${name}.test.js`,
      `import { test } from 'node:test'; test('${name} ran', () => { ${body} });`,
    );
  }

  function run(...words: string[]): { code: number | null; said: string } {
    // Without this, the inner `node --test` reports to the outer one instead of printing.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const file = path.join(tree, 'dist/test/run.js');
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...words], {
      env,
      encoding: 'utf8',
    });
    return { code: status, said: stdout + stderr };
  }

  beforeEach(() => {
    tree = mkdtempSync(path.join(tmpdir(), 'run-test-'));
    write('package.json', '{"type":"module"}');
    mkdirSync(path.join(tree, 'dist/test'), { recursive: true });
    for (const part of PARTS) {
      write(`test/${part}.ts`, '');
      const compiled = path.resolve(import.meta.dirname, `../${part}.js`);
      copyFileSync(compiled, path.join(tree, `dist/test/${part}.js`));
    }
    for (const name of ['core/a', 'core/b', 'link/c', 'd', 'e', 'bench/slow', 'long/hours']) addTest(name);
  });
  afterEach(() => rmSync(tree, { recursive: true, force: true }));

  test('counts every test of a file that has many, though its process is ended by force', () => {
    const many =
      'for (let n = 0; n < 400; n += 1) test("one of many, and a long name so that a pipe is full of them " + n, () => {});';
    write('test/core/many.test.ts', '');
    write('dist/test/core/many.test.js', `import { test } from 'node:test'; ${many}`);
    const { code, said } = run('core/many');
    assert.equal(code, 0, said);
    assert.match(said, /ℹ tests 400\n/);
  });

  test('runs all tests but benchmarks and long ones, and ends with the summary', () => {
    const { code, said } = run();
    assert.equal(code, 0, said);
    for (const name of ['core/a', 'core/b', 'link/c', 'd', 'e'])
      assert.ok(said.includes(`✔ ${name} ran`), said);
    assert.ok(!said.includes('slow') && !said.includes('hours'));
    assert.match(said, /ℹ pass 5\n(ℹ .*\n)*$/);
  });

  test('long ones run when asked for, benchmarks never', () => {
    const { said } = run('--long');
    assert.ok(said.includes('✔ long/hours ran'));
    assert.ok(!said.includes('slow'));
  });

  test('a token that any program under test has said makes it fail, and is shown', () => {
    const say = (text: string) =>
      `import('node:fs').then(({ appendFileSync }) => appendFileSync(process.env.TEST_SAID_FOLDER + '/1.txt', '${text}'))`;
    addTest('core/b', say('link: link ready token=true\\n'));
    assert.equal(run().code, 0);
    addTest('core/b', say('link: header Bearer fixture-token-0af3 sent\\n'));
    const { code, said } = run();
    assert.equal(code, 1);
    assert.match(said, /a token was said.*\nlink: header Bearer fixture-token-0af3 sent/);
  });

  test('a failing test makes it fail', () => {
    addTest('core/b', 'throw new Error("broken")');
    assert.equal(run().code, 1);
  });

  test('words choose the files whose path contains them', () => {
    const { code, said } = run('core/a', 'link');
    assert.equal(code, 0);
    assert.match(said, /ℹ pass 2\n/);
    assert.equal(run('nowhere').code, 1);
    assert.equal(run('--nonsense').code, 2);
  });

  test('what has no source any more is deleted and not run', () => {
    rmSync(path.join(tree, 'test/e.test.ts'));
    addTest('f');
    write('dist/src/gone.js', '');
    write('dist/src/kept.cjs', '');
    write('src/kept.cts', '');
    const { code, said } = run();
    assert.equal(code, 0);
    assert.ok(!said.includes('e ran'));
    assert.deepEqual(
      ['dist/test/e.test.js', 'dist/src/gone.js', 'dist/src/kept.cjs'].map((name) =>
        existsSync(path.join(tree, name)),
      ),
      [false, false, true],
    );
  });

  test('finding hardly any test is a failure, not a success', () => {
    rmSync(path.join(tree, 'test/e.test.ts'));
    const { code, said } = run();
    assert.equal(code, 1);
    assert.match(said, /found 4 test files/);
  });
});
