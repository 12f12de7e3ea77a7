// deploy/prerequisites.sh on machines that lack this or that. It must not know how the script finds out, and it changes
// nothing on the real machine: every program that could is a fake. (The ALSA plug-ins and headers are looked for where
// they really are, so this machine has to have them; the script itself has seen to that.)

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fakeMachine, fakeNode, type Machine, script } from './fake-machine.ts';

const INSTALL = 'apt-get install -y --no-remove --no-install-recommends';

describe('deploy/prerequisites.sh', () => {
  let machine: Machine;
  beforeEach(() => {
    machine = fakeMachine();
  });
  afterEach(() => machine.remove());

  test('is valid for a POSIX shell and for bash', () => {
    for (const shell of ['sh', 'bash']) execFileSync(shell, ['-n', script]);
  });

  test('installs once and has nothing to do or say the second time', async () => {
    const first = await machine.run('test');
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /^setup: npm ci for Node 20\.20\.2 .*\n$/);
    assert.deepEqual(first.calls, ['npm ci --include=dev --include=optional']);
    assert.deepEqual(await machine.run('test'), { code: 0, out: '', err: '', calls: [] });
  });

  test('refuses words it does not know', async () => {
    for (const words of [['both'], ['demo', 'test']]) assert.equal((await machine.run(...words)).code, 2);
  });

  describe('Node', () => {
    for (const version of ['18.20.4', '20.18.3', '8.0.0'])
      test(`refuses ${version} and says where newer ones are, before anything is changed`, async () => {
        machine.give('node', fakeNode(version, 108));
        const before = machine.files();
        const { code, err, calls } = await machine.run('test');
        assert.equal(code, 78);
        assert.match(err, new RegExp(`this is Node ${version}\\.`));
        assert.match(err, /needs Node 20\.19 or newer/);
        assert.match(err, /Debian 12 .* only have 18/);
        assert.deepEqual([calls, machine.files()], [[], before]);
      });

    for (const version of ['20.19.0', '22.0.0', '100.1.0'])
      test(`accepts ${version}`, async () => {
        machine.give('node', fakeNode(version, 115));
        assert.equal((await machine.run('test')).code, 0);
      });

    test('refuses a machine without node, with one that does not run, and without npm', async () => {
      machine.take('npm');
      const withoutNpm = await machine.run();
      assert.equal(withoutNpm.code, 78);
      assert.match(withoutNpm.err, /npm is not: apt-get install npm/);
      machine.give('node', 'exit 127');
      assert.match((await machine.run()).err, /node does not run/);
      machine.take('node');
      const { code, err } = await machine.run();
      assert.equal(code, 78);
      assert.match(err, /no node in PATH/);
    });
  });

  describe('Debian packages', () => {
    test('without permission it prints one command, ends with 4 and changes nothing', async () => {
      machine.take('arecord', 'c++', 'sox', 'ip');
      const before = machine.files();
      const { code, out, err, calls } = await machine.run('test');
      assert.equal(code, 4);
      assert.equal(out, '');
      assert.match(err, /as root/);
      const commands = err.split('\n').filter((line) => line !== '' && !line.startsWith('setup:'));
      assert.deepEqual(commands, [`apt-get update && ${INSTALL} alsa-utils build-essential sox iproute2`]);
      assert.deepEqual([calls, machine.files()], [[], before]);
    });

    test('where sudo would ask and nobody is there to answer, the command is printed with sudo', async () => {
      machine.take('sox');
      machine.give('sudo', 'echo "sudo $*" >>"$CALLS"; exit 1');
      const { code, err, calls } = await machine.run('test');
      assert.equal(code, 4);
      assert.match(err, new RegExp(`^sudo apt-get update && sudo ${INSTALL} sox$`, 'm'));
      assert.deepEqual(calls, ['sudo -n true']);
    });

    test('without apt-get it names what is missing and ends with 4', async () => {
      machine.take('sox', 'apt-get');
      const { code, err } = await machine.run('demo');
      assert.equal(code, 4);
      assert.match(err, /no apt-get here.*: sox$/m);
    });

    test('root installs exactly what is missing and never removes; known lists are not fetched again', async () => {
      machine.give('id', 'echo 0');
      machine.take('aplay', 'espeak-ng');
      const { code, calls } = await machine.run('demo');
      assert.equal(code, 0);
      const [installs, updates] = [
        calls.filter((call) => / install -y/.test(call)),
        calls.filter((call) => / update/.test(call)),
      ];
      assert.equal(installs.length, 1);
      assert.match(installs[0] ?? '', /install -y --no-remove --no-install-recommends alsa-utils espeak-ng$/);
      assert.deepEqual(updates, []);
    });

    test('lists that know nothing are fetched first, lists that are out of date after a failure', async () => {
      machine.give('id', 'echo 0');
      machine.take('sox');
      for (const failing of ['-s install', 'install -y']) {
        machine.give(
          'apt-get',
          `echo "apt-get $*" >>"$CALLS"; case " $* " in
            *' update '*) : >"$CALLS ${failing}" ;; *'${failing}'*) [ -e "$CALLS ${failing}" ] ;; esac`,
        );
        const { code, calls } = await machine.run('demo');
        assert.equal(code, 0);
        assert.equal(calls.filter((call) => call.endsWith(' update')).length, 1, failing);
        assert.match(calls.filter((call) => call.startsWith('apt-get')).at(-1) ?? '', / install -y/);
      }
    });

    test('an installation that fails twice ends with 1 and what apt-get said', async () => {
      machine.give('id', 'echo 0');
      machine.take('sox');
      machine.give('apt-get', 'case " $* " in *" install -y"*) echo "E: the disk is full"; exit 100 ;; esac');
      const { code, err, calls } = await machine.run('demo');
      assert.equal(code, 1);
      assert.match(err, /\| E: the disk is full/);
      assert.deepEqual(calls, []);
    });

    test('a user whose sudo asks for nothing installs through it', async () => {
      machine.take('sox');
      machine.give('sudo', '[ "$1" = -n ] || exit 1; shift; echo "as root: $*" >>"$CALLS"; exec "$@"');
      const { code, calls } = await machine.run('demo');
      assert.equal(code, 0);
      assert.ok(
        calls.some((call) => /^as root: .*apt-get .*install -y .* sox$/.test(call)),
        calls.join('\n'),
      );
    });

    test('each purpose asks for its own programs only, and compilers only when there is something to compile', async () => {
      machine.take('sox', 'espeak-ng', 'ip', 'pulseaudio');
      const run = await machine.run('run');
      assert.equal(run.code, 0);
      assert.ok(!run.out.includes('PulseAudio'));
      machine.take('make', 'cc', 'c++', 'python3');
      assert.equal((await machine.run('run')).code, 0);
      machine.give('sox', ':');
      machine.give('espeak-ng', ':');
      machine.give('pulseaudio', ':');
      assert.equal((await machine.run('demo')).code, 0);
      assert.match((await machine.run('test')).err, / iproute2$/m);
    });

    test('what is tried in containers or on a virtual board takes neither a virtual card nor a second compiler', async () => {
      const wanted = async (purpose: string) =>
        / --no-install-recommends (.*)$/m.exec((await machine.run(purpose)).err)?.[1]?.split(' ');
      machine.take('sox', 'espeak-ng', 'pulseaudio', 'cc');
      machine.give('ip', ':');
      assert.deepEqual(await wanted('system'), [
        'build-essential',
        'mmdebstrap',
        'systemd-container',
        'lintian',
      ]);
      const board = [
        'build-essential',
        'mmdebstrap',
        'openssh-client',
        'e2fsprogs',
        'qemu-utils',
        'gnuplot-nox',
      ];
      assert.deepEqual(await wanted('board'), [...board, 'qemu-system-x86']);
      machine.environment.BOARD_ARCH = 'arm64';
      const compilers = ['gcc-aarch64-linux-gnu', 'g++-aarch64-linux-gnu'];
      assert.deepEqual(await wanted('board'), [
        ...board,
        'qemu-system-arm',
        'qemu-user-static',
        'arch-test',
        ...compilers,
      ]);
      machine.give('uname', 'echo aarch64');
      assert.deepEqual(await wanted('board'), [...board, 'qemu-system-arm']);
    });
  });

  describe('PulseAudio', () => {
    beforeEach(() => machine.take('pulseaudio'));
    const leftovers = (): string[] =>
      existsSync(path.dirname(machine.pulse)) ? readdirSync(path.dirname(machine.pulse)).sort() : [];

    test('is unpacked without root into the cache, whole, and only once', async () => {
      const { code, out, err, calls } = await machine.run('demo');
      assert.equal(code, 0, err);
      assert.ok(out.includes(`unpacking PulseAudio into ${machine.pulse}`));
      assert.ok(calls.some((call) => call.endsWith(' download libpulse9 pulseaudio')));
      assert.ok(
        !calls.some((call) => / install /.test(call) && !call.includes(' -s ')),
        'nothing is installed',
      );
      assert.deepEqual(leftovers(), ['pulse']);
      for (const file of [
        'usr/bin/pulseaudio',
        'usr/lib/tri/libcap.so',
        'usr/lib/tri/pulseaudio/libprotocol.so',
      ])
        assert.ok(existsSync(path.join(machine.pulse, file)), file);
      assert.deepEqual((await machine.run('demo')).calls, []);
    });

    test('a run that breaks off while unpacking leaves nothing behind', async () => {
      machine.give('dpkg-deb', 'mkdir -p "$3/usr/bin"; echo "no space left" >&2; kill $PPID; exit 2');
      assert.equal((await machine.run('demo')).code, 143);
      assert.deepEqual(leftovers(), []);
      machine.give('dpkg-deb', 'mkdir -p "$3/usr/bin"; echo "no space left" >&2; exit 2');
      const { code, err } = await machine.run('demo');
      assert.equal(code, 4);
      assert.match(err, /no space left/);
      assert.deepEqual(leftovers(), []);
      assert.ok(
        !machine.files().some((file) => file.includes('xiaozhi-setup')),
        'no temporary directory stays',
      );
    });

    test('replaces an unpacked one that no longer runs, but never a folder that is not its own', async () => {
      await machine.run('demo');
      writeFileSync(path.join(machine.pulse, 'usr/bin/pulseaudio'), '#!/bin/false\n');
      assert.equal((await machine.run('demo')).code, 0);
      machine.remove();
      machine = fakeMachine();
      machine.take('pulseaudio');
      mkdirSync(machine.pulse, { recursive: true });
      writeFileSync(path.join(machine.pulse, 'letter.txt'), 'dear …');
      assert.notEqual((await machine.run('demo')).code, 0);
      assert.deepEqual(readdirSync(machine.pulse), ['letter.txt']);
    });
  });

  describe('npm packages', () => {
    const count = (calls: string[]): number => calls.filter((call) => call.startsWith('npm ci')).length;

    test('are installed anew when the lock file or the ABI of Node changes', async () => {
      assert.equal(count((await machine.run()).calls), 1);
      writeFileSync(path.join(machine.tree, 'package-lock.json'), '{"changed":1}\n');
      assert.equal(count((await machine.run()).calls), 1);
      machine.give('node', fakeNode('20.21.0', 115));
      assert.equal(count((await machine.run()).calls), 0, 'a minor version keeps its ABI');
      machine.give('node', fakeNode('22.23.3', 127));
      assert.equal(count((await machine.run()).calls), 1);
    });

    test('a failed installation says why and is tried again, also when the lock file is back to what it was', async () => {
      await machine.run();
      machine.give(
        'npm',
        'echo "npm notice buy"; echo "npm error code E404"; seq -f "npm error option %g" 99; exit 1',
      );
      writeFileSync(path.join(machine.tree, 'package-lock.json'), '{"changed":1}\n');
      const { code, err } = await machine.run();
      assert.equal(code, 1);
      assert.match(err, /\| npm error code E404\n/);
      assert.match(err, /setup: npm ci failed/);
      assert.ok(err.split('\n').length < 20 && !err.includes('notice'), err);
      machine.give('npm', 'echo "npm $*" >>"$CALLS"; mkdir -p node_modules');
      writeFileSync(path.join(machine.tree, 'package-lock.json'), '{}\n');
      assert.equal(count((await machine.run()).calls), 1);
    });

    test("add-ons are compiled against the running node's headers when it has them", async () => {
      machine.give('npm', 'echo "nodedir=$npm_config_nodedir" >>"$CALLS"; mkdir -p node_modules');
      assert.deepEqual((await machine.run()).calls, ['nodedir=']);
      const prefix = path.join(machine.tree, 'my node');
      mkdirSync(path.join(prefix, 'include/node'), { recursive: true });
      writeFileSync(path.join(prefix, 'include/node/node.h'), '');
      machine.give('node', fakeNode('22.23.3', 127, prefix));
      assert.deepEqual((await machine.run()).calls, [`nodedir=${prefix}`]);
    });

    test('two set-ups of one tree at a time install once, one after the other', {
      timeout: 30_000,
    }, async () => {
      execFileSync('mkfifo', [path.join(machine.tree, 'gate')]);
      machine.give('npm', 'echo "npm ci" >>"$CALLS"; mkdir -p node_modules; read -r _ <gate');
      const first = machine.start();
      await new Promise((resolve) => first.child.stdout?.once('data', resolve));
      const second = machine.start();
      const [said] = await new Promise<[Buffer]>((resolve) =>
        second.child.stdout?.once('data', (...data: [Buffer]) => resolve(data)),
      );
      assert.match(String(said), /waiting for another set-up/);
      writeFileSync(path.join(machine.tree, 'gate'), 'go on\n');
      const outcomes = await Promise.all([first.outcome, second.outcome]);
      assert.deepEqual(
        outcomes.map(({ code }) => code),
        [0, 0],
      );
      assert.equal(count(outcomes[1].calls), 1);
    });
  });

  describe('codec', () => {
    const node = (onLoad: string): string =>
      `[ "$1" = -p ] || { case "$2" in ${onLoad} esac; exit 0; }\n${fakeNode('20.20.2', 115)}`;

    test('one that loads is enough', async () => {
      machine.give('node', node('*discordjs*) exit 1 ;;'));
      assert.equal((await machine.run()).code, 0);
    });

    test('none that loads ends with 78 and what to install', async () => {
      machine.give('node', node('*opus*) exit 1 ;;'));
      const { code, err } = await machine.run();
      assert.equal(code, 78);
      assert.match(err, /no Opus codec loads[\s\S]*apt-get install build-essential python3/);
    });

    test('one that kills node is no codec, and another one does not hide that', async () => {
      machine.give('node', node('*discordjs*) kill -9 $$ ;;'));
      const { code, err } = await machine.run();
      assert.equal(code, 78);
      assert.match(err, /@discordjs\/opus crashes Node 20\.20\.2/);
      assert.ok(!/killed/i.test(err.replace(/setup:.*/g, '')), 'the shell adds nothing');
    });
  });
});
