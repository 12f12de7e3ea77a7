// (state, event) -> next state and a few acts. The only place where the machines meet.
import type { Act, Event, Moment } from './events.ts';
import { stepTurn } from './exchange.ts';
import { type Sign, stepGesture } from './gesture.ts';
import { holdsTimer } from './holds.ts';
import { hurry, keepCurrent, stepLink } from './link.ts';
import { pressTurn } from './press.ts';
import { relinked } from './relink.ts';
import { aroundTurn, quiet, type State } from './state.ts';
import { cue, idle } from './turn.ts';

export type Stepped = { readonly state: State; readonly acts: readonly Act[] };

export function step(state: State, event: Event, moment: Moment): Stepped {
  if (state.link.phase === 'ended') return { state, acts: [] };
  // A timer that is no longer held was on its way when its reason went.
  if (event.type === 'timer.fired' && !holdsTimer(state, event.timer)) return { state, acts: [] };
  const linked = stepLink(state.link, event, moment, state.policy.link);
  const [gesture, signs] = stepGesture(state.gesture, event, moment.at, state.policy.gesture);
  let next: Stepped = {
    state: { ...state, link: linked.link, gesture, setup: setUp(state, event) },
    acts: linked.acts,
  };
  if (event.type === 'shutdown.asked') {
    const turn = idle(state.turn, 'shutting down');
    return { ...next, state: { ...next.state, turn, gesture: { phase: 'up' } } };
  }
  // What goes on with the server until the box belongs to somebody is none of a turn's.
  const within: Event = event.type === 'setup.activating' ? { type: 'stop.asked' } : event;
  next = then(next, stepTurn(next.state.turn, within, aroundTurn(next.state, moment.at)));
  const [before, after] = [aroundTurn(state, moment.at), aroundTurn(next.state, moment.at)];
  if (before.attempt !== after.attempt) next = then(next, relinked(next.state.turn, after));
  for (const sign of signs) next = signed(next, sign, moment);
  return { ...next, state: { ...next.state, link: linkFor(next.state, moment.at) } };
}

/** A turn must not lose its connection to a successor, nor wait for one that nobody makes. */
function linkFor({ link, turn, policy }: State, at: number): State['link'] {
  const nobodyWaits = policy.link.mode === 'on-demand' && quiet(turn);
  if (nobodyWaits && link.phase === 'waiting')
    return { phase: 'resting', attempt: link.attempt, why: link.loss.reason };
  if (turn.phase === 'recording' && link.phase === 'resting') return hurry(link, at);
  return quiet(turn) ? link : keepCurrent(link);
}

function signed(before: Stepped, sign: Sign, moment: Moment): Stepped {
  const { state } = before;
  // Letting go is never lost on the turn that was going on when the activation began.
  if (state.setup.phase === 'activating' && sign !== 'released')
    return sign === 'pressed' ? then(before, { turn: state.turn, acts: [cue('code')] }) : before;
  const pressed = pressTurn(state.turn, sign, aroundTurn(state, moment.at));
  const next = then(before, pressed);
  const link = pressed.hurry ? hurry(state.link, moment.at) : state.link;
  if (sign !== 'doubled') return { ...next, state: { ...next.state, link } };
  const muted = !state.muted;
  return { state: { ...next.state, link, muted }, acts: [...next.acts, cue(muted ? 'muted' : 'unmuted')] };
}

function setUp(state: State, event: Event): State['setup'] {
  if (event.type === 'setup.activating') return { phase: 'activating', code: event.code };
  return event.type === 'setup.done' ? { phase: 'done' } : state.setup;
}

function then(before: Stepped, part: { turn: State['turn']; acts: readonly Act[] }): Stepped {
  if (part.turn === before.state.turn && part.acts.length === 0) return before;
  return { state: { ...before.state, turn: part.turn }, acts: [...before.acts, ...part.acts] };
}
