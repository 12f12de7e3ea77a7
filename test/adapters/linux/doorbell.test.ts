// The doorbell with the real `ip` in a network of its own, and with programs in its place that die, flood or do not exist.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Doorbell, doorbell } from '../../../src/adapters/linux/doorbell.ts';
import { childrenNamed, until } from '../../helpers/card.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';
import { type Namespaces, namespaces, needsNamespaces } from '../../helpers/netns.ts';
import { type Observer, observer } from './observer.ts';
import { type StandIn, standIn } from './stand-in.ts';

/** How a stand-in stays alive and silent. */
const STAY = 'exec sleep 1000';

describe('the doorbell with a stand-in', () => {
  let clock: HandClock;
  let program: StandIn;
  let bell: Doorbell;
  let heard: string[];

  beforeEach(() => {
    clock = handClock();
    heard = [];
  });
  afterEach(async () => {
    bell.stop();
    await until(() => children().length === 0, 'every child has gone');
    await program.remove();
  });

  const ears = {
    rang: () => heard.push('rang'),
    gone: (reason: string) => heard.push(`gone: ${reason}`),
    back: () => heard.push('back'),
  };
  /** Each child leaves a line in the file `starts`. */
  async function begin(script: string): Promise<void> {
    program = await standIn('ip', `echo "$*" >> "$FOLDER/starts"\n${script}`);
    beginWith(program.environment);
  }
  function beginWith(environment: Record<string, string | undefined>): void {
    bell = doorbell({ clock, environment });
    bell.start(ears);
  }
  const children = () => childrenNamed('ip', 'sh', 'sleep', 'cat', 'seq');
  const starts = () => readFileSync(join(program.folder, 'starts'), 'utf8').trim().split('\n');
  const exists = (file: string) => existsSync(join(program.folder, file));
  const rings = () => heard.filter((what) => what === 'rang').length;
  const words = () => heard.filter((what) => what !== 'rang');
  const rung = (count: number) => until(() => rings() >= count, `${count} rings, not ${rings()}`);

  it('asks for what changes of links, addresses and routes, a line each', async () => {
    await begin(STAY);
    await until(() => exists('starts') && starts()[0] !== '', 'a child');
    assert.deepEqual(starts(), ['-o monitor link address route']);
  });

  it('rings when its child starts, after 100 ms and after a second, for what was missed meanwhile', async () => {
    await begin(STAY);
    assert.deepEqual(heard, [], 'not from inside start');
    await rung(1);
    clock.advance(99);
    assert.equal(rings(), 1);
    clock.advance(1);
    assert.equal(rings(), 2);
    clock.advance(900);
    assert.equal(rings(), 3);
    clock.advance(600_000);
    assert.deepEqual(heard, ['rang', 'rang', 'rang']);
  });

  for (const [what, says] of Object.entries({
    'a line': 'echo "2: eth0 whatever"',
    'half a line': 'printf x',
    'a complaint': 'echo "netlink receive error No buffer space available (105)" >&2',
  })) {
    it(`rings for ${what}`, async () => {
      await begin(`mkfifo "$FOLDER/go"; read go < "$FOLDER/go"; ${says}; ${STAY}`);
      await until(() => rings() === 1 && exists('go'), 'a child that waits');
      await writeFile(join(program.folder, 'go'), '\n');
      await rung(2);
    });
  }

  /** Each short life is two rings: birth and death. */
  const lived = (lives: number) => rung(2 * lives);

  it('starts a child that died again after 0.2, 1, 5 and 30 s, and rings for birth and death', async () => {
    await begin('exit 3');
    const delaysMs = [200, 1_000, 5_000, 30_000, 30_000];
    for (const [before, delayMs] of delaysMs.entries()) {
      await lived(before + 1);
      clock.advance(delayMs - 1);
      assert.equal(children().length, 0, `${delayMs} ms are not over`);
      clock.advance(1);
      assert.equal(children().length, 1);
    }
    await lived(delaysMs.length + 1);
    assert.equal(rings(), 2 * (delaysMs.length + 1));
  });

  it('says that it is gone at the third death in a minute, with the last words, and that it is back', async () => {
    await begin(`lives=$(wc -l < "$FOLDER/starts")
      [ $lives -gt 4 ] && ${STAY}
      [ $lives -eq 3 ] && { echo 'Usage: ip addr'; echo 'ip: unknown word "monitor"'; } >&2
      exit 255`);
    await lived(1);
    clock.advance(200);
    await lived(2);
    assert.deepEqual(words(), []);
    clock.advance(1_000);
    await until(() => words().length > 0, 'gone');
    const gone = 'gone: ip monitor ended (exit code 255): ip: unknown word "monitor"';
    assert.deepEqual(words(), [gone]);
    const before = rings();
    clock.advance(5_000);
    await rung(before + 2);
    clock.advance(30_000);
    await rung(before + 3);
    clock.advance(59_999);
    assert.deepEqual(words(), [gone], 'neither twice, nor back too early');
    clock.advance(1);
    assert.deepEqual(words(), [gone, 'back']);
  });

  it('takes a death after a minute of life for a first one', async () => {
    await begin(STAY);
    for (let life = 0; life < 4; life += 1) {
      // Birth, two looks, death.
      await rung(4 * life + 1);
      clock.advance(60_000);
      for (const pid of children()) process.kill(pid, 'SIGKILL');
      await rung(4 * life + 4);
      clock.advance(200);
    }
    await rung(17);
    assert.deepEqual(words(), []);
  });

  it('is not deceived by a child of the child that keeps the pipe open', async () => {
    await begin(`sleep 2 & exit 3`);
    await rung(1);
    await until(() => children().length === 0, 'it has ended');
    assert.equal(rings(), 1);
    clock.advance(1_000);
    assert.equal(rings(), 2);
  });

  it('says at once that there is no `ip`, and looks again every five minutes', async () => {
    program = await standIn('ip.later', `echo born >> "$FOLDER/starts"; ${STAY}`);
    const { folder } = program;
    beginWith({ FOLDER: folder, PATH: folder });
    await until(() => words().length > 0, 'gone');
    clock.advance(299_999);
    assert.deepEqual(heard, ['rang', 'gone: ip is not installed']);
    clock.advance(1);
    await rung(2);
    assert.deepEqual(words(), ['gone: ip is not installed'], 'said once');
    await writeFile(join(folder, 'ip'), `#!/bin/sh\nPATH=/bin:/usr/bin\n${STAY}\n`);
    await chmod(join(folder, 'ip'), 0o755);
    clock.advance(300_000);
    await rung(3);
    clock.advance(60_000);
    assert.deepEqual(words(), ['gone: ip is not installed', 'back']);
  });

  it('takes an `ip` that must not be run, or a start that fails in this process, for a death', async () => {
    program = await standIn('ip', STAY);
    await chmod(join(program.folder, 'ip'), 0o644);
    beginWith({ PATH: program.folder });
    await rung(1);
    clock.advance(200);
    await rung(2);
    clock.advance(1_000);
    await rung(3);
    assert.deepEqual(words(), ['gone: ip cannot be started: Error: spawn ip EACCES']);
    bell.stop();
    heard = [];
    beginWith({ PATH: 'no\0path' });
    assert.deepEqual(heard, [], 'not from inside start');
    clock.advance(0);
    assert.equal(rings(), 1);
  });

  it('reads a flood only as fast as its clock allows, and to the end', async () => {
    await begin(`seq 1000000 1300000; touch "$FOLDER/done"; ${STAY}`);
    await rung(2);
    let reads = 0;
    await until(() => {
      clock.advance(10);
      reads += 1;
      return exists('done');
    }, 'the end of the flood');
    assert.ok(reads >= 10, `2.4 MB cannot have been read in ${reads} times`);
    assert.ok(rings() <= reads + 4, `${rings()} rings for ${reads} reads`);
  });

  it('leaves a child that floods waiting while the clock stands still', async () => {
    await begin(`seq 1000000 1300000; touch "$FOLDER/done"; ${STAY}`);
    await rung(2);
    await until(() => children().some(waitsForPipe), 'a child that cannot get rid of its words');
    assert.deepEqual([rings(), exists('done')], [2, false]);
  });
  const waitsForPipe = (pid: number) => {
    const within = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return within.some(
      (inner) => inner !== '' && /pipe|sock|unix/.test(readFileSync(`/proc/${inner}/wchan`, 'utf8')),
    );
  };

  it('survives garbage without a line end, on both pipes', async () => {
    await begin('cat /dev/zero >&2 & exec cat /dev/urandom');
    await rung(2);
    for (let at = 0; at < 20; at += 1) {
      const before = rings();
      clock.advance(10);
      await rung(before + 1);
    }
    assert.ok(rings() <= 60, `${rings()} rings`);
  });

  for (const [what, script] of Object.entries({
    'that is stopped': `kill -STOP $$; ${STAY}`,
    'that heeds no polite signal': `trap '' TERM INT HUP; touch "$FOLDER/deaf"; while :; do sleep 1; done`,
    'that floods': 'exec cat /dev/zero',
  })) {
    it(`ends a child ${what}, and reports nothing of it`, async () => {
      await begin(script);
      await rung(1);
      if (what.includes('polite')) await until(() => exists('deaf'), 'it is deaf');
      bell.stop();
      const before = heard.length;
      assert.equal(clock.pending(), 0);
      await until(() => children().length === 0, 'it has gone');
      assert.deepEqual([heard.length, clock.pending()], [before, 0]);
    });
  }

  it('can be stopped before its child has started, twice, and started again, twice', async () => {
    await begin(STAY);
    bell.stop();
    bell.stop();
    await until(() => children().length === 0, 'no child');
    assert.deepEqual([heard, clock.pending()], [[], 0]);
    bell.start(ears);
    bell.start(ears);
    await rung(1);
    assert.equal(children().length, 1);
  });
});

describe('the doorbell with the real `ip`', needsNamespaces(), () => {
  let net: Namespaces;
  let ns = '';
  let ear: Observer;

  beforeEach(async () => {
    net = await namespaces(1);
    [ns = ''] = net.names;
    await net.link({ ns, name: 'eth0', addresses: ['10.7.0.1/24'] }, { ns, name: 'far0' });
    // Only what is heard counts here: the looks after its start are left out, the pauses between reads are not.
    ear = observer(
      net,
      ns,
      ['clock', 'doorbell'],
      `const after = (ms, fire) => (ms === 10 ? adapter.clock.after(ms, fire) : () => {});
      adapter.doorbell({ clock: { ...adapter.clock, after } }).start({ rang: () => tell('rang'), gone: tell, back() {} });`,
    );
    await ear.seen.next((one) => one === 'rang', 'its start');
    await listening();
  });
  afterEach(() => net?.remove());

  /** A netlink socket that has joined groups: from now on it misses nothing. */
  async function listening(): Promise<void> {
    const deadline = AbortSignal.timeout(20_000);
    const joined = /^\S+ +0 +\d+ +(?!00000000)[0-9a-f]{8}/m;
    while (!joined.test(await net.run(ns, ['cat', '/proc/net/netlink']))) {
      assert.equal(deadline.aborted, false, 'it does not listen within 20 s');
    }
  }

  for (const [what, words] of Object.entries({
    'an address that goes': ['address', 'del', '10.7.0.1/24', 'dev', 'eth0'],
    'an address that comes': ['address', 'add', 'fd07::1/64', 'dev', 'eth0'],
    'an interface that is switched off': ['link', 'set', 'eth0', 'down'],
    'a cable pulled at the other end': ['link', 'set', 'far0', 'down'],
    'an interface that comes': ['link', 'add', 'name', 'usb0', 'type', 'veth', 'peer', 'name', 'usb1'],
    'a route that comes': ['route', 'add', '192.0.2.0/24', 'dev', 'eth0'],
    'an IPv6 route that comes': ['-6', 'route', 'add', '2001:db8::/32', 'dev', 'eth0'],
  })) {
    it(`rings for ${what}`, async () => {
      const before = ear.seen.all.length;
      await net.run(ns, ['ip', ...words]);
      await ear.seen.next(() => true, 'a ring');
      assert.deepEqual(ear.seen.all.slice(before, before + 1), ['rang']);
    });
  }

  it('rings when its child is killed', async () => {
    const pids = await net.run(ns, ['pgrep', '-P', String(ear.process.pid), '-x', 'ip']);
    process.kill(Number(pids.trim()), 'SIGKILL');
    await ear.seen.next((one) => one === 'rang', 'a ring');
  });
});
