// Who the box is: made once, kept, never lost to a broken file.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Board, keptIdentity, loadIdentity } from '../../../src/adapters/linux/identity.ts';
import { ownMacs } from '../../../src/adapters/linux/own-mac.ts';
import { keptLog } from '../../helpers/card.ts';
import { outOfReach } from '../../helpers/out-of-reach.ts';

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

  it('is its own again when the configuration says nothing any more', () => {
    const own = loadIdentity(directory, {}, keptLog());
    const text = readFileSync(file(), 'utf8');
    for (const wanted of [
      { deviceId: '02:11:22:33:44:55', clientId: UUID },
      { deviceId: '02:11:22:33:44:55' },
      { clientId: UUID },
    ]) {
      assert.deepEqual(loadIdentity(directory, wanted, keptLog()), { ...own, ...wanted });
      assert.equal(readFileSync(file(), 'utf8'), text);
    }
    assert.deepEqual(loadIdentity(directory, {}, keptLog()), own);
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

  it('that cannot be read is left as it is, and nothing is written over it', () => {
    loadIdentity(directory, {}, keptLog());
    const text = readFileSync(file(), 'utf8');
    const log = keptLog();
    const other = outOfReach(directory, file(), () => loadIdentity(directory, {}, log));
    assert.match(other.clientId, /^[0-9a-f]{8}-/, 'the box works on');
    assert.deepEqual(
      log.lines.map(({ level, text: said }) => [level, /left as it is.*chown/.test(said)]),
      [['error', true]],
    );
    assert.equal(readFileSync(file(), 'utf8'), text);
    assert.equal(existsSync(`${file()}.bad`), false);
    assert.equal(loadIdentity(directory, {}, keptLog()).clientId, JSON.parse(text).client_id);
  });

  it('that cannot be kept is used all the same, and said', () => {
    const log = keptLog();
    writeFileSync(join(directory, 'not-a-directory'), '');
    const made = loadIdentity(join(directory, 'not-a-directory'), {}, log);
    assert.match(made.deviceId, /:/);
    assert.ok(log.lines.some((line) => line.text.includes('cannot be kept')));
    assert.equal(existsSync(file()), false);
  });

  /** `ax`: of system a, on the board with the number x. */
  const board = (ids: string, ...macs: string[]): Board => {
    for (const one of ids) writeFileSync(join(directory, `id-${one}`), `${one}\n`);
    const [systemFile = '', numberFile = ''] = [0, 1].map((at) => join(directory, `id-${ids[at] ?? 'none'}`));
    return { macs: () => macs, systemFile, numberFile };
  };
  const [ONE, OTHER] = ['d8:3a:dd:00:00:01', 'd8:3a:dd:00:00:02'];

  it('of a board without an address is made up, as such addresses must be: local and unicast', () => {
    for (let times = 0; times < 32; times += 1) {
      rmSync(file(), { force: true });
      const { deviceId } = loadIdentity(directory, {}, keptLog(), board('a'));
      assert.match(deviceId, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
    }
  });

  it('of a board that has no number knows of none, and never takes the card for a copy', () => {
    writeFileSync(join(directory, 'blank'), '\0');
    const blank: Board = {
      macs: () => [],
      systemFile: join(directory, 'blank'),
      numberFile: join(directory, 'not there'),
    };
    const made = loadIdentity(directory, {}, keptLog(), blank);
    const kept = JSON.parse(readFileSync(file(), 'utf8'));
    for (const mark of ['machine', 'system', 'board']) assert.equal(mark in kept, false, mark);
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('a', ONE)), made);
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), blank), made);
  });

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

  it('is told apart from a copied one by whoever only looks, as by the box itself', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('ax', ONE));
    const text = readFileSync(file(), 'utf8');
    const seen = (there: Board, wanted = {}) => keptIdentity(JSON.parse(text), wanted, there);
    assert.deepEqual(seen(board('ax', ONE)), { identity: made, isCopied: false });
    assert.equal(seen(board('ay', OTHER)).isCopied, true);
    assert.equal(seen(board('ay', ONE)).isCopied, false, 'a new system on the same board');
    assert.equal(seen(board('ax', ONE), { clientId: UUID }).identity?.clientId, UUID);
    assert.equal(keptIdentity({ device_id: ONE }, {}, board('ax', ONE)).identity, null);
    for (const wanted of [{}, { deviceId: ONE }, { clientId: UUID }])
      assert.equal(keptIdentity({}, wanted, board('ax', ONE)).identity, null, 'nothing is made up');
    assert.equal(readFileSync(file(), 'utf8'), text);
  });

  it('stays when the same board has a new system', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('a', ONE));
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('b', ONE)), made);
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('b')), made, 'whose cable is pulled');
  });

  it('stays when the same board has a new system, and its adapter for the network is another', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('ax', ONE));
    const log = keptLog();
    assert.deepEqual(loadIdentity(directory, {}, log, board('bx', OTHER)), made);
    assert.deepEqual(loadIdentity(directory, {}, log, board('bx')), made);
    assert.deepEqual(log.lines, []);
    assert.notEqual(loadIdentity(directory, {}, log, board('by', OTHER)).clientId, made.clientId);
  });

  it('is known by its board also after a start at which the number could not be told', () => {
    const made = loadIdentity(directory, {}, keptLog(), board('ax', ONE));
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('a')), made);
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), board('bx')), made);
  });

  it('of an older version, which made one mark of both, is understood and marked anew', () => {
    const now = board('ax', ONE);
    const machine = createHash('sha256').update('xiaozhi-agent a x').digest('hex').slice(0, 32);
    const old = { device_id: OTHER, client_id: UUID, machine };
    const write = () => writeFileSync(file(), JSON.stringify(old));
    write();
    assert.equal(keptIdentity(old, {}, board('ay', ONE)).isCopied, true);
    assert.equal(loadIdentity(directory, {}, keptLog(), board('ay', ONE)).deviceId, ONE, 'a copied card');
    write();
    assert.deepEqual(loadIdentity(directory, {}, keptLog(), now), { deviceId: OTHER, clientId: UUID });
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(file(), 'utf8'))).sort(), [
      'board',
      'client_id',
      'device_id',
      'system',
    ]);
    assert.equal(loadIdentity(directory, {}, keptLog(), board('bx')).clientId, UUID);
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
    card('zero0', '00:00:00:00:00:00');
    // Burnt in, as its driver says, and made up by its maker all the same.
    card('usb0', '06:00:00:00:00:01');
    card('wlx0', 'd8:3a:dd:00:00:00', { holds: ['device', 'wireless'] });
    card('aaa1', 'd8:3a:dd:00:00:05');
    assert.deepEqual(ownMacs(folder), [
      'd8:3a:dd:00:00:01',
      'd8:3a:dd:00:00:05',
      'd8:3a:dd:00:00:00',
      'd8:3a:dd:00:00:02',
      '02:00:00:00:00:09',
      '06:00:00:00:00:01',
    ]);
  });

  it('are none where nobody lists them', () => {
    assert.deepEqual(ownMacs(join(folder, 'nowhere')), []);
  });
});
