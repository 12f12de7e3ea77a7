// What becomes of a turn when the connection goes or comes: speech is kept, sent again from its start, never twice
// after it was understood.
import { type Around, cue, idle, say, stay, type Turn, type TurnStepped, type Uttered } from './turn.ts';

/** A third loss while one utterance waits for its answer means that the utterance itself is the trouble. */
const MAX_TAKES = 3;

/** The connection has become ready, or has gone (`around.attempt` tells which). */
export function relinked(turn: Turn, around: Around): TurnStepped {
  if (around.attempt !== null) return turn.phase === 'recording' ? resumed(turn, around) : stay(turn);
  switch (turn.phase) {
    case 'listening':
      if (turn.origin === 'follow-up')
        return { turn: idle(turn, 'connection lost, nothing was said'), acts: [] };
      return keep(turn, 'going');
    case 'finishing':
      return keep(turn, 'ending');
    case 'thinking':
      if (turn.awaiting === 'answer') return keep(turn, 'ending');
      return { turn: idle(turn, 'connection lost before the answer'), acts: [cue('lost')] };
    case 'speaking':
    case 'draining':
      // What has arrived is played to its end; nothing follows it.
      return stay({ phase: 'draining', turn: turn.turn, mode: 'announced', take: turn.take });
    case 'aborting':
      return stay(idle(turn, turn.why));
    case 'idle':
    case 'pressed':
    case 'recording':
      return stay(turn);
  }
}

function resumed(turn: Turn & { phase: 'recording' }, around: Around): TurnStepped {
  const again = { turn: turn.turn, mode: turn.mode, take: turn.take + 1 };
  return {
    turn:
      turn.capture === 'going'
        ? { ...again, phase: 'listening', origin: 'press' }
        : { ...again, phase: 'finishing' },
    acts: say(around, { type: 'listen', state: 'start', mode: turn.mode }),
  };
}

function keep(turn: Uttered, capture: 'going' | 'ending'): TurnStepped {
  if (turn.take >= MAX_TAKES)
    return { turn: idle(turn, `connection lost ${turn.take} times on one utterance`), acts: [cue('lost')] };
  const { mode, take } = turn;
  return stay({ phase: 'recording', turn: turn.turn, mode, take, capture, why: 'connection lost' });
}
