// The files for systemd, judged by systemd's own tools and by what must not be lost from them. Starts nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

const FOLDER = join(import.meta.dirname, '../../../systemd');
const UNIT = 'xiaozhi-agent.service';
/** Times ten: design.md §10. */
const WORST_EXPOSURE = 15;

const unit = readFileSync(join(FOLDER, UNIT), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'xz-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Here nothing is installed, and `verify` looks for the program. */
function startable(text: string): string {
  const file = join(scratch, UNIT);
  writeFileSync(file, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  return file;
}

function analyze(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}` };
}

describe('the unit', () => {
  it('is verified by systemd without a word', () => {
    assert.deepEqual(analyze('verify', '--man=no', startable(unit)), { code: 0, said: '' });
  });

  it('would not be with a setting that there is none of', () => {
    assert.notEqual(analyze('verify', '--man=no', startable(`${unit}\n[Service]\nWatchdog=1\n`)).said, '');
  });

  it('is exposed no more than 1.5', () => {
    const gate = ['security', '--offline=true', `--threshold=${WORST_EXPOSURE}`];
    const { code, said } = analyze(...gate, startable(unit));
    assert.equal(code, 0, said);
    const bare = unit.replace(/^(Protect|Restrict|SystemCall)\w+=.*$/gm, '');
    assert.notEqual(analyze(...gate, startable(bare)).code, 0, 'the gate shuts');
  });

  it('never gives the box up, and never waits for the network', () => {
    assert.match(unit, /^StartLimitIntervalSec=0$/m);
    assert.match(unit, /^Restart=always$/m);
    assert.match(unit, /^RestartPreventExitStatus=78$/m);
    assert.doesNotMatch(unit, /network-online/);
  });

  it('says of each thing that is forbidden why', () => {
    const [, sandbox = ''] = unit.split('# --- what it cannot do\n');
    const lines = sandbox.slice(0, sandbox.indexOf('\n[Install]')).split('\n');
    const unexplained = lines.filter((line, at) => {
      const setting = /^\w+(?==)/.exec(line)?.[0];
      const before = lines[at - 1] ?? '';
      const belongs = setting?.slice(0, 6) === before.slice(0, 6) || setting === 'AmbientCapabilities';
      return setting !== undefined && !before.startsWith('# ') && !belongs;
    });
    assert.deepEqual(unexplained, []);
  });
});

describe('the files beside the unit', () => {
  const lines = (file: string) =>
    readFileSync(join(FOLDER, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));

  it('make the user that it runs as, and put it into a group for each kind of device, which there is then', () => {
    const made = lines('xiaozhi-agent.sysusers.conf').map((line) => line.split(/\s+/).slice(0, 3).join(' '));
    assert.match(unit, /^User=xiaozhi$/m);
    assert.ok(made.some((line) => line.startsWith('u xiaozhi')));
    const kinds = [...unit.matchAll(/^DeviceAllow=char-(\w+)/gm)].map(([, kind]) => kind);
    assert.deepEqual(kinds, ['alsa', 'gpiochip', 'input']);
    for (const group of ['audio', 'gpio', 'input'])
      assert.ok(made.includes(`g ${group} -`) && made.includes(`m xiaozhi ${group}`), group);
  });

  it('give the directories to those whom the unit gives them to', () => {
    const [, mode = ''] = /^StateDirectoryMode=(\d+)$/m.exec(unit) ?? [];
    assert.ok(
      lines('xiaozhi-agent.tmpfiles.conf').some((line) =>
        line.startsWith(`d /var/lib/xiaozhi-agent ${mode} xiaozhi xiaozhi`),
      ),
    );
  });

  it('give GPIO chips, their lines and LEDs to a group of the service', () => {
    const rules = lines('60-xiaozhi-agent.rules').join('\n');
    assert.match(rules, /KERNEL=="gpiochip\*", GROUP="gpio", MODE="0660"/);
    assert.match(rules, /KERNEL=="gpiochip\[0-9\]\*".*chgrp gpio export unexport/);
    assert.match(rules, /KERNEL=="gpio\[0-9\]\*".*chgrp gpio value direction edge active_low/);
    assert.match(rules, /SUBSYSTEM=="leds".*chgrp gpio/);
  });
});
