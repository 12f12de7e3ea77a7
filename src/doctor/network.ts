// Checks of the network. Judges facts; looks at nothing.
import { type Check, fail, ok, skipped, warn } from './check.ts';

export type NetworkFacts = {
  /** `ip` of iproute2 is there. */
  readonly tool: boolean;
  readonly carriers: readonly string[];
  readonly addresses: readonly string[];
  readonly gateway: string | null;
  readonly nameServers: readonly string[];
  readonly proxy: readonly string[];
  readonly wifi: {
    readonly interface: string;
    readonly signalDbm: number | null;
    readonly powerSave: boolean | null;
  } | null;
};

/** Below this, radio drops packets: meticulous-machine #63 and common tables. */
const WEAK_DBM = -75;

export const networkChecks: readonly Check<NetworkFacts>[] = [
  {
    id: 'tool',
    title: 'ip',
    judge: ({ tool }) =>
      tool ? ok('installed') : warn('missing: changes are noticed late', 'sudo apt-get install iproute2'),
  },
  {
    id: 'carrier',
    title: 'cable or radio',
    judge: ({ carriers }) =>
      carriers.length > 0 ? ok(carriers.join(', ')) : fail('none', 'ip link; for Wi-Fi: sudo nmtui'),
  },
  {
    id: 'address',
    title: 'address',
    judge: ({ addresses, carriers }) => {
      if (carriers.length === 0) return skipped('there is no carrier');
      return addresses.length > 0
        ? ok(addresses.join(', '))
        : fail('none was given', 'ip addr; is there a DHCP server?');
    },
  },
  {
    id: 'route',
    title: 'way out',
    judge: ({ gateway }) => (gateway === null ? fail('no default route', 'ip route') : ok(`by ${gateway}`)),
  },
  {
    id: 'dns',
    title: 'name servers',
    judge: ({ nameServers }) =>
      nameServers.length > 0
        ? ok(nameServers.join(', '))
        : fail('none in /etc/resolv.conf', 'cat /etc/resolv.conf'),
  },
  {
    id: 'proxy',
    title: 'proxy',
    judge: ({ proxy }) =>
      proxy.length === 0
        ? ok('none')
        : warn(`${proxy.join(', ')} is set; the agent goes its own way`, 'env | grep -i proxy'),
  },
  {
    id: 'signal',
    title: 'Wi-Fi signal',
    judge: ({ wifi }) => {
      if (wifi === null) return skipped('no Wi-Fi');
      if (wifi.signalDbm === null) return skipped(`${wifi.interface} does not say`);
      return wifi.signalDbm >= WEAK_DBM
        ? ok(`${wifi.interface} ${wifi.signalDbm} dBm`)
        : warn(`${wifi.interface} ${wifi.signalDbm} dBm: weak`, 'move the box or the access point');
    },
  },
  {
    id: 'power-save',
    title: 'Wi-Fi power save',
    judge: ({ wifi }) => {
      if (wifi === null) return skipped('no Wi-Fi');
      if (wifi.powerSave === null) return skipped('iw is not installed');
      if (!wifi.powerSave) return ok('off');
      const off = ['iw', 'dev', wifi.interface, 'set', 'power_save', 'off'];
      return warn('on: it delays and loses packets', off);
    },
  },
];
