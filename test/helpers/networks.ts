// Networks as a box may find them, as snapshots.
import type { NetworkInterface, NetworkSnapshot } from '../../src/core/events.ts';

const GATEWAY = '02:00:00:00:00:01';
const AWAKE = { sleptMs: 0, stalledMs: 0 } as const;

/** A cable at home. */
export const HOME: NetworkSnapshot = {
  interfaces: [{ name: 'eth0', carrier: true, carrierChanges: 0, addresses: ['192.168.1.7', 'fe80::7'] }],
  routes: [{ family: 4, interface: 'eth0', gateway: '192.168.1.1', gatewayMac: GATEWAY }],
  source: '192.168.1.7',
  ...AWAKE,
};

export const WIFI: NetworkSnapshot = {
  interfaces: [{ name: 'wlan0', carrier: true, carrierChanges: 0, addresses: ['192.168.7.3'] }],
  routes: [{ family: 4, interface: 'wlan0', gateway: '192.168.7.1', gatewayMac: GATEWAY }],
  source: '192.168.7.3',
  ...AWAKE,
};

/** The same network as the server's, and no other. */
export const LAN: NetworkSnapshot = { ...HOME, routes: [] };

/** A tunnel on top of the cable. */
export const VPN: NetworkSnapshot = {
  ...HOME,
  interfaces: [
    ...HOME.interfaces,
    { name: 'wg0', carrier: true, carrierChanges: 0, addresses: ['10.8.0.2'] },
  ],
  source: '10.8.0.2',
};

export const SIX: NetworkSnapshot = {
  interfaces: [{ name: 'eth0', carrier: true, carrierChanges: 0, addresses: ['2001:db8::7', 'fe80::7'] }],
  routes: [{ family: 6, interface: 'eth0', gateway: 'fe80::1', gatewayMac: null }],
  source: '2001:db8::7',
  ...AWAKE,
};

export const DOWN: NetworkSnapshot = { interfaces: [], routes: [], source: 'unreachable', ...AWAKE };

/** One address replaced by none, one or several; the kernel chooses the first of them. */
export function address(of: NetworkSnapshot, old: string, ...fresh: readonly string[]): NetworkSnapshot {
  return {
    ...of,
    interfaces: of.interfaces.map((one) => ({
      ...one,
      addresses: one.addresses.flatMap((had) => (had === old ? fresh : [had])),
    })),
    source: fresh[0] ?? 'unreachable',
  };
}

/** The cable is out: the kernel keeps address and route, and would still choose them. */
export function unplugged(of: NetworkSnapshot, name: string): NetworkSnapshot {
  return flickered(of, name, 1, false);
}

/** The carrier has changed so often. */
export function flickered(of: NetworkSnapshot, name: string, times: number, carrier = true): NetworkSnapshot {
  const changed = (one: NetworkInterface) => ({
    ...one,
    carrier,
    carrierChanges: one.carrierChanges + times,
  });
  return { ...of, interfaces: of.interfaces.map((one) => (one.name === name ? changed(one) : one)) };
}
