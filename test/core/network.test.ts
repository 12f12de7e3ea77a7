// What a change of the network means, a row a sentence: for the connection that there is, and for attempts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkSnapshot } from '../../src/core/events.ts';
import { mayReach, wayOf } from '../../src/core/network.ts';
import { compare } from '../../src/core/network-change.ts';
import { address, DOWN, flickered, HOME, LAN, SIX, unplugged, VPN, WIFI } from '../helpers/networks.ts';

const OWN = { local: '192.168.1.7', quiet: true };
const TALKING = { ...OWN, quiet: false };

type Row = readonly [
  sentence: string,
  before: NetworkSnapshot | null,
  after: NetworkSnapshot,
  own: typeof OWN | null,
  expected: { socket: string; back: boolean; reasons: readonly RegExp[] },
];

const NOTHING = { socket: 'keep', back: false, reasons: [] };
const BESIDE: NetworkSnapshot = {
  ...HOME,
  interfaces: [
    ...HOME.interfaces,
    { name: 'eth1', carrier: true, carrierChanges: 1, addresses: ['10.1.1.1'] },
  ],
};
const noCarrier = unplugged(HOME, 'eth0');
const plug = { name: 'eth0', carrier: true, carrierChanges: 0, addresses: ['192.168.1.7'] };
/** A radio network beside the cable, which is preferred. */
const FALLBACK: NetworkSnapshot = {
  ...HOME,
  interfaces: [...HOME.interfaces, ...WIFI.interfaces],
  routes: [...HOME.routes, ...WIFI.routes],
};
const cableOut = unplugged(FALLBACK, 'eth0');
/** The cable has been out for long enough: its address and its route are taken away. */
const FALLEN: NetworkSnapshot = {
  ...address(cableOut, '192.168.1.7'),
  routes: WIFI.routes,
  source: '192.168.7.3',
};

const ROWS: readonly Row[] = [
  ['nothing has changed', HOME, HOME, OWN, NOTHING],
  ['the first look finds a network', null, HOME, null, NOTHING],
  ['the first look finds none', null, DOWN, null, NOTHING],
  [
    'the own address is gone, another has come',
    HOME,
    address(HOME, '192.168.1.7', '192.168.1.9'),
    OWN,
    { socket: 'drop', back: true, reasons: [/192\.168\.1\.9/, /own address 192\.168\.1\.7 is gone/] },
  ],
  [
    'the own address is gone, and in a turn that is as true',
    HOME,
    address(HOME, '192.168.1.7', '192.168.1.9'),
    TALKING,
    { socket: 'drop', back: true, reasons: [/now, not/, /gone/] },
  ],
  [
    'the interface is gone',
    HOME,
    DOWN,
    OWN,
    { socket: 'drop', back: false, reasons: [/no way to the server/, /gone/] },
  ],
  [
    'the carrier is lost: the connection may live on',
    HOME,
    noCarrier,
    OWN,
    { socket: 'keep', back: false, reasons: [/no way to the server/] },
  ],
  [
    'the carrier is lost, and the kernel shows no address without it',
    HOME,
    {
      ...noCarrier,
      interfaces: [{ name: 'eth0', carrier: false, carrierChanges: 0, addresses: [] }],
      source: 'unreachable',
    },
    OWN,
    { socket: 'keep', back: false, reasons: [/no way to the server/] },
  ],
  [
    'the carrier is back with the same address',
    noCarrier,
    HOME,
    OWN,
    { socket: 'probe', back: true, reasons: [/network is back: eth0 \(192\.168\.1\.7\)/, /carrier of eth0/] },
  ],
  [
    'the carrier went and came back between two looks',
    HOME,
    flickered(HOME, 'eth0', 2),
    OWN,
    { socket: 'probe', back: false, reasons: [/carrier of eth0/] },
  ],
  ['the carrier of another interface went and came back', BESIDE, flickered(BESIDE, 'eth1', 2), OWN, NOTHING],
  [
    'the cable is out, and the kernel goes on sending into it though there is another way',
    FALLBACK,
    cableOut,
    OWN,
    { socket: 'keep', back: false, reasons: [/no way to the server/] },
  ],
  [
    'the cable has been out for so long that the kernel takes the other way',
    cableOut,
    FALLEN,
    OWN,
    { socket: 'drop', back: true, reasons: [/network is back: wlan0/, /own address 192\.168\.1\.7 is gone/] },
  ],
  [
    'the kernel takes the other way, and the old address is still there',
    cableOut,
    { ...cableOut, routes: WIFI.routes, source: '192.168.7.3' },
    OWN,
    { socket: 'move', back: true, reasons: [/network is back: wlan0/] },
  ],
  [
    'the carrier is back after the address had been hidden with it',
    { ...noCarrier, interfaces: [{ ...plug, carrier: false, addresses: [] }], source: 'unreachable' },
    HOME,
    OWN,
    { socket: 'keep', back: true, reasons: [/network is back/] },
  ],
  [
    'an address has come, and where the server is is not known',
    { ...LAN, interfaces: [], source: 'unknown' },
    { ...LAN, source: 'unknown' },
    null,
    { socket: 'keep', back: true, reasons: [/^the network is back$/] },
  ],
  [
    'another connection than the kernel would make, from its beginning',
    { ...VPN, source: '192.168.1.7' },
    { ...VPN, source: '192.168.1.7', routes: [] },
    { ...OWN, local: '10.8.0.2' },
    NOTHING,
  ],
  [
    'another gateway with another number',
    HOME,
    {
      ...HOME,
      routes: HOME.routes.map((route) => ({
        ...route,
        gateway: '192.168.1.2',
        gatewayMac: '02:00:00:00:00:99',
      })),
    },
    OWN,
    NOTHING,
  ],
  [
    'another gateway on another interface',
    FALLBACK,
    {
      ...FALLBACK,
      routes: [
        ...HOME.routes,
        ...WIFI.routes.map((route) => ({ ...route, gatewayMac: '02:00:00:00:00:99' })),
      ],
    },
    OWN,
    NOTHING,
  ],
  ['the network is back', DOWN, HOME, null, { socket: 'keep', back: true, reasons: [/network is back/] }],
  [
    'a better way has come while nobody talks',
    HOME,
    {
      ...WIFI,
      interfaces: [...HOME.interfaces, ...WIFI.interfaces],
      routes: [...WIFI.routes, ...HOME.routes],
    },
    OWN,
    { socket: 'move', back: true, reasons: [/is wlan0 \(192\.168\.7\.3\) now, not eth0/] },
  ],
  [
    'a better way has come in a turn',
    HOME,
    {
      ...WIFI,
      interfaces: [...HOME.interfaces, ...WIFI.interfaces],
      routes: [...WIFI.routes, ...HOME.routes],
    },
    TALKING,
    { socket: 'double', back: true, reasons: [/wlan0/] },
  ],
  [
    'a tunnel is up and the way goes through it',
    HOME,
    VPN,
    OWN,
    { socket: 'move', back: true, reasons: [/is wg0 \(10\.8\.0\.2\) now/] },
  ],
  [
    'the tunnel is down again',
    VPN,
    HOME,
    { ...OWN, local: '10.8.0.2' },
    { socket: 'drop', back: true, reasons: [/eth0/, /10\.8\.0\.2 is gone/] },
  ],
  [
    'a fresh private address of the same interface is preferred',
    SIX,
    { ...address(SIX, '2001:db8::7', '2001:db8::8', '2001:db8::7'), source: '2001:db8::8' },
    { local: '2001:db8::7', quiet: true },
    { socket: 'keep', back: false, reasons: [/2001:db8::8/] },
  ],
  [
    'an address has come elsewhere',
    HOME,
    {
      ...HOME,
      interfaces: [
        ...HOME.interfaces,
        { name: 'eth1', carrier: true, carrierChanges: 0, addresses: ['10.1.1.1'] },
      ],
    },
    OWN,
    NOTHING,
  ],
  [
    'another gateway answers by the same number',
    HOME,
    { ...HOME, routes: HOME.routes.map((route) => ({ ...route, gatewayMac: '02:00:00:00:00:99' })) },
    OWN,
    { socket: 'probe', back: false, reasons: [/another gateway answers on eth0/] },
  ],
  [
    'the gateway is not known to the kernel for a while',
    HOME,
    { ...HOME, routes: HOME.routes.map((route) => ({ ...route, gatewayMac: null })) },
    OWN,
    NOTHING,
  ],
  [
    'a short sleep',
    HOME,
    { ...HOME, sleptMs: 30_000 },
    OWN,
    { socket: 'keep', back: false, reasons: [/slept for 30 s/] },
  ],
  [
    'a sleep of 31 s',
    HOME,
    { ...HOME, sleptMs: 31_000 },
    OWN,
    { socket: 'probe', back: true, reasons: [/slept for 31 s/] },
  ],
  [
    'a sleep of 61 s',
    HOME,
    { ...HOME, sleptMs: 61_000 },
    OWN,
    { socket: 'drop', back: true, reasons: [/slept for 61 s/] },
  ],
  [
    'a stall of 5 s',
    HOME,
    { ...HOME, stalledMs: 5_000 },
    OWN,
    { socket: 'keep', back: false, reasons: [/stood still for 5 s/] },
  ],
  [
    'a stall of 5.5 s',
    HOME,
    { ...HOME, stalledMs: 5_500 },
    OWN,
    { socket: 'probe', back: false, reasons: [/stood still for 6 s/] },
  ],
  [
    'no network, and a server on this machine',
    HOME,
    DOWN,
    { local: '127.0.0.1', quiet: true },
    { socket: 'keep', back: false, reasons: [/no way/] },
  ],
];

describe('S23 two snapshots', () => {
  for (const [sentence, before, after, own, expected] of ROWS)
    it(`${sentence}${own !== null && !own.quiet ? ' (in a turn)' : ''}: ${expected.socket}${expected.back ? ', try now' : ''}`, () => {
      const { socket, back, reasons } = compare(before, after, own);
      assert.deepEqual({ socket, back }, { socket: expected.socket, back: expected.back });
      assert.equal(reasons.length, expected.reasons.length, reasons.join('; '));
      for (const [at, pattern] of expected.reasons.entries()) assert.match(reasons[at] ?? '', pattern);
    });
});

describe('S23 a way to the server', () => {
  const WAYS: readonly (readonly [string, NetworkSnapshot, string | null])[] = [
    ['over a default route', { ...HOME, source: 'unknown' }, 'eth0'],
    ['by the kernel’s own choice', HOME, 'eth0'],
    ['to a server in the same network, without a default route', LAN, 'eth0'],
    ['by IPv6 alone', SIX, 'eth0'],
    ['by IPv6 alone, though the server was last found by IPv4', { ...SIX, source: 'unreachable' }, 'eth0'],
    ['through a tunnel', VPN, 'wg0'],
    ['to this very machine', { ...DOWN, source: '127.0.0.1' }, 'lo'],
    ['is none without carrier, though the kernel would still choose an address', noCarrier, null],
    ['is none without an address', address(HOME, '192.168.1.7'), null],
    [
      'is none with a link-local address only',
      { ...address(HOME, '192.168.1.7', '169.254.3.4'), source: 'unknown' },
      null,
    ],
    ['is none with link-local IPv6 only', { ...address(SIX, '2001:db8::7'), source: 'unreachable' }, null],
    ['is none without any interface', DOWN, null],
  ];
  for (const [sentence, snapshot, name] of WAYS)
    it(sentence, () => {
      assert.equal(wayOf(snapshot)?.interface ?? null, name);
      assert.equal(mayReach(snapshot), name !== null);
    });

  it('is supposed while it is not known where the server is: it may be a neighbour, but none of a container', () => {
    const nowhere = { ...LAN, source: 'unknown' } as const;
    assert.deepEqual([wayOf(nowhere), mayReach(nowhere)], [null, true]);
    for (const name of ['docker0', 'br-1a2b', 'veth12', 'virbr0', 'zt7', 'cni0', 'wg1', 'tailscale0']) {
      const other = { name, carrier: true, carrierChanges: 0, addresses: ['172.17.0.1'] };
      assert.equal(mayReach({ ...nowhere, interfaces: [other] }), false, name);
    }
    assert.equal(mayReach({ ...nowhere, interfaces: [{ ...plug, carrier: false }] }), false);
    assert.equal(mayReach({ ...nowhere, source: 'unreachable' }), false, 'the kernel has said no');
  });
});
