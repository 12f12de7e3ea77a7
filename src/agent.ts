// The whole box: the loop, and the way of sound that follows what the state holds. Knows every port and no adapter.
import { BitRate } from './audio/bit-rate.ts';
import { Capture } from './audio/capture.ts';
import { Downlink } from './audio/downlink.ts';
import { PacedSpeaker } from './audio/paced-speaker.ts';
import { Preroll } from './audio/preroll.ts';
import { Uplink } from './audio/uplink.ts';
import type { Connections } from './connections.ts';
import type { Cue, Event } from './core/events.ts';
import type { Holds } from './core/holds.ts';
import { currentOf } from './core/link.ts';
import type { State } from './core/state.ts';
import { History, type HistoryParts } from './history/history.ts';
import { Loop, type LoopParts } from './loop.ts';
import type { Codec, EncoderOptions, Microphone, Speaker } from './ports.ts';

export type AgentParts = Omit<LoopParts, 'on'> & {
  readonly microphone: Microphone;
  readonly speaker: Speaker;
  readonly codec: Codec;
  readonly encoder: EncoderOptions;
  readonly jitterMs: number;
  /** Of what a microphone that is kept open has heard before a press. */
  readonly prerollMs: number;
  readonly history?: Omit<HistoryParts, 'clock' | 'log'>;
  /** A sound or a sign for the person at the box; after everything that had to go on the wire. */
  readonly cue: (cue: Cue) => void;
};

export class Agent {
  readonly history: History;
  readonly capture: Capture;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly #loop: Loop;

  constructor(parts: AgentParts) {
    const { clock, log, codec } = parts;
    const dispatch = (event: Event) => this.dispatch(event);
    this.history = new History({ clock, log, ...parts.history });
    this.capture = new Capture({ microphone: parts.microphone, clock, log });
    this.uplink = new Uplink({
      capture: this.capture,
      encoder: codec.encoder(parts.encoder),
      bitRate: new BitRate(parts.encoder.bitrateBps),
      preroll: new Preroll(parts.prerollMs),
      clock,
      log,
      road: {
        offer: (attempt, packet) => this.connections.offer(attempt, packet),
        underWay: (attempt) => this.connections.underWay(attempt),
        look: (attempt) => this.connections.look(attempt),
      },
      on: {
        flushed: (turn, take) => dispatch({ type: 'uplink.flushed', turn, take }),
        moved: (turn, take) => dispatch({ type: 'uplink.moved', turn, take }),
        hushed: (turn, take, sentAt) => dispatch({ type: 'uplink.hushed', turn, take, sentAt }),
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
        played: (turn) => dispatch({ type: 'downlink.played', turn }),
        drained: (turn) => dispatch({ type: 'downlink.drained', turn }),
        failed: (turn, reason) => dispatch({ type: 'speaker.failed', turn, reason }),
      },
    });
    this.#loop = new Loop({
      ...parts,
      on: {
        held: ({ playback, utterance, standby }) => {
          this.downlink.follow(playback);
          this.uplink.follow(utterance, standby);
        },
        cue: parts.cue,
        stepped: (before, after, event) => this.history.observe(before, after, event),
        speech: (attempt, packet) => this.#speech(attempt, packet),
      },
    });
  }

  get state(): State {
    return this.#loop.state;
  }

  /** What is running now. */
  get held(): Holds {
    return this.#loop.held;
  }

  get connections(): Connections {
    return this.#loop.connections;
  }

  /** Takes one fact. */
  dispatch(event: Event): void {
    this.#loop.dispatch(event);
  }

  /** Frames don't go through the core; it only learns that they come while its valve is shut. */
  #speech(attempt: number, packet: Uint8Array): void {
    if (attempt !== currentOf(this.state.link)) return;
    if (this.held.playback === null) this.dispatch({ type: 'speech.arrived', attempt });
    if (this.held.playback !== null) this.downlink.push(packet);
  }
}
