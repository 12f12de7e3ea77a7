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
  /** The microphone is in trouble for longer than a person waits. `said`: a voice had been heard before. */
  failed(turn: number, reason: string, said: boolean): void;
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
  /** How many were sent in this take and are no longer kept. */
  forgotten: number;
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
      const before = kept;
      this.#drop();
      kept = begun(wanted);
      // On the same connection and without a new beginning: what was not sent yet is the next utterance's start.
      if (before !== null && before.sendTo === wanted.sendTo && before.take === wanted.take)
        continued(before, kept);
      this.#kept = kept;
    }
    if (wanted.sendTo !== null && (wanted.take !== kept.take || wanted.sendTo !== kept.sendTo))
      this.#sendAgain(kept);
    kept.take = wanted.take;
    kept.sendTo = wanted.sendTo;
    if (wanted.capture === 'open') this.#record();
    else this.#end(kept);
    this.#send();
  }

  #sendAgain(kept: Kept): void {
    kept.sent = 0;
    // They were sent once; to this connection they never will be.
    if (kept.forgotten > 0) this.#dropped(kept, kept.forgotten);
    kept.forgotten = 0;
  }

  #record(): void {
    // Wanted again before the packet begun was complete: it goes on as if nothing had been.
    this.#lastFrame?.();
    this.#lastFrame = null;
    this.#capture.start({
      // Whatever turn is current owns the sound: a new turn takes over an open microphone without a gap.
      pcm: (pcm) => this.#heard(pcm),
      failed: (reason) => {
        const kept = this.#kept;
        if (kept !== null) this.#on.failed(kept.turn, reason, kept.voice.speech !== undefined);
      },
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
    if (kept.sent === 0) return this.#dropped(kept, 1);
    kept.sent -= 1;
    kept.forgotten += 1;
  }

  #dropped(kept: Kept, packets: number): void {
    const before = this.#droppedPackets;
    this.#droppedPackets += packets;
    // The first, and then every 30 s of speech.
    if (Math.ceil(before / KEPT_PACKETS) === Math.ceil(this.#droppedPackets / KEPT_PACKETS)) return;
    this.#log.warn(
      { turn: kept.turn, droppedMs: packets * FRAME_MS, droppedPackets: this.#droppedPackets },
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

function continued(before: Kept, kept: Kept): void {
  kept.packets.push(...before.packets.slice(before.sent));
  kept.sendTo = before.sendTo;
  before.framer.moveInto(kept.framer);
}

function begun(wanted: WantedUtterance): Kept {
  return {
    turn: wanted.turn,
    take: wanted.take,
    sendTo: null,
    packets: [],
    sent: 0,
    forgotten: 0,
    flushedTake: -1,
    framer: new Framer(FRAME_BYTES),
    voice: new VoiceDetector(),
  };
}
