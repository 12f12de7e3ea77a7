// What each sign of the button means in each phase of a turn: the table of the product's behaviour, cell by cell.
import type { Sign } from './gesture.ts';
import {
  type Around,
  abort,
  again,
  cue,
  finishing,
  giveUp,
  idle,
  interrupts,
  recordsNow,
  say,
  stay,
  type Turn,
  type TurnStepped,
  type Wire,
} from './turn.ts';

export type Pressed = TurnStepped & {
  /** Somebody wants the connection now. */
  readonly hurry: boolean;
};

export function pressTurn(turn: Turn, sign: Sign, around: Around): Pressed {
  const stepped = signed(turn, sign, around);
  return { ...stepped, hurry: sign === 'pressed' };
}

/** A double click cancels what goes on; muting itself belongs to the device as a whole. */
function signed(turn: Turn, sign: Sign, around: Around): TurnStepped {
  switch (sign) {
    case 'pressed':
      return down(turn, around);
    case 'clicked':
      return clicked(turn, around);
    case 'held':
      return held(turn, around);
    case 'released':
      return released(turn, around);
    case 'doubled':
    case 'tripled':
      return cancelled(turn, around);
    case 'stuck':
      return { turn, acts: [cue('error')] };
  }
}

function down(turn: Turn, around: Around): TurnStepped {
  switch (turn.phase) {
    case 'idle':
    case 'aborting':
      if (around.muted) return { turn, acts: [cue('muted')] };
      if (around.reach === 'unconfigured') return { turn, acts: [cue('error')] };
      return {
        turn: { phase: 'pressed', turn: turn.turn + 1, over: turn.phase },
        acts: [cue(around.reach === 'away' ? 'offline' : 'listen')],
      };
    case 'finishing':
    case 'thinking':
      return stay({ phase: 'pressed', turn: turn.turn + 1, over: 'thinking' });
    case 'speaking':
    case 'draining':
      // The new phase plays nothing: silence at once.
      return {
        turn: { phase: 'pressed', turn: turn.turn + 1, over: turn.phase },
        acts: around.muted ? [] : [cue('listen')],
      };
    case 'pressed':
    case 'recording':
    case 'listening':
      return stay(turn);
  }
}

function clicked(turn: Turn, around: Around): TurnStepped {
  switch (turn.phase) {
    case 'pressed':
      if (turn.over === 'thinking') return giveUp(turn, around, 'cancelled', 'stop');
      return begin(turn, around.policy.mode, around);
    case 'listening':
      if (turn.origin === 'follow-up' || turn.mode === 'realtime')
        return giveUp(turn, around, 'conversation ended', 'stop');
      return stay(finishing(turn, around.at));
    case 'recording':
      // Some of it was heard by the server that is gone: the click means that everything is said.
      if (turn.take > 0 && turn.capture === 'going') return stay({ ...turn, capture: 'ending' });
      return { turn: idle(turn, 'cancelled, nothing was sent'), acts: [cue('stop')] };
    default:
      // The phase has changed since the finger came down: what the click asked for has happened by itself.
      return stay(turn);
  }
}

function held(turn: Turn, around: Around): TurnStepped {
  switch (turn.phase) {
    case 'pressed':
      return begin(turn, 'manual', around);
    case 'listening':
      // Begun anew as push-to-talk, so that the server's ear for pauses doesn't end it; what was said is sent again.
      return again({ ...turn, mode: 'manual', origin: 'press' } as const, around);
    case 'recording':
      // Muted since: what was said before still waits for its connection, and nothing is added.
      return stay(around.muted ? turn : { ...turn, mode: 'manual', capture: 'going' });
    default: {
      // The phase has changed since the finger came down; whoever still holds the button means to talk.
      const pressed = down(turn, around);
      if (pressed.turn.phase !== 'pressed') return stay(turn);
      const begun = begin(pressed.turn, 'manual', around);
      return { turn: begun.turn, acts: [...pressed.acts, ...begun.acts] };
    }
  }
}

function released(turn: Turn, { at }: Around): TurnStepped {
  if (turn.phase === 'listening' && turn.mode === 'manual') return stay(finishing(turn, at));
  if (turn.phase === 'recording' && turn.mode === 'manual') return stay({ ...turn, capture: 'ending' });
  return stay(turn);
}

function cancelled(turn: Turn, around: Around): TurnStepped {
  switch (turn.phase) {
    case 'idle':
    case 'aborting':
      return stay(turn);
    case 'recording':
      return stay(idle(turn, 'cancelled by a double click'));
    case 'pressed':
    case 'listening':
    case 'finishing':
    case 'thinking':
    case 'speaking':
    case 'draining':
      return abort(turn, around, 'cancelled by a double click');
  }
}

/** Muted by a switch or a command: what is being said is dropped. What has been said goes its way, and an answer plays. */
export function hushed(turn: Turn, around: Around): TurnStepped {
  if (turn.phase === 'finishing' || !recordsNow(turn)) return stay(turn);
  return turn.phase === 'recording' ? stay(idle(turn, 'muted')) : abort(turn, around, 'muted');
}

/** The gesture is decided: from here on there is something to send. */
function begin(
  turn: Turn & { phase: 'pressed' },
  mode: 'auto' | 'manual' | 'realtime',
  around: Around,
): TurnStepped {
  if (around.muted) return giveUp(turn, around, 'interrupted while muted', 'muted');
  const utterance = { turn: turn.turn, mode };
  if (around.attempt === null) {
    // Whoever pressed in vain has heard so.
    const outage = around.reach === 'away' ? 'lasting' : 'sudden';
    const why = 'not connected';
    return stay({ ...utterance, phase: 'recording', take: 0, capture: 'going', outage, why });
  }
  const first = interrupts(turn) ? say(around, { type: 'abort' }) : [];
  const cues = turn.over === 'thinking' ? [cue('listen')] : [];
  return {
    turn: { ...utterance, phase: 'listening', take: 1, wire: wireAfter(turn.over), origin: 'press' },
    acts: [...first, ...say(around, { type: 'listen', state: 'start', mode }), ...cues],
  };
}

function wireAfter(over: (Turn & { phase: 'pressed' })['over']): Wire {
  switch (over) {
    case 'idle':
    case 'draining':
      // The server had said all it had to say.
      return 'clear';
    case 'speaking':
      return 'old-speech';
    case 'thinking':
    case 'aborting':
      return 'old-words';
  }
}
