// `npm run test:system`: the package on real systemd, in containers of Debian 12 and 13: installed, booted, cut off, killed,
// blocked, reloaded, upgraded, removed. Needs root and systemd-nspawn; takes minutes; not part of `npm test`. Ends with figures as
// a table and as JSON. What has to be made first is made.
//   SYSTEM_DEB=FILE: that package instead of building one.   SYSTEM_SUITES=trixie: only that release.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { blocks, PAGE, readPage } from '../helpers/readme.ts';
import { journalShapes } from '../helpers/screens.ts';
import { boot, HOST, type Machine } from './machine.ts';
import { FOLDER, freshTree, sh } from './trees.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SERVICE = 'xiaozhi-agent';
const CONFIG = '/etc/xiaozhi-agent/config.toml';
/** There is no sound card in a container; these are simulated. */
const NO_CARD = '[audio.input]\ndevice = "null"\n[audio.output]\ndevice = "null"\n';
const SUITES = process.env.SYSTEM_SUITES?.split(',') ?? ['trixie', 'bookworm'];
/** The unit allows 30 s; here nobody waits that long. */
const WATCHDOG_S = 4;

const BROKE_OFF = /^last run +broke off without a word: killed/m;

type Figures = { suite: string; systemd: string; bootToReadyMs: number; startMs: number; rssMb: number };
const figures: Figures[] = [];
if (process.getuid?.() !== 0) {
  console.error('test:system: root is needed');
  process.exit(4);
}
const deb = process.env.SYSTEM_DEB ?? built();

function built(): string {
  const out = join(FOLDER, 'deb');
  mkdirSync(out, { recursive: true });
  sh(join(ROOT, 'deploy/build-deb.sh'), '--arch', sh('dpkg', '--print-architecture').trim(), '--out', out);
  const [newest] = readdirSync(out)
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .reverse();
  assert.ok(newest);
  return join(out, newest);
}

for (const suite of SUITES) {
  describe(`the package on Debian ${suite}`, () => {
    let machine: Machine;
    let server: ChildProcess;
    let url = '';

    const show = (property: string) => machine.get(`systemctl show ${SERVICE} -p ${property} --value`);
    const log = 'journalctl -u xiaozhi-agent -o cat --no-pager';
    const status = `systemctl status ${SERVICE} --no-pager -l`;
    const configure = (text: string) => machine.get(`cat >${CONFIG} <<'END'\n${text}\nEND`);
    const right = () => `[server]\nwebsocket_url = "${url}"\n${NO_CARD}`;
    const restart = () => machine.get(`systemctl restart ${SERVICE}`);
    const connected = () => machine.says(status, /Status: "connected/);
    const leftovers = () => machine.run('pgrep -u xiaozhi -l').out;

    before(async () => {
      const root = freshTree(suite, deb);
      machine = await boot(root, `xz${suite.slice(0, 6)}`);
      server = spawn(
        process.execPath,
        [join(ROOT, 'dist/src/main.js'), 'serve', '--host', '0.0.0.0', '--port', '0'],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      url = await new Promise((resolve) => {
        let text = '';
        server.stdout?.on('data', (chunk: Buffer) => {
          text += chunk.toString('utf8');
          const port = /ws:\/\/[^:\s]+:(\d+)/.exec(text)?.[1];
          if (port !== undefined) resolve(`ws://${HOST}:${port}/xiaozhi/v1/`);
        });
      });
    });
    after(async () => {
      server?.kill();
      await machine?.stop();
    });

    it('is active and ready after a boot without a network and without a server, and says so', async () => {
      const said = await machine.says(status, /Status: "not configured: no server is configured/);
      assert.match(said, /Active: active \(running\)/);
      const [active, inactive] = ['ActiveEnterTimestampMonotonic', 'InactiveExitTimestampMonotonic'].map(
        (name) => Number(show(name)),
      );
      const booted = Number(machine.get('systemctl show -p UserspaceTimestampMonotonic --value'));
      assert.ok(active && inactive);
      figures.push({
        suite,
        systemd: machine.get('systemctl --version').split('\n')[0] ?? '',
        bootToReadyMs: Math.round((active - booted) / 1_000),
        startMs: Math.round((active - inactive) / 1_000),
        rssMb: JSON.parse(machine.run('xiaozhi-agent status --json').out).process.rss_mb,
      });
    });

    it('answers a press with the error cue while it is not configured, and shows a wrong configuration as the reason', async () => {
      configure('[server]\nwebsocket_url = "nonsense"\n');
      restart();
      await machine.says(status, /Status: "not configured: .*config\.toml:2: server\.websocket_url/);
      machine.run('xiaozhi-agent press');
      await machine.says(log, /cue cue=error/);
    });

    it('waits for a network, and is connected when it comes', async () => {
      configure(right());
      restart();
      await machine.says(status, /Active: active[\s\S]*Status: "(not connected|connecting)/);
      machine.cable('plug');
      await connected();
      assert.match(machine.run('xiaozhi-agent status --json').out, /"watched_by":\s*"ip monitor"/);
    });

    it('is back after kill -9, and is connected again', async () => {
      const pid = show('MainPID');
      machine.get(`kill -9 ${pid}`);
      await machine.says(
        `systemctl show ${SERVICE} -p MainPID --value`,
        new RegExp(`^(?!0$|${pid}$)\\d+$`, 'm'),
      );
      await connected();
      assert.match(machine.run('xiaozhi-agent status').out, BROKE_OFF);
    });

    it('is killed and started anew when its loop no longer moves', async () => {
      const drop = `/run/systemd/system/${SERVICE}.service.d`;
      machine.get(`mkdir -p ${drop}; printf '[Service]\\nWatchdogSec=${WATCHDOG_S}\\n' >${drop}/quick.conf`);
      machine.get('systemctl daemon-reload');
      restart();
      await connected();
      const [pid, restarts] = [show('MainPID'), Number(show('NRestarts'))];
      machine.get(`kill -STOP ${pid}`);
      await machine.says(
        `systemctl show ${SERVICE} -p NRestarts --value`,
        new RegExp(`^${restarts + 1}$`, 'm'),
      );
      await machine.says(log, /Watchdog timeout|watchdog/);
      await connected();
      assert.match(machine.run('xiaozhi-agent status').out, BROKE_OFF);
      machine.get(`rm -r ${drop}; systemctl daemon-reload`);
      restart();
      await connected();
    });

    it('outlives three times the time that its watchdog allows while it works', async () => {
      const drop = `/run/systemd/system/${SERVICE}.service.d`;
      machine.get(
        `mkdir -p ${drop}; printf '[Service]\\nWatchdogSec=1\\n' >${drop}/quick.conf; systemctl daemon-reload`,
      );
      restart();
      await connected();
      machine.get('sleep 3');
      assert.equal(show('NRestarts'), '0');
      machine.get(`rm -r ${drop}; systemctl daemon-reload`);
      restart();
      await connected();
    });

    it('shows its start with `logs`, under its own name, as the README has it', async () => {
      restart();
      await connected();
      const printed = machine.get('xiaozhi-agent logs -n 20');
      assert.equal(printed.split('\n').length, 20);
      const [shown] = blocks(readPage(), 'text').filter(({ text }) => /xiaozhi-agent\[\d+\]: /.test(text));
      if (process.env.UPDATE_README === '1')
        writeFileSync(
          PAGE,
          readPage().replace(shown?.text ?? '', () => `$ xiaozhi-agent logs -n 20\n${printed}\n`),
        );
      // What comes first of what begins at one time is not fixed.
      const all = journalShapes(machine.get('xiaozhi-agent logs -n 60'));
      for (const shape of journalShapes(shown?.text ?? '')) assert.ok(all.includes(shape), shape);
    });

    it('keeps the journal over a restart where the drop-in of the package is put in place', async () => {
      // As Raspberry Pi OS has it: the folder is there, and the journal in memory.
      machine.get(
        'install -d /run/systemd/journald.conf.d; printf "[Journal]\\nStorage=volatile\\n" >/run/systemd/journald.conf.d/40-volatile.conf',
      );
      machine.get('install -d /var/log/journal; systemctl restart systemd-journald');
      await machine.says('xiaozhi-agent doctor service', /^warn service +journal: is gone after/m);
      const place = '/etc/systemd/journald.conf.d/xiaozhi-agent.conf';
      machine.get(`install -D -m 644 /root/journald.conf ${place}; systemctl restart systemd-journald`);
      machine.get('journalctl --flush');
      const said = machine.run('journalctl -u systemd-journald -o cat --no-pager').out;
      assert.doesNotMatch(said, /Unknown|Failed to parse/);
      await machine.says('xiaozhi-agent doctor service', /^ok {3}service +journal: outlives/m);
      machine.get(`rm ${place}`);
    });

    it('runs with a state directory that cannot be written, with one line for each file', async () => {
      const state = '/var/lib/xiaozhi-agent';
      machine.get(`mount --bind ${state} ${state} && mount -o remount,ro,bind ${state}`);
      restart();
      await connected();
      machine.get('xiaozhi-agent press');
      machine.get(`systemctl stop ${SERVICE}`);
      const kept = machine.get(`${log} | grep 'cannot be kept' | grep -o 'path=[^ ]*' | sort`).split('\n');
      assert.deepEqual([...new Set(kept)], kept, 'each once');
      assert.ok(kept.includes(`path=${state}/last-run.json`), kept.join(' '));
      assert.equal(show('Result'), 'success');
      machine.get(`umount ${state}; systemctl start ${SERVICE}`);
      await connected();
    });

    it('is somebody else on a card that was copied, and says so once', async () => {
      const [file, device] = ['/var/lib/xiaozhi-agent/identity.json', '02:00:5e:00:00:01'];
      machine.get(
        `systemctl stop ${SERVICE}; sed -i -e 's/"device_id": "[^"]*"/"device_id": "${device}"/' -e 's/"system": "[^"]*"/"system": "another"/' ${file}`,
      );
      assert.match(
        machine.run('xiaozhi-agent doctor state').out,
        /^warn state +of this machine: made on another/m,
      );
      machine.get(`systemctl start ${SERVICE}`);
      await connected();
      assert.equal(machine.get(`${log} | grep -c 'this card was in another board'`), '1');
      assert.doesNotMatch(machine.get(`cat ${file}`), new RegExp(device));
      assert.match(machine.run('xiaozhi-agent doctor state').out, /^ok {3}state +of this machine: yes$/m);
    });

    it('takes a new configuration at a reload, and keeps the old one when the new one is wrong', async () => {
      const pid = show('MainPID');
      configure(`${right()}[log]\nlevel = "debug"\n[button]\ngpio = 23\n`);
      machine.get(`systemctl reload ${SERVICE}`);
      await machine.says(log, /reload: applied applied="?log\.level/);
      await machine.says(log, /these need a restart keys="?button\.gpio/);
      configure('nothing like it');
      machine.get(`systemctl reload ${SERVICE}`);
      await machine.says(log, /the old one stays/);
      await machine.says(status, /Status: "connected.*not reloaded/);
      assert.equal(show('MainPID'), pid);
      configure(right());
      machine.get(`systemctl reload ${SERVICE}`);
      await machine.says(status, /Status: "connected, idle, \d+ turns?"/);
    });

    it('ends at once and cleanly in every state, and leaves no child', async () => {
      for (const state of ['idle', 'listening', 'dialing'] as const) {
        machine.get(`systemctl start ${SERVICE}`);
        await connected();
        if (state === 'listening') {
          machine.get('xiaozhi-agent press');
          await machine.says('xiaozhi-agent status --json', /"state":\s*"(listening|thinking|speaking)"/);
        }
        if (state === 'dialing') machine.cable('pull');
        const tookMs = Number(
          machine.get(
            `a=$(date +%s%N); systemctl stop ${SERVICE}; b=$(date +%s%N); echo $(((b - a) / 1000000))`,
          ),
        );
        if (state === 'dialing') machine.cable('plug');
        assert.deepEqual([show('ExecMainStatus'), show('Result'), leftovers()], ['0', 'success', ''], state);
        assert.ok(tookMs < 2_000, `${state}: ${tookMs} ms`);
      }
      machine.get(`systemctl start ${SERVICE}`);
      await connected();
    });

    it('lets the programs that it starts run inside its sandbox', () => {
      const tries = [
        'arecord --version',
        'arecord -q -D null -d 1 -f S16_LE -r 16000 /dev/null',
        'aplay --version',
        'ip -o link show',
        'timeout 1 ip -o monitor link; test $? = 124',
        // `ip` is told that its powers are gone; and so they are.
        "test $(grep -cE '^Cap(Prm|Eff|Bnd|Amb):.0+$' /proc/self/status) = 4",
        'gpiomon --version',
        'systemd-notify STATUS=from-within',
        'cat /proc/bus/input/devices >/dev/null || test ! -e /proc/bus/input/devices',
        // And what it must not let pass.
        '! touch /etc/x 2>/dev/null',
        '! touch /usr/x 2>/dev/null',
        'test "$(id -Gn)" != "" && ! cat /etc/shadow 2>/dev/null',
      ];
      const unit = `/run/systemd/system/sandbox-try.service`;
      const script = tries
        .map((one) => `( ${one} ) || { echo "FAILED: ${one.replaceAll('"', "'")}"; exit 1; }`)
        .join('\n');
      machine.get(
        `cat >/run/sandbox-try <<'END'\n${script}\necho all of them\nEND\nchmod 755 /run/sandbox-try`,
      );
      machine.get(
        `sed -e 's|^ExecStart=.*|ExecStart=/bin/sh /run/sandbox-try|' -e 's|^Type=.*|Type=oneshot|' -e '/^Restart/d' -e '/^Watchdog/d' -e '/Directory=/d' /usr/lib/systemd/system/${SERVICE}.service >${unit}; systemctl daemon-reload`,
      );
      machine.run('systemctl start sandbox-try');
      const said = machine.run('journalctl -u sandbox-try -o cat --no-pager').out;
      assert.match(said, /all of them/, said);
    });

    it('is exposed no more than 1.5, as systemd there counts it', () => {
      const said = machine.run(`systemd-analyze security --threshold=15 ${SERVICE}`);
      assert.equal(said.code, 0, said.out);
    });

    it('is failed, and shows the reason, where no codec loads', async () => {
      const codecs = '/usr/lib/xiaozhi-agent/node_modules';
      for (const name of ['@discordjs', '@evan']) machine.get(`mv ${codecs}/${name} ${codecs}/gone-${name}`);
      machine.run(`systemctl restart ${SERVICE}`);
      const said = await machine.says(status, /Active: failed/);
      assert.match(said, /status=78\/CONFIG/);
      assert.match(said, /no Opus codec loads/);
      for (const name of ['@discordjs', '@evan']) machine.get(`mv ${codecs}/gone-${name} ${codecs}/${name}`);
      machine.get(`systemctl reset-failed ${SERVICE}; systemctl start ${SERVICE}`);
      await connected();
    });

    it('keeps identity, configuration and running state over an upgrade', async () => {
      const state = 'sha256sum /var/lib/xiaozhi-agent/identity.json /etc/xiaozhi-agent/config.toml';
      const [before, pid] = [machine.get(state), show('MainPID')];
      machine.get('dpkg -i --force-confold /root/agent.deb');
      await connected();
      assert.equal(machine.get(state), before);
      assert.notEqual(show('MainPID'), pid);
      machine.get(`systemctl stop ${SERVICE}; dpkg -i --force-confold /root/agent.deb`);
      assert.equal(show('ActiveState'), 'inactive', 'what was stopped is not started by an upgrade');
    });

    it('has made the tabulator key know its commands', () => {
      const completion = '/usr/share/bash-completion/completions/xiaozhi-agent';
      const words = 'COMP_WORDS=(xiaozhi-agent stat); COMP_CWORD=1';
      const asked = `. ${completion}; ${words}; _xiaozhi_agent; echo "\${COMPREPLY[@]}"`;
      assert.equal(machine.get(`bash -c '${asked}'`), 'status');
    });

    it('is enabled and runs when it is installed again after it was removed', async () => {
      machine.get(`systemctl start ${SERVICE}; dpkg --remove ${SERVICE}`);
      machine.get('dpkg -i --force-confold /root/agent.deb');
      assert.equal(machine.get(`systemctl is-enabled ${SERVICE}`), 'enabled');
      await connected();
      assert.equal(machine.get(`systemctl is-active ${SERVICE}`), 'active');
    });

    it('leaves state and configuration when it is removed, and nothing when it is purged', () => {
      machine.get(`systemctl start ${SERVICE}; dpkg --remove ${SERVICE}`);
      assert.equal(machine.run('systemctl is-active xiaozhi-agent').out.trim(), 'inactive');
      machine.get(
        `test -e /var/lib/xiaozhi-agent/identity.json -a -e ${CONFIG} -a ! -e /usr/bin/xiaozhi-agent`,
      );
      machine.get(`dpkg --purge ${SERVICE}`);
      machine.get('test ! -e /var/lib/xiaozhi-agent -a ! -e /etc/xiaozhi-agent');
      assert.equal(machine.run('getent passwd xiaozhi').out, '');
      assert.equal(machine.run('find / -xdev -path /proc -prune -o -name "*xiaozhi*" -print').out.trim(), '');
    });

    it('is installed by the script, as often as one likes, and taken away again', () => {
      const script = (...args: readonly string[]) =>
        machine.run(`cd /root && ./install.sh ${args.join(' ')}`);
      machine.get('useradd -m alice; mkdir -p /boot/firmware; echo gpu_mem=16 >/boot/firmware/config.txt');
      const first = script('agent.deb');
      assert.match(
        first.out,
        /installed xiaozhi-agent [\s\S]*the service runs: not configured[\s\S]*next: set ota_url or websocket_url/,
      );
      const second = machine.run('cd /root && XIAOZHI_ADD_USER=alice ./install.sh agent.deb');
      assert.match(second.out, /was there already[\s\S]*alice is in the group xiaozhi/);
      assert.match(machine.run("su alice -c 'xiaozhi-agent status'").out, /unconfigured/);
      machine.get('xiaozhi-agent setup i2s --apply && grep -q googlevoicehat /boot/firmware/config.txt');
      machine.get('xiaozhi-agent setup --undo && test "$(cat /boot/firmware/config.txt)" = gpu_mem=16');
      assert.match(script('--uninstall').out, /removed; /);
      assert.match(script('--uninstall').out, /is not installed/);
      assert.match(script('--purge').out, /removed, with configuration and identity/);
      assert.match(script('--purge').out, /is not installed/);
      for (const { code } of [first, second, script('--purge')]) assert.equal(code, 0);
      assert.equal(script('--nonsense').code, 2);
    });
  });
}

it('the package has no errors for lintian', () => {
  const said = spawnSync('lintian', ['--fail-on', 'error', '--allow-root', deb], { encoding: 'utf8' });
  assert.equal(said.status, 0, `${said.stdout}${said.stderr}`);
});

after(() => {
  if (!existsSync(deb) || figures.length === 0) return;
  const rows = figures.map(({ suite, systemd, bootToReadyMs, startMs, rssMb }) =>
    [
      suite.padEnd(10),
      systemd.split(' (')[0]?.padEnd(12),
      `${bootToReadyMs} ms`.padStart(13),
      `${startMs} ms`.padStart(9),
      `${rssMb} MB`.padStart(9),
    ].join(' '),
  );
  console.log(['suite      systemd      boot to READY     start       RSS', ...rows].join('\n'));
  console.log(JSON.stringify(figures));
});
