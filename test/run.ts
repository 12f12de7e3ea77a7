// Runs the compiled tests: `node dist/test/run.js [--long] [part of a path]...`. It must not know what any test is about.
// Benchmarks (bench/) have their own commands; what takes minutes (long/) runs when asked for.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

// Fewer than this means that the search is broken, not that there is little to test.
const LEAST_FILES = 5;
// The development machine and a CI runner have two cores; more at a time disturbs the tests that wait for real audio.
const FILES_AT_ONCE = 2;

/** What every token of a test looks like, so that it is found wherever it gets to. */
const SECRET = /fixture-token-[0-9a-f]/;

const outputRoot = path.dirname(import.meta.dirname);
const sourceRoot = path.dirname(outputRoot);

/** What the compiler makes of a source file: `.ts` to `.js`, `.cts` to `.cjs`, `.mts` to `.mjs`. */
function sourceOf(output: string): string {
  return path.join(sourceRoot, path.relative(outputRoot, output)).replace(/js$/, 'ts');
}

function outputsUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?js$/.test(name))
    .map((name) => path.join(folder, name))
    .sort();
}

// The compiler never deletes: without this, a test whose source is gone goes on passing, and an import of a removed
// file goes on working.
function removeStaleOutputs(): void {
  for (const folder of ['src', 'test']) {
    for (const output of outputsUnder(path.join(outputRoot, folder))) {
      if (existsSync(sourceOf(output))) continue;
      console.log(`removed ${path.relative(sourceRoot, output)}: its source is gone`);
      rmSync(output);
    }
  }
}

function testFiles(withLong: boolean): string[] {
  return outputsUnder(import.meta.dirname).filter((file) => {
    const [folder] = path.relative(import.meta.dirname, file).split(path.sep);
    return file.endsWith('.test.js') && folder !== 'bench' && (withLong || folder !== 'long');
  });
}

function run(files: readonly string[]): void {
  const options = [
    // The runner hands it on to the process of each file, and those to none of theirs.
    '--import',
    pathToFileURL(path.join(import.meta.dirname, 'whole-report.js')).href,
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${FILES_AT_ONCE}`,
    // Node cannot reset a socket that is being shut down and then keeps its handle for good (a scripted server's
    // `reset` now and then): a file whose tests are all over must not wait for it.
    '--test-force-exit',
  ];
  const said = mkdtempSync(path.join(tmpdir(), 'xz-said-'));
  const child = spawn(process.execPath, [...options, ...files], {
    stdio: 'inherit',
    env: { ...process.env, TEST_SAID_FOLDER: said },
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    const secrets = secretsIn(said);
    rmSync(said, { recursive: true, force: true });
    if (secrets.length === 0) return;
    console.error(`a token was said, by a program whose output is nobody's secret:\n${secrets.join('\n')}`);
    process.exitCode = 1;
  });
  // Ctrl-C reaches the whole group by itself; a signal to this process alone has to be handed on.
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => undefined);
}

/** Lines with a token in them, of all that the programs under test have said (helpers/daemon.ts). */
function secretsIn(folder: string): string[] {
  return readdirSync(folder)
    .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n'))
    .filter((line) => SECRET.test(line));
}

function main(): void {
  const words = process.argv.slice(2);
  const unknown = words.find((word) => word.startsWith('-') && word !== '--long');
  const filters = words.filter((word) => word !== '--long');
  removeStaleOutputs();
  const all = testFiles(words.includes('--long'));
  const chosen = all.filter(
    (file) => filters.length === 0 || filters.some((part) => path.relative(outputRoot, file).includes(part)),
  );
  if (unknown !== undefined) {
    console.error(
      `unknown option ${unknown}: node ${path.relative('', process.argv[1] ?? '')} [--long] [part of a path]...`,
    );
    process.exitCode = 2;
  } else if (all.length < LEAST_FILES) {
    console.error(
      `found ${all.length} test files, there should be ${LEAST_FILES} at least: has \`npm run build\` run?`,
    );
    process.exitCode = 1;
  } else if (chosen.length === 0) {
    console.error(`no test file's path contains ${filters.join(' or ')}`);
    process.exitCode = 1;
  } else {
    run(chosen);
  }
}

main();
