// From the microphone to the connection: PCM becomes packets, which are kept in a bounded buffer until the core lets go of
// them, and go out from the first one on to whichever connection they are wanted on. Knows turns and takes as numbers only.
import type { Cancel, Clock, Encoder, Log, Pcm } from '../ports.ts';
import type { BitRate } from './bit-rate.ts';
import type { Capture } from './capture.ts';
import { Delivery, type DeliveryEvents, type Load, type Road } from './delivery.ts';
import { Framer } from './framer.ts';
import { FRAME_MS, KeptSpeech } from './kept-speech.ts';
import type { Preroll } from './preroll.ts';
import { VoiceDetector } from './voice-detector.ts';

/** What is wanted of it; see `Utterance` in the core's `holds`. */
export type WantedUtterance = {
  readonly turn: number;
  readonly take: number;
  readonly sendTo: number | null;
  readonly capture: 'open' | 'ending';
};

/** What the microphone does for no utterance; see `standby` in the core's `holds`. */
export type Standby = 'closed' | 'kept' | 'deaf';

export type UplinkEvents = DeliveryEvents & {
  voiced(turn: number): void;
  /** The microphone is in trouble for longer than a person waits. `said`: a voice had been heard before. */
  failed(turn: number, reason: string, said: boolean): void;
};

const FRAME_BYTES = 1_920;
/** The packet begun is completed by the microphone within 60 ms; one that has died must not hold the turn. */
const LAST_FRAME_MS = 150;
/** Said once for the first packet dropped, and then for every 30 s of speech. */
const DROPS_TOLD_EVERY = 500;

/** `closing`: the packet begun is completed first. */
type Ear =
  | { readonly phase: 'open' }
  | { readonly phase: 'closing'; readonly giveUp: Cancel }
  | { readonly phase: 'closed' };

type Kept = Load & { ear: Ear; readonly framer: Framer };

export class Uplink {
  readonly #capture: Capture;
  readonly #encoder: Encoder;
  readonly #bitRate: BitRate;
  readonly #preroll: Preroll;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #on: UplinkEvents;
  readonly #delivery: Delivery;
  #kept: Kept | null = null;
  #standby: Standby = 'closed';
  #droppedPackets = 0;

  constructor(parts: {
    capture: Capture;
    encoder: Encoder;
    bitRate: BitRate;
    preroll: Preroll;
    clock: Clock;
    log: Log;
    road: Road;
    on: UplinkEvents;
  }) {
    this.#capture = parts.capture;
    this.#encoder = parts.encoder;
    this.#bitRate = parts.bitRate;
    this.#preroll = parts.preroll;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#on = parts.on;
    this.#delivery = new Delivery(parts);
  }

  status() {
    const speech = this.#kept?.speech;
    return {
      droppedMs: this.#droppedPackets * FRAME_MS,
      keptMs: speech?.keptMs ?? 0,
      keptBytes: speech?.keptBytes ?? 0,
      unsentMs: speech?.unsentMs ?? 0,
      bitRateBps: this.#bitRate.bps,
    };
  }

  /** Makes it so; calling it again with the same changes nothing. */
  follow(wanted: WantedUtterance | null, standby: Standby): void {
    if (standby !== 'kept') this.#preroll.clear();
    this.#standby = standby;
    if (wanted === null) this.#drop();
    else this.#keepOn(wanted);
    this.#tend();
    this.#delivery.go();
  }

  #keepOn(wanted: WantedUtterance): void {
    let kept = this.#kept;
    if (kept === null || kept.turn !== wanted.turn) kept = this.#begin(wanted);
    if (wanted.sendTo !== null && (wanted.take !== kept.take || wanted.sendTo !== kept.sendTo))
      this.#sendAgain(kept);
    kept.take = wanted.take;
    kept.sendTo = wanted.sendTo;
    if (wanted.capture === 'open') this.#open(kept);
    else this.#end(kept);
  }

  #begin(wanted: WantedUtterance): Kept {
    const before = this.#kept;
    this.#drop();
    const kept = begun(wanted);
    this.#kept = kept;
    this.#delivery.carry(kept);
    // On the same connection and without a new beginning: what was not sent yet is the next utterance's start.
    if (before !== null && before.sendTo === wanted.sendTo && before.take === wanted.take) {
      before.speech.moveUnsentInto(kept.speech);
      kept.sendTo = before.sendTo;
      before.framer.moveInto(kept.framer);
    }
    kept.framer.push(this.#preroll.take(), (frame) => this.#keep(kept, frame));
    this.#capture.hurry();
    return kept;
  }

  #sendAgain(kept: Kept): void {
    const missing = kept.speech.rewind();
    if (missing > 0) this.#dropped(kept, missing);
    this.#delivery.restart();
  }

  /** Opens the microphone when somebody wants it, and closes it when nobody does. */
  #tend(): void {
    const listens = this.#kept !== null && this.#kept.ear.phase !== 'closed';
    if (!listens && this.#standby === 'closed') return this.#capture.stop();
    this.#capture.start({
      // Whatever turn is current owns the sound: a new turn takes over an open microphone without a gap.
      pcm: (pcm) => this.#heard(pcm),
      failed: (reason) => this.#failed(reason),
    });
  }

  #heard(pcm: Pcm): void {
    const kept = this.#kept;
    if (kept === null || kept.ear.phase === 'closed') {
      if (this.#standby === 'kept') this.#preroll.push(pcm);
      return;
    }
    kept.framer.push(pcm, (frame) => this.#keep(kept, frame));
    if (kept.ear.phase === 'closing' && kept.framer.empty) this.#close(kept);
    this.#delivery.go();
  }

  #failed(reason: string): void {
    const kept = this.#kept;
    if (kept === null || kept.ear.phase === 'closed') return;
    this.#on.failed(kept.turn, reason, kept.voice.speech !== undefined);
  }

  #keep(kept: Kept, frame: Pcm): void {
    const wasVoiced = kept.voice.speech !== undefined;
    kept.voice.feed(frame);
    if (!wasVoiced && kept.voice.speech !== undefined) this.#on.voiced(kept.turn);
    const lost = kept.speech.keep(this.#encoder.encode(frame));
    if (lost > 0) this.#dropped(kept, lost);
  }

  #dropped(kept: Kept, packets: number): void {
    const before = this.#droppedPackets;
    this.#droppedPackets += packets;
    if (Math.ceil(before / DROPS_TOLD_EVERY) === Math.ceil(this.#droppedPackets / DROPS_TOLD_EVERY)) return;
    this.#log.warn(
      { turn: kept.turn, droppedMs: packets * FRAME_MS, droppedPackets: this.#droppedPackets },
      'more was said than can be kept unsent: the oldest speech is dropped',
    );
  }

  /** Wanted again before the packet begun was complete: it goes on as if nothing had been. */
  #open(kept: Kept): void {
    if (kept.ear.phase === 'closing') kept.ear.giveUp();
    kept.ear = { phase: 'open' };
    kept.isComplete = false;
  }

  /** Nothing more will be said: complete the packet begun, then close the ear. */
  #end(kept: Kept): void {
    if (kept.ear.phase !== 'open') return;
    if (kept.framer.empty) return this.#close(kept);
    const giveUp = this.#clock.after(LAST_FRAME_MS, () => {
      this.#close(kept);
      this.#delivery.go();
    });
    kept.ear = { phase: 'closing', giveUp };
  }

  #close(kept: Kept): void {
    if (kept.ear.phase === 'closing') kept.ear.giveUp();
    kept.ear = { phase: 'closed' };
    if (!kept.framer.empty) this.#keep(kept, kept.framer.padded());
    kept.isComplete = true;
    this.#tend();
  }

  #drop(): void {
    const kept = this.#kept;
    if (kept === null) return;
    if (kept.ear.phase === 'closing') kept.ear.giveUp();
    this.#kept = null;
    this.#delivery.carry(null);
    if (kept.sendTo !== null || kept.speech.keptMs === 0) return;
    this.#log.info(
      { turn: kept.turn, speechMs: kept.speech.keptMs, sentBefore: kept.take > 0 },
      'speech that waited for a connection is let go',
    );
  }
}

function begun({ turn, take }: WantedUtterance): Kept {
  return {
    turn,
    take,
    sendTo: null,
    speech: new KeptSpeech(),
    voice: new VoiceDetector(),
    isComplete: false,
    ear: { phase: 'open' },
    framer: new Framer(FRAME_BYTES),
  };
}
