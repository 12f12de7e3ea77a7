// The sounds that belong to a change rather than to whoever caused it: speech that has ended, a microphone that opens by
// itself, a connection that is there for the first time or again. Pure; knows no machine's inside.
import type { Act, Cue } from './events.ts';
import type { Around, Turn } from './turn.ts';
import { recordsNow } from './turn.ts';

/** What the person was last told of the connection. Whoever was told nothing of a loss is told nothing of its end. */
export type Told = 'nothing' | 'ready' | 'away';

type Seen = { readonly turn: Turn; readonly told: Told; readonly reach: Around['reach'] };

/** What sounds now, beside the acts of the machines, and what has been told with it. */
export function cuesBetween(
  before: Turn,
  { turn, told, reach }: Seen,
  acts: readonly Act[],
): { readonly cues: readonly Cue[]; readonly told: Told } {
  const cues: Cue[] = [];
  if (hasSpoken(before, turn)) cues.push('heard');
  if (reopens(before, turn)) cues.push('again');
  if (acts.some((act) => act.type === 'cue' && (act.cue === 'offline' || act.cue === 'lost')))
    return { cues, told: 'away' };
  if (reach !== 'ready' || told === 'ready') return { cues, told };
  // Not into an open microphone: whoever talks now finds out by the answer.
  if (!recordsNow(turn)) cues.push(told === 'away' ? 'back' : 'ready');
  return { cues, told: 'ready' };
}

/** All is said that goes to the server: by the button, the server's ear or a deadline. */
function hasSpoken(before: Turn, after: Turn): boolean {
  if (before.turn !== after.turn || !('mode' in before) || before.mode === 'realtime') return false;
  switch (before.phase) {
    case 'listening':
      return after.phase === 'finishing' || after.phase === 'thinking';
    case 'recording':
      return before.capture === 'going' && !recordsNow(after) && after.phase === 'recording';
    default:
      return false;
  }
}

/** Follow-up: nobody has pressed. */
function reopens(before: Turn, after: Turn): boolean {
  if (after.phase !== 'listening' || after.origin !== 'follow-up') return false;
  return before.phase !== 'listening' || before.turn !== after.turn;
}

/** Somebody has spoken, nothing sounds yet, and they may wonder. */
export function waitsForAnswer(turn: Turn): boolean {
  if (turn.phase === 'finishing') return true;
  return turn.phase === 'thinking' && turn.mode !== 'announced' && turn.mode !== 'realtime';
}
