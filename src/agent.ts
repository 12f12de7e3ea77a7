// The one loop: takes facts in order, steps the core, performs its acts, and makes the world match what the new state
// holds. Decides nothing itself; knows every port and no adapter.
import { Capture } from './audio/capture.ts';
import { Downlink } from './audio/downlink.ts';
import { PacedSpeaker } from './audio/paced-speaker.ts';
import { Uplink } from './audio/uplink.ts';
import { Connections, type Server } from './connections.ts';
import type { Act, Cue, Event } from './core/events.ts';
import { type Holds, holds, type Timer } from './core/holds.ts';
import { currentOf } from './core/link.ts';
import { type Policy, type State, startState } from './core/state.ts';
import { step } from './core/step.ts';
import { History } from './history.ts';
import type { Cancel, Clock, Codec, Dialer, EncoderOptions, Log, Microphone, Speaker } from './ports.ts';

export type AgentParts = {
  readonly policy: Policy;
  readonly server: Server;
  readonly clock: Clock;
  readonly log: Log;
  readonly dialer: Dialer;
  readonly microphone: Microphone;
  readonly speaker: Speaker;
  readonly codec: Codec;
  readonly encoder: EncoderOptions;
  readonly jitterMs: number;
  /** A sound or a sign for the person at the box; after everything that had to go on the wire. */
  readonly cue: (cue: Cue) => void;
};

export class Agent {
  readonly history: History;
  readonly connections: Connections;
  readonly capture: Capture;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #cue: (cue: Cue) => void;
  readonly #timers = new Map<string, Cancel>();
  readonly #queue: Event[] = [];
  #state: State;
  #holds: Holds;
  #draining = false;

  constructor(parts: AgentParts) {
    const { clock, log, codec } = parts;
    const dispatch = (event: Event) => this.dispatch(event);
    this.#clock = clock;
    this.#log = log;
    this.#cue = parts.cue;
    this.history = new History({ clock, log });
    this.connections = new Connections({
      dialer: parts.dialer,
      server: parts.server,
      log,
      dispatch,
      speech: (attempt, packet) => this.#speech(attempt, packet),
    });
    this.capture = new Capture({ microphone: parts.microphone, clock, log });
    this.uplink = new Uplink({
      capture: this.capture,
      encoder: codec.encoder(parts.encoder),
      clock,
      log,
      offer: (attempt, packet) => this.connections.offer(attempt, packet),
      on: {
        flushed: (turn, take) => dispatch({ type: 'uplink.flushed', turn, take }),
        voiced: (turn) => dispatch({ type: 'uplink.voiced', turn }),
        failed: (turn, reason, said) => dispatch({ type: 'microphone.failed', turn, reason, said }),
      },
    });
    this.downlink = new Downlink({
      speaker: new PacedSpeaker({ speaker: parts.speaker, clock, log }),
      codec,
      clock,
      log,
      jitterMs: parts.jitterMs,
      on: {
        started: (turn) => dispatch({ type: 'downlink.started', turn }),
        heard: (turn) => dispatch({ type: 'downlink.heard', turn }),
        drained: (turn) => dispatch({ type: 'downlink.drained', turn }),
        failed: (turn, reason) => dispatch({ type: 'speaker.failed', turn, reason }),
      },
    });
    this.#state = startState(parts.policy);
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
    for (const act of acts) this.#say(act);
    if (state !== before) {
      this.#holds = holds(state);
      this.#match(this.#holds);
    }
    for (const act of acts) if (act.type === 'cue') this.#cue(act.cue);
    this.#log.debug({ event: event.type, link: state.link.phase, turn: state.turn.phase }, 'step');
    this.history.observe(before, state);
  }

  #say(act: Act): void {
    if (act.type === 'say') this.connections.say(act.attempt, act.message);
  }

  #match(wanted: Holds): void {
    this.connections.match(wanted.sockets);
    this.downlink.follow(wanted.playback);
    this.uplink.follow(wanted.utterance);
    this.#matchTimers(wanted.timers);
  }

  #matchTimers(timers: readonly Timer[]): void {
    for (const [name, cancel] of this.#timers) {
      if (timers.some((timer) => timer.name === name)) continue;
      cancel();
      this.#timers.delete(name);
    }
    for (const { name, afterMs } of timers) {
      if (this.#timers.has(name)) continue;
      const fire = () => {
        this.#timers.delete(name);
        this.dispatch({ type: 'timer.fired', timer: name });
      };
      this.#timers.set(name, this.#clock.after(afterMs, fire));
    }
  }

  /** Frames don't go through the core; it only learns that they come while its valve is shut. */
  #speech(attempt: number, packet: Uint8Array): void {
    if (attempt !== currentOf(this.#state.link)) return;
    if (this.#holds.playback === null) this.dispatch({ type: 'speech.arrived', attempt });
    if (this.#holds.playback !== null) this.downlink.push(packet);
  }
}
