// Files that cannot be used, files that mean harm, and secrets that must not be repeated.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { describeProblem } from '../../src/config/problem.ts';
import { scratch } from './scratch.ts';

const defaults = loadConfig({ environment: {} });

test('a file that cannot be used is one error, and the defaults hold', (t) => {
  const files = scratch(t);
  mkdirSync(files.path('directory'));
  symlinkSync(files.path('loop'), files.path('loop'));
  execFileSync('mkfifo', [files.path('pipe')]);
  files.write('latin1', Buffer.from('# caf\xe9 \n', 'latin1'));
  files.write(
    'late-byte',
    Buffer.concat([Buffer.from('# caf\u00e9 \uFFFD\n\n# '), Uint8Array.of(0xc3, 0x0a)]),
  );
  files.write('syntax', '[log]\nlevel = "debug"\nformat = json\n');
  files.write('twice', '[log]\nlevel = "debug"\nlevel = "info"\n');
  files.write('deep', `x = ${'['.repeat(100_000)}`);
  files.write('huge', '#'.repeat(300_000));
  const cases: Record<string, RegExp> = {
    absent: /^does not exist; the file is ignored$/,
    directory: /^is a directory/,
    loop: /^cannot be read \(ELOOP\)/,
    pipe: /^is not a regular file/,
    latin1: /^not valid UTF-8/,
    'late-byte': /^not valid UTF-8/,
    syntax: /^not valid TOML, column 10: /,
    twice: /^not valid TOML, column 1: /,
    deep: /^not valid TOML/,
    huge: /^is larger than 262144 bytes/,
  };
  const lines: Record<string, number> = { latin1: 1, 'late-byte': 3, syntax: 3, twice: 3, deep: 1 };
  for (const [name, message] of Object.entries(cases)) {
    const file = files.path(name);
    const {
      config,
      problems,
      files: read,
    } = loadConfig({ configFile: file, mustExist: true, environment: {} });
    assert.equal(problems.length, 1, name);
    assert.deepEqual(
      { severity: problems[0]?.severity, file: problems[0]?.file },
      { severity: 'error', file },
      name,
    );
    assert.match(problems[0]?.message ?? '', message, name);
    assert.equal(problems[0]?.line, lines[name], name);
    assert.deepEqual(config, defaults.config, name);
    assert.deepEqual(read, [], name);
  }
});

test('a dotted key of a hundred thousand parts is an unknown key', (t) => {
  const configFile = scratch(t).write('config.toml', `${'a.'.repeat(100_000)}a = 1\nlog.level = "debug"`);
  const { config, problems } = loadConfig({ configFile, environment: {} });
  assert.deepEqual(problems.map(describeProblem), [`${configFile}:1: a.a.a.a: unknown key`]);
  assert.equal(config.log.level, 'debug');
});

test('a default file that is absent is no problem, and the files beside it are read', (t) => {
  const files = scratch(t);
  files.write('config.d/a.toml', 'log.level = "debug"');
  files.write('config.d/b.toml', 'log.level = ');
  const { config, problems } = loadConfig({ configFile: files.path('config.toml'), environment: {} });
  assert.equal(config.log.level, 'debug');
  assert.deepEqual(
    problems.map(({ file, line }) => [file, line]),
    [[files.path('config.d/b.toml'), 1]],
  );
  assert.deepEqual(loadConfig({ configFile: '/dev/null', mustExist: true, environment: {} }).files, [
    '/dev/null',
  ]);
});

test('a config.d that is no directory is one error', (t) => {
  const files = scratch(t);
  files.write('config.d', '');
  const { problems } = loadConfig({ configFile: files.write('config.toml', ''), environment: {} });
  assert.deepEqual(problems.map(describeProblem), [`${files.path('config.d')}: cannot be read (ENOTDIR)`]);
});

test('a secret is refused wherever it is put and appears in no problem', (t) => {
  const addresses = [
    'wss://owner:hush@h/',
    'wss://hush@h/',
    'wss://h/?v=1&token=hush',
    'wss://h/?access_token=hush',
    'wss://h/#hush',
    'http://owner:hush@h/',
  ];
  const texts = [
    '[server]\ntoken = "hush"',
    '[server]\n"TOKEN" = "hush"',
    '[server.token]\nhush = 1\n[server]\ntoken_file = "hush"',
    'token = "hush"',
    '[server]\ntoken_file = "hush"',
    '[server]\ntoken = "hush',
    '[server]\ntoken = hush',
    ...addresses.map((address) => `[server]\nwebsocket_url = "${address}"`),
  ];
  const files = scratch(t);
  const loads = texts.map((text) =>
    loadConfig({ configFile: files.write('config.toml', text), environment: {} }),
  );
  for (const name of ['TOKEN', 'SERVER__TOKEN', 'SERVER__TOKEN_FILE', 'SERVER__WEBSOCKET_URL']) {
    loads.push(loadConfig({ environment: { [`XIAOZHI_${name}`]: 'ws://h/?token=hush' } }));
  }
  loads.push(loadConfig({ environment: {}, overrides: { 'server.token': 'hush' } }));
  for (const [index, { config, problems }] of loads.entries()) {
    const said = problems
      .filter(({ key }) => key !== 'server.token.hush')
      .map(describeProblem)
      .join('\n');
    assert.ok(
      problems.some(({ severity }) => severity === 'error'),
      `case ${index}`,
    );
    assert.doesNotMatch(said, /hush/, `case ${index}`);
    assert.deepEqual(config, defaults.config, `case ${index}`);
  }
  assert.match(
    loads.flatMap(({ problems }) => problems).map(describeProblem)[0] ?? '',
    /:2: server\.token: .*token_file/,
  );
});

test('a hostile file gives at most a hundred problems and a count, each on one line', (t) => {
  const keys = Array.from({ length: 5000 }, (_, index) => `"k${index}\\n\\u001b[2J\\u2028" = 1`);
  const configFile = scratch(t).write('config.toml', keys.join('\n'));
  const said = loadConfig({ configFile, environment: {} }).problems.map(describeProblem);
  assert.equal(said.length, 101);
  assert.equal(said.at(-1), '4900 more problems are not listed');
  for (const line of said) assert.doesNotMatch(line, /[\p{Cc}\u2028]/u);
});
