// What a snapshot shows of real networks, made for it in namespaces of their own.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Sighting } from '../../../src/adapters/linux/network-snapshot.ts';
import { snapshot } from '../../../src/adapters/linux/network-snapshot.ts';
import { chosenSource } from '../../../src/adapters/linux/route-probe.ts';
import { type Namespaces, namespaces, needsNamespaces } from '../../helpers/netns.ts';
import { type Observer, observer } from './observer.ts';

const SCRIPT = 'told(async (destination) => tell(await adapter.snapshot({ destination })));';

describe('a snapshot of the network', needsNamespaces(), () => {
  let net: Namespaces;
  let box = '';
  let far = '';
  let eye: Observer;

  beforeEach(async () => {
    net = await namespaces(2);
    [box = '', far = ''] = net.names;
    await net.link(
      { ns: box, name: 'eth0', addresses: ['10.7.0.1/24', 'fd07::1/64'] },
      { ns: far, name: 'far0', addresses: ['10.7.0.2/24', 'fd07::2/64'] },
    );
    eye = observer(net, box, ['network-snapshot'], SCRIPT);
  });
  afterEach(() => net?.remove());

  const ip = (...words: readonly string[]) => net.run(box, ['ip', ...words]);
  async function look(destination: string | null = null, by: Observer = eye): Promise<Sighting> {
    by.tell(destination);
    return (await by.seen.next(() => true, 'a snapshot')) as Sighting;
  }
  const source = async (destination: string | null) => (await look(destination)).source;
  function named(sighting: Sighting, name: string) {
    const found = sighting.interfaces.find((one) => one.name === name);
    // Link-local addresses come a second or two after the interface.
    return (
      found && { carrier: found.carrier, addresses: found.addresses.filter((one) => !one.startsWith('fe80')) }
    );
  }
  const eth0 = async () => named(await look(), 'eth0');
  async function becomes(condition: () => Promise<boolean>): Promise<void> {
    const deadline = AbortSignal.timeout(20_000);
    while (!(await condition())) assert.equal(deadline.aborted, false, 'not within 20 s');
  }

  /** From then on Node hides its addresses: up to a second after the cable is out. */
  const knownDown = (name: string) =>
    becomes(async () => !(await ip('-o', 'link', 'show', 'dev', name)).includes('state UP'));

  it('has every interface but the loopback, with the addresses of both families', async () => {
    const sighting = await look();
    assert.deepEqual(
      sighting.interfaces.map(({ name }) => name),
      ['eth0'],
    );
    assert.deepEqual(named(sighting, 'eth0'), { carrier: true, addresses: ['10.7.0.1', 'fd07::1'] });
  });

  it('keeps the addresses of an interface whose cable is out', async () => {
    await ip('address', 'add', '10.7.1.1/32', 'dev', 'eth0');
    await net.run(far, ['ip', 'link', 'set', 'far0', 'down']);
    const addresses = ['10.7.0.1', '10.7.1.1', 'fd07::1'];
    assert.deepEqual(await eth0(), { carrier: false, addresses });
    await knownDown('eth0');
    assert.deepEqual(await eth0(), { carrier: false, addresses });
    await ip('address', 'del', '10.7.1.1/32', 'dev', 'eth0');
    assert.deepEqual(await eth0(), { carrier: false, addresses: ['10.7.0.1', 'fd07::1'] });
    await net.run(far, ['ip', 'link', 'set', 'far0', 'up']);
    await becomes(async () => (await eth0())?.carrier === true);
    assert.deepEqual(await eth0(), { carrier: true, addresses: ['10.7.0.1', 'fd07::1'] });
  });

  it('counts what the carrier did between two looks, whatever was announced of it', async () => {
    const changes = async () =>
      (await look(null)).interfaces.find(({ name }) => name === 'eth0')?.carrierChanges ?? Number.NaN;
    const before = await changes();
    for (const state of ['down', 'up', 'down', 'up'])
      await net.run(far, ['ip', 'link', 'set', 'far0', state]);
    assert.equal((await changes()) - before, 4);
    await becomes(async () => (await eth0())?.carrier === true);
  });

  it('gives each of two interfaces without a cable its own addresses', async () => {
    await net.link(
      { ns: box, name: 'aaa0', addresses: ['10.7.128.1/17'] },
      { ns: far, name: 'far1', addresses: [] },
    );
    await net.run(far, ['ip', 'link', 'set', 'far0', 'down']);
    await net.run(far, ['ip', 'link', 'set', 'far1', 'down']);
    await knownDown('eth0');
    await knownDown('aaa0');
    // A wide route on the one must not draw the other's addresses to it.
    await ip('route', 'add', '10.0.0.0/8', 'dev', 'aaa0');
    const sighting = await look();
    assert.deepEqual(named(sighting, 'aaa0'), { carrier: false, addresses: ['10.7.128.1'] });
    assert.deepEqual(named(sighting, 'eth0'), { carrier: false, addresses: ['10.7.0.1', 'fd07::1'] });
  });

  it('shows an interface that is switched off with what the kernel keeps of it: its IPv4 addresses', async () => {
    await ip('link', 'set', 'eth0', 'down');
    assert.deepEqual(await eth0(), { carrier: false, addresses: ['10.7.0.1'] });
    await ip('link', 'set', 'eth0', 'up');
    await becomes(async () => (await eth0())?.carrier === true);
    await ip('address', 'add', 'fd07::1/64', 'dev', 'eth0', 'nodad');
    assert.deepEqual(await eth0(), { carrier: true, addresses: ['10.7.0.1', 'fd07::1'] });
  });

  it('shows an address that was removed no more, and one that was added', async () => {
    await ip('address', 'add', '10.7.0.9/24', 'dev', 'eth0');
    await ip('address', 'del', '10.7.0.1/24', 'dev', 'eth0');
    // The kernel takes the second address of a subnet away with its first.
    assert.deepEqual(await eth0(), { carrier: true, addresses: ['fd07::1'] });
    await ip('address', 'add', '10.7.0.1/24', 'dev', 'eth0');
    assert.deepEqual(await eth0(), { carrier: true, addresses: ['10.7.0.1', 'fd07::1'] });
  });

  it('leaves out IPv6 addresses that are still being asked for, or belong to somebody else', async () => {
    await net.run(box, ['sysctl', '-q', '-w', 'net.ipv6.conf.eth0.dad_transmits=1000']);
    await ip('address', 'add', 'fd07::8/64', 'dev', 'eth0');
    assert.match(await ip('address', 'show', 'dev', 'eth0', 'tentative'), /fd07::8/);
    assert.deepEqual((await eth0())?.addresses, ['10.7.0.1', 'fd07::1']);
    await ip('address', 'del', 'fd07::8/64', 'dev', 'eth0');
    await net.run(box, ['sysctl', '-q', '-w', 'net.ipv6.conf.eth0.dad_transmits=1']);
    await ip('address', 'add', 'fd07::2/64', 'dev', 'eth0');
    await becomes(async () =>
      (await ip('address', 'show', 'dev', 'eth0', 'dadfailed')).includes('fd07::2/64'),
    );
    assert.deepEqual((await eth0())?.addresses, ['10.7.0.1', 'fd07::1']);
  });

  it('has the default routes, the preferred one of each family first, and follows when one moves', async () => {
    await net.link(
      { ns: box, name: 'wlan0', addresses: ['10.8.0.1/24', 'fd08::1/64'] },
      { ns: far, name: 'far2', addresses: ['10.8.0.2/24', 'fd08::2/64'] },
    );
    assert.deepEqual((await look()).routes, []);
    await ip('route', 'add', 'default', 'via', '10.8.0.2', 'metric', '600');
    await ip('route', 'add', 'default', 'via', '10.7.0.2', 'metric', '100');
    await ip('-6', 'route', 'add', 'default', 'via', 'fd08::2', 'metric', '600');
    await ip('-6', 'route', 'add', 'default', 'via', 'fd07::2', 'metric', '9');
    // The kernel lists this table before the main one.
    await ip('-6', 'route', 'add', 'default', 'via', 'fd08::2', 'metric', '900', 'table', '100');
    const way = async () =>
      (await look()).routes.map((route) => `${route.family} ${route.interface} ${route.gateway}`);
    const eth = ['4 eth0 10.7.0.2', '6 eth0 fd07::2'];
    const wlan = ['4 wlan0 10.8.0.2', '6 wlan0 fd08::2'];
    assert.deepEqual(await way(), [eth[0], wlan[0], eth[1], wlan[1], wlan[1]]);
    await ip('route', 'del', 'default', 'via', '10.7.0.2');
    await ip('-6', 'route', 'del', 'default', 'via', 'fd07::2');
    assert.deepEqual(await way(), [...wlan, wlan[1]]);
    assert.equal(await source('192.0.2.1'), '10.8.0.1');
    assert.equal(await source('2001:db8::1'), 'fd08::1');
    await ip('link', 'del', 'wlan0');
    assert.deepEqual(await way(), []);
  });

  it('has a default route without a gateway, and none that refuses', async () => {
    await ip('route', 'add', 'unreachable', 'default', 'metric', '5');
    await ip('-6', 'route', 'add', 'unreachable', 'default', 'metric', '5');
    assert.deepEqual((await look()).routes, []);
    assert.equal(await source('192.0.2.1'), 'unreachable');
    await ip('route', 'del', 'unreachable', 'default', 'metric', '5');
    await ip('route', 'add', 'default', 'dev', 'eth0');
    assert.deepEqual((await look()).routes, [
      { family: 4, interface: 'eth0', gateway: null, gatewayMac: null },
    ]);
  });

  it("has the gateway's hardware address as soon as the kernel knows it", async () => {
    await ip('route', 'add', 'default', 'via', '10.7.0.77');
    const mac = async () => (await look()).routes.map(({ gatewayMac }) => gatewayMac);
    assert.deepEqual(await mac(), [null]);
    await ip('neighbour', 'add', '10.7.0.77', 'dev', 'eth0', 'nud', 'incomplete');
    assert.deepEqual(await mac(), [null]);
    await ip('neighbour', 'replace', '10.7.0.77', 'dev', 'eth0', 'lladdr', '02:00:5e:10:00:07');
    assert.deepEqual(await mac(), ['02:00:5e:10:00:07']);
  });

  it('asks the kernel about the server itself: on the LAN without a default route, and beyond it with one', async () => {
    assert.equal(await source(null), 'unknown');
    assert.equal(await source('10.7.0.2'), '10.7.0.1');
    assert.equal(await source('fd07::2'), 'fd07::1');
    assert.equal(await source('192.0.2.1'), 'unreachable');
    assert.equal(await source('2001:db8::1'), 'unreachable');
    await ip('route', 'add', 'default', 'via', '10.7.0.2');
    assert.equal(await source('192.0.2.1'), '10.7.0.1');
    assert.equal(await source('2001:db8::1'), 'unreachable');
  });

  it('sends nothing, to the server or to find it', async () => {
    const sent = async () => {
      const counters = await net.run(box, ['cat', '/proc/net/snmp']);
      return /^Udp: \d+ \d+ \d+ (\d+)/m.exec(counters)?.[1];
    };
    const before = await sent();
    assert.equal(await source('10.7.0.2'), '10.7.0.1');
    assert.equal(await source('fd07::2'), 'fd07::1');
    assert.equal(await sent(), before);
    assert.equal(await ip('neighbour', 'show', 'to', '10.7.0.2'), '');
  });

  it('sees that a tunnel takes the way to the server, and that it has carrier though it never says so', async () => {
    await ip('route', 'add', 'default', 'via', '10.7.0.2');
    await silentInterface('tun0');
    await ip('address', 'add', '10.66.0.1/24', 'dev', 'tun0');
    assert.equal((await net.run(box, ['cat', '/sys/class/net/tun0/operstate'])).trim(), 'unknown');
    assert.deepEqual(named(await look(), 'tun0'), { carrier: true, addresses: ['10.66.0.1'] });
    assert.equal(await source('192.0.2.1'), '10.7.0.1');
    await ip('route', 'add', '192.0.2.0/24', 'dev', 'tun0');
    assert.equal(await source('192.0.2.1'), '10.66.0.1');
    await ip('link', 'del', 'tun0');
    assert.equal(await source('192.0.2.1'), '10.7.0.1');
  });

  /** One whose driver leaves its state `unknown`, as tunnels do; which kinds there are depends on the kernel. */
  async function silentInterface(name: string): Promise<void> {
    await ip('link', 'add', name, 'type', 'dummy').catch(() => ip('link', 'add', name, 'type', 'ifb'));
    await ip('link', 'set', name, 'up');
  }

  it('finds the default route among thousands of others', async () => {
    await ip('route', 'add', 'default', 'via', '10.7.0.2');
    const many = `for a in $(seq 1 24); do for b in $(seq 1 250); do echo route add 10.$((a+20)).$b.0/24 via 10.7.0.2; done; done`;
    await net.run(box, ['sh', '-c', `(${many}) | ip -batch -`]);
    const { routes } = await look();
    assert.deepEqual(
      routes.map(({ gateway }) => gateway),
      ['10.7.0.2'],
    );
  });

  const hidden = (what: string) => ['sh', '-c', `mount -t tmpfs none ${what} && exec "$0" "$@"`];

  it('makes do with what Node knows where a sandbox hides /sys', async () => {
    const sandboxed = observer(net, box, ['network-snapshot'], SCRIPT, hidden('/sys'));
    assert.deepEqual(named(await look(null, sandboxed), 'eth0'), {
      carrier: true,
      addresses: ['10.7.0.1', 'fd07::1'],
    });
    await net.run(far, ['ip', 'link', 'set', 'far0', 'down']);
    await becomes(async () => named(await look(null, sandboxed), 'eth0')?.carrier === false);
    assert.deepEqual(named(await look(null, sandboxed), 'eth0')?.addresses, ['10.7.0.1', 'fd07::1']);
  });

  it('makes do with what Node knows where /proc is hidden as well', async () => {
    const sandboxed = observer(
      net,
      box,
      ['network-snapshot'],
      SCRIPT,
      hidden('/sys && mount -t tmpfs none /proc'),
    );
    const sighting = await look('10.7.0.2', sandboxed);
    assert.deepEqual(named(sighting, 'eth0'), { carrier: true, addresses: ['10.7.0.1', 'fd07::1'] });
    assert.deepEqual([sighting.routes, sighting.source], [[], '10.7.0.1']);
  });
});

describe('a snapshot of this machine', () => {
  it('can be taken without rights, and has no loopback', async () => {
    const { interfaces, source } = await snapshot({ destination: '127.0.0.1' });
    assert.equal(source, '127.0.0.1');
    assert.equal(
      interfaces.some(({ name }) => name === 'lo'),
      false,
    );
  });

  it('knows no way to what is no address, or cannot be one of a server', async () => {
    assert.equal(await chosenSource('speaker.example'), 'unknown');
    assert.equal(await chosenSource('255.255.255.255'), 'unreachable');
    assert.equal(await chosenSource('fe80::1'), 'unreachable');
  });
});
