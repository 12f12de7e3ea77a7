// Chance that can be repeated: the same seed walks the same way. `WALK_SEED=n` chooses another one.

export const WALK_SEED = Number(process.env.WALK_SEED ?? Math.trunc(Math.random() * 2 ** 31));

/** mulberry32: small, and good enough to walk with. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
