// The core alone with a clock moved by hand: facts in, acts collected as short words, held timers fired when due. For
// tests of behaviour; there is no world around it.
import type { Act, Cue, Event, Loss, NetworkSnapshot } from '../../src/core/events.ts';
import { type Holds, holds } from '../../src/core/holds.ts';
import { currentOf } from '../../src/core/link.ts';
import { type Policy, type State, startState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import type { DeviceMessage, ServerMessage } from '../../src/protocol/messages.ts';

export type PolicyChanges = {
  readonly configured?: boolean;
  readonly setup?: Policy['setup'];
  readonly limits?: Partial<Policy['limits']>;
  readonly link?: Partial<Policy['link']>;
  readonly gesture?: Partial<Policy['gesture']>;
  readonly turn?: Partial<Policy['turn']>;
};

export function policy(changes: PolicyChanges = {}): Policy {
  return {
    configured: changes.configured ?? true,
    setup: { asks: false, ...changes.setup },
    link: {
      mode: 'always',
      maxAttempts: 0,
      backoffBaseMs: 1_000,
      backoffCapMs: 60_000,
      firstRetryMs: 250,
      connectTimeoutMs: 10_000,
      helloTimeoutMs: 10_000,
      pingIntervalMs: 0,
      pingTimeoutMs: 5_000,
      monitorIntervalMs: 5_000,
      renew: true,
      assumedRenewMs: null,
      restAfterMs: 0,
      version: 1,
      ...changes.link,
    },
    limits: { enabled: true, maxAttempts: 0, ...changes.limits },
    gesture: { mode: 'hybrid', holdAfterMs: 400, doubleMs: 300, ...changes.gesture },
    turn: {
      mode: 'auto',
      followUp: true,
      standby: 'closed',
      offlineHoldMs: 20_000,
      unsolicited: 'play',
      ...changes.turn,
    },
  };
}

export const HELLO: ServerMessage = {
  type: 'hello',
  transport: 'websocket',
  sessionId: '0123abcd',
  audio: { format: 'opus', sampleRateHz: 24_000, channels: 1, frameMs: 60 },
};

export const RESET: Loss = {
  class: 'transient',
  kind: 'connection reset',
  reason: 'connection broke off (1006)',
  detectedBy: 'socket',
  quick: false,
};

export class Box {
  state: State;
  at = 0;
  dice = 0.5;
  /** The round trip of the server's answers to pings; null: it does not answer. */
  rttMs: number | null = 20;
  /** When a ping went out. */
  readonly pings: number[] = [];
  /** Every cue there was, those of changes included. */
  readonly cues: Cue[] = [];
  /** Everything said and signalled since the last `took`: `listen start auto`, `abort`, `cue listen`. */
  #acts: string[] = [];
  readonly #due = new Map<string, number>();

  constructor(changes: PolicyChanges = {}) {
    this.state = startState(policy(changes), 0);
    this.#match();
  }

  get holds(): Holds {
    return holds(this.state);
  }

  do(...events: Event[]): this {
    for (const event of events) {
      const stepped = step(this.state, event, { at: this.at, dice: this.dice });
      this.state = stepped.state;
      this.#acts.push(...stepped.acts.flatMap(wordsOf));
      this.cues.push(...stepped.acts.flatMap((act) => (act.type === 'cue' ? [act.cue] : [])));
      this.#match();
      const ping = stepped.acts.find((act) => act.type === 'ping');
      if (ping !== undefined) this.pings.push(this.at);
      if (ping !== undefined && this.rttMs !== null)
        this.do({ type: 'socket.heard', attempt: ping.attempt, rttMs: this.rttMs });
    }
    return this;
  }

  /** Lets time go by; timers fire in the order in which they are due. */
  pass(ms: number): this {
    const until = this.at + ms;
    for (;;) {
      const next = [...this.#due].sort(([, a], [, b]) => a - b)[0];
      if (next === undefined || next[1] > until) break;
      const [timer, due] = next;
      this.at = Math.max(this.at, due);
      this.#due.delete(timer);
      this.do({ type: 'timer.fired', timer });
    }
    this.at = until;
    return this;
  }

  took(): string[] {
    const acts = this.#acts;
    this.#acts = [];
    return acts;
  }

  connect(local = '192.168.1.7'): this {
    if (this.state.link.phase === 'resting') this.do({ type: 'agent.started' });
    const { attempt } = this.state.link;
    this.do({ type: 'socket.reached', attempt, local }, { type: 'socket.opened', attempt });
    this.do({ type: 'server.said', attempt, message: HELLO });
    this.took();
    return this;
  }

  /** The network is like this now. */
  see(...snapshots: NetworkSnapshot[]): this {
    return this.do(...snapshots.map((snapshot) => ({ type: 'network.seen', snapshot }) as const));
  }

  /** Waits out the backoff and connects again. */
  reconnect(): this {
    const { link } = this.state;
    return this.pass(link.phase === 'waiting' ? link.delayMs : 0).connect();
  }

  /** Loses the connection that frames go to, or the one being made. */
  lose(loss: Loss = RESET): this {
    const attempt = currentOf(this.state.link) ?? this.state.link.attempt;
    return this.do({ type: 'socket.closed', attempt, loss });
  }

  hear(...messages: ServerMessage[]): this {
    const attempt = currentOf(this.state.link) ?? this.state.link.attempt;
    return this.do(...messages.map((message) => ({ type: 'server.said', attempt, message }) as const));
  }

  /** The audio path's facts, with the present numbers. */
  flush(): this {
    const { turn } = this.state;
    return this.do({ type: 'uplink.flushed', turn: turn.turn, take: 'take' in turn ? turn.take : 0 });
  }

  sound(what: 'started' | 'heard' | 'drained'): this {
    return this.do({ type: `downlink.${what}`, turn: this.state.turn.turn });
  }

  click(): this {
    return this.do({ type: 'button.pressed' }).pass(100).do({ type: 'button.released' });
  }

  /** A turn under way, by the shortest road; quiet for a second, so that the next click is no double click. */
  reach(phase: 'listening' | 'finishing' | 'thinking' | 'expecting' | 'speaking' | 'draining'): this {
    this.click().pass(1_000);
    if (phase === 'finishing' || phase === 'thinking') this.click();
    if (phase === 'thinking') this.flush();
    if (phase === 'expecting' || phase === 'speaking' || phase === 'draining')
      this.hear({ type: 'stt', text: 'hm' }, { type: 'tts', state: 'start' });
    if (phase === 'speaking' || phase === 'draining') this.sound('started');
    if (phase === 'draining') this.hear({ type: 'tts', state: 'stop' });
    this.pass(1_000).took();
    return this;
  }

  #match(): void {
    const held = this.holds.timers;
    for (const name of this.#due.keys())
      if (!held.some((timer) => timer.name === name)) this.#due.delete(name);
    for (const { name, afterMs, from } of held)
      if (!this.#due.has(name)) this.#due.set(name, (from ?? this.at) + afterMs);
  }
}

/** They follow from what has changed, whoever changed it, and have tests of their own (core/cues.test.ts). */
const OF_CHANGES: readonly Cue[] = ['heard', 'again', 'ready', 'back'];

function wordsOf(act: Act): readonly string[] {
  if (act.type === 'cue') return OF_CHANGES.includes(act.cue) ? [] : [`cue ${act.cue}`];
  return act.type === 'say' ? [words(act.message)] : [];
}

function words(message: DeviceMessage): string {
  if (message.type !== 'listen') return message.type;
  return message.state === 'start' ? `listen start ${message.mode}` : `listen ${message.state}`;
}
