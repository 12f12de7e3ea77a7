// deploy/install.sh on a machine whose programs are made up: how it ends by what becomes of the service. That the package
// itself works is for test/system.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

const SCRIPT = join(import.meta.dirname, '../../../deploy/install.sh');

describe('deploy/install.sh', () => {
  let bin: string;
  const give = (name: string, body: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'xz-'));
    give('id', 'echo 0');
    give('apt-get', ':');
    give('dpkg', 'echo arm64');
    give('dpkg-query', 'echo 0.1.0');
    writeFileSync(join(bin, 'agent.deb'), '');
  });
  afterEach(() => rmSync(bin, { recursive: true }));

  const install = (systemctl: string, more: NodeJS.ProcessEnv = {}) => {
    give('systemctl', systemctl);
    return spawnSync('bash', [SCRIPT, join(bin, 'agent.deb')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `${bin}:${process.env.PATH}`, ...more },
    });
  };

  it('ends with 0 when the service runs, and says how it fares, be it without a server', () => {
    const { status, stdout, stderr } = install('[ "$1" != show ] || echo "not configured: no server is set"');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /the service runs: not configured: no server is set\n/);
    assert.match(
      stdout,
      /^install: next: set ota_url or websocket_url in .*config\.toml, then: .* restart /m,
    );
  });

  it('has nothing to set where the box knows its server, or whom to ask for it', () => {
    const { stdout } = install('[ "$1" != show ] || echo "connected, idle, 0 turns"');
    assert.match(
      stdout,
      /the service runs: connected, idle, 0 turns\ninstall: next: xiaozhi-agent status\n$/,
    );
  });

  const FAILURES = {
    'does not start': 'start) exit 1',
    'starts and is gone again': '--quiet) exit 3',
  };
  for (const [what, how] of Object.entries(FAILURES))
    it(`ends with 1 when it ${what}, shows what systemd says of it, and where to look`, () => {
      const { status, stdout, stderr } = install(
        `case $1 in ${how} ;; status) echo "no Opus codec"; exit 3 ;; esac`,
      );
      assert.equal(status, 1);
      assert.match(stderr, /is installed, and the service does not run/);
      assert.match(stderr, /^ {2}\| no Opus codec$/m);
      assert.match(stderr, /next: sudo xiaozhi-agent doctor/);
      assert.doesNotMatch(stdout, /next:/);
    });

  it('ends with 0 when it is told to leave it stopped', () => {
    const { status, stdout } = install('[ "$1" != start ]', { XIAOZHI_NO_START: '1' });
    assert.equal(status, 0);
    assert.match(stdout, /the service is left stopped\ninstall: next: sudo systemctl start xiaozhi-agent\n$/);
  });
});
