// From the microphone to the socket: PCM becomes packets, the utterance is kept in a bounded buffer, and goes out from
// its first packet on to whichever connection it is wanted on. Knows turns and takes as numbers only.
import type { Cancel, Clock, Encoder, Log, Pcm } from '../ports.ts';
import type { Capture } from './capture.ts';
import { Framer } from './framer.ts';
import { VoiceDetector } from './voice-detector.ts';

/** What is wanted of it; see `Utterance` in the core's `holds`. */
export type WantedUtterance = {
  readonly turn: number;
  readonly take: number;
  readonly sendTo: number | null;
  readonly capture: 'open' | 'ending';
};

export interface UplinkEvents {
  /** Everything that was said in this turn has been handed to the connection. */
  flushed(turn: number, take: number): void;
  voiced(turn: number): void;
  failed(turn: number, reason: string): void;
}

/** `busy`: not taken, offer it again. */
export type Offer = (connection: number, packet: Uint8Array) => 'taken' | 'busy';

/** 60 ms of 16 kHz mono, the only frame length that every server takes. */
export const FRAME_MS = 60;
const FRAME_BYTES = 1_920;
/** 30 s: longer than anybody talks to a box in one breath; about 100 KB. Victim: the oldest. */
const KEPT_PACKETS = 500;
/** A backlog goes out at four times real time; servers' queues hold about 100 packets. */
const BACKLOG_EVERY_MS = FRAME_MS / 4;
/** The packet begun is completed by the microphone within 60 ms; one that has died must not hold the turn. */
const LAST_FRAME_MS = 150;

type Kept = {
  readonly turn: number;
  take: number;
  sendTo: number | null;
  readonly packets: Uint8Array[];
  /** How many packets of this take are sent. */
  sent: number;
  flushedTake: number;
  readonly framer: Framer;
  readonly voice: VoiceDetector;
};

export class Uplink {
  readonly #capture: Capture;
  readonly #encoder: Encoder;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #offer: Offer;
  readonly #on: UplinkEvents;
  #kept: Kept | null = null;
  #pump: Cancel | null = null;
  #lastFrame: Cancel | null = null;
  #droppedPackets = 0;

  constructor(parts: {
    capture: Capture;
    encoder: Encoder;
    clock: Clock;
    log: Log;
    offer: Offer;
    on: UplinkEvents;
  }) {
    this.#capture = parts.capture;
    this.#encoder = parts.encoder;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#offer = parts.offer;
    this.#on = parts.on;
  }

  status(): { droppedPackets: number; keptPackets: number } {
    return { droppedPackets: this.#droppedPackets, keptPackets: this.#kept?.packets.length ?? 0 };
  }

  /** Makes it so; calling it again with the same changes nothing. */
  follow(wanted: WantedUtterance | null): void {
    if (wanted === null) {
      this.#drop();
      this.#capture.stop();
      return;
    }
    let kept = this.#kept;
    if (kept === null || kept.turn !== wanted.turn) {
      this.#drop();
      kept = begun(wanted);
      this.#kept = kept;
    }
    if (wanted.sendTo !== null && (wanted.take !== kept.take || wanted.sendTo !== kept.sendTo)) kept.sent = 0;
    kept.take = wanted.take;
    kept.sendTo = wanted.sendTo;
    if (wanted.capture === 'open') this.#record(kept);
    else this.#end(kept);
    this.#send();
  }

  #record(kept: Kept): void {
    this.#capture.start({
      // Whatever turn is current owns the sound: a new turn takes over an open microphone without a gap.
      pcm: (pcm) => this.#heard(pcm),
      failed: (reason) => this.#on.failed(this.#kept?.turn ?? kept.turn, reason),
    });
  }

  #heard(pcm: Pcm): void {
    const kept = this.#kept;
    if (kept === null) return;
    kept.framer.push(pcm, (frame) => this.#keep(kept, frame));
    if (this.#lastFrame !== null && kept.framer.empty) this.#close(kept);
    this.#send();
  }

  #keep(kept: Kept, frame: Pcm): void {
    if (kept.voice.speech === undefined) {
      kept.voice.feed(frame);
      if (kept.voice.speech !== undefined) this.#on.voiced(kept.turn);
    }
    kept.packets.push(this.#encoder.encode(frame));
    if (kept.packets.length <= KEPT_PACKETS) return;
    kept.packets.shift();
    if (kept.sent > 0) {
      kept.sent -= 1;
      return;
    }
    this.#droppedPackets += 1;
    if (this.#droppedPackets % KEPT_PACKETS === 1)
      this.#log.warn(
        { turn: kept.turn, droppedPackets: this.#droppedPackets },
        'more was said than can be kept unsent: the oldest speech is dropped',
      );
  }

  /** Nothing more will be said: complete the packet begun, then close the microphone. */
  #end(kept: Kept): void {
    if (!this.#capture.open || this.#lastFrame !== null) return;
    if (kept.framer.empty) this.#close(kept);
    else this.#lastFrame = this.#clock.after(LAST_FRAME_MS, () => this.#close(kept));
  }

  #close(kept: Kept): void {
    this.#lastFrame?.();
    this.#lastFrame = null;
    this.#capture.stop();
    if (!kept.framer.empty) this.#keep(kept, kept.framer.padded());
    this.#send();
  }

  #send(): void {
    const kept = this.#kept;
    if (kept === null || kept.sendTo === null || this.#pump !== null) return;
    const packet = kept.packets[kept.sent];
    if (packet === undefined) {
      if (!this.#capture.open && kept.flushedTake !== kept.take) {
        kept.flushedTake = kept.take;
        this.#on.flushed(kept.turn, kept.take);
      }
      return;
    }
    if (this.#offer(kept.sendTo, packet) === 'taken') kept.sent += 1;
    if (kept.sent === kept.packets.length) {
      if (!this.#capture.open) this.#send();
      return;
    }
    this.#pump = this.#clock.after(BACKLOG_EVERY_MS, () => {
      this.#pump = null;
      this.#send();
    });
  }

  #drop(): void {
    this.#pump?.();
    this.#pump = null;
    this.#lastFrame?.();
    this.#lastFrame = null;
    this.#kept = null;
  }
}

function begun(wanted: WantedUtterance): Kept {
  return {
    turn: wanted.turn,
    take: wanted.take,
    sendTo: null,
    packets: [],
    sent: 0,
    flushedTake: -1,
    framer: new Framer(FRAME_BYTES),
    voice: new VoiceDetector(),
  };
}
