// What the network is, as far as the box knows, and whether and how the server can be reached over it. Knows sockets by
// their own address only. Pure.
import type { NetworkInterface, NetworkSnapshot } from './events.ts';

export type Network = {
  /** Null until the first snapshot: nothing is known, and nothing is held back. */
  readonly seen: NetworkSnapshot | null;
  /** When it came back the last time, and how; null: it has been there all along, as far as is known. */
  readonly back: Noted | null;
  /** There has been no way since: for a moment, or for longer than a flap. Null: there is one, as far as is known. */
  readonly absence: { readonly since: number; readonly stage: 'sudden' | 'lasting' } | null;
  /** The last change that mattered, for those who ask why. */
  readonly changed: Noted;
  /** Moments of the latest attempts made for the network's sake: a flapping interface must not make a storm. */
  readonly kicks: readonly number[];
  /** A change that came too soon after a kick; the moment at which it gets one. */
  readonly owedAt: number | null;
};

type Noted = { readonly at: number; readonly reasons: readonly string[] };

export type Way = { readonly interface: string; readonly source: string | null };

/** Kinds of interfaces that come and go with containers and never lead to a server by themselves. */
const OTHERS = /^(lo$|docker|br-|veth|virbr|zt|cni)/;
/** Tunnels count only when the way to the server goes through them. */
const TUNNELS = /^(tun|tap|wg|tailscale)/;
/** design.md: hold-off of 1 s between attempts for the network's sake; 5 s once there were six in a minute. */
const KICK_FLOOR_MS = 1_000;
const FLAPPING = { kicks: 6, withinMs: 60_000, floorMs: 5_000 };

export function unknownNetwork(at: number): Network {
  return { seen: null, back: null, absence: null, changed: { at, reasons: [] }, kicks: [], owedAt: null };
}

/** False only when it is known that no packet could leave for the server. */
export function isUsable({ seen }: Network): boolean {
  return seen === null || mayReach(seen);
}

/** While it is not known where the server is, it may be a neighbour, for which no default route is needed. */
export function mayReach(snapshot: NetworkSnapshot): boolean {
  if (wayOf(snapshot) !== null) return true;
  if (snapshot.source !== 'unknown') return false;
  return snapshot.interfaces.some(
    ({ name, carrier, addresses }) =>
      carrier &&
      !OTHERS.test(name) &&
      !TUNNELS.test(name) &&
      addresses.some((one) => isRoutable(one, familyOf(one))),
  );
}

/**
 * The interface and the own address that packets to the server would take; null when there is none. What the kernel says
 * of this very server counts, and else a default route over an interface with carrier and an address.
 */
export function wayOf(snapshot: NetworkSnapshot): Way | null {
  const { source, interfaces, routes } = snapshot;
  if (isLoopback(source)) return { interface: 'lo', source };
  const chosen = isAddress(source) ? ownerOf(snapshot, source) : undefined;
  if (chosen?.carrier) return { interface: chosen.name, source };
  for (const route of routes) {
    // The kernel goes on sending into a cable that is out, whatever other ways there are.
    if (chosen !== undefined && route.family === familyOf(source)) continue;
    const way = interfaces.find(({ name }) => name === route.interface);
    const address = way?.addresses.find((one) => isRoutable(one, route.family));
    if (way?.carrier && address !== undefined) return { interface: way.name, source: address };
  }
  return null;
}

/** Whether packets to the server would now leave by another interface than the one that a connection's own end is on. */
export function goesOtherWay(seen: NetworkSnapshot, local: string): boolean {
  const { source } = seen;
  const [better, holds] = [isAddress(source) ? ownerOf(seen, source) : undefined, ownerOf(seen, local)];
  // Another address of the same interface, such as a fresh private one, takes nothing from those in use.
  return better?.carrier === true && holds !== undefined && better.name !== holds.name;
}

/** A connection may live on for a while, but nobody is heard on it. */
export function absenceTimer({ absence }: Network): string {
  return `network absent since ${absence?.since}`;
}

export function kickTimer(network: Network): string {
  return `network kick at ${network.owedAt}`;
}

/** When an attempt for the network's sake may be made. */
export function kickAt(network: Network, at: number): number {
  const recent = recentKicks(network, at);
  const last = recent.at(-1) ?? Number.NEGATIVE_INFINITY;
  return Math.max(at, last + (recent.length >= FLAPPING.kicks ? FLAPPING.floorMs : KICK_FLOOR_MS));
}

export function kicked(network: Network, at: number): Network {
  return { ...network, kicks: [...recentKicks(network, at), at], owedAt: null };
}

function recentKicks({ kicks }: Network, at: number): readonly number[] {
  return kicks.filter((kick) => at - kick < FLAPPING.withinMs);
}

export function ownerOf(snapshot: NetworkSnapshot, address: string): NetworkInterface | undefined {
  return snapshot.interfaces.find(({ addresses }) => addresses.includes(address));
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function isAddress(source: string): boolean {
  return source !== 'unreachable' && source !== 'unknown';
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** RFC 6890: not link-local; of IPv6 the global and the private unicast ranges. */
function isRoutable(address: string, family: 4 | 6): boolean {
  if (family === 6) return /^([23]|f[cd])[0-9a-f]{2,3}:/i.test(address);
  return /^\d+\./.test(address) && !/^(0|127|169\.254)\./.test(address);
}
