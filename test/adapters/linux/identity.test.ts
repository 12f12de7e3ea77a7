// Who the box is: made once, kept, never lost to a broken file.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Board, loadIdentity } from '../../../src/adapters/linux/identity.ts';
import { ownMacs } from '../../../src/adapters/linux/own-mac.ts';
import { keptLog } from '../../helpers/card.ts';

const UUID = '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10';

describe('the identity', () => {
  let directory: string;
  const file = () => join(directory, 'identity.json');
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'xz-id-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is made once and found again', () => {
    const made = loadIdentity(directory, {}, keptLog());
    assert.match(made.deviceId, /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, 'unicast');
    assert.match(made.clientId, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    assert.deepEqual(loadIdentity(directory, {}, keptLog()), made);
    assert.equal(statSync(file()).mode & 0o777, 0o600);
  });

  it('keeps what else the file holds', () => {
    writeFileSync(file(), JSON.stringify({ token: 'abc', client_id: UUID }));
    assert.equal(loadIdentity(directory, {}, keptLog()).clientId, UUID);
    assert.equal(JSON.parse(readFileSync(file(), 'utf8')).token, 'abc');
  });

  it('is what the configuration says when it says so', () => {
    const wanted = { deviceId: '02:11:22:33:44:55', clientId: UUID };
    assert.deepEqual(loadIdentity(directory, wanted, keptLog()), wanted);
  });

  for (const broken of ['', '{', 'null', '[]', '"x"', '\0\0\0', '{"device_id":7,"client_id":"x"}'])
    it(`is made anew from ${JSON.stringify(broken)}, and the broken file is put aside`, () => {
      writeFileSync(file(), broken);
      const log = keptLog();
      const made = loadIdentity(directory, {}, log);
      assert.deepEqual(loadIdentity(directory, {}, log), made);
      if (!broken.startsWith('{"') && broken !== '[]') {
        assert.ok(log.lines.some((line) => line.level === 'warn'));
        assert.equal(readFileSync(`${file()}.bad`, 'utf8'), broken);
      }
    });

  it('that cannot be kept is used all the same, and said', () => {
    const log = keptLog();
    writeFileSync(join(directory, 'not-a-directory'), '');
    const made = loadIdentity(join(directory, 'not-a-directory'), {}, log);
    assert.match(made.deviceId, /:/);
    assert.ok(log.lines.some((line) => line.text.includes('cannot be kept')));
    assert.equal(existsSync(file()), false);
  });

  const board = (id: string, ...macs: string[]): Board => {
    const idFiles = [...id].map((one) => join(directory, `id-${one}`));
    for (const file of idFiles) writeFileSync(file, `${file}\n`);
    return { macs: () => macs, idFiles };
  };
  const [ONE, OTHER] = ['d8:3a:dd:00:00:01', 'd8:3a:dd:00:00:02'];

  it('is not changed by another interface that comes first', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('a', ONE));
    assert.equal(made.deviceId, ONE);
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('a', OTHER, ONE)), made);
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('a')), made);
  });

  it('is another one on a card that was copied into another board, and that is said', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('a', ONE));
    const log = keptLog();
    const copied = loadIdentity(directory, {}, log, board('b', OTHER));
    assert.equal(copied.deviceId, OTHER);
    assert.notEqual(copied.clientId, made.clientId);
    assert.ok(log.lines.some(({ text }) => text.includes('another board')));
    assert.deepEqual(loadIdentity(directory, {}, log, board('b', OTHER)), copied);
  });

  it('is another one on a card that was copied bit by bit, system and all', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('ax', ONE));
    assert.notEqual(loadIdentity(directory, {}, keptLog(), board('ay', OTHER)).clientId, made.clientId);
  });

  it('stays when the same board has a new system', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('a', ONE));
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('b', ONE)), made);
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('b')), made, 'whose cable is pulled');
  });
});

describe('the addresses of a board', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'xz-net-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const card = (name: string, address: string, more: { type?: string; holds?: readonly string[] } = {}) => {
    const { type = '0', holds = ['device'] } = more;
    for (const inner of ['.', ...holds]) mkdirSync(join(folder, name, inner), { recursive: true });
    writeFileSync(join(folder, name, 'address'), `${address}\n`);
    writeFileSync(join(folder, name, 'addr_assign_type'), `${type}\n`);
  };

  it('are those of real hardware, a cable before a radio, the burnt-in before the made-up', () => {
    card('wlan0', 'D8:3A:DD:00:00:02', { holds: ['device', 'phy80211'] });
    card('aaa0', '02:00:00:00:00:09', { type: '3' });
    card('eth0', 'd8:3a:dd:00:00:01');
    card('lo', '00:00:00:00:00:00', { holds: [] });
    card('docker0', '02:42:00:00:00:01', { holds: [] });
    card('odd0', 'd9:3a:dd:00:00:03');
    assert.deepEqual(ownMacs(folder), ['d8:3a:dd:00:00:01', 'd8:3a:dd:00:00:02', '02:00:00:00:00:09']);
  });

  it('are none where nobody lists them', () => {
    assert.deepEqual(ownMacs(join(folder, 'nowhere')), []);
  });
});
