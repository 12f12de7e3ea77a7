// What has happened, for those who look later: the books of outages and sessions, the lines of the log, and the figures
// that `status` shows. Watches the states go by; nothing depends on it.
import type { Event, Loss } from '../core/events.ts';
import { currentOf, failuresOf, type Link, waitMs } from '../core/link.ts';
import { isUsable } from '../core/network.ts';
import type { State } from '../core/state.ts';
import type { Turn } from '../core/turn.ts';
import type { Clock, Log, LogOf } from '../ports.ts';
import { changesOf, troubleOf } from './link-changes.ts';
import { LinkLog } from './link-log.ts';
import { turnWords } from './link-words.ts';
import type { Remembered } from './memory.ts';
import { NetworkLog } from './network-log.ts';
import { Outages } from './outages.ts';
import { type PastLoss, Sessions } from './sessions.ts';
import { type PastTurn, TurnLog } from './turn-log.ts';

export type HistoryParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly logOf?: LogOf;
  /** What an earlier run has left behind. */
  readonly remembered?: Remembered | undefined;
  /** Something has changed that is worth remembering. */
  readonly changed?: () => void;
  readonly turnOver?: (turn: PastTurn) => void;
};

export class History {
  readonly outages: Outages;
  readonly sessions: Sessions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #buttonLog: Log;
  readonly #turnLog: TurnLog;
  readonly #changed: () => void;
  readonly #linkLog: LinkLog;
  /** Of the present phase, by the monotonic clock. */
  #since: number;
  #failures = 0;
  readonly #network: NetworkLog;
  /** Why there has been no connection since. */
  trouble: Loss | null = null;
  turns = 0;
  /** The outages of this run that are over: how long they were, and by what ended the connection. */
  recoveries: { readonly offlineMs: number; readonly byReason: Readonly<Record<string, number>> } = {
    offlineMs: 0,
    byReason: {},
  };
  #countedOutage = 0;
  lastTurn: { readonly turn: number; readonly why: string; readonly atMs: number } | null = null;

  constructor({
    clock,
    log,
    logOf = () => log,
    remembered,
    changed = () => undefined,
    turnOver,
  }: HistoryParts) {
    this.#clock = clock;
    this.#log = logOf('turn');
    this.#buttonLog = logOf('button');
    this.#changed = changed;
    this.#network = new NetworkLog({ clock, log: logOf('network') });
    this.#turnLog = new TurnLog({ clock, log: this.#log, over: turnOver });
    this.#since = clock.now();
    this.outages = new Outages({ clock, ...(remembered === undefined ? {} : { kept: remembered.outages }) });
    this.sessions = new Sessions({
      clock,
      ...(remembered === undefined ? {} : { earlier: remembered.counters, ended: remembered.sessions }),
    });
    this.#countedOutage = this.outages.newestId ?? 0;
    const { outages, sessions } = this;
    this.#linkLog = new LinkLog({ clock, log: logOf('link'), outages, sessions });
  }

  /** How the last connection that was lost ended. */
  get lastLoss(): PastLoss | null {
    return this.sessions.lastLoss;
  }

  /** The figures of the last exchange that is over. */
  get pastTurn(): PastTurn | null {
    return this.#turnLog.last;
  }

  get turnEnds(): Readonly<Record<string, number>> {
    return this.#turnLog.ends;
  }

  /** When the present phase began, by the wall clock as it is now. */
  get linkSince(): number {
    return this.#clock.wallMs() - (this.#clock.now() - this.#since);
  }

  /** Until the next attempt; null when none is planned. */
  retryInMs({ link, network }: State): number | null {
    if (link.phase !== 'waiting') return null;
    const dueAt = link.since + waitMs(link, isUsable(network));
    return Math.max(0, Math.round(dueAt - this.#clock.now()));
  }

  observe(before: State, after: State, event: Event): void {
    if (before.network !== after.network) this.#network.observe(before.network, after.network);
    if (before.link !== after.link) this.#linkChanged(before, after, event);
    this.#settled(after.link);
    if (event.type === 'reconnect.switched') this.#switched(event);
    if (before.turn !== after.turn) this.#turnChanged(before.turn, after.turn);
    this.#turnLog.observe(before.turn, after.turn, event);
    if (before.muted !== after.muted) this.#log.info({ muted: after.muted }, 'mute');
    if (before.gesture.phase !== 'stuck' && after.gesture.phase === 'stuck')
      this.#buttonLog.warn({}, 'the button has been down for a minute and counts as released: is it stuck?');
  }

  #linkChanged(before: State, after: State, event: Event): void {
    const [was, is] = [before.link, after.link];
    const openBefore = this.outages.open;
    const newestBefore = this.outages.newestId;
    const changes = changesOf(before, after, event, this.#clock.now());
    this.outages.observe(before, after, event);
    this.sessions.observe(before, after, event);
    if (was.phase !== is.phase) this.#since = this.#clock.now();
    this.trouble = currentOf(is) === null ? (troubleOf(is) ?? this.trouble) : null;
    if (is.phase === 'closed' || is.phase === 'ended') this.trouble = null;
    const { open, newestId } = this.outages;
    // One that began and was over in this very step has a number too.
    const begun = newestId === newestBefore ? undefined : (newestId ?? undefined);
    const outage = openBefore?.id ?? open?.id ?? begun;
    this.#linkLog.saw({ was, is, network: after.network, changes, openBefore, outage });
    if (openBefore?.id !== open?.id || newestId !== newestBefore) this.#changed();
    if (outage !== undefined && open?.id !== outage) this.#outageOver(outage);
  }

  /** One that was over before it was looked at counts as well. */
  #outageOver(id: number): void {
    const found = this.outages.list().find((one) => one.id === id);
    if (found === undefined || id <= this.#countedOutage) return;
    this.#countedOutage = id;
    const reason = found.loss?.class ?? 'never connected';
    const { offlineMs, byReason } = this.recoveries;
    this.recoveries = {
      offlineMs: offlineMs + (found.end?.after_ms ?? 0),
      byReason: { ...byReason, [reason]: (byReason[reason] ?? 0) + 1 },
    };
  }

  /** A connection that has lasted has forgiven what went before it. */
  #settled(link: Link): void {
    this.#linkLog.settled(link);
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
