// What a change of the network means for the connection: two snapshots in, reasons and a verdict out. Pure.
import type { NetworkInterface, NetworkSnapshot } from './events.ts';
import { goesOtherWay, isLoopback, mayReach, type Network, ownerOf, type Way, wayOf } from './network.ts';

/**
 * `probe`: it may be dead, ask it. `drop`: it is dead. `move`: packets go another way now, and nobody would miss it.
 * `double`: packets go another way, and somebody is talking on it: ask it, and make a second one meanwhile.
 */
export type Verdict = 'keep' | 'probe' | 'drop' | 'move' | 'double';

export type Change = {
  readonly reasons: readonly string[];
  readonly socket: Verdict;
  /** There is a way to the server that was not there before: try now. */
  readonly back: boolean;
};

/** What of a connection the verdict depends on. */
export type OwnEnd = {
  readonly local: string;
  /** Nobody is talking. */
  readonly quiet: boolean;
};

/** Twice the longest usual silence: what happened meanwhile cannot be known (reliability.md 2.4). */
const SLEPT_PROBE_MS = 30_000;
/** Servers with pings of their own (20 s and 20 s) have given the connection up for certain. */
const SLEPT_DROP_MS = 60_000;
/** A stall this long may have eaten answers. */
const STALLED_PROBE_MS = 5_000;

export function compare(before: NetworkSnapshot | null, after: NetworkSnapshot, own: OwnEnd | null): Change {
  const reasons: string[] = [];
  const note = (is: boolean, reason: string) => {
    if (is) reasons.push(reason);
    return is;
  };
  const { sleptMs, stalledMs } = after;
  const [could, can] = [before === null ? null : mayReach(before), mayReach(after)];
  const [was, is] = [before === null ? null : wayOf(before), wayOf(after)];
  note(could === true && !can, 'no way to the server is left');
  note(sleptMs > 0, `the machine slept for ${seconds(sleptMs)}`);
  note(stalledMs > 0, `the process stood still for ${seconds(stalledMs)}`);
  const cameBack = note(
    could === false && can,
    is === null ? 'the network is back' : `the network is back: ${shown(is)}`,
  );
  const forced = was !== null && is !== null && hasMoved(was, is, after, note);
  const socket = own === null ? 'keep' : verdictOf(before, after, own, note);
  return { reasons, socket, back: can && (cameBack || forced || sleptMs > SLEPT_PROBE_MS) };
}

/** @returns whether what went the old way cannot go on, or should not */
function hasMoved(
  was: Way,
  is: Way,
  after: NetworkSnapshot,
  note: (is: boolean, reason: string) => boolean,
): boolean {
  const moved = was.interface !== is.interface || was.source !== is.source;
  note(moved, `the way to the server is ${shown(is)} now, not ${shown(was)}`);
  // A fresh private address of the same interface is no reason to do anything while the old one is there.
  return (
    moved &&
    (was.interface !== is.interface || was.source === null || ownerOf(after, was.source) === undefined)
  );
}

function verdictOf(
  before: NetworkSnapshot | null,
  after: NetworkSnapshot,
  { local, quiet }: OwnEnd,
  note: (is: boolean, reason: string) => boolean,
): Verdict {
  if (isLoopback(local)) return 'keep';
  const held = before === null ? undefined : ownerOf(before, local);
  const holds = ownerOf(after, local);
  const same = held === undefined ? undefined : after.interfaces.find(({ name }) => name === held.name);
  // An interface that is switched off hides its addresses: they may come back with it, and till then there is no other way.
  const hidden = same !== undefined && !same.carrier && wayOf(after) === null;
  if (note(holds === undefined && !hidden, `own address ${local} is gone`)) return 'drop';
  if (after.sleptMs > SLEPT_DROP_MS) return 'drop';
  if (wentOtherWay(before, after, local)) return quiet ? 'move' : 'double';
  const recovered = note(
    holds?.carrier === true && (held?.carrier === false || flickered(held, holds)),
    `the carrier of ${holds?.name} is back`,
  );
  const other = note(
    before !== null && holds !== undefined && hasOtherGateway(before, after, holds.name),
    `another gateway answers on ${holds?.name}`,
  );
  const absent = after.sleptMs > SLEPT_PROBE_MS || after.stalledMs > STALLED_PROBE_MS;
  return recovered || other || absent ? 'probe' : 'keep';
}

/** One that never went the kernel's way goes where it goes for reasons that are not known here. */
export function wentOtherWay(before: NetworkSnapshot | null, after: NetworkSnapshot, local: string): boolean {
  return before !== null && !goesOtherWay(before, local) && goesOtherWay(after, local);
}

/** It went and came back between two looks. */
function flickered(before: NetworkInterface | undefined, after: NetworkInterface): boolean {
  return before !== undefined && before.name === after.name && before.carrierChanges !== after.carrierChanges;
}

/** The same next hop by another hardware address: another network that uses the same numbers. */
function hasOtherGateway(before: NetworkSnapshot, after: NetworkSnapshot, name: string): boolean {
  return after.routes.some(
    (route) =>
      route.interface === name &&
      route.gatewayMac !== null &&
      before.routes.some(
        (old) =>
          old.interface === name &&
          old.gateway === route.gateway &&
          old.gatewayMac !== null &&
          old.gatewayMac !== route.gatewayMac,
      ),
  );
}

/** A snapshot has come. What follows from it for attempts is another matter. */
export function noticed(
  network: Network,
  seen: NetworkSnapshot,
  { reasons, back }: Change,
  at: number,
): Network {
  return {
    ...network,
    seen,
    back: back ? { at, reasons } : network.back,
    absence: mayReach(seen) ? null : (network.absence ?? { since: at, stage: 'sudden' }),
    changed: reasons.length === 0 ? network.changed : { at, reasons },
  };
}

function shown({ interface: name, source }: Way): string {
  return source === null ? name : `${name} (${source})`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
