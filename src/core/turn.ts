// One exchange with the person: from a press to the end of the answer. Pure. Facts from the server, the audio path
// and the clock are handled here; what a finger means in each phase is press.ts.
import type { DeviceMessage, ListenMode, ServerMessage } from '../protocol/messages.ts';
import type { Act, Cue, Event } from './events.ts';

export type TurnPolicy = {
  /** What a click starts; `realtime` keeps the microphone open while the answer plays. */
  readonly mode: 'auto' | 'realtime';
  readonly followUp: boolean;
  readonly offlineHoldMs: number;
  readonly unsolicited: 'play' | 'mute';
};

/** `announced`: the server began to speak by itself. */
export type TurnMode = ListenMode | 'announced';

type Numbered = { readonly turn: number };

/**
 * What may still arrive of an answer that was interrupted. `clear`: nothing. `old-speech`: its sound and its `tts stop`.
 * `old-words`: also its `stt` and `tts start`, for it had not begun yet.
 */
export type Wire = 'clear' | 'old-speech' | 'old-words';

/** `take` counts the times the utterance was begun on the wire; each time it is sent from its first packet on. */
export type Uttered = Numbered & { readonly mode: ListenMode; readonly take: number; readonly wire: Wire };
type Answered = Numbered & { readonly mode: TurnMode; readonly take: number };

export type Turn =
  | (Numbered & { readonly phase: 'idle'; readonly why: string })
  /** Idle for the person; what the server had already sent of an aborted answer is not played. */
  | (Numbered & { readonly phase: 'aborting'; readonly why: string })
  /** The button is down and the gesture undecided; recording, nothing sent. `over` is what it interrupts. */
  | (Numbered & {
      readonly phase: 'pressed';
      readonly over: 'idle' | 'aborting' | 'thinking' | 'speaking' | 'draining';
    })
  /** No connection: the utterance is kept. `ending` once nothing more will be said. */
  | (Numbered & {
      readonly phase: 'recording';
      readonly mode: ListenMode;
      readonly take: number;
      readonly capture: 'going' | 'ending';
      readonly why: string;
    })
  /** `follow-up`: by itself, after an answer, and nothing was said yet. */
  | (Uttered & { readonly phase: 'listening'; readonly origin: 'press' | 'follow-up' })
  /** Everything is said; the last packets are on their way. */
  | (Uttered & { readonly phase: 'finishing' })
  /** Until the server has understood, the utterance is kept. */
  | (Uttered & { readonly phase: 'thinking'; readonly awaiting: 'answer' })
  | (Answered & { readonly phase: 'thinking'; readonly awaiting: 'audio' })
  | (Answered & { readonly phase: 'speaking'; readonly heardAt: number })
  /** The server has finished; what is buffered plays to its end. */
  | (Answered & { readonly phase: 'draining' });

/** What a turn may know of the rest of the device. */
export type Around = {
  /** The connection frames go to, or null. */
  readonly attempt: number | null;
  /** `away`: there is a server, and it cannot be reached at present. */
  readonly reach: 'ready' | 'coming' | 'away' | 'unconfigured';
  readonly muted: boolean;
  readonly at: number;
  readonly policy: TurnPolicy;
};

export type TurnStepped = { readonly turn: Turn; readonly acts: readonly Act[] };

export const SETTLE_TIMER = 'turn settle';

/** Whether words of an interrupted answer may still be on their way. */
export function unsettled(turn: Turn): boolean {
  return 'wire' in turn && turn.wire === 'old-words';
}

export function deadlineTimer(turn: Turn): string {
  return turn.phase === 'speaking'
    ? `turn ${turn.turn} speaking since ${turn.heardAt}`
    : `turn ${turn.turn} ${turn.phase}${'awaiting' in turn ? ` ${turn.awaiting}` : ''}${'origin' in turn ? ` ${turn.origin}` : ''}`;
}

export function stepTurn(turn: Turn, event: Event, around: Around): TurnStepped {
  switch (event.type) {
    case 'server.said':
      return event.attempt === around.attempt ? told(turn, event.message, around) : stay(turn);
    case 'speech.arrived':
      return event.attempt === around.attempt && 'wire' in turn && turn.wire === 'clear'
        ? answered(turn)
        : stay(turn);
    case 'uplink.voiced':
      return turn.phase === 'listening' && turn.origin === 'follow-up' && event.turn === turn.turn
        ? stay({ ...turn, origin: 'press' })
        : stay(turn);
    case 'uplink.flushed':
      return turn.phase === 'finishing' && event.turn === turn.turn && event.take === turn.take
        ? {
            turn: { ...turn, phase: 'thinking', awaiting: 'answer' },
            acts: say(around, { type: 'listen', state: 'stop' }),
          }
        : stay(turn);
    case 'downlink.started':
    case 'downlink.heard':
      return event.turn === turn.turn ? heard(turn, around.at) : stay(turn);
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
  return (turn.phase === 'speaking' || turn.phase === 'draining') && turn.mode === 'realtime';
}

/** The microphone has failed: what was said before goes on its way. */
function deafened(turn: Turn, around: Around, event: Event & { type: 'microphone.failed' }): TurnStepped {
  if (event.said && turn.phase === 'listening') return stay(finishing(turn));
  if (event.said && turn.phase === 'recording') return stay({ ...turn, capture: 'ending' });
  if (turn.phase === 'pressed' && !interrupts(turn))
    return { turn: idle(turn, event.reason), acts: [cue('error')] };
  return giveUp(turn, around, event.reason, 'error');
}

/** `tts start`. */
function spokenTo(turn: Turn, around: Around): TurnStepped {
  if (turn.phase === 'idle')
    return around.policy.unsolicited === 'play'
      ? stay({ phase: 'thinking', awaiting: 'audio', turn: turn.turn + 1, mode: 'announced', take: 0 })
      : stay(turn);
  // Another answer on top of one that is still playing: both are heard.
  if (turn.phase === 'draining') return stay({ ...turn, phase: 'speaking', heardAt: around.at });
  return understood(turn);
}

/** The server speaks of what it heard; unless it still speaks of what was interrupted. */
function understood(turn: Turn): TurnStepped {
  return 'wire' in turn && turn.wire !== 'old-words' ? answered(turn) : stay(turn);
}

/** The utterance need not be kept any more, an answer is on its way. */
function answered(turn: Uttered): TurnStepped {
  return stay(expecting(turn));
}

/** In realtime the next utterance begins here: what was understood must not be sent again. */
function expecting({ turn, mode, take }: Omit<Uttered, 'wire'>): Turn {
  const next = mode === 'realtime' ? turn + 1 : turn;
  return { phase: 'thinking', awaiting: 'audio', turn: next, mode, take };
}

/** `tts stop`. One without a start belongs to an answer that was aborted. */
function spoken(turn: Turn, around: Around): TurnStepped {
  if (turn.phase === 'speaking')
    return stay({ phase: 'draining', turn: turn.turn, mode: turn.mode, take: turn.take });
  if (turn.phase === 'thinking' && turn.awaiting === 'audio') return ended(turn, around);
  return stay(settled(turn, 'clear'));
}

function settled(turn: Turn, wire: Wire): Turn {
  if (turn.phase === 'aborting') return idle(turn, turn.why);
  return 'wire' in turn && turn.wire !== 'clear' ? { ...turn, wire } : turn;
}

function heard(turn: Turn, at: number): TurnStepped {
  if (turn.phase === 'speaking') return stay({ ...turn, heardAt: at });
  if (turn.phase === 'thinking')
    return stay({ phase: 'speaking', turn: turn.turn, mode: turn.mode, take: turn.take, heardAt: at });
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
  if (timer === SETTLE_TIMER) return stay(settled(turn, 'old-speech'));
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
      return stay(finishing(turn));
    case 'finishing':
      return giveUp(turn, around, 'speech could not be sent in time', 'lost');
    case 'thinking':
      return giveUp(
        turn,
        around,
        turn.awaiting === 'answer' ? 'no answer' : 'an answer without sound',
        'no-answer',
      );
    case 'speaking':
      return stay({ phase: 'draining', turn: turn.turn, mode: turn.mode, take: turn.take });
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

export function finishing({ turn, mode, take, wire }: Uttered): Turn {
  return { phase: 'finishing', turn, mode, take, wire };
}

/** There is an answer of the server's, under way or playing, that a press puts an end to. */
export function interrupts(turn: Turn & { phase: 'pressed' }): boolean {
  return turn.over !== 'idle' && turn.over !== 'aborting';
}

/** Ends the turn here and on the server. */
export function abort(turn: Numbered, around: Around, why: string): TurnStepped {
  if (around.attempt === null) return stay(idle(turn, why));
  return { turn: { phase: 'aborting', turn: turn.turn, why }, acts: say(around, { type: 'abort' }) };
}

export function giveUp(turn: Numbered, around: Around, why: string, sign: Cue): TurnStepped {
  const { turn: next, acts } = abort(turn, around, why);
  return { turn: next, acts: [...acts, cue(sign)] };
}

/** Phases in which the microphone may be open. */
export function recordsNow(turn: Turn): boolean {
  switch (turn.phase) {
    case 'pressed':
    case 'listening':
    case 'finishing':
      return true;
    case 'recording':
      return turn.capture === 'going';
    case 'thinking':
    case 'speaking':
    case 'draining':
      return turn.mode === 'realtime';
    case 'idle':
    case 'aborting':
      return false;
  }
}

/** Phases in which the server's speech is let through to the speaker. */
export function playsNow(turn: Turn): boolean {
  if (turn.phase === 'thinking') return turn.awaiting === 'audio';
  return turn.phase === 'speaking' || turn.phase === 'draining';
}

export function say(around: Around, message: DeviceMessage): readonly Act[] {
  return around.attempt === null ? [] : [{ type: 'say', attempt: around.attempt, message }];
}

export function cue(sign: Cue): Act {
  return { type: 'cue', cue: sign };
}

export function idle(turn: Numbered, why: string): Turn {
  return { phase: 'idle', turn: turn.turn, why };
}

export function stay(turn: Turn): TurnStepped {
  return { turn, acts: [] };
}
