// One exchange with the person, from a press to the end of the answer, as a value: its phases, what they are made of,
// and what may be asked of each. What changes it is in exchange.ts (server, sound, clock), press.ts and relink.ts.
import type { DeviceMessage, ListenMode } from '../protocol/messages.ts';
import type { Act, Cue } from './events.ts';

export type TurnPolicy = {
  /** What a click starts; `realtime` keeps the microphone open while the answer plays. */
  readonly mode: 'auto' | 'realtime';
  readonly followUp: boolean;
  /** Whether the microphone is open between turns; what it hears before a press never leaves the process. */
  readonly standby: 'closed' | 'warm';
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
/** When something last came of it: a phase that gets on is not cut off by its deadline. */
export type Moving = { readonly movedAt: number };

export type Turn =
  | (Numbered & { readonly phase: 'idle'; readonly why: string })
  /** Idle for the person; what the server had already sent of an aborted answer is not played. */
  | (Numbered & { readonly phase: 'aborting'; readonly why: string; readonly old: Wire })
  /** The button is down and the gesture undecided; recording, nothing sent. `over` is what it interrupts. */
  | (Numbered & {
      readonly phase: 'pressed';
      /** Whoever pressed in vain has heard so. */
      readonly outage: 'sudden' | 'lasting';
      readonly over: 'idle' | 'aborting' | 'thinking' | 'speaking' | 'draining';
    })
  /** No connection: the utterance is kept. `ending` once nothing more will be said. The person is told when it lasts. */
  | (Numbered & {
      readonly phase: 'recording';
      readonly mode: ListenMode;
      readonly take: number;
      readonly capture: 'going' | 'ending';
      readonly outage: 'sudden' | 'lasting';
      readonly why: string;
    })
  /** `follow-up`: by itself, after an answer, and nothing was said yet. */
  | (Uttered & { readonly phase: 'listening'; readonly origin: 'press' | 'follow-up' })
  /** Everything is said; the last packets are on their way. */
  | (Uttered & Moving & { readonly phase: 'finishing' })
  /** Until the server has understood, the utterance is kept. */
  | (Uttered & Moving & { readonly phase: 'thinking'; readonly awaiting: 'answer' })
  | (Answered & { readonly phase: 'thinking'; readonly awaiting: 'audio' })
  | (Answered & Moving & { readonly phase: 'speaking' })
  /** The server has finished; what is buffered plays to its end. */
  | (Answered & Moving & { readonly phase: 'draining' });

/** What a turn may know of the rest of the device. */
export type Around = {
  /** The connection frames go to, or null. */
  readonly attempt: number | null;
  /** When its hello came. */
  readonly greetedAt: number | null;
  /**
   * `away`: there is a server, and it cannot be reached at present. `ungreeted`: it speaks to us and does not know us yet, so
   * that nothing may be said to it.
   */
  readonly reach: 'ready' | 'ungreeted' | 'coming' | 'away' | 'unconfigured';
  readonly muted: boolean;
  readonly at: number;
  readonly policy: TurnPolicy;
};

export type TurnStepped = { readonly turn: Turn; readonly acts: readonly Act[] };

export function settleTimer(turn: Turn): string {
  return `turn ${turn.turn} settle`;
}

/** Whether words of an interrupted answer may still be on their way. */
export function unsettled(turn: Turn): boolean {
  return 'wire' in turn && turn.wire === 'old-words';
}

export function deadlineTimer(turn: Turn): string {
  const kind = 'awaiting' in turn ? ` ${turn.awaiting}` : 'origin' in turn ? ` ${turn.origin}` : '';
  return `turn ${turn.turn} ${turn.phase}${kind}${'movedAt' in turn ? ` since ${turn.movedAt}` : ''}`;
}

export function outageTimer(turn: Turn): string {
  return `turn ${turn.turn} without a connection`;
}

/** Servers answer the hello before their ears work, for as long as 6 s (protocol.md 8.1, 7): what they were sent is lost. */
const WARM_UP_MS = 6_000;

/** @param sentAt when the last of what was said had been sent */
export function mayBeUnheard(sentAt: number, greetedAt: number | null): boolean {
  return greetedAt !== null && sentAt - greetedAt <= WARM_UP_MS;
}

/** Everything is said, so it ends as push-to-talk does; in realtime the microphone would stay open. */
export function finishing({ turn, mode, take, wire }: Uttered, at: number): Turn {
  return { phase: 'finishing', turn, mode: mode === 'realtime' ? 'manual' : mode, take, wire, movedAt: at };
}

/** The same utterance, from its first packet on. */
export function again<T extends Uttered>(
  turn: T,
  around: Around,
): { readonly turn: T; readonly acts: readonly Act[] } {
  return {
    turn: { ...turn, take: turn.take + 1 },
    acts: say(around, { type: 'listen', state: 'start', mode: turn.mode }),
  };
}

/** There is an answer of the server's, under way or playing, that a press puts an end to. */
export function interrupts(turn: Turn & { phase: 'pressed' }): boolean {
  return turn.over !== 'idle' && turn.over !== 'aborting';
}

/** Ends the turn here and on the server. */
export function abort(turn: Turn, around: Around, why: string): TurnStepped {
  const acts = say(around, { type: 'abort' });
  if (acts.length === 0) return stay(idle(turn, why));
  return {
    turn: { phase: 'aborting', turn: turn.turn, why, old: leftOf(turn) },
    acts,
  };
}

/** An answer that had not begun may still come, from a server that takes no notice. */
function leftOf(turn: Turn): Wire {
  const phase = turn.phase === 'pressed' ? turn.over : turn.phase;
  return phase === 'speaking' || phase === 'draining' ? 'old-speech' : 'old-words';
}

export function giveUp(turn: Turn, around: Around, why: string, sign: Cue): TurnStepped {
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

/** Phases in which somebody speaks, or has spoken and waits to be understood. */
export function speaksNow(turn: Turn): boolean {
  if (turn.phase === 'thinking') return turn.awaiting === 'answer';
  return turn.phase === 'pressed' || turn.phase === 'listening' || turn.phase === 'finishing';
}

/** Phases in which the server's speech is let through to the speaker. */
export function playsNow(turn: Turn): boolean {
  if (turn.phase === 'thinking') return turn.awaiting === 'audio';
  return turn.phase === 'speaking' || turn.phase === 'draining';
}

export function say(around: Around, message: DeviceMessage): readonly Act[] {
  return around.attempt === null || around.reach === 'ungreeted'
    ? []
    : [{ type: 'say', attempt: around.attempt, message }];
}

export function cue(sign: Cue): Act {
  return { type: 'cue', cue: sign };
}

/** The server begins to speak by itself. */
export function announced({ turn }: Numbered): Turn {
  return { phase: 'thinking', awaiting: 'audio', turn: turn + 1, mode: 'announced', take: 0 };
}

/** Nothing was sent yet of what somebody wants to say, and it is given up for what the server has to say. */
export function announcedOver(turn: Turn): Turn {
  return turn.phase === 'pressed' || turn.phase === 'recording' ? announced(turn) : turn;
}

/** Nothing more will come; what has arrived is played to its end. */
export function draining({ turn, mode, take }: Answered, at: number): Turn {
  return { phase: 'draining', turn, mode, take, movedAt: at };
}

export function idle(turn: Numbered, why: string): Turn {
  return { phase: 'idle', turn: turn.turn, why };
}

export function stay(turn: Turn): TurnStepped {
  return { turn, acts: [] };
}
