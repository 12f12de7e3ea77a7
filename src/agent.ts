// The whole box: the loop, and the way of sound that follows what the state holds. Knows every port and no adapter.
import { BitRate } from './audio/bit-rate.ts';
import { Capture } from './audio/capture.ts';
import { Downlink } from './audio/downlink.ts';
import { MixingDesk } from './audio/mixing-desk.ts';
import { PacedSpeaker } from './audio/paced-speaker.ts';
import { Preamp } from './audio/preamp.ts';
import { Preroll } from './audio/preroll.ts';
import { Uplink } from './audio/uplink.ts';
import { type ChimePolicy, Chimes } from './chimes.ts';
import type { Connections } from './connections.ts';
import type { Cue, Event } from './core/events.ts';
import type { Holds } from './core/holds.ts';
import { currentOf } from './core/link.ts';
import { mayReach } from './core/network.ts';
import { statusCue } from './core/spoken-status.ts';
import type { Prefs, State } from './core/state.ts';
import { History, type HistoryParts } from './history/history.ts';
import { Lamp, type LampPolicy } from './lamp.ts';
import { Loop, type LoopParts } from './loop.ts';
import { Loudness } from './loudness.ts';
import type { Codec, EncoderOptions, Light, Microphone, Mixer, Sounds, Speaker } from './ports.ts';
import type { SetupCalls } from './setup-calls.ts';

export type AgentParts = Omit<LoopParts, 'on'> & {
  readonly microphone: Microphone;
  /** Asked for with each slice of sound. */
  readonly gainDb?: () => number;
  readonly speaker: Speaker;
  /** Without one, the samples are made louder and softer. */
  readonly mixer?: Mixer;
  /** Set at the box, and to be kept. */
  readonly prefsChanged?: (prefs: Prefs) => void;
  readonly codec: Codec;
  readonly encoder: EncoderOptions;
  readonly jitterMs: number;
  /** Of what a microphone that is kept open has heard before a press. */
  readonly prerollMs: number;
  readonly history?: Omit<HistoryParts, 'clock' | 'log' | 'logOf'>;
  /** Without them the box is silent but for speech. */
  readonly chimes?: {
    readonly sounds: Sounds;
    readonly policy: () => ChimePolicy;
    /** Of the cue that says so, nothing is to be in what the microphone hears. */
    readonly cutOverlap: boolean;
  };
  /** Without them the server is written down, and nobody is asked. */
  readonly setup?: SetupCalls;
  readonly lamp?: { readonly light: Light; readonly policy: () => LampPolicy };
  /** A sound or a sign for the person at the box; after everything that had to go on the wire. */
  readonly cue: (cue: Cue) => void;
  /** After everything was done, the history included. */
  readonly stepped?: (after: State, event: Event) => void;
};

export class Agent {
  readonly history: History;
  readonly preamp: Preamp;
  readonly capture: Capture;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly desk: MixingDesk;
  readonly loudness: Loudness;
  readonly lamp: Lamp | null;
  readonly #chimes: Chimes | null;
  readonly #cutOverlap: boolean;
  readonly #loop: Loop;

  constructor(parts: AgentParts) {
    const { clock, codec, logOf = () => parts.log } = parts;
    const dispatch = (event: Event) => this.dispatch(event);
    const [microphoneLog, speakerLog] = [logOf('microphone'), logOf('speaker')];
    this.history = new History({ clock, log: parts.log, logOf, ...parts.history });
    this.preamp = new Preamp({
      microphone: parts.microphone,
      clock,
      log: microphoneLog,
      gainDb: parts.gainDb ?? (() => 0),
    });
    this.capture = new Capture({ microphone: this.preamp, clock, log: microphoneLog });
    this.uplink = new Uplink({
      capture: this.capture,
      encoder: codec.encoder(parts.encoder),
      bitRate: new BitRate(parts.encoder.bitrateBps),
      preroll: new Preroll(parts.prerollMs),
      clock,
      log: microphoneLog,
      road: {
        offer: (attempt, packet) => this.connections.offer(attempt, packet),
        underWay: (attempt) => this.connections.underWay(attempt),
        hasWay: () => this.state.network.seen === null || mayReach(this.state.network.seen),
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
    const desk = new MixingDesk(new PacedSpeaker({ speaker: parts.speaker, clock, log: speakerLog }), () =>
      this.lamp?.alarm(),
    );
    this.desk = desk;
    this.loudness = new Loudness({ desk, mixer: parts.mixer ?? null, log: speakerLog });
    this.#chimes = parts.chimes === undefined ? null : new Chimes({ ...parts.chimes, desk, clock });
    this.lamp = parts.lamp === undefined ? null : new Lamp({ ...parts.lamp, clock, log: logOf('light') });
    this.#cutOverlap = parts.chimes?.cutOverlap ?? false;
    this.downlink = new Downlink({
      speaker: desk.speech,
      codec,
      clock,
      log: speakerLog,
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
        held: (wanted) => {
          this.loudness.follow(wanted.volume);
          this.downlink.follow(wanted.playback);
          this.uplink.follow(wanted.utterance, wanted.standby);
          this.preamp.meter(wanted.meter);
          this.#chimes?.follow(wanted);
          parts.setup?.follow(wanted.call, dispatch);
          if (this.state.link.phase === 'ended') this.#leave();
          else this.lamp?.follow(wanted.light);
        },
        cue: (cue) => {
          this.#chime(cue);
          parts.cue(cue);
        },
        stepped: (before, after, event) => {
          this.history.observe(before, after, event);
          if (after.setup !== before.setup) parts.setup?.tell(after.setup);
          const { volume, muted } = after;
          if (volume !== before.volume || muted !== before.muted) parts.prefsChanged?.({ volume, muted });
          parts.stepped?.(after, event);
        },
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
    // Whoever wants quiet wants it of a tone too.
    if (event.type === 'stop.asked') this.desk.cut();
    this.#loop.dispatch(event);
  }

  /** Dark and silent; whatever still runs would keep the process. */
  #leave(): void {
    this.lamp?.stop();
    this.desk.stop();
  }

  #chime(cue: Cue): void {
    if (cue === 'error' || cue === 'no-answer' || cue === 'lost') this.lamp?.alarm();
    const { setup } = this.state;
    const code = setup.phase === 'activating' ? setup.code : null;
    const heard = cue === 'status' ? statusCue(this.state) : cue;
    const durationMs = this.#chimes?.cue(heard, { code, loudness: this.loudness.factor }) ?? 0;
    if (this.#cutOverlap && (cue === 'listen' || cue === 'again')) this.preamp.cut(durationMs);
  }

  /** Frames don't go through the core; it only learns that they come while its valve is shut. */
  #speech(attempt: number, packet: Uint8Array): void {
    if (attempt !== currentOf(this.state.link)) return;
    if (this.held.playback === null) this.dispatch({ type: 'speech.arrived', attempt });
    if (this.held.playback !== null) this.downlink.push(packet);
  }
}
