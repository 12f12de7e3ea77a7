// Packets of one utterance on their way: at the pace that servers bear, at the bit rate that the network carries, until the
// last of them has arrived. Knows turns, takes and connections as numbers only, and nothing of the microphone.
import type { Cancel, Clock, Encoder, Log } from '../ports.ts';
import type { BitRate } from './bit-rate.ts';
import { FRAME_MS, type KeptSpeech } from './kept-speech.ts';
import type { VoiceDetector } from './voice-detector.ts';

export interface DeliveryEvents {
  /** Everything that was said in this turn has been handed to the connection. */
  flushed(turn: number, take: number): void;
  /** After the end of speech: more of it has been handed over or has arrived. At most once a second, and at its arrival. */
  moved(turn: number, take: number): void;
  /** Nobody has spoken for long; the last of their voice had been sent at `sentAt`. Once a take. */
  hushed(turn: number, take: number, sentAt: number): void;
}

/** The way to the server. */
export interface Road {
  /** `busy`: not taken, offer it again. */
  offer(connection: number, packet: Uint8Array): 'taken' | 'busy';
  /** Bytes that were handed over and are not known to have arrived. */
  underWay(connection: number): number;
  /** False: the kernel knows of none. */
  hasWay(): boolean;
  /** Everything is settled: whoever wants to know how it gets on may be told now. */
  look(connection: number): void;
}

export type Load = {
  readonly turn: number;
  take: number;
  sendTo: number | null;
  readonly speech: KeptSpeech;
  readonly voice: VoiceDetector;
  /** Nothing will be added to it. */
  isComplete: boolean;
};

/** A backlog goes out at four times real time; servers' queues hold about 100 packets. */
const BACKLOG_EVERY_MS = FRAME_MS / 4;
/** The core wants to know that it gets on, not of each packet. */
const MOVED_EVERY_MS = 1_000;
/** A person waits seconds for an answer. */
const ARRIVAL_POLL_MS = 250;
/** As long as a server may be deaf after its hello (protocol.md 8.1, 7): by then it has heard, or it never will. */
const HUSHED_AFTER_MS = 6_000;

/** How far a take has come. */
type Progress = {
  stage: 'sending' | 'arriving' | 'arrived';
  movedAt: number;
  underWay: number;
  /** When the last packet with a voice in it was sent, until that is told. */
  voiceSentAt: number | 'none' | 'told';
};

export class Delivery {
  readonly #encoder: Encoder;
  readonly #bitRate: BitRate;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #road: Road;
  readonly #on: DeliveryEvents;
  #load: Load | null = null;
  #progress = begun();
  #pump: Cancel | null = null;

  constructor(parts: {
    encoder: Encoder;
    bitRate: BitRate;
    clock: Clock;
    log: Log;
    road: Road;
    on: DeliveryEvents;
  }) {
    this.#encoder = parts.encoder;
    this.#bitRate = parts.bitRate;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#road = parts.road;
    this.#on = parts.on;
  }

  /** From now on it is this one, or none. */
  carry(load: Load | null): void {
    this.#pump?.();
    this.#pump = null;
    this.#load = load;
    this.restart();
  }

  /** It goes out once more, from its first packet on. */
  restart(): void {
    this.#progress = begun();
    this.#bitRate.anew();
  }

  /** Sends what can be sent. */
  go(): void {
    this.#send();
    const sendTo = this.#load?.sendTo ?? null;
    if (sendTo !== null) this.#road.look(sendTo);
  }

  #send(): void {
    const load = this.#load;
    if (load === null || load.sendTo === null || this.#pump !== null) return;
    const packet = load.speech.next;
    if (packet !== undefined && this.#road.offer(load.sendTo, packet) === 'taken') this.#sent(load);
    else if (packet !== undefined) this.#refused(load);
    // Whoever was told may have changed everything.
    if (load !== this.#load || load.sendTo === null || this.#pump !== null) return;
    if (load.speech.next !== undefined) return this.#goAgain(BACKLOG_EVERY_MS);
    if (!load.isComplete) return;
    if (this.#progress.stage === 'sending') {
      this.#progress.stage = 'arriving';
      this.#on.flushed(load.turn, load.take);
    }
    if (load === this.#load && load.sendTo !== null && this.#progress.stage === 'arriving')
      this.#lookFor(load, load.sendTo);
  }

  #goAgain(afterMs: number): void {
    this.#pump = this.#clock.after(afterMs, () => {
      this.#pump = null;
      this.go();
    });
  }

  #sent(load: Load): void {
    const now = this.#clock.now();
    const fromMs = load.speech.sentMs;
    load.speech.sentNext();
    if (load.speech.next === undefined) this.#changeRate(load, () => this.#bitRate.kept(now));
    if (load.isComplete) this.#moved(load, now);
    const progress = this.#progress;
    const { speech } = load.voice;
    if (speech === undefined || progress.voiceSentAt === 'told') return;
    if (fromMs < speech.endMs) progress.voiceSentAt = now;
    if (progress.voiceSentAt === 'none' || now - progress.voiceSentAt < HUSHED_AFTER_MS) return;
    const sentAt = progress.voiceSentAt;
    progress.voiceSentAt = 'told';
    this.#on.hushed(load.turn, load.take, sentAt);
  }

  #refused(load: Load): void {
    // A network that is not there is not slow: it would be spoken to again, and not in fewer bits.
    if (!this.#road.hasWay()) return this.#bitRate.anew();
    this.#changeRate(load, () => this.#bitRate.refused(load.speech.unsentMs, this.#clock.now()));
  }

  #changeRate({ turn, speech }: Load, change: () => void): void {
    const before = this.#bitRate.bps;
    change();
    const { bps } = this.#bitRate;
    if (bps === before) return;
    this.#encoder.setBitRate(bps);
    this.#log.debug({ turn, bps, unsentMs: speech.unsentMs }, 'bit rate');
  }

  /** The last of it is handed over; has it arrived? */
  #lookFor(load: Load, connection: number): void {
    const progress = this.#progress;
    const left = this.#road.underWay(connection);
    if (left === 0) {
      progress.stage = 'arrived';
      return this.#on.moved(load.turn, load.take);
    }
    const gotOn = left < progress.underWay;
    progress.underWay = left;
    if (gotOn) this.#moved(load, this.#clock.now());
    if (load === this.#load && this.#pump === null) this.#goAgain(ARRIVAL_POLL_MS);
  }

  #moved(load: Load, now: number): void {
    if (now - this.#progress.movedAt < MOVED_EVERY_MS) return;
    this.#progress.movedAt = now;
    this.#on.moved(load.turn, load.take);
  }
}

function begun(): Progress {
  return {
    stage: 'sending',
    movedAt: Number.NEGATIVE_INFINITY,
    underWay: Number.POSITIVE_INFINITY,
    voiceSentAt: 'none',
  };
}
