// The core with a hand-driven clock (helpers/box.ts), and a History that watches it as the agent lets it: for tests of what
// people are told afterwards.
import type { Event, Loss } from '../../src/core/events.ts';
import { currentOf } from '../../src/core/link.ts';
import { History, type HistoryParts } from '../../src/history/history.ts';
import type { AttemptNote, Outage } from '../../src/history/outage.ts';
import type { Clock } from '../../src/ports.ts';
import { Box, type PolicyChanges } from '../helpers/box.ts';
import { keptLog, type LogLine } from '../helpers/card.ts';

/** 2026-11-22 20:00:00 UTC. */
export const START_WALL_MS = Date.UTC(2026, 10, 22, 20);

export const NORMAL: Loss = {
  class: 'normal',
  kind: 'normal close',
  reason: 'closed with 1000',
  detectedBy: 'socket',
  quick: false,
};
export const RESTARTING: Loss = {
  class: 'restarting',
  kind: 'normal close',
  reason: 'closed with 1001',
  detectedBy: 'socket',
  quick: false,
};
export const REFUSED: Loss = {
  class: 'transient',
  kind: 'network error',
  reason: 'refused by 127.0.0.1:9',
  detectedBy: 'socket',
  quick: true,
};
export const UNAUTHORIZED: Loss = {
  class: 'auth',
  kind: 'abnormal close',
  reason: '401',
  detectedBy: 'upgrade',
  quick: false,
};

export class WatchedBox extends Box {
  readonly log = keptLog();
  readonly history: History;
  readonly clock: Clock = {
    now: () => this.at,
    wallMs: () => this.wallMs + this.at,
    after: () => () => undefined,
    dice: () => this.dice,
  };
  wallMs = START_WALL_MS;
  /** Of the server's answers to pings; null: it does not answer. */
  roundTripMs: number | null = 37.5;
  changes = 0;

  constructor(changes: PolicyChanges = {}, parts: Partial<HistoryParts> = {}) {
    super(changes);
    // Answers are given here, after what was asked has been watched.
    this.rttMs = null;
    const changed = () => {
      this.changes += 1;
    };
    this.history = new History({ clock: this.clock, log: this.log, changed, ...parts });
  }

  override do(...events: Event[]): this {
    for (const event of events) {
      const before = this.state;
      const asked = this.pings.length;
      super.do(event);
      this.history.observe(before, this.state, event);
      if (this.pings.length > asked && this.roundTripMs !== null) this.hearLife(this.roundTripMs);
    }
    return this;
  }

  /** Connected, and for long enough to be believed. */
  proven(): this {
    return this.connect().pass(10_000).hearLife();
  }

  hearLife(rttMs = 40): this {
    const attempt = currentOf(this.state.link) ?? this.state.link.attempt;
    return this.do({ type: 'socket.heard', attempt, rttMs });
  }

  outages(): readonly Outage[] {
    return this.history.outages.list();
  }

  outage(): Outage {
    const newest = this.outages().at(-1);
    if (newest === undefined) throw new Error('there is no outage');
    return newest;
  }

  attempts(): readonly AttemptNote[] {
    const { first, last } = this.outage().attempts;
    return [...first, ...last];
  }

  /** Lines that people see without asking for more. */
  lines(text: RegExp): readonly LogLine[] {
    return this.log.lines.filter((line) => line.level !== 'debug' && text.test(line.text));
  }
}

export function fieldOf(line: LogLine | undefined, name: string): unknown {
  return line === undefined ? undefined : Reflect.get(line.fields, name);
}

/** Lets waits run out and attempts fail, so many times. */
export function failing(box: WatchedBox, times: number, loss: Loss = REFUSED): WatchedBox {
  for (let time = 0; time < times; time += 1) {
    const { link } = box.state;
    if (link.phase === 'waiting') box.pass(link.delayMs);
    box.lose(loss);
  }
  return box;
}
