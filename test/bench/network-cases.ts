// What is done to the boxes of a street, and how long each took to be where it should be: one function for each case, the
// same for every way of watching the network. Knows no figure and no goal.
import { setTimeout as pause } from 'node:timers/promises';
import type { Box } from './network-box.ts';
import { inLanes } from './network-pace.ts';
import { PROVEN_MS } from './outages.ts';

/** Starting is all work. */
const BOOTING = 3;
/** reliability.md 4, network 1: the shortest of the interruptions, which must go by unnoticed. */
const FLAP_MS = 300;
/** Longer than a probe takes to fail (3 s at the most) and its successor to greet. */
const AFTERMATH_MS = 6_000;
/** reliability.md 4, network 4. */
const HOLE_MS = 10_000;
/** Its answer outstanding when the hole closes, a ping fails 5 s later at the latest. */
const DOUBT_MS = 5_500;

/** In which order and how closely the boxes are dealt with. */
export type Pace = (boxes: readonly Box[], work: (box: Box) => Promise<void>) => Promise<void>;

/** A number for each box, in no order. */
async function each(
  boxes: readonly Box[],
  pace: Pace,
  measure: (box: Box) => Promise<number>,
): Promise<number[]> {
  const samples: number[] = [];
  await pace(boxes, async (box) => {
    samples.push(await measure(box));
  });
  return samples;
}

/** The connections are as good as they get: how a loss is met depends on it. */
export function proven(): Promise<void> {
  return pause(PROVEN_MS);
}

export async function bootedDark(boxes: readonly Box[], watch: 'auto' | 'poll' | 'off'): Promise<void> {
  await inLanes(boxes, BOOTING, (box) => box.boot(watch));
}

export function networkComes(boxes: readonly Box[], pace: Pace): Promise<number[]> {
  return each(boxes, pace, (box) => box.greetedAfter(box.plugIn()));
}

export async function addressReplaced(
  boxes: readonly Box[],
  pace: Pace,
  lookEveryMs: number,
): Promise<{ readonly closed: number[]; readonly greeted: number[] }> {
  const closed: number[] = [];
  const greeted = await each(boxes, pace, async (box) => {
    const closing = box.closesSocket(lookEveryMs);
    const atMs = box.replaceAddress();
    const greeting = box.greetedAfter(atMs);
    const [closedMs, greetedMs] = await Promise.all([closing, greeting]);
    closed.push(closedMs - atMs);
    return greetedMs;
  });
  return { closed, greeted };
}

/** `outMs`: the least time without an address; in any case a wait for the next attempt is pending at its end. */
export async function addressBack(
  boxes: readonly Box[],
  { outMs, lose, regain }: { readonly outMs: number; readonly lose: Pace; readonly regain: Pace },
): Promise<number[]> {
  await lose(boxes, async (box) => {
    box.loseAddress();
    await pause(outMs);
    await box.until('waiting');
  });
  return each(boxes, regain, async (box) => {
    // One that tries all the time may be amid an attempt.
    await box.until('waiting');
    return box.greetedAfter(box.regainAddress());
  });
}

export function betterWay(boxes: readonly Box[], pace: Pace): Promise<number[]> {
  return each(boxes, pace, (box) => box.greetedAfter(box.preferRadio()));
}

/** `pinged`: of the sessions that survived, how long after the carrier the server had a ping. */
export async function carrierFlaps(
  boxes: readonly Box[],
  pace: Pace,
): Promise<{ readonly pinged: number[]; readonly lost: number[] }> {
  const pinged: number[] = [];
  const flappedMs = new Map<Box, number>();
  await pace(boxes, async (box) => {
    flappedMs.set(box, box.carrier('down'));
    await pause(FLAP_MS);
    const atMs = box.carrier('up');
    const word = await box.heardAfter(atMs);
    if (word.told === 'pinged') pinged.push(word.atMs - atMs);
  });
  await pause(AFTERMATH_MS);
  const lost = boxes.map((box) => Math.min(1, box.hellosAfter(flappedMs.get(box) ?? Number.NaN)));
  return { pinged, lost };
}

/** `greeted`: of the sessions that did not survive it. */
export async function holeHeals(
  boxes: readonly Box[],
  pace: Pace,
): Promise<{ readonly greeted: number[]; readonly survived: number }> {
  const greeted: number[] = [];
  await pace(boxes, async (box) => {
    const dugMs = box.hole('add');
    await pause(HOLE_MS);
    const healedMs = box.hole('del');
    await pause(DOUBT_MS);
    await box.until('ready');
    if (box.hellosAfter(dugMs) > 0) greeted.push(await box.greetedAfter(healedMs));
  });
  // Two out of three heartbeats begin in it.
  if (greeted.length === 0) throw new Error('nobody has noticed the hole');
  return { greeted, survived: boxes.length - greeted.length };
}
