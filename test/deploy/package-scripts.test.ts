// The scripts of the Debian package, called as dpkg calls them, on a folder that stands in for the machine and a systemctl that
// keeps two words there. It must not know what the scripts write down in between.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

const SCRIPTS = join(import.meta.dirname, '../../../deploy/debian');
const INERT = ['systemd-sysusers', 'systemd-tmpfiles', 'udevadm', 'userdel', 'groupdel', 'getent'];
/** `is-active` is true of a unit that is active, and of no other. */
const SYSTEMCTL = `for word; do case $word in
  enable) echo enabled >"$ROOT/enabled" ;;
  disable) echo disabled >"$ROOT/enabled" ;;
  is-enabled) grep -qx enabled "$ROOT/enabled"; exit ;;
  is-active) grep -qx active "$ROOT/active"; exit ;;
  show) cat "$ROOT/active" ;;
  start|restart) echo active >"$ROOT/active" ;;
  stop) echo inactive >"$ROOT/active" ;;
esac; done`;

describe('the scripts of the package', () => {
  let root: string;
  const stands = () =>
    ['enabled', 'active'].map((name) => readFileSync(join(root, name), 'utf8').trim()).join(' ');
  const becomes = (active: string) => writeFileSync(join(root, 'active'), active);

  function call(script: string, ...args: readonly string[]): void {
    const text = readFileSync(join(SCRIPTS, script), 'utf8').replace(
      /(?<=[\s>])\/(run|var|etc|usr\/lib)\//g,
      `${root}/$1/`,
    );
    const env = { ROOT: root, PATH: `${join(root, 'bin')}:${process.env.PATH}` };
    const { status, stderr } = spawnSync('sh', ['-c', text, script, ...args], { env, encoding: 'utf8' });
    assert.equal(status, 0, `${script} ${args.join(' ')}: ${stderr}`);
  }
  const upgrade = () => {
    call('prerm', 'upgrade', '0.2.0');
    call('postrm', 'upgrade', '0.2.0');
    call('postinst', 'configure', '0.1.0');
  };
  const remove = () => {
    call('prerm', 'remove');
    call('postrm', 'remove');
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'package-'));
    for (const folder of ['bin', 'run/systemd/system', 'var/lib', 'etc', 'usr/lib/udev/rules.d'])
      mkdirSync(join(root, folder), { recursive: true });
    for (const name of ['systemctl', ...INERT]) {
      writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${name === 'systemctl' ? SYSTEMCTL : ':'}\n`);
      chmodSync(join(root, 'bin', name), 0o755);
    }
    writeFileSync(join(root, 'enabled'), 'disabled');
    becomes('inactive');
    call('postinst', 'configure', '');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('have udevd read the rules anew, which it may have read before their group was there', () => {
    const rules = join(root, 'usr/lib/udev/rules.d/60-xiaozhi-agent.rules');
    utimesSync(rules, 1, 1);
    call('postinst', 'configure', '');
    assert.ok(statSync(rules).mtimeMs > 1_000);
  });

  it('enable and start it at the first installation', () => assert.equal(stands(), 'enabled active'));

  it('enable and start it when it comes back after a removal, which stops it', () => {
    remove();
    assert.equal(stands(), 'disabled inactive');
    call('postinst', 'configure', '0.1.0');
    assert.equal(stands(), 'enabled active');
  });

  it('leave it as its owner had it, over a removal too, when it was disabled', () => {
    writeFileSync(join(root, 'enabled'), 'disabled');
    upgrade();
    assert.equal(stands(), 'disabled active');
    remove();
    call('postinst', 'configure', '0.1.0');
    assert.equal(stands(), 'disabled inactive');
  });

  it('start one anew at an upgrade that ran, and leave one that was stopped', () => {
    upgrade();
    assert.equal(stands(), 'enabled active');
    becomes('inactive');
    upgrade();
    assert.equal(stands(), 'enabled inactive');
  });

  for (const state of ['failed', 'activating'])
    it(`start one anew at an upgrade that was ${state}`, () => {
      becomes(state);
      upgrade();
      assert.equal(stands(), 'enabled active');
    });

  it('leave no mark behind when it is purged', () => {
    remove();
    call('postrm', 'purge');
    assert.ok(!existsSync(join(root, 'var/lib/xiaozhi-agent.was-enabled')));
  });
});
