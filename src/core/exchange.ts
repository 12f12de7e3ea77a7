// What the server, the audio path and the clock do to a turn. Pure.
import type { ServerMessage } from '../protocol/messages.ts';
import type { Event } from './events.ts';
import {
  type Around,
  abort,
  again,
  announced,
  cue,
  deadlineTimer,
  draining,
  finishing,
  giveUp,
  idle,
  interrupts,
  type Moving,
  mayBeUnheard,
  outageTimer,
  playsNow,
  recordsNow,
  say,
  settleTimer,
  stay,
  type Turn,
  type TurnMode,
  type TurnStepped,
  type Uttered,
  type Wire,
} from './turn.ts';

export function stepTurn(turn: Turn, event: Event, around: Around): TurnStepped {
  switch (event.type) {
    case 'server.said':
      return event.attempt === around.attempt ? told(turn, event.message, around) : stay(turn);
    case 'speech.arrived':
      return event.attempt === around.attempt && 'wire' in turn && turn.wire === 'clear'
        ? understood(turn)
        : stay(turn);
    case 'uplink.voiced':
      return turn.phase === 'listening' && turn.origin === 'follow-up' && event.turn === turn.turn
        ? stay({ ...turn, origin: 'press' })
        : stay(turn);
    case 'uplink.flushed':
      return isSaid(turn) && event.turn === turn.turn && event.take === turn.take
        ? {
            turn: { ...turn, phase: 'thinking', awaiting: 'answer', movedAt: around.at },
            acts: say(around, { type: 'listen', state: 'stop' }),
          }
        : stay(turn);
    case 'uplink.moved':
      return isSaid(turn) && event.turn === turn.turn && event.take === turn.take
        ? stay({ ...turn, movedAt: around.at })
        : stay(turn);
    case 'uplink.hushed':
      return isUnheard(turn, event, around) ? again(turn, around) : stay(turn);
    case 'downlink.started':
    case 'downlink.heard':
      return event.turn === turn.turn ? heard(turn, around.at) : stay(turn);
    case 'downlink.played':
      return turn.phase === 'draining' && event.turn === turn.turn
        ? stay({ ...turn, movedAt: around.at })
        : stay(turn);
    case 'downlink.drained':
      return turn.phase === 'draining' && event.turn === turn.turn ? ended(turn, around) : stay(turn);
    case 'microphone.failed':
      return event.turn === turn.turn && recordsNow(turn) ? deafened(turn, around, event) : stay(turn);
    case 'speaker.failed':
      return event.turn === turn.turn && playsNow(turn)
        ? giveUp(turn, around, event.reason, 'error')
        : stay(turn);
    case 'timer.fired':
      return elapsed(turn, event.timer, around);
    case 'stop.asked':
      return stopped(turn, around);
    default:
      return stay(turn);
  }
}

function told(turn: Turn, message: ServerMessage, around: Around): TurnStepped {
  switch (message.type) {
    case 'stt':
      // A new number: what was still to be heard of the old answer is dropped.
      return talkedOver(turn) ? stay(expecting(turn)) : understood(turn);
    case 'tts':
      if (message.state === 'start') return spokenTo(turn, around);
      return message.state === 'stop' ? spoken(turn, around) : stay(turn);
    case 'abort':
      return stay(settled(turn, 'clear'));
    default:
      return stay(turn);
  }
}

/** With the microphone open all along, new words end the answer they were said over. */
function talkedOver(turn: Turn): turn is Turn & { mode: 'realtime'; take: number } {
  return playsNow(turn) && 'mode' in turn && turn.mode === 'realtime';
}

/** It is said to its end, and goes to the server, or goes there once more, until it is understood. */
function isSaid(turn: Turn): turn is Extract<Turn, Uttered & Moving> {
  return turn.phase === 'finishing' || (turn.phase === 'thinking' && turn.awaiting === 'answer');
}

/** In push-to-talk nothing is answered before its end was told: what comes sooner is of old words, or nobody asked for it. */
function mayBeAnswered({ phase, mode }: Uttered & Turn): boolean {
  return mode !== 'manual' || (phase !== 'listening' && phase !== 'finishing');
}

/** The server has not noticed that somebody spoke, for its ears may not have worked yet. */
function isUnheard(
  turn: Turn,
  event: Event & { type: 'uplink.hushed' },
  { greetedAt }: Around,
): turn is Turn & { phase: 'listening' } {
  if (turn.phase !== 'listening' || turn.mode === 'manual') return false;
  return event.turn === turn.turn && event.take === turn.take && mayBeUnheard(event.sentAt, greetedAt);
}

/** The microphone has failed: what was said before goes on its way. */
function deafened(turn: Turn, around: Around, event: Event & { type: 'microphone.failed' }): TurnStepped {
  // What was said is on its way already; its last packet is made up without the microphone.
  if (turn.phase === 'finishing') return stay(turn);
  if (event.said && turn.phase === 'listening') return stay(finishing(turn, around.at));
  if (event.said && turn.phase === 'recording') return stay({ ...turn, capture: 'ending' });
  if (turn.phase === 'pressed' && !interrupts(turn))
    return { turn: idle(turn, event.reason), acts: [cue('error')] };
  return giveUp(turn, around, event.reason, 'error');
}

/** `tts start`. */
function spokenTo(turn: Turn, around: Around): TurnStepped {
  if (turn.phase === 'idle') return around.policy.unsolicited === 'play' ? stay(announced(turn)) : stay(turn);
  // Another answer on top of one that is still playing: both are heard.
  if (turn.phase === 'draining') return stay({ ...turn, phase: 'speaking', movedAt: around.at });
  return understood(turn);
}

/** The server speaks of what it heard; unless it still speaks of what was interrupted. */
function understood(turn: Turn): TurnStepped {
  return 'wire' in turn && turn.wire !== 'old-words' && mayBeAnswered(turn)
    ? stay(expecting(turn))
    : stay(turn);
}

/**
 * The utterance need not be kept any more, an answer is on its way. In realtime the next one begins here: what was
 * understood must not be sent again.
 */
function expecting({ turn, mode, take }: Omit<Uttered, 'wire'>): Turn {
  const next = mode === 'realtime' ? turn + 1 : turn;
  return { phase: 'thinking', awaiting: 'audio', turn: next, mode, take };
}

/** `tts stop`. One without a start belongs to an answer that was aborted. */
function spoken(turn: Turn, around: Around): TurnStepped {
  if (turn.phase === 'speaking') return stay(draining(turn, around.at));
  if (turn.phase === 'thinking' && turn.awaiting === 'audio') return ended(turn, around);
  return stay(settled(turn, 'clear'));
}

function settled(turn: Turn, wire: Wire): Turn {
  if (turn.phase === 'aborting') return idle(turn, turn.why);
  if (turn.phase === 'pressed' && turn.over === 'aborting' && wire === 'clear')
    return { ...turn, over: 'idle' };
  return 'wire' in turn && turn.wire !== 'clear' ? { ...turn, wire } : turn;
}

function heard(turn: Turn, at: number): TurnStepped {
  if (turn.phase === 'speaking') return stay({ ...turn, movedAt: at });
  if (turn.phase === 'thinking')
    return stay({ phase: 'speaking', turn: turn.turn, mode: turn.mode, take: turn.take, movedAt: at });
  return stay(turn);
}

/** The answer is over: listen again, or be idle. */
function ended(turn: Turn & { mode: TurnMode; take: number }, around: Around): TurnStepped {
  const { mode } = turn;
  if (around.attempt === null || around.muted || mode === 'announced') return stay(idle(turn, 'answered'));
  if (mode === 'realtime')
    return stay({
      phase: 'listening',
      turn: turn.turn,
      mode,
      take: turn.take,
      wire: 'clear',
      origin: 'press',
    });
  if (mode === 'manual' || !around.policy.followUp) return stay(idle(turn, 'answered'));
  return {
    turn: { phase: 'listening', turn: turn.turn + 1, mode, take: 1, wire: 'clear', origin: 'follow-up' },
    acts: say(around, { type: 'listen', state: 'start', mode }),
  };
}

function elapsed(turn: Turn, timer: string, around: Around): TurnStepped {
  // A round trip has passed: words are new ones now; sound may still be old.
  if (timer === settleTimer(turn)) return stay(settled(turn, 'old-speech'));
  if (turn.phase === 'recording' && timer === outageTimer(turn))
    return { turn: { ...turn, outage: 'lasting' }, acts: [cue('offline')] };
  if (timer !== deadlineTimer(turn)) return stay(turn);
  switch (turn.phase) {
    case 'idle':
      return stay(turn);
    case 'aborting':
      return stay(idle(turn, turn.why));
    case 'pressed':
      return stay(idle(turn, 'a press was never decided'));
    case 'recording':
      return { turn: idle(turn, `no connection in time, speech dropped (${turn.why})`), acts: [cue('lost')] };
    case 'listening':
      if (turn.origin === 'follow-up' || turn.mode === 'realtime')
        return abort(turn, around, 'nothing more was said');
      return stay(finishing(turn, around.at));
    case 'finishing':
      return giveUp(turn, around, 'speech could not be sent in time', 'lost');
    case 'thinking':
      if (turn.awaiting === 'answer' && mayBeUnheard(turn.movedAt, around.greetedAt)) {
        return again({ ...turn, movedAt: around.at }, around);
      }
      return giveUp(
        turn,
        around,
        turn.awaiting === 'answer' ? 'no answer' : 'an answer without sound',
        'no-answer',
      );
    case 'speaking':
      return stay(draining(turn, around.at));
    case 'draining':
      return ended(turn, around);
  }
}

function stopped(turn: Turn, around: Around): TurnStepped {
  switch (turn.phase) {
    case 'idle':
    case 'aborting':
      return stay(turn);
    case 'pressed':
      if (interrupts(turn)) return giveUp(turn, around, 'stopped', 'stop');
      return { turn: idle(turn, 'stopped'), acts: [cue('stop')] };
    case 'recording':
      return { turn: idle(turn, 'stopped'), acts: [cue('stop')] };
    default:
      return giveUp(turn, around, 'stopped', 'stop');
  }
}
