// The network watch port: looks at the network when the doorbell rings and now and then without, and reports what it sees
// when it differs from before. Tells suspend and standstill by its own timers. Knows nothing of what a change means.

import { uptime } from 'node:os';
import type { Cancel, Clock, Log, NetworkEvents, NetworkSnapshot, NetworkWatch } from '../../ports.ts';
import { type Doorbell, doorbell as kernelDoorbell } from './doorbell.ts';
import { type Sighting, snapshot } from './network-snapshot.ts';

/** One change is a burst of ten lines within 2 ms, and of several looks within a second one costs as much as all. */
const COALESCE_MS = 50;
/** A bell that rings for what is none of ours (containers come and go) is answered ever more rarely, up to once a second ... */
const HOLD_OFF_MS = [COALESCE_MS, COALESCE_MS, COALESCE_MS, 250, 1_000];
/** ... until it has been silent for so long. */
const CALM_MS = 5_000;
/** Also with a doorbell: for what it missed, and for a suspend, which rings nothing. */
const SLOW_POLL_MS = 15_000;
/** Without a doorbell: a person waits about as long before trying again ... */
const FAST_POLL_MS = 1_000;
/** ... and when nothing has changed for a minute, nobody is at the plugs any more. */
const CALM_POLL_MS = 5_000;
const RESTLESS_MS = 60_000;
/** Far above what the two clocks drift apart between looks; the shortest real suspend takes longer. */
const LEAST_SLEEP_MS = 5_000;
/** A loaded board is late by tenths of a second; a stopped process or a stalled SD card by seconds. */
const LEAST_STALL_MS = 2_000;
/** So often it is looked at whether this process runs; what it stood still is known to that much. */
const TICK_MS = 1_000;
/** More kinds of trouble than a look can have. Victim: the words of further ones. */
const KINDS_OF_TROUBLE = 8;
/** Of containers, virtual machines and overlay networks: theirs come and go, and no packet of ours takes them unless a
 * route says so. */
const OTHERS = /^(?:docker|br-|veth|virbr|zt|cni)/;

export type NetworkWatchParts = {
  readonly clock: Clock;
  readonly log: Log;
  /** The IP address of the server, or null while none is known; asked at each look. */
  readonly destination: () => string | null;
  /** False: polls only. */
  readonly doorbell?: Doorbell | false;
  readonly look?: (wanted: { readonly destination: string | null }) => Promise<Sighting>;
  /** Seconds since the machine started, the time it slept included. */
  readonly uptimeS?: () => number;
};

type Activity =
  | { readonly phase: 'waiting'; readonly cancel: Cancel; readonly untilMs: number }
  | { readonly phase: 'looking'; again: boolean };

type Run = {
  readonly on: NetworkEvents;
  activity: Activity;
  /** What was reported last, without what is not compared. */
  reported: string | undefined;
  reportedAtMs: number;
  looked: { readonly atMs: number; readonly uptimeMs: number | undefined };
  stalledMs: number;
  /** When the doorbell rang last, and how many looks it has led to that found nothing. */
  rang: { readonly atMs: number; readonly inVain: number };
  tick: Cancel;
};

export function networkWatch(parts: NetworkWatchParts): NetworkWatch {
  const { clock, log, destination, look = snapshot, uptimeS = uptime } = parts;
  const bell = parts.doorbell === undefined ? kernelDoorbell({ clock }) : parts.doorbell;
  const troubles = new Set<string>();
  /** Why it has to poll; undefined while the doorbell can be heard. */
  let deaf = unheard();
  let run: Run | undefined;

  function unheard(): string | undefined {
    return bell === false ? 'no monitor wanted' : undefined;
  }

  /** Looks in `delayMs` at the latest. */
  function lookWithin(current: Run, delayMs: number): void {
    const { activity } = current;
    if (activity.phase === 'looking') {
      activity.again = true;
      return;
    }
    const untilMs = clock.now() + delayMs;
    if (activity.untilMs <= untilMs) return;
    activity.cancel();
    current.activity = waiting(current, delayMs);
  }

  function waiting(current: Run, delayMs: number): Activity {
    const untilMs = clock.now() + delayMs;
    return { phase: 'waiting', cancel: clock.after(delayMs, () => lookNow(current)), untilMs };
  }

  /** A timer that fires late means that this process, or the whole machine, stood still. */
  function ticking(current: () => Run | undefined): Cancel {
    const dueMs = clock.now() + TICK_MS;
    return clock.after(TICK_MS, () => {
      const ticked = current();
      if (ticked === undefined) return;
      ticked.tick = ticking(current);
      const lateMs = clock.now() - dueMs;
      if (lateMs <= LEAST_STALL_MS) return;
      ticked.stalledMs += lateMs;
      lookWithin(ticked, 0);
    });
  }

  function lookNow(current: Run): void {
    const activity: Activity = { phase: 'looking', again: false };
    current.activity = activity;
    Promise.resolve()
      .then(() => look({ destination: destination() }))
      .then(
        (sighting) => {
          if (run === current) report(current, sighting);
        },
        (error: unknown) => complain(error),
      )
      .finally(() => {
        if (run !== current) return;
        current.activity = waiting(current, activity.again ? COALESCE_MS : pollMs(current));
      });
  }

  function report(current: Run, sighting: Sighting): void {
    const { sleptMs, stalledMs } = lostTime(current);
    const compared = comparable(sighting);
    if (compared === current.reported && sleptMs === 0 && stalledMs === 0) return inVain(current);
    current.rang = { ...current.rang, inVain: 0 };
    if (compared !== current.reported) current.reportedAtMs = clock.now();
    current.reported = compared;
    current.on.seen({ ...sighting, sleptMs, stalledMs });
  }

  function inVain(current: Run): void {
    const { atMs, inVain } = current.rang;
    if (clock.now() - atMs < CALM_MS) current.rang = { atMs, inVain: inVain + 1 };
  }

  function answer(current: Run): void {
    const now = clock.now();
    const { atMs, inVain } = current.rang;
    current.rang = { atMs: now, inVain: now - atMs < CALM_MS ? inVain : 0 };
    lookWithin(current, HOLD_OFF_MS[Math.min(current.rang.inVain, HOLD_OFF_MS.length - 1)] ?? COALESCE_MS);
  }

  function lostTime(current: Run): Pick<NetworkSnapshot, 'sleptMs' | 'stalledMs'> {
    const before = current.looked;
    const { stalledMs } = current;
    const now = moment();
    current.looked = now;
    current.stalledMs = 0;
    const upMs =
      now.uptimeMs === undefined || before.uptimeMs === undefined ? 0 : now.uptimeMs - before.uptimeMs;
    const sleptMs = upMs - (now.atMs - before.atMs);
    return { sleptMs: sleptMs > LEAST_SLEEP_MS ? Math.round(sleptMs) : 0, stalledMs: Math.round(stalledMs) };
  }

  function moment(): Run['looked'] {
    try {
      return { atMs: clock.now(), uptimeMs: uptimeS() * 1_000 };
    } catch (error) {
      complain(error);
      return { atMs: clock.now(), uptimeMs: undefined };
    }
  }

  function pollMs(current: Run): number {
    if (deaf === undefined) return SLOW_POLL_MS;
    return clock.now() - current.reportedAtMs < RESTLESS_MS ? FAST_POLL_MS : CALM_POLL_MS;
  }

  /** Each kind once: it would come back with every look. */
  function complain(error: unknown): void {
    const kind = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (troubles.has(kind) || troubles.size >= KINDS_OF_TROUBLE) return;
    troubles.add(kind);
    log.warn({ error: String(error) }, 'the network cannot be looked at');
  }

  const heard = {
    rang() {
      if (run !== undefined) answer(run);
    },
    gone(reason: string) {
      deaf = reason;
      log.warn({ reason }, 'the kernel cannot be heard about the network: polling');
      if (run !== undefined) lookWithin(run, FAST_POLL_MS);
    },
    back() {
      deaf = undefined;
      log.info({}, 'the kernel can be heard about the network again');
    },
  };

  return {
    get means() {
      return deaf === undefined ? 'ip monitor' : `polling (${deaf})`;
    },
    start(on) {
      if (run !== undefined) return;
      deaf = unheard();
      run = {
        on,
        activity: { phase: 'looking', again: false },
        reported: undefined,
        reportedAtMs: clock.now(),
        looked: moment(),
        stalledMs: 0,
        rang: { atMs: Number.NEGATIVE_INFINITY, inVain: 0 },
        tick: ticking(() => run),
      };
      lookNow(run);
      if (bell !== false) bell.start(heard);
    },
    stop() {
      if (bell !== false) bell.stop();
      if (run?.activity.phase === 'waiting') run.activity.cancel();
      run?.tick();
      run = undefined;
    },
  };
}

/** What has to differ to be worth telling. */
function comparable({ interfaces, routes, source }: Sighting): string {
  const ours = interfaces.filter(({ name, addresses }) => {
    const used = routes.some((route) => route.interface === name) || addresses.includes(source);
    return used || !OTHERS.test(name);
  });
  return JSON.stringify([ours, routes, source]);
}
