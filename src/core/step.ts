// (state, event) -> next state and a few acts. The only place where the machines meet.

import { limitInForce } from './backoff.ts';
import { cuesBetween } from './cues.ts';
import { hurry, keepCurrent } from './demand.ts';
import type { Act, Event, Moment } from './events.ts';
import { stepTurn } from './exchange.ts';
import { type Sign, spent, stepGesture } from './gesture.ts';
import { holdsTimer, meterTimer } from './held-timers.ts';
import { noLessons } from './lessons.ts';
import { awaited, type LinkStepped } from './link.ts';
import { muteAsked, muteSwitched } from './mute.ts';
import { isUsable } from './network.ts';
import { pressTurn } from './press.ts';
import { stepLink } from './reconnect.ts';
import { relinked } from './relink.ts';
import { rerouted, resettled } from './reroute.ts';
import { heardOut, heeded, stepSetup } from './setup.ts';
import { isSpokenToUngreeted, linkInSetup } from './setup-link.ts';
import { aroundLink, aroundTurn, quiet, reachOf, type State } from './state.ts';
import { announcedOver, cue, idle } from './turn.ts';
import { volumeAfter } from './volume.ts';

export type Stepped = { readonly state: State; readonly acts: readonly Act[] };

export function step(given: State, event: Event, moment: Moment): Stepped {
  if (given.link.phase === 'ended') return { state: given, acts: [] };
  const state = ruled(given, event, moment.at);
  // A timer that is no longer held was on its way when its reason went.
  if (event.type === 'timer.fired' && !holdsTimer(state, event.timer)) return { state, acts: [] };
  const linked = stepLink(state.link, event, aroundLink(state, moment));
  const [gesture, signs] = stepGesture(state.gesture, event, moment.at, state.policy.gesture);
  let next = relink({ state: { ...state, gesture }, acts: [] }, linked);
  next = rerouted(next, event, moment);
  if (state.policy.setup.asks)
    next = withLink(
      next,
      linkInSetup(next.state.link, event, aroundLink(next.state, moment), state.setup.triedAt),
    );
  next = setUp(next, event, moment, { before: state, pressed: signs.includes('pressed') });
  if (event.type === 'shutdown.asked') {
    const turn = idle(state.turn, 'shutting down');
    return { ...next, state: { ...next.state, turn, gesture: { phase: 'up' }, meter: null } };
  }
  // What goes on with the server until the box belongs to somebody is none of a turn's.
  const within: Event = event.type === 'setup.activating' ? { type: 'stop.asked' } : event;
  if (isSpokenToUngreeted(event, { before: state.link, after: next.state.link })) next = outspoken(next);
  next = then(next, stepTurn(next.state.turn, within, aroundTurn(next.state, moment.at)));
  const [before, after] = [aroundTurn(state, moment.at), aroundTurn(next.state, moment.at)];
  if (before.attempt !== after.attempt) {
    const hungUp = event.type === 'socket.closed' && event.loss.class === 'normal';
    next = then(next, relinked(next.state.turn, { attempt: before.attempt, hungUp }, after));
  }
  for (const sign of signs) next = signed(next, sign, moment);
  next = mutedBy(next, event, moment.at);
  next = fitted(next, moment);
  if (!quiet(state.turn)) next = resettled(next, moment);
  next = sounded(set(next, event, moment), state.turn);
  next = withSetup(next, heeded(next.state.setup, state.turn, next.state.turn));
  const talking = !quiet(state.turn) || !quiet(next.state.turn);
  return talking ? { ...next, state: { ...next.state, usedAt: moment.at } } : next;
}

/** Whoever has pressed is spoken to by a server that does not know the box: it is listened to, and told nothing. */
function outspoken(before: Stepped): Stepped {
  const turn = announcedOver(before.state.turn);
  if (turn === before.state.turn) return before;
  return { ...before, state: { ...before.state, turn, gesture: spent(before.state.gesture) } };
}

/** A turn must not lose its connection to a successor, nor wait for one that nobody makes. */
function fitted(before: Stepped, moment: Moment): Stepped {
  const { link, turn, policy, limits } = before.state;
  const nobodyWaits = policy.link.mode === 'on-demand' && quiet(turn);
  if (nobodyWaits && link.phase === 'waiting')
    return withLink(before, {
      phase: 'resting',
      attempt: link.attempt,
      why: link.loss.reason,
      loss: link.loss,
    });
  // Whoever has set a limit of failures would see it reached in seconds.
  const isLimited = limitInForce(limits, policy.link.maxAttempts) > 0;
  if (turn.phase === 'recording' && link.phase === 'waiting' && !isLimited)
    return withLink(before, awaited(link));
  if (turn.phase === 'recording' && link.phase === 'resting')
    return relink(before, hurry(link, 'speech waits', aroundLink(before.state, moment)));
  return quiet(turn) ? before : withLink(before, keepCurrent(link));
}

function signed(before: Stepped, sign: Sign, moment: Moment): Stepped {
  const { state } = before;
  // There is no turn: the one that was going on when the activation began has ended with it.
  if (state.setup.phase === 'activating')
    return sign === 'pressed' ? then(before, { turn: state.turn, acts: [cue('code')] }) : before;
  if (reachOf(state) === 'ungreeted') return sign === 'pressed' ? silenced(before) : before;
  const pressed = pressTurn(state.turn, sign, aroundTurn(state, moment.at));
  let next = then(before, pressed);
  if (pressed.hurry) next = relink(next, hurry(state.link, 'press', aroundLink(next.state, moment)));
  if (sign !== 'doubled' && sign !== 'tripled') return next;
  // A triple click began as a double one, whose toggle it takes back.
  const muted = muteAsked(next.state, 'toggle', moment.at);
  const acts = sign === 'tripled' ? [cue('status')] : muted.acts;
  return { state: muted.state, acts: [...next.acts, ...acts] };
}

/** What it says need not be heard any further; whose box this is must still be asked before it is told anything. */
function silenced(before: Stepped): Stepped {
  const { turn, setup } = before.state;
  const silent = {
    turn: idle(turn, 'the server does not know the box'),
    acts: [cue(quiet(turn) ? 'offline' : 'stop')],
  };
  return withSetup(then(before, silent), heardOut(setup));
}

function mutedBy(before: Stepped, event: Event, at: number): Stepped {
  if (event.type !== 'mute.asked' && event.type !== 'mute.switched') return before;
  const muted =
    event.type === 'mute.asked'
      ? muteAsked(before.state, event.muted, at)
      : muteSwitched(before.state, event.muted, at);
  return { state: muted.state, acts: [...before.acts, ...muted.acts] };
}

/** What is set at the box itself. */
function set({ state, acts }: Stepped, event: Event, { at }: Moment): Stepped {
  switch (event.type) {
    case 'volume.asked':
    case 'volume.stepped':
      return {
        state: { ...state, volume: volumeAfter(state.volume, event) },
        acts: [...acts, cue('volume')],
      };
    case 'gesture.chosen': {
      const gesture = { ...state.policy.gesture, mode: event.mode };
      return { state: { ...state, policy: { ...state.policy, gesture } }, acts };
    }
    case 'meter.asked':
      return { state: { ...state, meter: { askedAt: at } }, acts };
    case 'timer.fired':
      return event.timer === meterTimer(state) ? { state: { ...state, meter: null }, acts } : { state, acts };
    default:
      return { state, acts };
  }
}

function sounded({ state, acts }: Stepped, before: State['turn']): Stepped {
  const { cues, told } = cuesBetween(before, { ...state, reach: reachOf(state) }, acts);
  if (cues.length === 0 && told === state.told) return { state, acts };
  return { state: told === state.told ? state : { ...state, told }, acts: [...acts, ...cues.map(cue)] };
}

/** What somebody has decided holds for the same event already. */
function ruled(state: State, event: Event, at: number): State {
  switch (event.type) {
    case 'reconnect.switched':
      return { ...state, limits: { enabled: event.enabled, maxAttempts: event.maxAttempts } };
    case 'server.moved':
      return { ...state, lessons: noLessons(at) };
    case 'policy.changed': {
      const { policy, lessons = state.lessons } = event;
      const { phase, attempt } = state.link;
      // Whoever has got a server rests until somebody asks for it.
      return phase === 'unconfigured' && policy.configured
        ? { ...state, policy, lessons, link: { phase: 'resting', attempt, why: 'configured', loss: null } }
        : { ...state, policy, lessons };
    }
    default:
      return state;
  }
}

/** A press, and whatever puts an end to the reason why nobody answered, ends its waits. */
function setUp(
  next: Stepped,
  event: Event,
  moment: Moment,
  { before, pressed }: { before: State; pressed: boolean },
): Stepped {
  const { state } = next;
  const isBack = isUsable(state.network) && !isUsable(before.network);
  const isAsked = event.type === 'reconnect.asked' || event.type === 'connect.asked';
  const hurried = pressed || isBack || isAsked || event.type === 'clock.synchronized';
  const link = { before: before.link, after: state.link };
  const around = { ...moment, policy: state.policy.setup, link, hurried };
  return withSetup(next, stepSetup(state.setup, event, around));
}

function withSetup(before: Stepped, setup: State['setup']): Stepped {
  return setup === before.state.setup ? before : { ...before, state: { ...before.state, setup } };
}

function relink(before: Stepped, { link, lessons, acts }: LinkStepped): Stepped {
  return { state: { ...before.state, link, lessons }, acts: [...before.acts, ...acts] };
}

function withLink(before: Stepped, link: State['link']): Stepped {
  return link === before.state.link ? before : { ...before, state: { ...before.state, link } };
}

function then(before: Stepped, part: { turn: State['turn']; acts: readonly Act[] }): Stepped {
  if (part.turn === before.state.turn && part.acts.length === 0) return before;
  return { state: { ...before.state, turn: part.turn }, acts: [...before.acts, ...part.acts] };
}
