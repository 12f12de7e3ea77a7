// Every interface between the agent and the world, as types only. Each port has an adapter for Linux and a
// simulated one. Callbacks are passed once, at the start; `start` and `stop` may be called in any order and
// any number of times; after `stop` nothing of the stopped run is reported; failures arrive as values.
import type { Loss, NetworkSnapshot } from './core/events.ts';
import type { Colour, Rhythm } from './core/light.ts';

export type { FailureClass, Loss, LossKind, NetworkInterface, NetworkSnapshot } from './core/events.ts';
export type { Rhythm } from './core/light.ts';

/** Ends what it was returned for; calling it twice is harmless. */
export type Cancel = () => void;

export interface Clock {
  /** Monotonic milliseconds since an arbitrary moment; for durations. */
  now(): number;
  /** Milliseconds since 1970; for logs and status only, it may jump. */
  wallMs(): number;
  after(delayMs: number, fire: () => void): Cancel;
  /** A random number in [0, 1). */
  dice(): number;
}

/** One line per call: what happened, and the figures it happened with. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** The same log under the name of one part of the program, so that its lines are told apart. */
export type LogOf = (component: string) => Log;

/**
 * Why a line of the box's panel cannot be heard, in a word for whoever decides what to do and in a sentence for people.
 * `missing`: there is none, or nothing to read it with. `denied`: there is, for others. `busy`: somebody else has it.
 */
export type ButtonTrouble = {
  readonly kind: 'missing' | 'denied' | 'busy' | 'broken';
  readonly reason: string;
};

/** One line that a finger can pull: the wake button, a key for the volume, a mute switch. */
export interface Button {
  /** What it is read with. */
  readonly backend: string;
  /** Which line it is, for people; it may become more exact once it is found. */
  readonly line: string;
  start(on: ButtonEvents): void;
  stop(): void;
}

/** Moments are those of the adapter's clock. Edges alternate as far as the hardware's do: one may have been missed. */
export interface ButtonEvents {
  /** It can be heard from now on, and how it was found; before any edge, once. Never from inside `start`. */
  found(level: 'up' | 'down' | 'unknown'): void;
  pressed(atMs: number): void;
  released(atMs: number): void;
  /** It cannot be heard, or no longer, though nobody stopped it. */
  ended(trouble: ButtonTrouble): void;
}

/** Signed 16-bit little-endian PCM, mono unless a port says otherwise. */
export type Pcm = Uint8Array;

export interface Microphone {
  /** What it records from, as the user named it; for status and log. */
  readonly device: string;
  /** Starts capturing 16 kHz mono in chunks of about 20 ms. */
  start(on: MicrophoneEvents): void;
  stop(): void;
}

export interface MicrophoneEvents {
  pcm(pcm: Pcm): void;
  /** The capture is over though nobody stopped it. `reason` is what the device or program said. */
  ended(reason: string): void;
}

export interface Speaker {
  readonly device: string;
  /** The rate of the mono PCM it takes. */
  readonly rateHz: number;
  /** Opens the device; what is written before it is open is kept. */
  start(on: SpeakerEvents): void;
  /** The caller paces: at most about 100 ms ahead of what has been played. */
  write(pcm: Pcm): void;
  /** Plays out what was written, the hardware's buffer included, reports `finished` and closes the device. */
  finish(): void;
  /** Silence, now. What was written and not yet played is dropped. */
  stop(): void;
}

export interface SpeakerEvents {
  finished(): void;
  /** Playback broke off though nobody stopped it. */
  ended(reason: string): void;
}

/** A light that shows rhythms by itself once it was told. */
export interface Light {
  /** What lights it, for status and log. */
  readonly means: string;
  start(on: LightEvents): void;
  show(look: Look): void;
  /** Dark. */
  stop(): void;
}

export interface LightEvents {
  /** It does not show what it was told, and why; it is tried again with the next look. */
  failed(reason: string): void;
  /** It shows what it was told. */
  works(): void;
}

/** `rhythm` is repeated for ever; a single beat is steady. `brightness`: of 1, on top of the beats' levels. */
export type Look = {
  readonly rhythm: Rhythm;
  readonly colour: Colour;
  readonly brightness: number;
};

/** The volume of the card itself, 0 to 100 as an ear has it. */
export interface Mixer {
  /** What is turned, as the card names it; for status and log. */
  readonly control: string;
  /** Where it stood when it was found. */
  readonly found: number;
  start(on: MixerEvents): void;
  /** Of several asked for while one is on its way, the newest. */
  turn(volume: number): void;
  stop(): void;
}

export interface MixerEvents {
  failed(reason: string): void;
}

/** Short sounds by name, as PCM at the speaker's rate. */
export interface Sounds {
  /** Undefined when there is none: it stays silent, and that has been said. */
  pcm(name: string): Pcm | undefined;
  /** Those that were asked for and are not there; for status. */
  readonly missing: readonly string[];
}

export interface Codec {
  readonly name: string;
  /** 16 kHz mono, 60 ms a packet. */
  encoder(options: EncoderOptions): Encoder;
  /** Decodes packets of any rate and length to mono PCM at `rateHz`. */
  decoder(rateHz: number): Decoder;
}

export type EncoderOptions = { readonly bitrateBps: number; readonly complexity: number };

export interface Encoder {
  /** `pcm` holds exactly 960 samples (1,920 bytes); any other length throws a RangeError. */
  encode(pcm: Pcm): Uint8Array;
  /** Of what is encoded from now on; 6,000 to 64,000. */
  setBitRate(bitrateBps: number): void;
}

export interface Decoder {
  /** Undefined when the packet is empty, corrupt or longer than Opus allows. */
  decode(packet: Uint8Array): Pcm | undefined;
  /** Forgets everything: what comes next has nothing to do with what came before. */
  reset(): void;
  /** Invents `durationMs` of sound to bridge a gap: the last sound fading out. At most 120 ms a call. */
  conceal(durationMs: number): Pcm;
}

export type DialRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One deadline for name look-up, TCP, TLS and upgrade together. */
  readonly deadlineMs: number;
  readonly caFile?: string;
};

/** IP addresses, IPv6 without a zone. */
export type SocketEnds = { readonly local: string; readonly remote: string };

export interface SocketEvents {
  /** TCP stands, between these two addresses; TLS and upgrade are still to come. */
  reached(ends: SocketEnds): void;
  opened(): void;
  text(text: string): void;
  binary(bytes: Uint8Array): void;
  /** The answer to the ping of that mark. */
  ponged(mark: number): void;
  /** The server asks whether we live; it has been answered. */
  pinged(): void;
  /** Exactly once per dial that was not terminated, whatever happened. */
  closed(loss: Loss): void;
}

export interface Dialer {
  dial(request: DialRequest, on: SocketEvents): Socket;
}

export interface Socket {
  /** Bytes accepted, since it was opened. */
  readonly sentBytes: number;
  /**
   * Of these: not known to have arrived at the server's machine, be they here or in the kernel. Looking costs something:
   * it may be as old as `maxAgeMs`, and what has arrived since is then counted too.
   */
  underWayBytes(maxAgeMs: number): number;
  /** What the transport itself says, whatever has been reported. */
  readonly isOpen: boolean;
  /** Each answers whether the socket was open; on one that is not, nothing is sent. */
  sendText(text: string): boolean;
  sendBinary(bytes: Uint8Array): boolean;
  ping(mark: number): boolean;
  /** A polite close; `closed` follows within 2 s at the most. */
  close(): void;
  /** Gone at once, and nothing more is reported. */
  terminate(): void;
}

/** One question over HTTP. */
export type WebQuestion = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For all of it, from the name look-up to the last byte of the answer. */
  readonly deadlineMs: number;
  readonly caFile?: string;
};

/** Whatever the server answered; redirections are not followed, and an answer of endless length is none. */
export type WebAnswer =
  | { readonly ok: true; readonly status: number; readonly text: string }
  | { readonly ok: false; readonly reason: string };

export interface Web {
  /** Posts it, and reports once, never from inside. */
  ask(question: WebQuestion, on: { answered(answer: WebAnswer): void }): Cancel;
}

/** Reports what the network is: once at the start, and again whenever it may have changed. */
export interface NetworkWatch {
  /** How it gets to know: a kernel monitor, or polling; for status and log. */
  readonly means: string;
  start(on: NetworkEvents): void;
  stop(): void;
}

export interface NetworkEvents {
  seen(snapshot: NetworkSnapshot): void;
}

/** Whether the machine's clock can be believed; a board without a battery starts with an old one. */
export interface ClockSync {
  /** Reports once, as soon as the clock has been set right. */
  start(on: { synchronized(): void }): void;
  stop(): void;
}

/** Whoever has started this process, shows how it fares, and starts it again when it no longer moves. */
export interface Supervisor {
  /** A sign of life is wanted at least so often; null: nobody waits for one. */
  readonly watchdogMs: number | null;
  start(on: SupervisorEvents): void;
  /** Of several things told while others are on their way, the newest of each kind. */
  tell(news: News): void;
  stop(): void;
}

export type News = {
  readonly phase?: 'ready' | 'reloading' | 'stopping';
  /** One line for people. */
  readonly status?: string;
  readonly isAlive?: true;
};

export interface SupervisorEvents {
  /** What was told did not arrive, and why; the next thing is told all the same. */
  failed(reason: string): void;
}

/** One JSON value that outlives the process. */
export interface Store {
  /** Undefined when there is none or it cannot be understood. */
  read(): unknown;
  /** What was read is of no use, and says why: it is kept under another name for a person to look at. */
  setAside(reason: string): void;
  /** Written off the loop, whole or not at all; of several asked for meanwhile, the newest. */
  write(value: object): void;
  /** Written before this returns: the process is about to leave. */
  writeNow(value: object): void;
}
