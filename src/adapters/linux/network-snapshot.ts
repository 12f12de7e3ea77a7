// What the network is at this moment, read from the kernel's tables. Looks once and remembers nothing; what a difference
// between two snapshots means is for others to say.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { NetworkInterface, NetworkSnapshot } from '../../ports.ts';
import { chosenSource } from './route-probe.ts';

/** A snapshot without the times, which only somebody who looks repeatedly can know. */
export type Sighting = Omit<NetworkSnapshot, 'sleptMs' | 'stalledMs'>;

/** `/proc/net` may be hidden from a service (`ProcSubset=pid`), this never is. */
const TABLES = '/proc/self/net';
/** Some 2,000 IPv4 routes, a hundred times what a house has. Victim: what comes after; of IPv4 the default routes come
 * first. */
const MOST_BYTES = 256 * 1024;
/** `linux/route.h`: usable; through a gateway; refuses. */
const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;
/** `linux/if_arp.h`: the hardware address is known. */
const ATF_COM = 0x2;
/** `linux/if_addr.h`: somebody else has this address; nobody has said so yet, it must not be used. */
const IFA_F_DADFAILED = 0x08;
const IFA_F_TENTATIVE = 0x40;
const LOOPBACK = 'lo';
/** One for all tables: they are read one after the other, and a fresh one each time would be work for the collector. */
const bytes = Buffer.allocUnsafe(MOST_BYTES);
const NOWHERE_6 = '0'.repeat(32);

type Route = NetworkSnapshot['routes'][number] & { readonly metric: number };
/** By interface; what Node shows: only what is up and has carrier. */
type Shown = ReadonlyMap<string, readonly NetworkInterfaceInfo[]>;

export async function snapshot({ destination }: { readonly destination: string | null }): Promise<Sighting> {
  const source = await chosenSource(destination);
  const hardware = hardwareAddresses();
  const routes = [...preferred(routes4(hardware)), ...preferred(routes6())];
  return { interfaces: interfaces(), routes: routes.map(({ metric, ...route }) => route), source };
}

function interfaces(): readonly NetworkInterface[] {
  const shown = nodesView();
  const names = table('dev')?.flatMap((line) => /^ *([^ ]+):/.exec(line)?.[1] ?? []) ?? [...shown.keys()];
  const bare = names
    .filter((name) => name !== LOOPBACK)
    .sort()
    .map((name) => ({ name, carrier: hasCarrier(name, shown), carrierChanges: carrierChanges(name) }));
  const suspects = bare.filter(({ carrier }) => !carrier || shown.size === 0).map(({ name }) => name);
  const hidden4 = hiddenAddresses(suspects, shown);
  const listed6 = addresses6();
  return bare.map(({ name, ...link }) => {
    const of = (wanted: 'IPv4' | 'IPv6') =>
      (shown.get(name) ?? []).filter(({ family }) => family === wanted).map(({ address }) => address);
    const v6 = listed6 === undefined ? of('IPv6') : (listed6.get(name) ?? []);
    // Sorted: the kernel's own order changes without anything having changed.
    return { name, ...link, addresses: [...of('IPv4'), ...(hidden4.get(name) ?? []), ...v6].sort() };
  });
}

/** Empty when the service may not ask (no AF_NETLINK). */
function nodesView(): Shown {
  try {
    return new Map(Object.entries(networkInterfaces()).map(([name, infos]) => [name, infos ?? []]));
  } catch {
    return new Map();
  }
}

function hasCarrier(name: string, shown: Shown): boolean {
  const state = attribute(name, 'operstate');
  // Hidden by a sandbox; Node leaves out what has none.
  if (state === undefined) return shown.has(name);
  // The state follows the cable by up to a second when it goes out. Tunnels, PPP and some USB gadgets never say more than
  // `unknown`; an interface that is switched off does not say whether it has a cable.
  return (state === 'up' || state === 'unknown') && attribute(name, 'carrier') !== '0';
}

/** Counted at once, while the kernel announces a change up to a second late and of a burst only the last. */
function carrierChanges(name: string): number {
  return Number.parseInt(attribute(name, 'carrier_changes') ?? '', 10) || 0;
}

function attribute(name: string, file: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * The IPv4 addresses that Node does not show: they stay where they are while the cable is out. The kernel's table of them
 * names no interface; the one whose subnet fits has it, or else the first that can.
 */
function hiddenAddresses(suspects: readonly string[], shown: Shown): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const [first] = suspects;
  if (first === undefined) return found;
  const known = new Set([...shown.values()].flat().map(({ address }) => address));
  const subnets = table('route')?.map(columns) ?? [];
  let leaf = '';
  for (const line of table('fib_trie') ?? []) {
    leaf = /\|-- ([\d.]+)/.exec(line)?.[1] ?? leaf;
    if (!line.includes('/32 host LOCAL') || leaf.startsWith('127.') || known.has(leaf)) continue;
    known.add(leaf);
    const owner = ownerOf(leaf, subnets, suspects) ?? first;
    found.set(owner, [...(found.get(owner) ?? []), leaf]);
  }
  return found;
}

function ownerOf(
  address: string,
  subnets: readonly (readonly string[])[],
  among: readonly string[],
): string | undefined {
  const bits = number4(address);
  const fits = subnets
    .map(([name = '', network = '', , , , , , mask = '']) => {
      return { name, network: Number.parseInt(network, 16), mask: Number.parseInt(mask, 16) };
    })
    .filter(({ name, network, mask }) => {
      return among.includes(name) && mask !== 0 && (bits & mask) >>> 0 === network;
    });
  // The narrowest: of two masks the longer one is the greater number.
  return fits.sort((a, b) => b.mask - a.mask)[0]?.name;
}

/** Undefined when the table is hidden; then Node's view has to do. */
function addresses6(): ReadonlyMap<string, readonly string[]> | undefined {
  const lines = table('if_inet6');
  if (lines === undefined) return undefined;
  const found = new Map<string, string[]>();
  for (const [address = '', , , , flags = '', name = ''] of lines.map(columns)) {
    if ((Number.parseInt(flags, 16) & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) !== 0) continue;
    found.set(name, [...(found.get(name) ?? []), text6(address)]);
  }
  return found;
}

function routes4(hardware: ReadonlyMap<string, string>): readonly Route[] {
  return (table('route') ?? []).map(columns).flatMap((line): Route[] => {
    const [name = '', network, next = '', flagsHex = '', , , metric = '', mask] = line;
    const flags = Number.parseInt(flagsHex, 16);
    if (network !== '00000000' || mask !== '00000000' || !leadsOut(flags, name)) return [];
    const gateway = (flags & RTF_GATEWAY) === 0 ? null : text4(next);
    const gatewayMac = hardware.get(`${gateway} ${name}`) ?? null;
    return [{ family: 4, interface: name, gateway, gatewayMac, metric: Number(metric) }];
  });
}

function routes6(): readonly Route[] {
  return (table('ipv6_route') ?? []).map(columns).flatMap((line): Route[] => {
    const [network, length, , , next = '', metric = '', , , flagsHex = '', name = ''] = line;
    const flags = Number.parseInt(flagsHex, 16);
    if (network !== NOWHERE_6 || length !== '00' || !leadsOut(flags, name)) return [];
    const gateway = (flags & RTF_GATEWAY) === 0 ? null : text6(next);
    // The neighbours of IPv6 are in no table that can be read without asking the kernel over netlink.
    return [{ family: 6, interface: name, gateway, gatewayMac: null, metric: Number.parseInt(metric, 16) }];
  });
}

function leadsOut(flags: number, name: string): boolean {
  return (flags & RTF_UP) !== 0 && (flags & RTF_REJECT) === 0 && name !== LOOPBACK;
}

/** Of equal metric, in the kernel's order. */
function preferred(routes: readonly Route[]): readonly Route[] {
  return [...routes].sort((a, b) => a.metric - b.metric);
}

/** By next hop and interface. */
function hardwareAddresses(): ReadonlyMap<string, string> {
  return new Map(
    (table('arp') ?? []).map(columns).flatMap(([ip, , flags = '', mac = '', , name]) => {
      return (Number.parseInt(flags, 16) & ATF_COM) === 0 ? [] : [[`${ip} ${name}`, mac] as const];
    }),
  );
}

/** The lines of one of the kernel's tables; undefined when it cannot be read. */
function table(name: string): readonly string[] | undefined {
  let file: number | undefined;
  try {
    file = openSync(`${TABLES}/${name}`, 'r');
    let length = 0;
    for (;;) {
      const more = readSync(file, bytes, length, MOST_BYTES - length, null);
      length += more;
      if (more === 0 || length === MOST_BYTES) break;
    }
    const lines = bytes.toString('latin1', 0, length).split('\n');
    // Empty, or cut in two by the limit.
    lines.pop();
    return lines;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function columns(line: string): readonly string[] {
  return line.trim().split(/\s+/);
}

/** As the route table has it: the address in network order, printed as a number of this machine, which is little-endian. */
function text4(hex: string): string {
  const bits = Number.parseInt(hex, 16);
  return [0, 8, 16, 24].map((shift) => (bits >>> shift) & 0xff).join('.');
}

function number4(text: string): number {
  return text.split('.').reduce((bits, part, at) => bits | (Number(part) << (8 * at)), 0);
}

/** The way every other part of the system writes it. */
function text6(hex: string): string {
  const address = hex.replace(/(.{4})(?!$)/g, '$1:');
  return new SocketAddress({ family: 'ipv6', address }).address;
}
