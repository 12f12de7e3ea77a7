// What has happened, for those who look later: one log line per change of phase, so that a loss can be followed from its
// detection to the recovery, and the figures that `status` shows. Watches the states go by; nothing depends on it.
import type { Event, Loss } from '../core/events.ts';
import { currentOf, failuresOf, isProven, type Link, PROVEN_AFTER_MS } from '../core/link.ts';
import type { State } from '../core/state.ts';
import type { Turn } from '../core/turn.ts';
import type { Clock, Log } from '../ports.ts';
import { type Change, changesOf, troubleOf } from './link-changes.ts';
import { linkWords, lossWords, turnWords } from './link-words.ts';
import type { Remembered } from './memory.ts';
import { Outages } from './outages.ts';
import { type PastLoss, Sessions } from './sessions.ts';
import { ALWAYS, Stacks, Storm } from './storm.ts';

export type HistoryParts = {
  readonly clock: Clock;
  readonly log: Log;
  /** What an earlier run has left behind. */
  readonly remembered?: Remembered | undefined;
  /** Something has changed that is worth remembering. */
  readonly changed?: () => void;
};

export class History {
  readonly outages: Outages;
  readonly sessions: Sessions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #failed: Storm;
  readonly #renewed: Storm;
  readonly #notRenewed: Storm;
  readonly #stacks = new Stacks();
  /** Of the present phase, by the monotonic clock. */
  #since: number;
  #retryAt = 0;
  #failures = 0;
  /** Classes of failure that this outage has been warned of. */
  #warned: { readonly outage: number; readonly classes: string[] } = { outage: 0, classes: [] };
  /** Not said yet, for connections of late did not last: it is said when this one has. */
  #unsaid: { readonly attempt: number; readonly words: object } | null = null;
  /** Renewed so often that its lines are left out. */
  #quietly: number | null = null;
  /** Why there has been no connection since. */
  trouble: Loss | null = null;
  turns = 0;
  lastTurn: { readonly turn: number; readonly why: string; readonly atMs: number } | null = null;

  constructor({ clock, log, remembered, changed = () => undefined }: HistoryParts) {
    this.#clock = clock;
    this.#log = log;
    this.#changed = changed;
    this.#failed = new Storm(clock);
    this.#renewed = new Storm(clock);
    this.#notRenewed = new Storm(clock);
    this.#since = clock.now();
    this.outages = new Outages({ clock, ...(remembered === undefined ? {} : { kept: remembered.outages }) });
    this.sessions = new Sessions({
      clock,
      ...(remembered === undefined ? {} : { earlier: remembered.counters, ended: remembered.sessions }),
    });
  }

  /** How the last connection that was lost ended. */
  get lastLoss(): PastLoss | null {
    return this.sessions.lastLoss;
  }

  /** When the present phase began, by the wall clock as it is now. */
  get linkSince(): number {
    return this.#clock.wallMs() - (this.#clock.now() - this.#since);
  }

  /** Until the next attempt; null when none is planned. */
  retryInMs(link: Link): number | null {
    return link.phase === 'waiting' ? Math.max(0, Math.round(this.#retryAt - this.#clock.now())) : null;
  }

  observe(before: State, after: State, event: Event): void {
    if (before.link !== after.link) this.#linkChanged(before, after, event);
    this.#settled(after.link);
    if (event.type === 'reconnect.switched') this.#switched(event);
    if (before.turn !== after.turn) this.#turnChanged(before.turn, after.turn);
    if (before.muted !== after.muted) this.#log.info({ muted: after.muted }, 'mute');
  }

  #linkChanged(before: State, after: State, event: Event): void {
    const [was, is] = [before.link, after.link];
    const openBefore = this.outages.open;
    const newestBefore = this.outages.newestId;
    const changes = changesOf(before, after, event, this.#clock.now());
    this.outages.observe(before, after, event);
    this.sessions.observe(before, after, event);
    if (was.phase !== is.phase) this.#since = this.#clock.now();
    if (is.phase === 'waiting' && (was.phase !== 'waiting' || was.attempt !== is.attempt))
      this.#retryAt = this.#clock.now() + is.delayMs;
    const has = currentOf(is);
    this.trouble = has === null ? (troubleOf(is) ?? this.trouble) : null;
    if (is.phase === 'closed' || is.phase === 'ended') this.trouble = null;
    for (const change of changes) this.#saw(change);
    const { open, newestId } = this.outages;
    // One that began and was over in this very step has a number too.
    const begun = newestId === newestBefore ? undefined : (newestId ?? undefined);
    const outage = openBefore?.id ?? open?.id ?? begun;
    const lost = changes.find((change) => change.type === 'lost');
    if (was.phase !== is.phase) this.#phaseChanged(is, outage, openBefore?.shortLived ?? 0, lost?.loss);
    if (currentOf(was) === null && currentOf(is) !== null) this.#recovered(outage);
    if (openBefore?.id !== open?.id || newestId !== newestBefore) this.#changed();
  }

  #phaseChanged(is: Link, outage: number | undefined, shortLived: number, lost: Loss | undefined): void {
    const words = { outage, ...linkWords(is) };
    const text = `link ${is.phase}`;
    switch (is.phase) {
      case 'dialing':
      case 'greeting': {
        if (lost !== undefined) return this.#lostAgain({ ...words, ...lossWords(lost) }, 'link lost', lost);
        const { failed = 0 } = this.outages.open ?? {};
        const isQuiet = failed >= ALWAYS || this.#quietly === is.attempt;
        return this.#log[isQuiet ? 'debug' : 'info'](words, text);
      }
      case 'ready': {
        const isUnstable = shortLived >= ALWAYS;
        this.#unsaid = isUnstable ? { attempt: is.current, words: {} } : null;
        return this.#log[isUnstable || this.#quietly === is.attempt ? 'debug' : 'info'](words, text);
      }
      case 'waiting':
        if (is.cause === 'renewal') return this.#log[this.#quietly === null ? 'info' : 'debug'](words, text);
        return this.#lostAgain(words, text, is.loss);
      case 'stopped':
        return this.#log.error({ ...words, stack: this.#stacks.once(is.loss) }, text);
      case 'unconfigured':
        return this.#log.error(words, text);
      case 'resting':
        return this.#log[troubleOf(is) === null ? 'info' : 'warn'](words, text);
      case 'closed':
      case 'ended':
        return this.#log.info(words, text);
    }
  }

  /** One outage may take thousands of attempts; it gets some dozens of lines. */
  #lostAgain(words: object, text: string, loss: Loss): void {
    const { id = 0, failed = 0 } = this.outages.open ?? {};
    if (this.#warned.outage !== id) this.#warned = { outage: id, classes: [] };
    const { classes } = this.#warned;
    // Something else is wrong now: that is news, and there are no more than ten kinds of it.
    const isNews = !classes.includes(loss.class);
    if (isNews) classes.push(loss.class);
    const leftOut = this.#failed.written(Math.max(1, failed), isNews);
    const fields = { ...words, leftOut: leftOut || undefined, stack: this.#stacks.once(loss) };
    const isOrdinary = loss.class === 'normal' && failed === 0;
    this.#log[leftOut === null ? 'debug' : isNews && !isOrdinary ? 'warn' : 'info'](fields, text);
  }

  #saw(change: Change): void {
    switch (change.type) {
      case 'begun':
        if (change.attempt !== this.#quietly) this.#quietly = null;
        return;
      case 'lost':
        this.#unsaid = null;
        return;
      case 'released':
        return this.#released(change.was.attempt);
      case 'replaced':
        return this.#replaced(change);
      case 'failed':
        if (change.beside) this.#failedBeside(change.loss);
        return;
      default:
        return;
    }
  }

  #recovered(outage: number | undefined): void {
    if (outage === undefined) return;
    const words = this.#recovery(outage);
    if (this.#unsaid !== null) this.#unsaid = { ...this.#unsaid, words };
    else this.#log.info(words, 'link recovered');
  }

  #recovery(outage: number): object {
    const found = this.outages.list().find(({ id }) => id === outage);
    const { end, attempts } = found ?? {};
    return {
      outage,
      recoveredAfterMs: end?.after_ms,
      attempts: attempts?.made,
      failed: attempts?.failed,
      by: end?.why,
    };
  }

  #replaced({ was, by, cause, loss }: Change & { type: 'replaced' }): void {
    const words = { from: was.attempt, to: by, cause };
    if (loss !== null) {
      const outage = this.outages.newestId;
      return this.#log.warn({ outage, ...words, ...lossWords(loss) }, 'link replaced');
    }
    const leftOut = this.#renewed.written(this.sessions.counters.renewals);
    this.#log[leftOut === null ? 'debug' : 'info'](
      { ...words, leftOut: leftOut || undefined },
      'link renewed',
    );
  }

  /** This server does not bear two connections at a time, so a renewal shows as an end and a beginning. */
  #released(attempt: number): void {
    const leftOut = this.#renewed.written(this.sessions.counters.renewals);
    this.#quietly = leftOut === null ? attempt + 1 : null;
  }

  /** The present connection goes on; it is no outage. */
  #failedBeside(loss: Loss): void {
    const leftOut = this.#notRenewed.written(this.sessions.counters.failed_renewals);
    const words = { ...lossWords(loss), leftOut: leftOut || undefined };
    this.#log[leftOut === null ? 'debug' : 'info'](words, 'link not renewed');
  }

  /** What only time tells: a connection has lasted, and what went before it is forgiven. */
  #settled(link: Link): void {
    if (link.phase === 'ready' && isProven(link, this.#clock.now())) {
      if (this.#unsaid !== null)
        this.#log.info({ ...this.#unsaid.words, lastedMs: PROVEN_AFTER_MS }, 'link recovered');
      this.#unsaid = null;
    }
    const failures = failuresOf(link, this.#clock.now());
    if (failures === this.#failures) return;
    this.#failures = failures;
    this.#changed();
  }

  #switched({ enabled, maxAttempts }: Event & { type: 'reconnect.switched' }): void {
    if (enabled) this.#log.info({ maxAttempts }, 'reconnecting is switched on');
    else this.#log.info({}, 'reconnecting is switched off');
  }

  #turnChanged(before: Turn, after: Turn): void {
    if (before.turn !== after.turn) this.turns += 1;
    if (before.phase === after.phase && before.turn === after.turn) return;
    this.#log.info(turnWords(after), `turn ${after.phase}`);
    if (after.phase === 'idle')
      this.lastTurn = { turn: after.turn, why: after.why, atMs: this.#clock.wallMs() };
  }
}
