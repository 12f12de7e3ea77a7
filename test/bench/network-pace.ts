// In which order and at which moments the boxes of a street are dealt with. Knows nothing of what is done to them.
import { setTimeout as pause } from 'node:timers/promises';

/** One after the other: what one daemon does costs the next one nothing. */
export async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) await work(item);
}

/** A few at a time. */
export async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
}

/** Begun evenly over a span, so that every moment of what repeats itself in it is met; they may overlap. */
export async function spread<T>(
  items: readonly T[],
  overMs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  await Promise.all(
    items.map(async (item, at) => {
      await pause((overMs * at) / items.length);
      await work(item);
    }),
  );
}
