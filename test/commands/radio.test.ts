// What is found out about a radio, from the kernel's files and a stand-in for `iw`.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { isRadio, radioOf, signalDbm } from '../../src/commands/radio.ts';

const LEVELS = `Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0
 wlx00c0ca: 0000   40.  -71.  -256        0      0      0      0      0        0
  odd1: 0000   40.  60.  0        0      0      0      0      0        0
`;

describe('the radio of a board', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xz-'));
  const file = join(folder, 'levels');
  const iw = join(folder, 'iw');
  const path = process.env.PATH;
  after(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    process.env.PATH = folder;
    rmSync(iw, { force: true });
    writeFileSync(file, LEVELS);
    for (const [name, what] of [
      ['wlan0', 'wireless'],
      ['radio7', 'phy80211'],
      ['eth0', 'device'],
    ] as const)
      mkdirSync(join(folder, name, what), { recursive: true });
  });
  const says = (text: string) => {
    writeFileSync(join(folder, 'text'), text);
    const asked = `[ "$*" = "dev wlan0 link" ] || exit 1`;
    writeFileSync(iw, `#!/bin/sh\n${asked}\nwhile read -r line; do echo "\t$line"; done < ${folder}/text\n`, {
      mode: 0o755,
    });
  };
  const linked = (ssid: string) => `Connected to 02:00:00:00:00:09 (on wlan0)\nSSID: ${ssid}\nfreq: 5180\n`;

  it('is one by what the kernel says, not by its name', () => {
    assert.deepEqual(
      ['wlan0', 'radio7', 'eth0', 'none'].map((name) => isRadio(name, folder)),
      [true, true, false, false],
    );
  });

  it('is heard as well as its own line says, or the first', () => {
    assert.equal(signalDbm('wlan0', file), -56);
    assert.equal(signalDbm('wlx00c0ca', file), -71);
    assert.equal(signalDbm(undefined, file), -56);
    for (const name of ['odd1', 'wlan', 'wlan.', 'eth0']) assert.equal(signalDbm(name, file), null, name);
    assert.equal(signalDbm('wlan0', join(folder, 'no such file')), null);
  });

  it('is in the network that iw names, letter by letter', async () => {
    for (const [said, ssid] of [
      ['My Wifi', 'My Wifi'],
      ['\\xe5\\xae\\xb6 5G', '家 5G'],
      ['\\x20two\\x5cwords\\x20', ' two\\words '],
    ] as const) {
      says(linked(said));
      assert.deepEqual(await radioOf('wlan0', { folder, file }), { ssid, signalDbm: -56 });
    }
  });

  it('is in none, or in one without a name here, where iw says nothing of it or is not installed', async () => {
    const unknown = { ssid: null, signalDbm: -56 };
    says('Not connected.\n');
    assert.deepEqual(await radioOf('wlan0', { folder, file }), unknown);
    rmSync(iw);
    assert.deepEqual(await radioOf('wlan0', { folder, file }), unknown);
    assert.equal(await radioOf('eth0', { folder, file }), null);
  });
});
