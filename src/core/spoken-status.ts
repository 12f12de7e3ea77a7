// How things stand, as the one sound that says it to somebody without a screen. Pure.
import type { Cue } from './events.ts';
import { signOf } from './light.ts';
import type { State } from './state.ts';

export function statusCue(state: State): Exclude<Cue, 'status'> {
  switch (signOf(state)) {
    case 'error':
      return 'error';
    case 'offline':
    case 'connecting':
      return 'offline';
    case 'muted':
      return 'muted';
    case 'activating':
      return 'code';
    case 'idle':
    case 'listening':
    case 'thinking':
    case 'speaking':
      return 'ready';
  }
}
