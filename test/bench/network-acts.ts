// The two acts of the network bench: a street whose boxes hear the kernel, each event alone; then one in which half of the
// boxes poll and the other half do neither, all at once. Knows the order of things, no figure and no goal.
import { setTimeout as pause } from 'node:timers/promises';
import { HEARTBEAT_MS } from '../../src/core/lessons.ts';
import type { Lab } from './lab.ts';
import type { Box } from './network-box.ts';
import {
  addressBack,
  addressReplaced,
  betterWay,
  bootedDark,
  carrierFlaps,
  holeHeals,
  networkComes,
  type Pace,
  proven,
} from './network-cases.ts';
import { atRest, type RestCost, type StormCost, stormed } from './network-cost.ts';
import { inTurn, spread } from './network-pace.ts';
import { Street } from './network-street.ts';

/** The table of reconnect.md asks for thirty. */
const BOXES = 30;
/** Fresh ones, which nothing has happened to; one takes six seconds. */
const STORMY_BOXES = 5;
/** Between two events: what the first one brought about is over, log and files included. */
const BREATH_MS = 150;
/** A socket's end is seen so late at the most: of an event alone, and of many at once that take seconds. */
const LOOK_EVERY_MS = { alone: 1, many: 20 };
/** Longer than the watch holds further attempts back (1 s), shorter than anything that ends by itself. */
const OUT_MS = 2_000;
/** The polling watch looks this often: within a minute of a change, and after it (network-watch.ts). */
const FAST_POLL_MS = 1_000;
const CALM_POLL_MS = 5_000;
const RESTLESS_MS = 60_000;
/** reconnect.md 4 measures outages of 40 s: by then two or three attempts have failed and a long wait is pending. */
const LONG_OUT_MS = 40_000;
/** A box is up before its router is. */
const DARK_MS = 20_000;
/** Where it does not matter when. */
const TOGETHER_MS = 500;

export type Course = {
  readonly comes: number[];
  readonly rest: RestCost;
  readonly closed: number[];
  readonly greeted: number[];
  readonly back: number[];
  readonly pinged: number[];
  readonly lost: number[];
};

export type AutoCourse = Course & {
  readonly better: number[];
  readonly healed: { readonly greeted: number[]; readonly survived: number };
  readonly storm: StormCost;
};

export type PollCourse = Course & { readonly better: number[] };

const alone: Pace = (boxes, work) =>
  inTurn(boxes, async (box) => {
    await work(box);
    await pause(BREATH_MS);
  });

function within(overMs: number): Pace {
  return (boxes, work) => spread(boxes, overMs, work);
}

export async function heardFromKernel(lab: Lab): Promise<AutoCourse> {
  const street = await Street.keptBy(lab, BOXES + STORMY_BOXES);
  const boxes = street.boxes.slice(0, BOXES);
  const stormy = street.boxes.slice(BOXES);
  await bootedDark(street.boxes, 'auto');
  const comes = await networkComes(boxes, alone);
  await networkComes(stormy, alone);
  await proven();
  const rest = await atRest(boxes);
  const replaced = await addressReplaced(boxes, alone, LOOK_EVERY_MS.alone);
  await proven();
  const back = await addressBack(boxes, { outMs: OUT_MS, lose: within(OUT_MS), regain: alone });
  await proven();
  const flaps = await carrierFlaps(boxes, alone);
  const better = await betterWay(boxes, alone);
  await proven();
  const healed = await holeHeals(boxes, within(HEARTBEAT_MS.start));
  const storm = await stormed(stormy);
  await street.remove();
  return { comes, rest, ...replaced, back, ...flaps, better, healed, storm };
}

export async function withoutKernel(lab: Lab): Promise<{ readonly poll: PollCourse; readonly off: Course }> {
  const street = await Street.keptBy(lab, 2 * BOXES);
  const polling = street.boxes.slice(0, BOXES);
  const blind = street.boxes.slice(BOXES);
  await bootedDark(polling, 'poll');
  await bootedDark(blind, 'off');
  const [poll, off] = await Promise.all([polled(polling), blindly(blind)]);
  await street.remove();
  return { poll, off };
}

async function polled(boxes: readonly Box[]): Promise<PollCourse> {
  const many = LOOK_EVERY_MS.many;
  const comes = await networkComes(boxes, within(FAST_POLL_MS));
  await pause(RESTLESS_MS);
  const rest = await atRest(boxes);
  const replaced = await addressReplaced(boxes, within(CALM_POLL_MS), many);
  await proven();
  const fast = within(FAST_POLL_MS);
  const back = await addressBack(boxes, { outMs: OUT_MS, lose: fast, regain: fast });
  await proven();
  const flaps = await carrierFlaps(boxes, fast);
  const better = await betterWay(boxes, fast);
  return { comes, rest, ...replaced, back, ...flaps, better };
}

async function blindly(boxes: readonly Box[]): Promise<Course> {
  await pause(DARK_MS);
  const comes = await networkComes(boxes, within(CALM_POLL_MS));
  await proven();
  const rest = await atRest(boxes);
  const replaced = await addressReplaced(boxes, within(HEARTBEAT_MS.start), LOOK_EVERY_MS.many);
  await proven();
  const long = { outMs: LONG_OUT_MS, lose: within(HEARTBEAT_MS.start), regain: within(TOGETHER_MS) };
  const back = await addressBack(boxes, long);
  await proven();
  const flaps = await carrierFlaps(boxes, within(TOGETHER_MS));
  return { comes, rest, ...replaced, back, ...flaps };
}
