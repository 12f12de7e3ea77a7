// What fingers mean: edges of one button become signs. Pure; knows thresholds, nothing of turns.
import type { Event } from './events.ts';

/**
 * `click`: a press is a click at once. `hold`: a press is push-to-talk at once. `hybrid`: it is decided by the
 * release, or by `holdAfterMs` passing without one.
 */
export type GesturePolicy = {
  readonly mode: 'hybrid' | 'click' | 'hold';
  readonly holdAfterMs: number;
  /** A press this soon after a click's release is a double click. */
  readonly doubleMs: number;
};

export type Gesture =
  | { readonly phase: 'up' }
  /** Up again after a click; a second press until `until` makes it double. */
  | { readonly phase: 'clicked'; readonly until: number }
  | { readonly phase: 'undecided' }
  /** Down, and already counted as a click. */
  | { readonly phase: 'counted' }
  /** Down for the second time: its release means nothing. */
  | { readonly phase: 'spent' }
  | { readonly phase: 'held' }
  /** Held by command rather than by a finger, and let go of after `forMs`. */
  | { readonly phase: 'held-for'; readonly forMs: number; readonly since: number };

/** `released` ends a `held`; `pressed` comes before each of the others. */
export type Sign = 'pressed' | 'clicked' | 'held' | 'released' | 'doubled';

type Read = readonly [Gesture, readonly Sign[]];

export const holdTimer = 'gesture hold';

export function releaseTimer(gesture: Gesture & { phase: 'held-for' }): string {
  return `gesture release ${gesture.since}`;
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
      if (gesture.phase === 'undecided' && event.timer === holdTimer) return [{ phase: 'held' }, ['held']];
      if (gesture.phase === 'held-for' && event.timer === releaseTimer(gesture))
        return [{ phase: 'up' }, ['released']];
      return [gesture, []];
    default:
      return [gesture, []];
  }
}

function pressed(gesture: Gesture, at: number, policy: GesturePolicy): Read {
  if (gesture.phase === 'clicked' && at <= gesture.until) return [{ phase: 'spent' }, ['doubled']];
  // A finger takes over from a command; a second "down" without an "up" between is a bounce.
  if (gesture.phase !== 'up' && gesture.phase !== 'clicked' && gesture.phase !== 'held-for')
    return [gesture, []];
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
    case 'spent':
      return [{ phase: 'up' }, []];
    case 'held':
      return [{ phase: 'up' }, ['released']];
    case 'up':
    case 'clicked':
    case 'held-for':
      return [gesture, []];
  }
}

function asked(gesture: Gesture, at: number, holdMs: number | undefined): Read {
  // A finger on the button outranks a command.
  if (gesture.phase !== 'up' && gesture.phase !== 'clicked') return [gesture, []];
  if (holdMs === undefined) return [{ phase: 'up' }, ['pressed', 'clicked']];
  return [{ phase: 'held-for', forMs: holdMs, since: at }, ['pressed', 'held']];
}
