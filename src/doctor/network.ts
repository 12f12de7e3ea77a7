// Checks of the network and of the way to the server. Judges facts; looks at nothing.
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

export type ServerFacts = {
  readonly url: string;
  readonly host: string;
  /** What looking it up gave; null: not looked up. */
  readonly names: { readonly addresses: readonly string[]; readonly fault: string | null } | null;
  readonly tcp: { readonly ms: number; readonly fault: string | null } | null;
  readonly tls: {
    readonly fault: string | null;
    readonly issuer: string;
    readonly from: number;
    readonly to: number;
  } | null;
  readonly wallMs: number;
  /** Of the agent that runs; null: none does. */
  readonly link: {
    readonly phase: string;
    readonly trouble: { readonly class: string; readonly reason: string } | null;
    readonly rttMs: number | null;
    readonly silentDeaths: number;
  } | null;
  /** Tried here where no agent runs: connected and greeted; null: not tried. */
  readonly greeting: { readonly fault: string | null; readonly ms: number } | null;
};

/** Below this, radio drops packets: meticulous-machine #63 and common tables. */
const WEAK_DBM = -75;
const SLOW_MS = 300;
const DAY_MS = 86_400_000;
/** Let's Encrypt renews at 30 days; one that is left to a week has been forgotten. */
const EXPIRES_SOON_MS = 7 * DAY_MS;
const DIED_OFTEN = 5;

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
      const says = 'on: it delays and loses packets';
      return warn(says, `sudo iw dev ${wifi.interface} set power_save off`, [
        'iw',
        'dev',
        wifi.interface,
        'set',
        'power_save',
        'off',
      ]);
    },
  },
];

const NO_SERVER = 'no server is set';

export const serverChecks: readonly Check<ServerFacts>[] = [
  {
    id: 'name',
    title: 'name',
    judge: ({ url, host, names }) => {
      if (url === '') return skipped(NO_SERVER);
      if (names === null) return skipped('it is an address');
      return names.fault === null
        ? ok(`${host} is ${names.addresses.join(', ')}`)
        : fail(`${host}: ${names.fault}`, `getent hosts ${host}; cat /etc/resolv.conf`);
    },
  },
  {
    id: 'tcp',
    title: 'can be reached',
    judge: ({ url, tcp }) => {
      if (url === '') return skipped(NO_SERVER);
      if (tcp === null) return skipped('its name is not known');
      if (tcp.fault !== null) return fail(tcp.fault, 'is the server up, and this its port?');
      return tcp.ms < SLOW_MS
        ? ok(`in ${tcp.ms} ms`)
        : warn(`only in ${tcp.ms} ms`, 'xiaozhi-agent doctor network');
    },
  },
  {
    id: 'tls',
    title: 'certificate',
    judge: ({ url, tls }) => {
      if (url === '') return skipped(NO_SERVER);
      if (tls === null) return skipped('no TLS, or the server cannot be reached');
      return tls.fault === null
        ? ok(`by ${tls.issuer}`)
        : fail(tls.fault, 'a server of your own: put its CA into server.ca_file');
    },
  },
  {
    id: 'dates',
    title: 'its dates',
    judge: ({ tls, wallMs }) => {
      if (tls === null || tls.to === 0) return skipped('there is no certificate to look at');
      if (wallMs < tls.from)
        return fail('not valid yet: the clock of this board is wrong', 'timedatectl status');
      if (wallMs > tls.to)
        return fail('has expired, or the clock of this board is wrong', 'timedatectl status');
      return tls.to - wallMs < EXPIRES_SOON_MS
        ? warn(`expires on ${new Date(tls.to).toISOString().slice(0, 10)}`, 'renew it on the server')
        : ok(`until ${new Date(tls.to).toISOString().slice(0, 10)}`);
    },
  },
  {
    id: 'greeting',
    title: 'answers as a xiaozhi server',
    judge: ({ url, greeting, link }) => {
      if (url === '') return skipped(NO_SERVER);
      if (link?.phase === 'ready') return ok('the agent is connected');
      if (greeting === null) return skipped('the agent does the trying');
      return greeting.fault === null
        ? ok(`in ${greeting.ms} ms`)
        : fail(greeting.fault, 'xiaozhi-agent why; the log of the server');
    },
  },
  {
    id: 'link',
    title: 'connection of the agent',
    judge: ({ link }) => {
      if (link === null) return skipped('no agent runs');
      if (link.phase === 'ready' || link.phase === 'resting') return ok(link.phase);
      const { trouble } = link;
      const says = trouble === null ? link.phase : `${link.phase}: ${trouble.class}: ${trouble.reason}`;
      return link.phase === 'dialing' || link.phase === 'greeting'
        ? warn(says, 'xiaozhi-agent why')
        : fail(says, 'xiaozhi-agent why; xiaozhi-agent reconnect');
    },
  },
  {
    id: 'rtt',
    title: 'round trip',
    judge: ({ link }) => {
      if (link?.rttMs === undefined || link.rttMs === null) return skipped('not known');
      return link.rttMs < SLOW_MS
        ? ok(`${link.rttMs} ms`)
        : warn(`${link.rttMs} ms: answers come late`, 'xiaozhi-agent doctor network');
    },
  },
  {
    id: 'silence',
    title: 'connections that died silently',
    judge: ({ link }) => {
      if (link === null) return skipped('no agent runs');
      return link.silentDeaths < DIED_OFTEN
        ? ok(`${link.silentDeaths} of the last 50`)
        : warn(
            `${link.silentDeaths} of the last 50`,
            'a router that forgets connections, or weak Wi-Fi: xiaozhi-agent why 10',
          );
    },
  },
];
