// Plays a rhythm by a clock, for lights that cannot do it by themselves. Knows levels and no LED.
import type { Cancel, Clock, Rhythm } from '../../ports.ts';

/** Steps of a fading are smooth to the eye at 20 a second, and nothing to a small board. */
const FADE_STEP_MS = 50;

/** Calls `set` with each level at its time, from now on, until it answers false; a steady one once. Returns what ends it. */
export function playRhythm(rhythm: Rhythm, clock: Clock, set: (level: number) => boolean): Cancel {
  let cancel: Cancel = () => undefined;
  let isOver = false;

  function beat(at: number, elapsedMs: number): void {
    if (isOver) return;
    const now = rhythm[at % rhythm.length];
    const next = rhythm[(at + 1) % rhythm.length];
    if (now === undefined || next === undefined) return;
    const level = now.fade ? now.level + (next.level - now.level) * (elapsedMs / now.ms) : now.level;
    if (!set(level)) return;
    if (rhythm.length === 1) return;
    const stepMs = now.fade ? Math.min(FADE_STEP_MS, now.ms - elapsedMs) : now.ms;
    const isLast = elapsedMs + stepMs >= now.ms;
    cancel = clock.after(stepMs, () => (isLast ? beat(at + 1, 0) : beat(at, elapsedMs + stepMs)));
  }

  beat(0, 0);
  return () => {
    isOver = true;
    cancel();
  };
}
