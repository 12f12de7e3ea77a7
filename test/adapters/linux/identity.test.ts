// Who the box is: made once, kept, never lost to a broken file.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadIdentity } from '../../../src/adapters/linux/identity.ts';
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
});
