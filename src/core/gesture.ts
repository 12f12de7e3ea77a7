// What fingers mean: edges of one button become signs. Pure; knows thresholds, nothing of turns.
import type { Event } from './events.ts';

/**
 * `click`: a press is a click at once. `hold`: a press is push-to-talk at once. `hybrid`: it is decided by the
 * release, or by `holdAfterMs` passing without one.
 */
export type GesturePolicy = {
  readonly mode: 'hybrid' | 'click' | 'hold';
  readonly holdAfterMs: number;
  /** A press this soon after a click's release is a double click, and this soon after that one a triple. */
  readonly doubleMs: number;
};

export type Gesture =
  | { readonly phase: 'up' }
  /** Up again after a click; a second press until `until` makes it double. */
  | { readonly phase: 'clicked'; readonly until: number }
  | { readonly phase: 'undecided' }
  /** Down, and already counted as a click. */
  | { readonly phase: 'counted' }
  /** Down for the second time. */
  | { readonly phase: 'doubled' }
  /** Up again after a double click; a third press until `until` makes it triple. */
  | { readonly phase: 'twice'; readonly until: number }
  /** Down, and its release means nothing. */
  | { readonly phase: 'spent' }
  /** Down for longer than any finger: something lies on it, or it is broken. */
  | { readonly phase: 'stuck' }
  | { readonly phase: 'held' }
  /** Held by command rather than by a finger, and let go of after `forMs`. */
  | { readonly phase: 'held-for'; readonly forMs: number; readonly since: number };

/**
 * `released` ends a `held`; `pressed` comes before each of the others. `tripled` follows a `doubled` and takes its place.
 * `stuck` is said once, after the `released` of what was held.
 */
export type Sign = 'pressed' | 'clicked' | 'held' | 'released' | 'doubled' | 'tripled' | 'stuck';

type Read = readonly [Gesture, readonly Sign[]];

export const holdTimer = 'gesture hold';
export const stuckTimer = 'gesture stuck';

/** ux.md 6: nobody talks for longer than a minute in one breath. */
const STUCK_MS = 60_000;

export function releaseTimer(gesture: Gesture & { phase: 'held-for' }): string {
  return `gesture release ${gesture.since}`;
}

/** No finger is on the button, as far as anybody can tell. */
export function isFree({ phase }: Gesture): boolean {
  return phase === 'up' || phase === 'clicked' || phase === 'twice' || phase === 'stuck';
}

/** What the button was down for is over: letting go of it means nothing any more. */
export function spent(gesture: Gesture): Gesture {
  switch (gesture.phase) {
    case 'undecided':
    case 'held':
      return { phase: 'spent' };
    case 'held-for':
      return { phase: 'up' };
    default:
      return gesture;
  }
}

/** The timers that a gesture needs, by the rules of held-timers.ts. */
export function timersOfGesture(
  gesture: Gesture,
  policy: GesturePolicy,
): readonly { readonly name: string; readonly afterMs: number }[] {
  switch (gesture.phase) {
    case 'undecided':
      return [{ name: holdTimer, afterMs: policy.holdAfterMs }];
    case 'held-for':
      return [{ name: releaseTimer(gesture), afterMs: gesture.forMs }];
    case 'counted':
    case 'doubled':
    case 'spent':
    case 'held':
      return [{ name: stuckTimer, afterMs: STUCK_MS }];
    case 'up':
    case 'clicked':
    case 'twice':
    case 'stuck':
      return [];
  }
}

export function stepGesture(gesture: Gesture, event: Event, at: number, policy: GesturePolicy): Read {
  switch (event.type) {
    case 'button.pressed':
      return pressed(gesture, at, policy);
    case 'button.released':
      return released(gesture, at, policy);
    case 'press.asked':
      return asked(gesture, at, event.holdMs);
    case 'timer.fired':
      return elapsed(gesture, event.timer);
    default:
      return [gesture, []];
  }
}

function elapsed(gesture: Gesture, timer: string): Read {
  switch (gesture.phase) {
    case 'undecided':
      return timer === holdTimer ? [{ phase: 'held' }, ['held']] : [gesture, []];
    case 'held-for':
      return timer === releaseTimer(gesture) ? [{ phase: 'up' }, ['released']] : [gesture, []];
    case 'held':
      return timer === stuckTimer ? [{ phase: 'stuck' }, ['released', 'stuck']] : [gesture, []];
    case 'counted':
    case 'doubled':
    case 'spent':
      return timer === stuckTimer ? [{ phase: 'stuck' }, ['stuck']] : [gesture, []];
    default:
      return [gesture, []];
  }
}

function pressed(gesture: Gesture, at: number, policy: GesturePolicy): Read {
  if (gesture.phase === 'clicked' && at <= gesture.until) return [{ phase: 'doubled' }, ['doubled']];
  if (gesture.phase === 'twice' && at <= gesture.until) return [{ phase: 'spent' }, ['tripled']];
  // A finger takes over from a command; a second "down" without an "up" between is a bounce.
  if (!isFree(gesture) && gesture.phase !== 'held-for') return [gesture, []];
  const before: readonly Sign[] = gesture.phase === 'held-for' ? ['released'] : [];
  switch (policy.mode) {
    case 'click':
      return [{ phase: 'counted' }, [...before, 'pressed', 'clicked']];
    case 'hold':
      return [{ phase: 'held' }, [...before, 'pressed', 'held']];
    case 'hybrid':
      return [{ phase: 'undecided' }, [...before, 'pressed']];
  }
}

function released(gesture: Gesture, at: number, policy: GesturePolicy): Read {
  switch (gesture.phase) {
    case 'undecided':
      return [{ phase: 'clicked', until: at + policy.doubleMs }, ['clicked']];
    case 'counted':
      return [{ phase: 'clicked', until: at + policy.doubleMs }, []];
    case 'doubled':
      return [{ phase: 'twice', until: at + policy.doubleMs }, []];
    case 'spent':
    case 'stuck':
      return [{ phase: 'up' }, []];
    case 'held':
      return [{ phase: 'up' }, ['released']];
    case 'up':
    case 'clicked':
    case 'twice':
    case 'held-for':
      return [gesture, []];
  }
}

function asked(gesture: Gesture, at: number, holdMs: number | undefined): Read {
  // A finger on the button outranks a command; a thing that lies on it does not.
  if (!isFree(gesture)) return [gesture, []];
  if (holdMs === undefined)
    return [gesture.phase === 'stuck' ? gesture : { phase: 'up' }, ['pressed', 'clicked']];
  return [{ phase: 'held-for', forMs: holdMs, since: at }, ['pressed', 'held']];
}
