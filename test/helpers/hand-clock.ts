// A clock that stands still until a test moves it, so that minutes pass in no time and in the same order on every
// machine. Implements the `Clock` port; knows nothing of what is timed with it.

import type { Cancel, Clock } from '../../src/ports.ts';

export type HandClock = Clock & {
  /** Moves time on, firing what falls due on the way at its own moment, earliest first, then in order of asking. */
  advance(byMs: number): void;
  /** How many timers are running. */
  pending(): number;
};

/** 2026-11-22 20:00:00 UTC: any fixed date does, a recognisable one helps when reading a failed test. */
const START_WALL_MS = Date.UTC(2026, 10, 22, 20);

/** `dice` gives the same number each time unless the test brings its own sequence. */
export function handClock(dice: () => number = () => 0.5): HandClock {
  let nowMs = 0;
  let asked = 0;
  const timers = new Map<number, { atMs: number; fire: () => void }>();

  function earliest(untilMs: number): number | undefined {
    let found: number | undefined;
    let foundAtMs = untilMs;
    for (const [id, timer] of timers) {
      if (timer.atMs < foundAtMs || (timer.atMs === foundAtMs && found === undefined)) {
        found = id;
        foundAtMs = timer.atMs;
      }
    }
    return found;
  }

  return {
    now: () => nowMs,
    wallMs: () => START_WALL_MS + nowMs,
    dice,
    after(delayMs: number, fire: () => void): Cancel {
      asked += 1;
      const id = asked;
      timers.set(id, { atMs: nowMs + Math.max(0, delayMs), fire });
      return () => {
        timers.delete(id);
      };
    },
    advance(byMs: number): void {
      const untilMs = nowMs + byMs;
      for (let id = earliest(untilMs); id !== undefined; id = earliest(untilMs)) {
        const timer = timers.get(id);
        timers.delete(id);
        nowMs = Math.max(nowMs, timer?.atMs ?? nowMs);
        timer?.fire();
      }
      nowMs = untilMs;
    },
    pending: () => timers.size,
  };
}
