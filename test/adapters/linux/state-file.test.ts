// One value in one file: whole, newest, private, and never a reason to fall over.
import assert from 'node:assert/strict';
import {
  existsSync,
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { stateFile } from '../../../src/adapters/linux/state-file.ts';
import { keptLog, until } from '../../helpers/card.ts';
import { outOfReach } from '../../helpers/out-of-reach.ts';

describe('a state file', () => {
  let root: string;
  let directory: string;
  let path: string;
  let watcher: FSWatcher | undefined;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'xz-state-'));
    directory = join(root, 'state');
    path = join(directory, 'link.json');
  });
  afterEach(() => {
    watcher?.close();
    rmSync(root, { recursive: true, force: true });
  });

  const fileOf = (log = keptLog()) => stateFile({ directory, name: 'link.json', log });
  const content = (): unknown => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);
  const holds = (n: number) =>
    until(() => JSON.stringify(content()) === JSON.stringify({ n }), `the file holds ${n}`);

  /** What is renamed to, made or removed in the directory, in order. */
  function watching(): string[] {
    const seen: string[] = [];
    watcher = watch(directory, (_event, name) => {
      if (name !== null) seen.push(name);
    });
    return seen;
  }

  it('that is not there is no value, and nothing to speak of', () => {
    const log = keptLog();
    assert.equal(fileOf(log).read(), undefined);
    assert.deepEqual(log.lines, []);
    assert.equal(existsSync(directory), false);
  });

  it('gives back what was written, to its owner only', async () => {
    const log = keptLog();
    const file = fileOf(log);
    file.write({ n: 1, text: 'ä' });
    await until(() => existsSync(path), 'written');
    assert.deepEqual(fileOf().read(), { n: 1, text: 'ä' });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(directory).mode & 0o777 & ~0o750, 0);
    assert.deepEqual([readdirSync(directory), log.lines], [['link.json'], []]);
  });

  it('is whole when writing at once has returned', () => {
    const file = fileOf();
    file.writeNow({ n: 1 });
    assert.deepEqual(content(), { n: 1 });
    file.writeNow({ n: 2 });
    assert.deepEqual(content(), { n: 2 });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ['link.json']);
  });

  it('takes the value as it is when it is asked to', async () => {
    const value = { n: 1 };
    fileOf().write(value);
    value.n = 2;
    await holds(1);
  });

  it('asked for five hundred values at once writes the first and the last, one after the other', async () => {
    mkdirSync(directory);
    const seen = watching();
    const file = fileOf();
    for (let n = 1; n <= 500; n += 1) file.write({ n });
    await holds(500);
    writeFileSync(join(directory, 'marker'), '');
    await until(() => seen.includes('marker'), 'everything before it has been seen');
    assert.equal(seen.filter((name) => name === 'link.json').length, 2);
  });

  it('written at once is not overtaken by what was asked for before', async () => {
    mkdirSync(directory);
    const seen = watching();
    const file = fileOf();
    for (let n = 1; n <= 20; n += 1) {
      seen.length = 0;
      file.write({ n: -1 });
      file.write({ n: -2 });
      file.writeNow({ n });
      // Made, written, closed, removed again or renamed: then nothing of it is left to come.
      await until(
        () => seen.includes('link.json.new') && !existsSync(`${path}.new`),
        'the slow write is over',
      );
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(content(), { n });
    }
    file.write({ n: 99 });
    await holds(99);
  });

  it('goes on after a write at once', async () => {
    const file = fileOf();
    file.write({ n: 1 });
    file.writeNow({ n: 2 });
    file.write({ n: 3 });
    await holds(3);
  });

  for (const broken of ['', '{', '{"n": 1', '\0\0\0\0', 'n = 1'])
    it(`that holds ${JSON.stringify(broken)} is no value, is put aside and spoken of once`, () => {
      mkdirSync(directory);
      writeFileSync(path, broken);
      const log = keptLog();
      const file = fileOf(log);
      assert.equal(file.read(), undefined);
      assert.equal(file.read(), undefined);
      assert.deepEqual(
        log.lines.map((line) => line.level),
        ['warn'],
      );
      assert.equal(readFileSync(`${path}.bad`, 'utf8'), broken);
      file.writeNow({ n: 1 });
      assert.deepEqual(fileOf().read(), { n: 1 });
    });

  it('that cannot be read is put aside like one that makes no sense', () => {
    mkdirSync(path, { recursive: true });
    const log = keptLog();
    assert.equal(fileOf(log).read(), undefined);
    assert.equal(log.lines.length, 1);
    assert.ok(existsSync(`${path}.bad`));
  });

  it('that somebody else owns is left as it is, said once, and not written over until it was read', async () => {
    fileOf().writeNow({ n: 1 });
    const log = keptLog();
    const file = fileOf(log);
    outOfReach(directory, path, () => {
      assert.equal(file.read(), undefined);
      assert.equal(file.read(), undefined);
      file.writeNow({ n: 2 });
      file.write({ n: 3 });
    });
    assert.deepEqual(
      log.lines.map(({ level, text }) => [level, /left as it is.*chown/.test(text)]),
      [['error', true]],
    );
    assert.deepEqual(readdirSync(directory), ['link.json']);
    assert.deepEqual(file.read(), { n: 1 });
    file.write({ n: 4 });
    await holds(4);
  });

  it('replaces what a power cut left half done, and its mode', async () => {
    mkdirSync(directory);
    for (const leftover of ['.new', '.last']) writeFileSync(`${path}${leftover}`, '{"n": 1', { mode: 0o644 });
    const file = fileOf();
    file.writeNow({ n: 1 });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    file.write({ n: 2 });
    await holds(2);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ['link.json']);
  });

  it('that cannot be written is spoken of once, until it can', async () => {
    const log = keptLog();
    writeFileSync(directory, 'a file where the directory should be');
    const file = fileOf(log);
    for (let n = 0; n < 5; n += 1) {
      file.write({ n });
      file.writeNow({ n });
    }
    file.write({ n: 5 });
    await until(() => log.lines.length > 0, 'said');
    assert.match(log.lines[0]?.text ?? '', /cannot be kept/);
    rmSync(directory);
    // What was asked for meanwhile may still be failing: that is the same trouble.
    await until(() => {
      file.write({ n: 6 });
      return existsSync(path);
    }, 'written');
    await until(() => log.lines.length === 2, 'said that it is well again');
    assert.deepEqual(
      log.lines.map((line) => line.level),
      ['warn', 'info'],
    );
  });
});
