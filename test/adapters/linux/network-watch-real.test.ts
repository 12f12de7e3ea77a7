// The network watch as a whole, with the real `ip`, in real networks made for it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { NetworkSnapshot } from '../../../src/ports.ts';
import { until } from '../../helpers/card.ts';
import { type Namespaces, namespaces, needsNamespaces } from '../../helpers/netns.ts';
import { type Observer, observer } from './observer.ts';

describe('the network watch in real networks', needsNamespaces(), () => {
  let net: Namespaces;
  let ns = '';
  let far = '';
  let eye: Observer;

  beforeEach(async () => {
    net = await namespaces(2);
    [ns = '', far = ''] = net.names;
    await net.link(
      { ns, name: 'eth0', addresses: ['10.7.0.1/24'] },
      { ns: far, name: 'far0', addresses: ['10.7.0.2/24'] },
    );
  });
  afterEach(() => net?.remove());

  const ip = (...words: readonly string[]) => net.run(ns, ['ip', ...words]);
  function open(more = '', around: readonly string[] = []): void {
    eye = observer(
      net,
      ns,
      ['clock', 'network-snapshot', 'network-watch'],
      `const log = { debug() {}, info() {}, warn: (fields, text) => tell({ text, ...fields }), error() {} };
      const watch = adapter.networkWatch({ clock: adapter.clock, log, destination: () => '10.7.0.2' ${more} });
      watch.start({ seen: tell });
      told(() => { watch.stop(); tell({ means: watch.means }); process.stdin.destroy(); });`,
      around,
    );
  }
  /** The first report from now on that fits. */
  const sees = (fits: (snapshot: NetworkSnapshot) => boolean, what: string) =>
    eye.seen.next((one) => isSnapshot(one) && fits(one), what, 30_000) as Promise<NetworkSnapshot>;
  const isSnapshot = (one: unknown): one is NetworkSnapshot =>
    typeof one === 'object' && one !== null && 'interfaces' in one;
  const eth0 = (snapshot: NetworkSnapshot) => snapshot.interfaces.find(({ name }) => name === 'eth0');

  for (const [how, more] of Object.entries({ 'by the kernel': '', 'by polling': ', doorbell: false' })) {
    it(`learns ${how} what happens to cable, addresses and routes, in that order`, async () => {
      open(more);
      await sees(({ source }) => source === '10.7.0.1', 'the start');
      await net.run(far, ['ip', 'link', 'set', 'far0', 'down']);
      await sees((snapshot) => eth0(snapshot)?.carrier === false, 'the cable out');
      await net.run(far, ['ip', 'link', 'set', 'far0', 'up']);
      await sees((snapshot) => eth0(snapshot)?.carrier === true, 'the cable in');
      await ip('address', 'del', '10.7.0.1/24', 'dev', 'eth0');
      const without = await sees(({ source }) => source === 'unreachable', 'the address gone');
      assert.equal(eth0(without)?.addresses.includes('10.7.0.1'), false);
      await ip('address', 'add', '10.7.0.5/24', 'dev', 'eth0');
      await sees(({ source }) => source === '10.7.0.5', 'another address');
      await ip('route', 'add', 'default', 'via', '10.7.0.2');
      await sees(({ routes }) => routes.some((route) => route.gateway === '10.7.0.2'), 'a default route');
      await ip('route', 'del', 'default');
      await sees(({ routes }) => routes.length === 0, 'the default route gone');
    });
  }

  it('starts with nothing but a loopback, and sees the first interface come', async () => {
    await ip('link', 'del', 'eth0');
    open();
    const nothing = await sees(() => true, 'the start');
    assert.deepEqual([nothing.interfaces, nothing.source], [[], 'unreachable']);
    await net.link({ ns, name: 'wlan0', addresses: ['10.7.0.1/24'] }, { ns: far, name: 'far1' });
    await sees(({ source }) => source === '10.7.0.1', 'the interface');
  });

  it('is not woken by the bridge of containers, nor by what comes and goes on it', async () => {
    // Its link-local address would come when it likes, and be a reason to report.
    await net.run(ns, ['sysctl', '-q', '-w', 'net.ipv6.conf.eth0.disable_ipv6=1']);
    open(`, look: async (wanted) => {
      const sighting = await adapter.snapshot(wanted);
      tell({ looked: sighting.interfaces.map(({ name }) => name) });
      return sighting;
    }`);
    await sees(() => true, 'the start');
    const reports = () => eye.seen.all.filter(isSnapshot).length;
    const before = reports();
    await ip('link', 'add', 'docker0', 'type', 'bridge');
    await ip('address', 'add', '172.17.0.1/16', 'dev', 'docker0');
    await ip('link', 'set', 'docker0', 'up');
    await ip('link', 'add', 'name', 'veth1', 'type', 'veth', 'peer', 'name', 'veth2');
    await ip('link', 'set', 'veth1', 'master', 'docker0', 'up');
    await eye.seen.next(
      (one) => JSON.stringify(one) === '{"looked":["docker0","eth0","veth1","veth2"]}',
      'a look at them',
    );
    assert.equal(reports(), before);
    await ip('address', 'add', '10.7.0.5/24', 'dev', 'eth0');
    const ours = await sees((snapshot) => eth0(snapshot)?.addresses.length === 2, 'what is ours');
    assert.equal(ours.interfaces.length, 4);
  });

  it('goes on when its monitor is killed, and when there is none', async () => {
    open();
    await sees(() => true, 'the start');
    const monitor = async () =>
      Number(await net.run(ns, ['pgrep', '-P', String(eye.process.pid), '-x', 'ip']).catch(() => ''));
    const other = async (than: number) => {
      const deadline = AbortSignal.timeout(20_000);
      for (;;) {
        const now = await monitor();
        if (now !== 0 && now !== than) return now;
        assert.equal(deadline.aborted, false, 'no other monitor within 20 s');
      }
    };
    const killed = await other(0);
    process.kill(killed, 'SIGKILL');
    await other(killed);
    await ip('address', 'add', '10.7.0.5/24', 'dev', 'eth0');
    await sees((snapshot) => eth0(snapshot)?.addresses.includes('10.7.0.5') === true, 'an address');
    open('', ['env', 'PATH=/nonexistent']);
    await sees(() => true, 'the start without `ip`');
    await ip('address', 'del', '10.7.0.5/24', 'dev', 'eth0');
    await sees((snapshot) => eth0(snapshot)?.addresses.includes('10.7.0.5') === false, 'no address');
    eye.tell('stop');
    await eye.seen.next(
      (one) => JSON.stringify(one) === '{"means":"polling (ip is not installed)"}',
      'its means',
    );
  });

  it('leaves nothing behind when it is stopped: no child, and nothing that keeps the process', async () => {
    open();
    await sees(() => true, 'the start');
    eye.tell('stop');
    await eye.seen.next((one) => JSON.stringify(one) === '{"means":"ip monitor"}', 'its means');
    await until(() => eye.process.exitCode === 0, 'the process ends by itself');
    assert.equal(execFileSync('ip', ['netns', 'pids', ns], { encoding: 'utf8' }), '');
  });
});
