// The report and the log as files and processes: everything that helps is in it, and nothing that is nobody's business.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { redacted } from '../../src/commands/redaction.ts';
import { until } from '../helpers/card.ts';
import { command, folders, startDaemon } from '../helpers/daemon.ts';

const TOKEN = 'fixture-token-8f31c6';
/** By a configuration call. */
const GIVEN = 'fixture-token-77b1e0';
const DEVICE = '02:ab:cd:ef:01:23';

/** A program of that name that comes before the real one. */
function standIn(folder: string, name: string, script: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  return { ...process.env, PATH: `${bin}:${process.env.PATH}` };
}

describe('`bugreport`', () => {
  it('has everything that helps, and neither token nor password nor a hardware address in full', async () => {
    const places = await folders();
    const tokenFile = join(places.root, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const file = join(places.root, 'config.toml');
    const url = `ws://user:geheim123@127.0.0.1:9/x?token=${TOKEN}`;
    writeFileSync(file, `[server]\nwebsocket_url = "${url}"\ntoken_file = "${tokenFile}"\n`);
    const environment = standIn(
      places.root,
      'journalctl',
      `echo 'link: link lost password=geheim123 Authorization: Bearer ${TOKEN} device=${DEVICE} psk="wpa-secret"'; echo 'the server knows ${TOKEN} and ${GIVEN} by heart, each as Bearer'`,
    );
    mkdirSync(join(places.root, 's'));
    const configuration = {
      asked: 'https://example.org/',
      url: 'wss://example.org/',
      token: `Bearer ${GIVEN}`,
    };
    writeFileSync(join(places.root, 's', 'identity.json'), JSON.stringify({ configuration }));
    const settings = { 'server.device_id': DEVICE, 'server.token_file': tokenFile };
    const daemon = startDaemon(places, { settings, environment });
    await daemon.logged(/no earlier run|the last run/);
    const out = join(places.root, 'report.txt');
    const { code, stdout } = await command(
      ['bugreport', '--out', out, '--config', file, ...places.options],
      environment,
    );
    assert.equal(await daemon.stop(), 0);
    assert.equal(code, 0);
    assert.match(stdout, /report\.txt\nRead it/);
    assert.equal(statSync(out).mode & 0o777, 0o600);
    const text = readFileSync(out, 'utf8');
    for (const title of [
      'versions',
      'status',
      'why',
      'doctor',
      'configuration',
      'log',
      'microphones',
      'GPIO',
      'routes',
    ])
      assert.match(text, new RegExp(`^== ${title} ==$`, 'm'));
    assert.match(text, /link: link lost/);
    assert.match(text, /state {7}idle/);
    const macs = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ mac }) => mac));
    assert.match(text, /the server knows \[redacted\] and \[redacted\] by heart, each as Bearer$/m);
    for (const secret of [
      TOKEN,
      GIVEN,
      'geheim123',
      'wpa-secret',
      DEVICE,
      ...macs.filter((mac) => !/^(00:?)+$/.test(mac)),
    ])
      assert.ok(!text.toLowerCase().includes(secret), `the report has ${secret}`);
    await places.remove();
  });

  it('overwrites nothing', async () => {
    const places = await folders();
    const out = join(places.root, 'mine');
    writeFileSync(out, 'mine');
    const { code, stderr } = await command(['bugreport', '--out', out, ...places.options]);
    assert.equal(code, 1);
    assert.match(stderr, /cannot be written: EEXIST/);
    await places.remove();
  });
});

describe('what is left out of a report', () => {
  const rows: readonly (readonly [given: string, shown: string])[] = [
    ['token = "abc"', 'token = [redacted]'],
    ['"token": "abc", "x": 1', '"token": [redacted], "x": 1'],
    ['server.token_file = "/etc/token"', 'server.token_file = "/etc/token"'],
    ['psk=abcdefgh', 'psk=[redacted]'],
    ['token: abcdefgh', 'token: [redacted]'],
    ['token: abc1 is refused', 'token: [redacted] is refused'],
    ['password: correct horse', 'password: [redacted] horse'],
    ['- config  token: server.token_file is empty', '- config  token: server.token_file is empty'],
    ['who may read the token: there is no token', 'who may read the token: there is no token'],
    ['ok config  token: in /etc/token', 'ok config  token: in /etc/token'],
    ['link: server token=true', 'link: server token=true'],
    ['link/ether dc:a6:32:01:02:03 brd', 'link/ether dc:…:03 brd'],
    ['DC-A6-32-01-02-03', 'DC-…-03'],
    ['client 7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10', 'client 7b0a…'],
    ['it knows s3cr3t!', 'it knows [redacted]'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['nothing is secret here', 'nothing is secret here'],
  ];
  for (const [given, shown] of rows)
    it(`of ${JSON.stringify(given)} is shown ${JSON.stringify(shown)}`, () => {
      assert.equal(redacted(given, ['s3cr3t!', '', 'is']), shown);
    });
});

describe('`logs`', () => {
  it('asks the journal for the service, in its own words', async () => {
    const places = await folders();
    const environment = standIn(places.root, 'journalctl', 'echo "$*"');
    const logs = async (...args: readonly string[]) =>
      (await command(['logs', ...args, ...places.options], environment)).stdout.trim();
    assert.equal(await logs(), '--unit xiaozhi-agent --lines 50');
    assert.equal(
      await logs('-f', '-n', '5', '--level', 'warn'),
      '--unit xiaozhi-agent --lines 5 --follow --priority warning',
    );
    assert.equal(await logs('--since', '1 h ago'), '--unit xiaozhi-agent --lines all --since 1 h ago');
    assert.equal((await command(['logs', '-n', '-5'], environment)).code, 2);
    const failing = standIn(places.root, 'journalctl', 'exit 3');
    assert.equal((await command(['logs'], failing)).code, 3, 'as journalctl ends');
    await places.remove();
  });

  it('shows what the last run has left behind where the journal has nothing of it, and how it would', async () => {
    const places = await folders();
    const environment = standIn(
      places.root,
      'journalctl',
      'echo "$@" >>"$0.asked"; echo "-- No entries --"; echo "No journal files were found." >&2',
    );
    const nothing = await command(['logs', ...places.options], environment);
    assert.equal(nothing.code, 1);
    assert.match(
      nothing.stderr,
      /the journal has no line of xiaozhi-agent \(No journal files were found\.\)/,
    );
    assert.match(nothing.stderr, /no earlier run has left anything/);
    const daemon = startDaemon(places, { settings: { 'light.backend': 'leds', 'light.name': 'nowhere' } });
    await daemon.logged(/the light cannot be lit/);
    // Nothing has ended, and nobody is to think so.
    await until(() => existsSync(join(places.root, 's', 'last-run.json')), 'what is left behind');
    assert.match((await command(['logs', ...places.options], environment)).stdout, / it still runs: /);
    await daemon.stop();
    const { code, stdout } = await command(['logs', '--level', 'warn', ...places.options], environment);
    assert.equal(code, 0);
    assert.match(stdout, /sudo install -D -m 644 \S+\/journald\.conf \S+.*journalctl --flush\n/);
    assert.match(stdout, / warn {2}.* code=XA-/);
    assert.match(stdout, /ended on request \(SIGTERM\)\n$/);
    // What is still to come is not there yet.
    const following = await command(['logs', '-f', ...places.options], environment);
    assert.match(following.stdout, /^-- No entries --\n$/);
    const asked = readFileSync(join(places.root, 'bin', 'journalctl.asked'), 'utf8')
      .trim()
      .split('\n');
    assert.equal(asked.at(-1), '--unit xiaozhi-agent --lines 50 --follow');
    await places.remove();
  });

  it('shows what the last run has left behind where there is no journal', async () => {
    const places = await folders();
    const environment = { ...process.env, PATH: join(places.root, 'nowhere') };
    const nothing = await command(['logs', ...places.options], environment);
    assert.deepEqual([nothing.code, /keeps no journal/.test(nothing.stderr)], [1, true]);
    const settings = { 'light.backend': 'leds', 'light.name': 'nowhere' };
    const daemon = startDaemon(places, { settings });
    await daemon.logged(/no earlier run/);
    await daemon.logged(/the light cannot be lit/);
    await daemon.stop();
    const { code, stdout } = await command(['logs', ...places.options], environment);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d warn {2}the light cannot be lit .* code=XA-LED-01$/m,
    );
    assert.match(stdout, /ended on request \(SIGTERM\)/);
    await places.remove();
  });
});
