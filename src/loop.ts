// The one loop: takes facts in order, steps the core, performs its acts, and makes connections and timers match what
// the new state holds. Decides nothing itself; knows no sound, so that it serves a client without any.
import { Connections, type Server } from './connections.ts';
import type { Cue, Event } from './core/events.ts';
import { type Holds, holds } from './core/holds.ts';
import type { Lessons } from './core/lessons.ts';
import { type Policy, type Prefs, type State, startState } from './core/state.ts';
import { step } from './core/step.ts';
import type { Clock, ClockSync, Dialer, Log, LogOf, NetworkWatch } from './ports.ts';
import type { ServerMessage } from './protocol/messages.ts';
import { Timers } from './timers.ts';
import type { Toolbox } from './toolbox.ts';

export type LoopParts = {
  readonly policy: Policy;
  readonly server: () => Server;
  readonly clock: Clock;
  readonly log: Log;
  /** The log under the name of a part of the agent; without it all lines are nameless. */
  readonly logOf?: LogOf;
  readonly dialer: Dialer;
  readonly clockSync: ClockSync;
  /** Without one, only failures tell of the network. */
  readonly network?: NetworkWatch;
  /** What the server may ask the device to do. */
  readonly tools?: Toolbox;
  /** What an earlier run had learned. */
  readonly lessons?: Lessons;
  /** What the owner had set at the box. */
  readonly prefs?: Prefs;
  readonly on: LoopEvents;
};

export type LoopEvents = {
  /** The state has changed: whatever else it holds is to be made so. */
  held(wanted: Holds): void;
  cue(cue: Cue): void;
  /** After everything was done. */
  stepped(before: State, after: State, event: Event): void;
  speech(attempt: number, packet: Uint8Array): void;
  said?(message: ServerMessage): void;
};

export class Loop {
  readonly connections: Connections;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #clockSync: ClockSync;
  readonly #network: NetworkWatch | undefined;
  readonly #on: LoopEvents;
  readonly #timers: Timers;
  readonly #queue: Event[] = [];
  #state: State;
  #holds: Holds;
  #draining = false;

  constructor(parts: LoopParts) {
    const { clock, dialer, server, on, logOf = () => parts.log } = parts;
    this.#clock = clock;
    this.#log = logOf('core');
    this.#clockSync = parts.clockSync;
    this.#network = parts.network;
    this.#on = on;
    this.connections = new Connections({
      dialer,
      server,
      clock,
      log: logOf('link'),
      dispatch: (event) => this.dispatch(event),
      speech: (attempt, packet) => on.speech(attempt, packet),
      said: (message) => on.said?.(message),
      ...(parts.tools === undefined ? {} : { tools: parts.tools }),
    });
    this.#timers = new Timers(clock, (timer) => this.dispatch({ type: 'timer.fired', timer }));
    this.#state = startState(parts.policy, clock.now(), parts.lessons, parts.prefs);
    this.#holds = holds(this.#state);
  }

  get state(): State {
    return this.#state;
  }

  /** What is running now. */
  get held(): Holds {
    return this.#holds;
  }

  /** Takes one fact. Facts that come up while another is handled wait their turn. */
  dispatch(event: Event): void {
    this.#queue.push(event);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#handle(next);
    } finally {
      this.#draining = false;
    }
  }

  #handle(event: Event): void {
    const before = this.#state;
    const { state, acts } = step(before, event, { at: this.#clock.now(), dice: this.#clock.dice() });
    this.#state = state;
    // The wire first: starting a child process blocks the loop for some milliseconds.
    for (const act of acts) {
      if (act.type === 'say') this.connections.say(act.attempt, act.message);
      if (act.type === 'ping') this.connections.ping(act.attempt);
      if (act.type === 'check') this.connections.check(act.attempt);
    }
    if (state !== before) this.#match(holds(state));
    for (const act of acts) if (act.type === 'cue') this.#on.cue(act.cue);
    this.#log.debug({ event: event.type, link: state.link.phase, turn: state.turn.phase }, 'step');
    this.#on.stepped(before, state, event);
  }

  #match(wanted: Holds): void {
    this.#holds = wanted;
    this.connections.match(wanted.sockets, wanted.parting);
    this.#on.held(wanted);
    if (wanted.clockSync)
      this.#clockSync.start({ synchronized: () => this.dispatch({ type: 'clock.synchronized' }) });
    else this.#clockSync.stop();
    if (wanted.networkWatch)
      this.#network?.start({ seen: (snapshot) => this.dispatch({ type: 'network.seen', snapshot }) });
    else this.#network?.stop();
    this.#timers.match(wanted.timers);
  }
}
