// From the socket to the speaker: a jitter buffer, decoding at the speaker's rate, concealment of gaps, and playing out
// to the last sample. Knows turns as numbers only.
import type { Clock, Codec, Decoder, Log, Pcm } from '../ports.ts';
import { Arrivals } from './arrivals.ts';
import { JitterBuffer } from './jitter-buffer.ts';
import { type PacedOutput, SLICE_MS } from './paced-speaker.ts';

/** What is wanted of it; see `Playback` in the core's `holds`. */
export type WantedPlayback = { readonly turn: number; readonly ending: boolean };

export interface DownlinkEvents {
  started(turn: number): void;
  heard(turn: number): void;
  /** What is left goes on playing; at most once a second. */
  played(turn: number): void;
  drained(turn: number): void;
  failed(turn: number, reason: string): void;
}

/** With less than this left to play, a missing packet is bridged. */
const BRIDGE_BELOW_MS = 20;
/** Invented sound fades within two packets of 60 ms; more of it would drone. After that: silence. */
const CONCEAL_MS = 120;
/**
 * An answer that trickles starts anyway, this much later than a steady one would have its reserve: with the default
 * reserve 200 ms after the first packet, the reference firmware's rule.
 */
const TRICKLE_GRACE_MS = 40;
/** The core wants to know that packets still come, and that they play, not of each one. */
const HEARD_EVERY_MS = 1_000;
/** A server that says "finished" between two packets has not sent the last of them: three packets of 60 ms are waited for. */
const LATE_MS = 180;

type Phase =
  | { readonly name: 'closed' }
  /** Nothing has come yet; the device is not open. */
  | { readonly name: 'waiting'; readonly turn: number }
  /** Collecting a reserve before the first sound. */
  | { readonly name: 'filling'; readonly turn: number }
  | { readonly name: 'playing'; readonly turn: number }
  /** The reserve is used up: inventing sound, then playing silence, until there is a reserve again. */
  | { readonly name: 'bridging'; readonly turn: number; readonly bridgedMs: number }
  | { readonly name: 'finishing'; readonly turn: number };

type Open = Exclude<Phase, { name: 'closed' }>;

export class Downlink {
  readonly #speaker: PacedOutput;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The reserve to collect before playing; 0: as much as the arrivals ask for. */
  readonly #jitterMs: number;
  readonly #arrivals = new Arrivals();
  readonly #on: DownlinkEvents;
  readonly #buffer = new JitterBuffer();
  #phase: Phase = { name: 'closed' };
  #ending = false;
  /** One for all turns: a binding's decoder is memory that the garbage collector knows nothing of. */
  readonly #decoder: Decoder;
  /** Decoded and not yet written. */
  #rest: Pcm = new Uint8Array(0);
  #heardAt = 0;
  #playedAt = 0;
  /** When the last packet came. */
  #arrivedAt = Number.NEGATIVE_INFINITY;
  #gaps = 0;
  #concealedMs = 0;
  #droppedPackets = 0;
  #corruptPackets = 0;

  constructor(parts: {
    speaker: PacedOutput;
    codec: Codec;
    clock: Clock;
    log: Log;
    /** The reserve to collect before playing; 0: as much as the arrivals ask for. */
    jitterMs: number;
    on: DownlinkEvents;
  }) {
    this.#speaker = parts.speaker;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#jitterMs = parts.jitterMs;
    this.#on = parts.on;
    this.#decoder = parts.codec.decoder(parts.speaker.rateHz);
  }

  status() {
    return {
      ...this.#speaker.status(),
      playback: this.#phase.name,
      bufferedMs: this.#buffer.queuedMs,
      reserveMs: this.#reserveMs,
      gaps: this.#gaps,
      concealedMs: this.#concealedMs,
      droppedPackets: this.#droppedPackets,
      corruptPackets: this.#corruptPackets,
    };
  }

  /** Makes it so; calling it again with the same changes nothing. */
  follow(wanted: WantedPlayback | null): void {
    if (wanted === null) return this.#close();
    if (this.#phase.name === 'closed' || this.#phase.turn !== wanted.turn) {
      this.#close();
      this.#decoder.reset();
      this.#arrivals.begin();
      this.#phase = { name: 'waiting', turn: wanted.turn };
    }
    if (this.#ending === wanted.ending) return;
    this.#ending = wanted.ending;
    if (!wanted.ending) return;
    if (this.#phase.name === 'waiting') this.#on.drained(wanted.turn);
    else this.#speaker.wake();
  }

  get #reserveMs(): number {
    return this.#jitterMs === 0 ? this.#arrivals.reserveMs : this.#jitterMs;
  }

  push(packet: Uint8Array): void {
    const phase = this.#phase;
    if (phase.name === 'closed') return;
    const now = this.#clock.now();
    const { queuedMs } = this.#buffer;
    const kept = this.#buffer.push(packet, now);
    if (kept === 'full') return this.#overflowed(phase.turn);
    if (kept === 'corrupt') {
      this.#corruptPackets += 1;
      return;
    }
    this.#arrivedAt = now;
    this.#arrivals.note(kept.durationMs, now, queuedMs);
    if (phase.name === 'waiting') {
      this.#heardAt = now;
      this.#fill(phase.turn);
      return this.#on.started(phase.turn);
    }
    if (phase.name === 'filling' && this.#reserved()) this.#speaker.wake();
    if (now - this.#heardAt < HEARD_EVERY_MS) return;
    this.#heardAt = now;
    this.#on.heard(phase.turn);
  }

  /** Opens the device while the reserve builds up. */
  #fill(turn: number): void {
    this.#phase = { name: 'filling', turn };
    this.#speaker.start({
      pull: (aheadMs) => this.#pull(aheadMs),
      finished: () => this.#finished(),
      failed: (reason) => this.#failed(turn, reason),
    });
  }

  #reserved(): boolean {
    const reserveMs = this.#reserveMs;
    if (this.#ending || this.#buffer.queuedMs >= reserveMs) return true;
    const oldestAt = this.#buffer.oldestAt;
    return oldestAt !== undefined && this.#clock.now() - oldestAt >= reserveMs + TRICKLE_GRACE_MS;
  }

  #pull(aheadMs: number): Pcm | undefined {
    const phase = this.#phase;
    if (phase.name === 'closed' || phase.name === 'waiting' || phase.name === 'finishing') return undefined;
    if (phase.name !== 'playing') {
      if (!this.#reserved()) return phase.name === 'bridging' ? this.#bridge(phase, aheadMs) : undefined;
      if (phase.name === 'bridging' && this.#buffer.queuedMs > 0) {
        // Only now is it sure that this was a gap, and not the silence before the server says that it has finished.
        this.#gaps += 1;
        this.#concealedMs += Math.min(phase.bridgedMs, CONCEAL_MS);
      }
      this.#phase = { name: 'playing', turn: phase.turn };
    }
    const slice = this.#slice();
    if (slice === undefined) return this.#ranDry(phase, aheadMs);
    this.#tellPlayed(phase.turn);
    return slice;
  }

  #ranDry(phase: Open, aheadMs: number): Pcm | undefined {
    if (this.#ending && this.#clock.now() - this.#arrivedAt >= LATE_MS) {
      this.#phase = { name: 'finishing', turn: phase.turn };
      this.#speaker.finish();
      return undefined;
    }
    if (aheadMs >= BRIDGE_BELOW_MS) return undefined;
    const bridging =
      phase.name === 'bridging' ? phase : ({ name: 'bridging', turn: phase.turn, bridgedMs: 0 } as const);
    return this.#bridge(bridging, aheadMs);
  }

  #tellPlayed(turn: number): void {
    const now = this.#clock.now();
    if (!this.#ending || now - this.#playedAt < HEARD_EVERY_MS) return;
    this.#playedAt = now;
    this.#on.played(turn);
  }

  #bridge(phase: Phase & { name: 'bridging' }, aheadMs: number): Pcm | undefined {
    if (aheadMs >= BRIDGE_BELOW_MS) return undefined;
    this.#phase = { ...phase, bridgedMs: phase.bridgedMs + SLICE_MS };
    if (phase.bridgedMs >= CONCEAL_MS) return new Uint8Array(this.#sliceBytes());
    return this.#decoder.conceal(SLICE_MS);
  }

  #slice(): Pcm | undefined {
    while (this.#rest.length === 0) {
      const next = this.#buffer.shift();
      if (next === undefined) return undefined;
      this.#rest = this.#decode(next.packet, next.durationMs);
    }
    const slice = this.#rest.subarray(0, this.#sliceBytes());
    this.#rest = this.#rest.subarray(slice.length);
    return slice;
  }

  #decode(packet: Uint8Array, durationMs: number): Pcm {
    const pcm = this.#decoder.decode(packet);
    if (pcm !== undefined) return pcm;
    this.#corruptPackets += 1;
    this.#concealedMs += durationMs;
    return this.#decoder.conceal(durationMs);
  }

  #sliceBytes(): number {
    return ((this.#speaker.rateHz * SLICE_MS) / 1_000) * 2;
  }

  #finished(): void {
    const phase = this.#phase;
    if (phase.name === 'closed') return;
    // More came while the last of it was playing.
    if (this.#buffer.queuedMs > 0) return this.#fill(phase.turn);
    this.#phase = { name: 'waiting', turn: phase.turn };
    if (this.#ending) this.#on.drained(phase.turn);
  }

  #failed(turn: number, reason: string): void {
    this.#close();
    this.#phase = { name: 'waiting', turn };
    this.#on.failed(turn, reason);
  }

  #overflowed(turn: number): void {
    this.#droppedPackets += 1;
    if (this.#droppedPackets % 100 === 1)
      this.#log.warn(
        { turn, droppedPackets: this.#droppedPackets },
        'the server sends faster than it can be played, and minutes of it wait: the newest is dropped',
      );
  }

  #close(): void {
    this.#speaker.stop();
    this.#buffer.clear();
    this.#rest = new Uint8Array(0);
    this.#ending = false;
    this.#phase = { name: 'closed' };
  }
}
