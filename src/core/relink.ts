// What becomes of a turn when the connection goes or comes: speech is kept, sent again from its start, never twice
// after it was understood.
import {
  type Around,
  cue,
  draining,
  finishing,
  idle,
  say,
  stay,
  type Turn,
  type TurnStepped,
  type Uttered,
} from './turn.ts';

/** Some servers break at what they hear, each time: five losses of one utterance, and it is the trouble. */
const MAX_TAKES = 6;

/**
 * Frames go elsewhere from now on, or nowhere (`around.attempt`).
 * @param was the connection they went to so far; `hungUp`: the server has ended the session in the ordinary way
 */
export function relinked(
  turn: Turn,
  was: { readonly attempt: number | null; readonly hungUp: boolean },
  around: Around,
): TurnStepped {
  const parted = was.attempt === null ? stay(turn) : lost(turn, was.hungUp, around.at);
  if (around.attempt === null || parted.turn.phase !== 'recording') return parted;
  const { turn: next, acts } = resumed(parted.turn, around);
  return { turn: next, acts: [...parted.acts, ...acts] };
}

function lost(turn: Turn, hungUp: boolean, at: number): TurnStepped {
  switch (turn.phase) {
    case 'listening':
      if (turn.origin === 'follow-up')
        return { turn: idle(turn, 'connection lost, nothing was said'), acts: [] };
      return keep(turn, 'going');
    case 'finishing':
      return keep(turn, 'ending');
    case 'thinking':
      if (turn.awaiting === 'answer') return keep(turn, 'ending');
      // It has understood, and that is its answer: somebody said that this was all.
      if (hungUp) return { turn: idle(turn, 'the server has ended the session'), acts: [cue('stop')] };
      return { turn: idle(turn, 'connection lost before the answer'), acts: [cue('lost')] };
    case 'speaking':
    case 'draining':
      // What has arrived is played to its end; nothing follows it.
      return stay(draining({ ...turn, mode: 'announced' }, at));
    case 'aborting':
      return stay(idle(turn, turn.why));
    case 'pressed':
      // What it interrupted is gone with its connection.
      return stay({ ...turn, over: 'idle' });
    case 'idle':
    case 'recording':
      return stay(turn);
  }
}

function resumed(turn: Turn & { phase: 'recording' }, around: Around): TurnStepped {
  const again = { turn: turn.turn, mode: turn.mode, take: turn.take + 1, wire: 'clear' } as const;
  return {
    turn:
      turn.capture === 'going'
        ? { ...again, phase: 'listening', origin: 'press' }
        : finishing(again, around.at),
    acts: say(around, { type: 'listen', state: 'start', mode: turn.mode }),
  };
}

function keep({ turn, mode, take }: Uttered, capture: 'going' | 'ending'): TurnStepped {
  if (take >= MAX_TAKES)
    return { turn: idle({ turn }, 'connection lost again and again on one utterance'), acts: [cue('lost')] };
  return stay({ phase: 'recording', turn, mode, take, capture, outage: 'sudden', why: 'connection lost' });
}
