// What the log says of the connection: one line per change of phase, so that a loss can be followed from its detection to
// the recovery, and never a storm. Reads the books of outages and sessions; keeps only what it has said.
import { isProven, type Link, PROVEN_AFTER_MS } from '../core/link.ts';
import type { Network } from '../core/network.ts';
import type { Clock, Log } from '../ports.ts';
import { type Change, troubleOf } from './link-changes.ts';
import { linkWords, lossWords } from './link-words.ts';
import type { OpenOutage, Outages } from './outages.ts';
import type { Sessions } from './sessions.ts';
import { ALWAYS, Run, Stacks, Storm } from './storm.ts';

/** A step of the connection, after the books have seen it. */
type Seen = {
  readonly was: Link;
  readonly is: Link;
  readonly network: Network;
  readonly changes: readonly Change[];
  readonly openBefore: OpenOutage | null;
  /** The outage that the step belongs to. */
  readonly outage: number | undefined;
};

type Setback = Change & { type: keyof typeof SETBACKS };

/** What each is called in the log, so that a loss is found by its name. */
const SETBACKS = { lost: 'link lost', failed: 'link attempt failed', resumed: 'link waiting' } as const;

export class LinkLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #outages: Outages;
  readonly #sessions: Sessions;
  readonly #run: Run;
  readonly #renewed: Storm;
  readonly #notRenewed: Storm;
  readonly #stacks = new Stacks();
  /** Of the attempts of one outage. */
  #failed: Storm;
  /** Not said yet, for a connection before this one did not last: it is said when this one has. */
  #unsaid: object | null = null;
  /** Renewed so often that its lines are left out. */
  #quietly: number | null = null;

  constructor(parts: {
    readonly clock: Clock;
    readonly log: Log;
    readonly outages: Outages;
    readonly sessions: Sessions;
  }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#outages = parts.outages;
    this.#sessions = parts.sessions;
    this.#run = new Run(parts.clock);
    this.#failed = new Storm(parts.clock);
    this.#renewed = new Storm(parts.clock);
    this.#notRenewed = new Storm(parts.clock);
  }

  saw(seen: Seen): void {
    const { was, is, changes, openBefore } = seen;
    const { open } = this.#outages;
    if (open !== null && this.#run.began(open.id)) this.#failed = new Storm(this.#clock);
    for (const change of changes) this.#changed(change, seen.outage);
    if (was.phase !== is.phase) this.#phaseChanged(seen);
    if (openBefore !== null && openBefore.id !== open?.id) this.#run.ended();
  }

  /** What only time tells: a connection has lasted. */
  settled(link: Link): void {
    if (this.#unsaid === null || link.phase !== 'ready' || !isProven(link, this.#clock.now())) return;
    const level = this.#run.isQuiet ? 'debug' : 'info';
    this.#log[level]({ ...this.#unsaid, lastedMs: PROVEN_AFTER_MS }, 'link recovered');
    this.#unsaid = null;
  }

  #phaseChanged({ is, network, changes, openBefore, outage }: Seen): void {
    const setback = changes.find(isSetback);
    const words = { outage, ...linkWords({ link: is, network }) };
    const text = `link ${is.phase}`;
    switch (is.phase) {
      case 'dialing':
      case 'greeting':
        if (setback !== undefined) return this.#setBack(words, setback);
        return this.#log[this.#isTold(outage, is.attempt) ? 'info' : 'debug'](words, text);
      case 'ready':
        return this.#ready(words, openBefore, this.#isTold(outage, is.current));
      case 'waiting':
        if (is.cause === 'renewal') return this.#log[this.#quietly === null ? 'info' : 'debug'](words, text);
        return this.#setBack(words, setback ?? { type: 'resumed', loss: is.loss });
      case 'stopped':
        this.#run.speakUp(0, true);
        if (setback?.type === 'lost') this.#setBack({ outage }, setback);
        return this.#log.error({ ...words, stack: this.#stacks.once(is.loss) }, text);
      case 'unconfigured':
        return this.#log.error(words, text);
      case 'resting':
        if (troubleOf(is) === null) return this.#log.info(words, text);
        return setback === undefined
          ? this.#log.warn(words, text)
          : this.#log.warn({ ...words, ...setbackWords(setback) }, SETBACKS[setback.type]);
      case 'closed':
      case 'ended':
        return this.#log.info(words, text);
    }
  }

  #isTold(outage: number | undefined, attempt: number): boolean {
    const isQuiet = outage !== undefined && this.#run.isQuiet;
    const { failed = 0 } = this.#outages.open ?? {};
    return !isQuiet && failed < ALWAYS && this.#quietly !== attempt;
  }

  #ready(words: { outage: number | undefined }, openBefore: OpenOutage | null, isTold: boolean): void {
    const { outage } = words;
    const recovery = outage === undefined ? {} : this.#recovery(outage);
    const { shortLived = 0 } = openBefore ?? {};
    // Once bitten: whether this one lasts is waited for.
    this.#unsaid = shortLived > 0 ? { outage, ...recovery } : null;
    const isQuiet = !isTold || shortLived >= ALWAYS;
    this.#log[isQuiet ? 'debug' : 'info'](shortLived > 0 ? words : { ...words, ...recovery }, 'link ready');
  }

  /** One outage may take thousands of attempts, and there may be thousands of outages; they get some dozens of lines. */
  #setBack(words: object, change: Setback): void {
    const { loss } = change;
    const { failed = 0 } = this.#outages.open ?? {};
    const isOrdinary = loss.class === 'normal' && failed === 0;
    const isNews = !isOrdinary && this.#run.isNews(loss.class);
    this.#run.speakUp(failed, isNews);
    const isQuiet = this.#run.isQuiet;
    if (isQuiet) this.#failed.leaveOut();
    const leftOut = isQuiet ? null : this.#failed.written(Math.max(1, failed), isNews);
    const isFirst = change.type === 'lost' && failed === 0;
    const level = leftOut === null ? 'debug' : isNews || (isFirst && !isOrdinary) ? 'warn' : 'info';
    const fields = {
      ...words,
      ...setbackWords(change),
      leftOut: leftOut || undefined,
      outagesLeftOut: (leftOut !== null && this.#run.takeLeftOut()) || undefined,
      stack: leftOut === null ? undefined : this.#stacks.once(loss),
    };
    this.#log[level](fields, SETBACKS[change.type]);
  }

  #changed(change: Change, outage: number | undefined): void {
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
        return this.#replaced(change, outage);
      case 'failed':
        if (change.beside) this.#failedBeside(change);
        return;
      case 'doubted': {
        const { was, by } = change;
        const words = { silentMs: Math.round(was.silentMs), attempt: by };
        return this.#log.info(words, 'press unanswered, another connection is made beside this one');
      }
      default:
        return;
    }
  }

  #recovery(outage: number): object {
    const found = this.#outages.list().find(({ id }) => id === outage);
    const { end, attempts } = found ?? {};
    return {
      recoveredAfterMs: end?.after_ms,
      attempts: attempts?.made,
      failed: attempts?.failed,
      by: end?.why,
    };
  }

  #replaced({ was, by, cause, loss }: Change & { type: 'replaced' }, outage: number | undefined): void {
    const words = { from: was.attempt, to: by, cause };
    if (loss !== null) {
      const recovery = outage === undefined ? {} : this.#recovery(outage);
      return this.#log.warn({ outage, ...words, ...lossWords(loss), ...recovery }, 'link replaced');
    }
    const leftOut = this.#renewed.written(this.#sessions.counters.renewals);
    const fields = { ...words, leftOut: leftOut || undefined };
    this.#log[leftOut === null ? 'debug' : 'info'](fields, 'link renewed');
  }

  /** This server does not bear two connections at a time, so a renewal shows as an end and a beginning. */
  #released(attempt: number): void {
    const leftOut = this.#renewed.written(this.#sessions.counters.renewals);
    this.#quietly = leftOut === null ? attempt + 1 : null;
  }

  /** The present connection goes on; it is no outage. */
  #failedBeside(change: Change & { type: 'failed' }): void {
    const { attempt, cause, loss } = change;
    if (cause === 'doubt')
      return this.#log.info({ attempt, cause, ...lossWords(loss) }, 'link attempt failed');
    const leftOut = this.#notRenewed.written(this.#sessions.counters.failed_renewals);
    const words = { ...lossWords(loss), leftOut: leftOut || undefined };
    this.#log[leftOut === null ? 'debug' : 'info'](words, 'link not renewed');
  }
}

/** Not what happens beside a connection that works. */
function isSetback(change: Change): change is Setback {
  return change.type in SETBACKS && !('beside' in change && change.beside);
}

function setbackWords(change: Setback): object {
  const words = lossWords(change.loss);
  if (change.type === 'lost') return { ...words, silentMs: Math.round(change.was.silentMs) };
  return change.type === 'failed' ? { ...words, attempt: change.attempt } : words;
}
