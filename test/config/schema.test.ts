// The schema against itself: every key has a default it accepts, works from every source, and stands in the table.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeParse } from 'valibot';
import { loadConfig } from '../../src/config/load.ts';
import { allKeys, type Config, environmentName } from '../../src/config/schema.ts';
import { configTable } from '../../src/config/table.ts';
import { scratch } from './scratch.ts';

const atDefault = loadConfig({ environment: {} }).config;

/** Read along the dotted key, with the names as the type `Config` has them. */
function lookUp(config: Config, key: string): unknown {
  const path = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()).split('.');
  return path.reduce<unknown>((node, part) => Object(node)[part], config);
}

test('the schema holds the keys that were decided and no other', () => {
  assert.deepEqual(
    [...allKeys.keys()].join(' '),
    [
      'server.websocket_url server.ota_url server.allow_http_move server.language server.serial_number',
      'server.serial_key_file server.token_file server.ca_file server.protocol_version',
      'server.device_id server.client_id link.mode link.max_attempts link.backoff_base_ms link.backoff_cap_ms',
      'link.connect_timeout_ms link.hello_timeout_ms link.first_retry_ms link.ping_interval_ms',
      'link.ping_timeout_ms link.monitor_interval_ms link.network_watch link.renew link.rest_after_min audio.hat audio.input.device',
      'audio.input.gain_db audio.input.channel audio.input.standby audio.input.preroll_ms',
      'audio.output.device audio.output.backend audio.output.volume',
      'audio.output.volume_control audio.output.mixer audio.output.rate_hz audio.output.jitter_ms audio.codec.backend',
      'audio.codec.bitrate_bps audio.codec.complexity sounds.dir sounds.volume sounds.off sounds.language',
      'sounds.cut_overlap light.backend light.name light.gpio light.active light.theme light.brightness light.night',
      'light.night_brightness button.backend button.gpio button.chip button.active button.pull',
      'button.debounce_ms button.evdev_device button.key_code button.mode button.hold_after_ms button.double_ms',
      'button.volume_up_gpio button.volume_down_gpio button.stop_gpio button.mute_gpio button.mute_kind turn.mode',
      'turn.follow_up turn.offline_hold_ms speech.unsolicited mcp.allow mcp.deny mcp.reboot log.level log.format',
      'metrics.listen metrics.textfile',
    ].join(' '),
  );
});

/** Keys that mean nothing alone, and what they are set with. */
const BESIDE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'server.serial_number': { 'server.serial_key_file': '/etc/xiaozhi-agent/serial-key' },
  'server.serial_key_file': { 'server.serial_number': '0123456789abcdef0123456789ABCDEF' },
};

for (const [key, schema] of allKeys) {
  test(`${key}: the default is valid and in force, and the example works from a file and from the environment`, (t) => {
    assert.deepEqual(safeParse(schema.check, schema.preset).output, schema.preset);
    assert.deepEqual(lookUp(atDefault, key), schema.preset);

    const example: unknown = JSON.parse(schema.example);
    assert.notDeepEqual(example, schema.preset, 'an example shows something new');
    const configFile = scratch(t).write('config.toml', `${key} = ${schema.example}`);
    const overrides = BESIDE[key] ?? {};
    const fromFile = loadConfig({ configFile, environment: {}, overrides });
    const fromEnvironment = loadConfig({
      environment: { [environmentName(key)]: String(example) },
      overrides,
    });
    const fromCommandLine = loadConfig({
      environment: {},
      overrides: { ...overrides, [key]: String(example) },
    });
    for (const { config, problems, origins } of [fromFile, fromEnvironment, fromCommandLine]) {
      assert.deepEqual(problems, []);
      assert.deepEqual(lookUp(config, key), example);
      assert.deepEqual(
        Object.keys(origins).filter((other) => origins[other] !== 'default'),
        [...allKeys.keys()].filter((other) => other === key || other in overrides),
      );
    }
    assert.equal(fromEnvironment.origins[key], `environment ${environmentName(key)}`);
  });

  test(`${key}: has exactly one row of five cells in the reference table, with its range and default`, () => {
    const rows = configTable()
      .split('\n')
      .filter((row) => row.startsWith(`| \`${key}\` |`));
    assert.equal(rows.length, 1);
    const cells = (rows[0] ?? '').split(' | ');
    assert.equal(cells.length, 5);
    assert.equal(cells[1], schema.expects);
    assert.equal(cells[2], `\`${JSON.stringify(schema.preset)}\``);
  });
}

test('the bounds in the table are the bounds that hold', () => {
  const ranges = [...allKeys].flatMap(([key, schema]) => {
    const found = /^(?:0, or )?a whole number from (\d+) to (\d+)$/.exec(schema.expects);
    return found === null ? [] : [{ key, schema, min: Number(found[1]), max: Number(found[2]) }];
  });
  assert.equal(ranges.length, 29);
  for (const { key, schema, min, max } of ranges) {
    const accepted = [min - 1, min, max, max + 1].map((value) => safeParse(schema.check, value).success);
    assert.deepEqual(accepted, [false, true, true, false], key);
    assert.equal(safeParse(schema.check, 0).success, /^0, or|from 0 /.test(schema.expects), key);
  }
});

test('the table has a heading and one row a key', () => {
  const lines = configTable().trimEnd().split('\n');
  assert.equal(lines[0], '| key | type and range | default | meaning | example |');
  assert.equal(lines.length, allKeys.size + 2);
});

test('identities are kept in lower case, the form that tokens are bound to', () => {
  const { config, problems } = loadConfig({
    environment: {
      XIAOZHI_SERVER__DEVICE_ID: '02:AA:BB:CC:DD:EE',
      XIAOZHI_SERVER__CLIENT_ID: '7B0A1C7E-5F0E-4C53-9A59-0D4F3C1F6A10',
    },
  });
  assert.deepEqual(problems, []);
  assert.equal(config.server.deviceId, '02:aa:bb:cc:dd:ee');
  assert.equal(config.server.clientId, '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10');
});

test('a box that was told nothing records nothing before a press, loses nothing for a cue, and keeps what is said for 20 s', () => {
  const { audio, sounds, turn, button } = atDefault;
  assert.deepEqual([audio.input.standby, audio.input.prerollMs], ['closed', 300]);
  assert.equal(sounds.cutOverlap, false);
  assert.equal(turn.offlineHoldMs, 20_000);
  assert.deepEqual([button.backend, button.mode, button.holdAfterMs], ['auto', 'hybrid', 400]);
});

test('the configuration is frozen at every level', () => {
  assert.ok(
    Object.isFrozen(atDefault) && Object.isFrozen(atDefault.audio) && Object.isFrozen(atDefault.audio.output),
  );
  assert.throws(() => Object.assign(atDefault.link, { renew: false }), TypeError);
});

test('an address needs a scheme of its kind, its slashes and a host', () => {
  const accepts = (key: string, value: string) => {
    const schema = allKeys.get(key);
    return schema !== undefined && safeParse(schema.check, value).success;
  };
  for (const good of [
    'ws://h',
    'WSS://h:8000/a/b/?v=1',
    'ws://[::1]:8000/',
    'ws://192.168.1.20:8000/xiaozhi/v1/',
    '',
  ]) {
    assert.ok(accepts('server.websocket_url', good), good);
  }
  for (const bad of ['h', 'ws:h', 'ws://', 'http://h/', 'wss//h', 'ws://h:99999/', 'ws://h/\n']) {
    assert.ok(!accepts('server.websocket_url', bad), bad);
  }
});

for (const [key, right, wrong] of [
  ['sounds.off', ['', 'thinking', 'thinking, again'], ['thinkin', 'thinking again', ',']],
  ['light.name', ['', 'led0', 'r,g,b', 'mmc0::', 'rgb:status'], ['r,g', 'r,g,b,w', '../x', 'a/b']],
  ['light.night', ['', '22:00-07:00', '00:00-23:59'], ['22-7', '24:00-07:00', '22:60-07:00', '22:00']],
  ['audio.output.mixer', ['', 'Speaker', 'Headphone Playback'], ["it's", '-D', 'a"b']],
  ['audio.input.gain_db', [-20, 0, 40], [-21, 41, 1.5]],
  ['audio.input.standby', ['closed', 'warm'], ['open', '']],
  // Whoever is listened to must be able to see it.
  ['light.brightness', [1, 100], [0, 101]],
  ['light.night_brightness', [1, 100], [0, 101]],
] as const)
  test(`${key} is what it says it expects`, () => {
    const check = allKeys.get(key)?.check;
    assert.ok(check !== undefined);
    for (const value of right) assert.equal(safeParse(check, value).success, true, `${value}`);
    for (const value of wrong) assert.equal(safeParse(check, value).success, false, `${value}`);
  });
