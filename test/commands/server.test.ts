// From the configuration to the server that is talked to: what is asked of it, which token it is shown, who the box says it is.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { callerOf, knownServerOf } from '../../src/commands/known-server.ts';
import { policyOf, serverOf } from '../../src/commands/policy.ts';
import { loadConfig } from '../../src/config/load.ts';
import { authority } from '../adapters/linux/certificates.ts';
import { keptLog } from '../helpers/card.ts';
import { type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { startHome } from '../helpers/homes.ts';

const IDENTITY = { deviceId: '02:00:00:00:00:01', clientId: '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a11' };
const OFFICIAL = 'https://api.tenclass.net/xiaozhi/ota/';
const load = (overrides: Record<string, string>) => loadConfig({ environment: {}, overrides }).config;

describe('the policy towards a server', () => {
  it('renews before the official service says goodbye, whichever address names it, and assumes nothing of others', () => {
    for (const [settings, url, assumedRenewMs] of [
      [{ 'server.ota_url': OFFICIAL }, '', 50_000],
      [{}, 'wss://api.tenclass.net/xiaozhi/v1/', 50_000],
      [{ 'server.ota_url': OFFICIAL }, 'ws://192.168.1.20:8000/', 50_000],
      [{ 'server.ota_url': 'http://192.168.1.20/ota/' }, 'ws://192.168.1.20:8000/', null],
      [{}, '', null],
    ] as const)
      assert.equal(
        policyOf(load(settings), url).link.assumedRenewMs,
        assumedRenewMs,
        JSON.stringify(settings),
      );
  });

  it('asks where there is somebody to ask, and is configured where a server is known', () => {
    const policies = [load({}), load({ 'server.ota_url': OFFICIAL })].flatMap((config) =>
      ['', 'ws://x/'].map((url) => policyOf(config, url)),
    );
    assert.deepEqual(
      policies.map(({ setup, configured }) => [setup.asks, configured]),
      [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ],
    );
  });
});

describe('who the box says it is', () => {
  const serialOf = (settings: Record<string, string>) =>
    callerOf(load(settings), { identity: IDENTITY, version: '1', address: () => '10.0.0.7' });
  const serial = '0123456789abcdef0123456789ABCDEF';

  it('is its identity, and its serial number only with the key that proves it', () => {
    assert.deepEqual(serialOf({}), {
      ...IDENTITY,
      language: 'en-US',
      version: '1',
      serial: null,
      ip: '10.0.0.7',
    });
    assert.equal(serialOf({ 'server.serial_number': serial }).serial, null);
    assert.equal(serialOf({ 'server.serial_key_file': '/key' }).serial, null);
    assert.equal(
      serialOf({ 'server.serial_number': serial, 'server.serial_key_file': '/key' }).serial,
      serial,
    );
  });
});

describe('the token', () => {
  let places: Folders;
  beforeEach(async () => {
    places = await folders();
  });
  afterEach(() => places.remove());

  function shown(settings: Record<string, string>, answered: string | null) {
    const config = load({ 'server.ota_url': 'https://x.example/ota/', ...settings });
    const log = keptLog();
    const known = knownServerOf(config, places.root, log);
    if (answered !== null) known.take({ url: 'wss://x.example/', token: answered, framing: 1 });
    const server = serverOf(config, IDENTITY, known, '1', log);
    return {
      headers: () => server.headers(),
      errors: () => log.lines.filter(({ level }) => level === 'error'),
    };
  }

  it('is that of the last answer, and no header where that gave none', () => {
    assert.equal(shown({}, 'abc').headers().Authorization, 'Bearer abc');
    assert.equal(shown({}, 'Basic abc').headers().Authorization, 'Basic abc', 'with a scheme of its own');
    for (const none of ['', null]) {
      rmSync(places.root, { recursive: true, force: true });
      assert.equal('Authorization' in shown({}, none).headers(), false);
    }
    const { Authorization: _, ...more } = shown({}, 'abc').headers();
    assert.deepEqual(more, {
      'Protocol-Version': '1',
      'Device-Id': IDENTITY.deviceId,
      'Client-Id': IDENTITY.clientId,
    });
  });

  it('in a file of the owner’s goes before it; without that file there is none, which is said once', () => {
    const file = `${places.root}.token`;
    writeFileSync(file, ' own\n');
    const { headers, errors } = shown({ 'server.token_file': file }, 'abc');
    assert.equal(headers().Authorization, 'Bearer own');
    rmSync(file);
    for (let times = 0; times < 3; times += 1) assert.equal('Authorization' in headers(), false);
    assert.equal(errors().length, 1);
    writeFileSync(file, 'new');
    assert.equal(headers().Authorization, 'Bearer new');
    rmSync(file);
    headers();
    assert.equal(errors().length, 2, 'and again after it was there');
  });
});

describe('a box that asks over https', () => {
  it('trusts the authority of ca_file, and goes where it is sent', async () => {
    const ours = authority('ours');
    const [one, other] = [await startHome('go two'), await startHome('java')];
    const urlOf = (home: typeof one) => `ws://${new URL(home.otaUrl).host}/xiaozhi/v1/`;
    let url = urlOf(one);
    const web = createServer(ours.sign('IP:127.0.0.1'), (request, response) => {
      request.resume();
      response.end(JSON.stringify({ websocket: { url, token: 't' } }));
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const places = await folders();
    const settings = {
      'server.ota_url': `https://127.0.0.1:${(web.address() as AddressInfo).port}/`,
      'server.ca_file': ours.caFile,
    };
    try {
      for (const home of [one, other]) {
        url = urlOf(home);
        const daemon = startDaemon(places, { settings });
        await daemon.logged(/the configuration call was answered/);
        await daemon.ask('reconnect');
        await daemon.logged(/link ready/);
        const { link } = JSON.parse((await daemon.ask('status', '--json')).stdout);
        assert.equal(link.url, url);
        assert.doesNotMatch(daemon.log(), /not followed/);
        assert.equal(await daemon.stop(), 0);
      }
      const stranger = startDaemon(places, { settings: { ...settings, 'server.ca_file': '' } });
      await stranger.logged(/the configuration call failed .*certificate/);
      assert.equal(await stranger.stop(), 0);
    } finally {
      for (const home of [one, other]) await home.stop();
      web.closeAllConnections();
      web.close();
      ours.remove();
      rmSync(join(places.root), { recursive: true, force: true });
    }
  });
});
