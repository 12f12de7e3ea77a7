// One line for each exchange when it is over: how it began, how long each part of it took, how it ended. Watches the turns
// go by; decides nothing.
import type { Event } from '../core/events.ts';
import { recordsNow, type Turn } from '../core/turn.ts';
import type { Clock, Log } from '../ports.ts';

/** Durations in milliseconds; null: it never came to that. */
export type PastTurn = {
  readonly turn: number;
  readonly began: Beginning;
  /** From the press to the end of listening. */
  readonly listenedMs: number;
  /** How often the utterance was begun on the wire. */
  readonly takes: number;
  /** From the press until the server had understood. */
  readonly sttMs: number | null;
  /** From the end of listening to the first sound of the answer. */
  readonly firstSoundMs: number | null;
  /** How long the answer was heard. */
  readonly answerMs: number | null;
  readonly ended: string;
};

/** Our own reasons are some twenty: a bound for those that come to be, since figures need names that are few. */
const MOST_ENDS = 30;

/** What a device says may be anything, and names cards and paths: the log has it, the figures have what failed. */
const FAILED: Partial<Record<Event['type'], string>> = {
  'microphone.failed': 'microphone failed',
  'speaker.failed': 'speaker failed',
};

type Beginning = 'press' | 'click' | 'hold' | 'realtime' | 'follow-up' | 'announced';

type Going = {
  readonly turn: number;
  readonly at: number;
  began: Beginning;
  takes: number;
  listenedUntil: number | null;
  sttAt: number | null;
  soundAt: number | null;
};

type TurnLogParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly over?: ((turn: PastTurn) => void) | undefined;
};

export class TurnLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #told: TurnLogParts['over'];
  #going: Going | null = null;
  last: PastTurn | null = null;
  /** How many ended how; the reasons are ours and few. */
  readonly ends: Record<string, number> = {};

  constructor({ clock, log, over }: TurnLogParts) {
    this.#clock = clock;
    this.#log = log;
    this.#told = over;
  }

  observe(before: Turn, after: Turn, event: Event): void {
    const now = this.#clock.now();
    if (before !== after) this.#changed(before, after, now, event);
    const going = this.#going;
    if (going === null) return;
    if (event.type === 'server.said' && event.message.type === 'stt') going.sttAt ??= now;
    if (event.type === 'downlink.started' && event.turn === going.turn) going.soundAt ??= now;
  }

  #changed(before: Turn, after: Turn, now: number, { type }: Event): void {
    const isNew = before.turn !== after.turn;
    if (isNew) this.#over(after.phase === 'pressed' ? 'interrupted by a press' : 'answered', now);
    if (after.phase === 'idle' || after.phase === 'aborting') return this.#over(after.why, now, FAILED[type]);
    if (isNew) this.#going = begun(after.turn, now);
    const going = this.#going;
    if (going === null) return;
    going.began = beginningOf(after, going.began);
    if ('take' in after) going.takes = Math.max(going.takes, after.take);
    if (!recordsNow(after)) going.listenedUntil ??= now;
  }

  #over(ended: string, now: number, kind = ended): void {
    const going = this.#going;
    if (going === null) return;
    this.#going = null;
    const since = (at: number | null, from: number) => (at === null ? null : Math.round(at - from));
    const { turn, began, takes, at, sttAt, soundAt } = going;
    const listenedUntil = going.listenedUntil ?? now;
    this.last = {
      turn,
      began,
      listenedMs: began === 'announced' ? 0 : Math.round(listenedUntil - at),
      takes,
      sttMs: since(sttAt, at),
      firstSoundMs: since(soundAt, listenedUntil),
      answerMs: soundAt === null ? null : Math.round(now - soundAt),
      ended,
    };
    const name = kind in this.ends || Object.keys(this.ends).length < MOST_ENDS ? kind : 'other';
    this.ends[name] = (this.ends[name] ?? 0) + 1;
    this.#log.info(this.last, 'turn over');
    this.#told?.(this.last);
  }
}

function begun(turn: number, at: number): Going {
  return { turn, at, began: 'press', takes: 0, listenedUntil: null, sttAt: null, soundAt: null };
}

/** What a press was is known when its gesture is; what began without one is known at once. */
function beginningOf(turn: Turn, sofar: Beginning): Beginning {
  if (sofar !== 'press' || !('mode' in turn)) return sofar;
  if ('origin' in turn && turn.origin === 'follow-up') return 'follow-up';
  if (turn.mode === 'announced' || turn.mode === 'realtime') return turn.mode;
  return turn.mode === 'manual' ? 'hold' : 'click';
}
