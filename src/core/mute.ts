// Whether the box listens at all: what asks for it, and what a switch that decides forbids. Pure; independent of every
// phase but for what it ends.
import type { Act } from './events.ts';
import { hushed } from './press.ts';
import { aroundTurn, type State } from './state.ts';
import { cue } from './turn.ts';

type Muted = { readonly state: State; readonly acts: readonly Act[] };

/** A double click, a key or a command. */
export function muteAsked(state: State, wanted: boolean | 'toggle', at: number): Muted {
  const muted = wanted === 'toggle' ? !state.muted : wanted;
  // Whoever sees the switch stand on mute must be able to rely on it.
  if (!muted && state.muteSwitched) return { state, acts: [cue('muted')] };
  return set(state, muted, at);
}

export function muteSwitched(state: State, muted: boolean, at: number): Muted {
  return set({ ...state, muteSwitched: muted }, muted, at);
}

function set(state: State, muted: boolean, at: number): Muted {
  if (muted === state.muted) return { state, acts: [] };
  const { turn, acts } = muted ? hushed(state.turn, aroundTurn(state, at)) : { turn: state.turn, acts: [] };
  return { state: { ...state, turn, muted }, acts: [...acts, cue(muted ? 'muted' : 'unmuted')] };
}
