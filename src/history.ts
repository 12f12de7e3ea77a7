// What has happened, for those who look later: one log line per change of phase, and the figures that `status` shows.
// Watches the states go by; nothing depends on it.
import type { Loss } from './core/events.ts';
import { currentOf, type Link } from './core/link.ts';
import type { State } from './core/state.ts';
import type { Turn } from './core/turn.ts';
import type { Clock, Log } from './ports.ts';

export type PastLoss = {
  readonly reason: string;
  readonly class: string;
  readonly detectedBy: string;
  readonly atMs: number;
  /** By the monotonic clock: a board without a battery jumps by years when it hears the time. */
  readonly sinceMs: number;
  readonly recoveredAfterMs: number | null;
};

export class History {
  readonly #clock: Clock;
  readonly #log: Log;
  linkSince: number;
  linkSinceMono: number;
  reconnects = 0;
  lastLoss: PastLoss | null = null;
  /** Why there has been no connection since. */
  trouble: Loss | null = null;
  turns = 0;
  lastTurn: { readonly turn: number; readonly why: string; readonly atMs: number } | null = null;

  constructor(parts: { clock: Clock; log: Log }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.linkSince = parts.clock.wallMs();
    this.linkSinceMono = parts.clock.now();
  }

  observe(before: State, after: State): void {
    if (before.link !== after.link) this.#linkChanged(before.link, after.link);
    if (before.turn !== after.turn) this.#turnChanged(before.turn, after.turn);
    if (before.muted !== after.muted) this.#log.info({ muted: after.muted }, 'mute');
  }

  #linkChanged(before: Link, after: Link): void {
    if (before.phase !== after.phase) {
      this.linkSince = this.#clock.wallMs();
      this.linkSinceMono = this.#clock.now();
      this.#log[levelOf(after)](linkWords(after), `link ${after.phase}`);
    }
    const [was, is] = [currentOf(before), currentOf(after)];
    this.trouble = is === null ? (lossOf(after) ?? this.trouble) : null;
    if (was === is) return;
    if (was !== null && is === null) this.#lost(after);
    if (is !== null && was === null) this.#recovered();
    if (is !== null && was !== null) this.#log.info({ from: was, to: is }, 'link renewed');
  }

  #lost(after: Link): void {
    const loss = lossOf(after);
    if (loss === null) return;
    this.lastLoss = {
      reason: loss.reason,
      class: loss.class,
      detectedBy: loss.detectedBy,
      atMs: this.#clock.wallMs(),
      sinceMs: this.#clock.now(),
      recoveredAfterMs: null,
    };
  }

  #recovered(): void {
    if (this.lastLoss === null || this.lastLoss.recoveredAfterMs !== null) return;
    this.reconnects += 1;
    const recoveredAfterMs = Math.round(this.#clock.now() - this.lastLoss.sinceMs);
    this.lastLoss = { ...this.lastLoss, recoveredAfterMs };
    this.#log.info({ recoveredAfterMs }, 'link recovered');
  }

  #turnChanged(before: Turn, after: Turn): void {
    if (before.turn !== after.turn) this.turns += 1;
    if (before.phase === after.phase && before.turn === after.turn) return;
    this.#log.info(turnWords(after), `turn ${after.phase}`);
    if (after.phase === 'idle')
      this.lastTurn = { turn: after.turn, why: after.why, atMs: this.#clock.wallMs() };
  }
}

function lossOf(link: Link): Loss | null {
  return link.phase === 'waiting' || link.phase === 'stopped' ? link.loss : null;
}

function levelOf(link: Link): 'info' | 'warn' | 'error' {
  if (link.phase === 'stopped' || link.phase === 'unconfigured') return 'error';
  return link.phase === 'waiting' && link.loss.class !== 'normal' ? 'warn' : 'info';
}

function linkWords(link: Link): object {
  switch (link.phase) {
    case 'unconfigured':
    case 'ended':
      return {};
    case 'resting':
      return { why: link.why };
    case 'dialing':
    case 'greeting':
      return { attempt: link.attempt, failures: link.failures };
    case 'ready':
      return { attempt: link.current };
    case 'waiting':
      return { ...lossWords(link.loss), failures: link.failures, retryInMs: Math.round(link.delayMs) };
    case 'stopped':
      return { ...lossWords(link.loss), failures: link.failures };
  }
}

function lossWords(loss: Loss): object {
  return { class: loss.class, reason: loss.reason, detectedBy: loss.detectedBy };
}

function turnWords(turn: Turn): object {
  const { phase: _phase, ...words } = turn;
  return 'heardAt' in words ? { ...words, heardAt: undefined } : words;
}
