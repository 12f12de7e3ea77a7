// What loadConfig makes of its sources: all that is wrong at once, which source wins, how text is read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { describeProblem } from '../../src/config/problem.ts';
import { scratch } from './scratch.ts';

const defaults = loadConfig({ environment: {} });

test('one file with everything wrong gives every problem at once, each with its line', (t) => {
  const wrong: readonly (readonly [line: string, problem?: string])[] = [
    [
      'websocket_url = "wss://early.example/"',
      'warning websocket_url: unknown key (did you mean server.websocket_url?)',
    ],
    ['log_level = "debug"', 'warning log_level: unknown key (did you mean log.level?)'],
    ['speech = 5', 'error speech: expected a section: [speech]'],
    ['[link]'],
    ['backof_cap_ms = 5000', 'warning link.backof_cap_ms: unknown key (did you mean backoff_cap_ms?)'],
    ['backoff_base = 5000', 'warning link.backoff_base: unknown key (did you mean backoff_base_ms?)'],
    [
      'mode = "sometimes" # no',
      'error link.mode: expected one of "always", "on-demand", got "sometimes"; "always" is used',
    ],
    [
      'max_attempts = -1',
      'error link.max_attempts: expected a whole number from 0 to 1000000, got -1; 0 is used',
    ],
    ['renew = "yes"', 'error link.renew: expected true or false, got "yes"; true is used'],
    [
      'first_retry_ms = 1.5',
      'error link.first_retry_ms: expected a whole number from 0 to 10000, got 1.5; 250 is used',
    ],
    ['zzz = """', 'warning link.zzz: unknown key'],
    ['[audio]'],
    ['"""'],
    ['[audio]'],
    ['device = "hw:1"', 'warning audio.device: unknown key (did you mean audio.input.device?)'],
    [
      'output = { rate_hz = 44100, jitter_ms = "fast" }',
      'error audio.output.rate_hz: expected one of 8000, 12000, 16000, 24000, 48000, got 44100; 24000 is used',
    ],
    [
      'input.device = "--help"',
      'error audio.input.device: expected an ALSA device name such as "default" or "plughw:CARD=seeed", got "--help"; "default" is used',
    ],
    [
      'codec.complexity = nan',
      'error audio.codec.complexity: expected a whole number from 0 to 10, got NaN; 5 is used',
    ],
    [
      '[log.level]',
      'error log.level: expected one of "debug", "info", "warn", "error", got a section; "info" is used',
    ],
    ['[server]'],
    ['client_id = ["en"]', 'error server.client_id: expected a UUID, or "", got a list; it stays empty'],
    [
      'device_id = "01:00:5e:00:00:01"',
      'error server.device_id: expected a unicast MAC address such as "02:11:22:33:44:55", or "", got "01:00:5e:00:00:01"; it stays empty',
    ],
    ['"protocol.version" = 1', 'warning server."protocol.version": unknown key'],
    ['[lnk]', 'warning lnk: unknown key (did you mean link?)'],
    ['[[turn]]', 'error turn: expected a section: [turn]'],
  ];
  const file = scratch(t).write('config.toml', wrong.map(([line]) => line).join('\r\n'));
  const { config, problems, origins } = loadConfig({ configFile: file, environment: {} });

  const expected = wrong.flatMap(([, problem], index) => {
    const [severity, ...rest] = problem?.split(' ') ?? [];
    return problem === undefined ? [] : [`${severity} ${file}:${index + 1}: ${rest.join(' ')}`];
  });
  const jitter =
    'audio.output.jitter_ms: expected 0, or a whole number from 120 to 400, got "fast"; 0 is used';
  expected.push(`error ${file}:16: ${jitter}`);
  const found = problems.map((problem) => `${problem.severity} ${describeProblem(problem)}`);
  assert.deepEqual(found.sort(), expected.sort());
  const lines = problems.map(({ line }) => line ?? 0);
  assert.deepEqual(
    lines,
    [...lines].sort((a, b) => a - b),
    'in the order of the file',
  );
  assert.deepEqual(config, defaults.config);
  assert.deepEqual(origins, defaults.origins);
});

test('each source beats the ones below it, and the origin says which one won', (t) => {
  const files = scratch(t);
  const configFile = files.write('config.toml', '[audio.output]\njitter_ms = 200\n');
  const steps = () => {
    const { config, origins, problems } = loadConfig({ configFile, environment, overrides });
    assert.deepEqual(problems, []);
    return [config.audio.output.jitterMs, origins['audio.output.jitter_ms']];
  };
  let environment = {};
  let overrides = {};
  assert.deepEqual(
    [defaults.config.audio.output.jitterMs, defaults.origins['audio.output.jitter_ms']],
    [0, 'default'],
  );
  assert.deepEqual(steps(), [200, `${configFile}:2`]);
  const early = files.write('config.d/10-early.toml', 'audio.output.jitter_ms = 210');
  assert.deepEqual(steps(), [210, `${early}:1`]);
  const late = files.write('config.d/9-late.toml', '\naudio = { output = { jitter_ms = 220 } }');
  files.write('config.d/99-not-read.toml~', 'audio.output.jitter_ms = 230');
  files.write('config.d/.99-hidden.toml', 'audio.output.jitter_ms = 230');
  assert.deepEqual(steps(), [220, `${late}:2`]);
  assert.deepEqual(loadConfig({ configFile, environment }).files, [configFile, early, late]);
  environment = { XIAOZHI_AUDIO__OUTPUT__JITTER_MS: '240', XIAOZHI_LOG__LEVEL: undefined };
  assert.deepEqual(steps(), [240, 'environment XIAOZHI_AUDIO__OUTPUT__JITTER_MS']);
  overrides = { 'audio.output.jitter_ms': '250' };
  assert.deepEqual(steps(), [250, 'command line']);
});

test('a wrong value that wins leads to the default, one that lost is still reported with what is in force', (t) => {
  const configFile = scratch(t).write('config.toml', '[audio.output]\njitter_ms = 1\n');
  const key = 'audio.output.jitter_ms';
  const wanted = 'expected 0, or a whole number from 120 to 400';
  const name = 'XIAOZHI_AUDIO__OUTPUT__JITTER_MS';

  const lost = loadConfig({ configFile, environment: { [name]: '300' } });
  assert.deepEqual(lost.problems.map(describeProblem), [
    `${configFile}:2: ${key}: ${wanted}, got 1; 300 is used`,
  ]);
  assert.equal(lost.config.audio.output.jitterMs, 300);

  const won = loadConfig({ environment: { [name]: '300' }, overrides: { [key]: 'fast' } });
  assert.deepEqual(won.problems.map(describeProblem), [
    `${key}: ${wanted}, got "fast" on the command line; 0 is used`,
  ]);
  assert.equal(won.config.audio.output.jitterMs, 0);
  assert.equal(won.origins[key], 'default');
});

test('a cap below the base is one error at the line to blame, and both defaults are used', (t) => {
  const files = scratch(t);
  const both = files.write('both.toml', '[link]\nbackoff_cap_ms = 2000\nbackoff_base_ms = 5000\n');
  const base = files.write('base.toml', '[link]\nbackoff_base_ms = 90000\n');
  const wrongCap = files.write('wrong.toml', '[link]\nbackoff_base_ms = 90000\nbackoff_cap_ms = "x"\n');
  const lines = (configFile: string) => {
    const { config, problems, origins } = loadConfig({ configFile, environment: {} });
    assert.deepEqual([config.link.backoffBaseMs, config.link.backoffCapMs], [1000, 60000]);
    assert.equal(origins['link.backoff_base_ms'], 'default');
    return problems.map(({ severity, line, key }) => `${severity} ${line} ${key}`);
  };
  assert.deepEqual(lines(both), ['error 2 link.backoff_cap_ms']);
  assert.deepEqual(lines(base), ['error 2 link.backoff_base_ms']);
  assert.deepEqual(lines(wrongCap), ['error 2 link.backoff_base_ms', 'error 3 link.backoff_cap_ms']);
});

test('numbers and booleans from the environment are read strictly', () => {
  const name = 'XIAOZHI_LINK__FIRST_RETRY_MS';
  for (const text of ['', ' 5', '5 ', '+5', '05', '0x10', '1e3', '5.0.0', 'five', 'Infinity', '-1', '1.5']) {
    const { config, problems } = loadConfig({ environment: { [name]: text } });
    assert.equal(config.link.firstRetryMs, 250, JSON.stringify(text));
    assert.match(
      problems.map(describeProblem).join(),
      new RegExp(`^link.first_retry_ms: .* in ${name}; 250 is used$`),
    );
  }
  assert.equal(loadConfig({ environment: { [name]: '5' } }).config.link.firstRetryMs, 5);
  for (const text of ['', 'TRUE', '1', 'no', 'off']) {
    const { config, problems } = loadConfig({ environment: { XIAOZHI_LINK__RENEW: text } });
    assert.deepEqual([config.link.renew, problems.length], [true, 1], JSON.stringify(text));
  }
});

test('an empty variable empties a text and unknown variables are warned of with the nearest name', (t) => {
  const file = scratch(t).write('config.toml', 'server.websocket_url = "ws://h/"');
  const { config, origins, problems } = loadConfig({
    configFile: file,
    environment: {
      XIAOZHI_SERVER__WEBSOCKET_URL: '',
      XIAOZHI_LOG_LEVEL: 'debug',
      XIAOZHI_BUTTON__MOD: 'x',
      OTHER_THING: 'x',
    },
    overrides: { 'log.levl': 'debug' },
  });
  assert.equal(config.server.websocketUrl, '');
  assert.equal(origins['server.websocket_url'], 'environment XIAOZHI_SERVER__WEBSOCKET_URL');
  assert.equal(config.log.level, 'info');
  assert.deepEqual(
    problems.map((problem) => `${problem.severity} ${describeProblem(problem)}`),
    [
      'warning XIAOZHI_BUTTON__MOD: unknown variable (did you mean XIAOZHI_BUTTON__MODE?)',
      'warning XIAOZHI_LOG_LEVEL: unknown variable (did you mean XIAOZHI_LOG__LEVEL?)',
      'warning log.levl: unknown key on the command line (did you mean level?)',
    ],
  );
});

test('a long wrong value is cut where it is repeated', () => {
  const { problems } = loadConfig({ environment: { XIAOZHI_LOG__LEVEL: 'x'.repeat(5000) } });
  assert.match(problems.map(describeProblem).join(), /, got "x{40}…" in XIAOZHI_LOG__LEVEL; "info" is used$/);
});
