// One device's conversation with the parrot: hello, tools, then turn after turn what it said comes back to it.
// Knows messages, packets and phases; the socket is a narrow `Peer`, and time is the clock's.

import type { Cancel, Clock, Decoder, Log } from '../ports.ts';
import { decodeDevice, encodeServer } from '../protocol/codec.ts';
import { type FramingVersion, frame, unframe } from '../protocol/framing.ts';
import { SERVER_AUDIO } from '../protocol/limits.ts';
import type { DeviceMessage, ListenMode, ServerMessage } from '../protocol/messages.ts';
import { Ear } from './ear.ts';
import { paceAnswer } from './paced-answer.ts';
import { ToolSurvey } from './tool-survey.ts';

export interface Peer {
  text(text: string): void;
  binary(bytes: Uint8Array): void;
  /** The session is over; its `end` is called when the peer is gone. */
  close(code: number, reason: string): void;
}

export type SessionOptions = {
  /** Eight hexadecimal digits, as the official service has them. */
  readonly id: string;
  readonly framing: FramingVersion;
  /** Mono PCM at the rate the voice detector listens at. */
  readonly decoder: Decoder;
  readonly peer: Peer;
  readonly clock: Clock;
  readonly log: Log;
  /** For what is wrong with what the peer sends; apart, so that rubbish does not crowd out the rest. */
  readonly complaints: Log;
};

type Listening = { readonly phase: 'listening'; readonly mode: ListenMode; readonly ear: Ear };

type State =
  | { readonly phase: 'greeting'; readonly cancelDeadline: Cancel }
  | { readonly phase: 'idle' }
  | Listening
  /** `beside` is what is listened to at the same time: only in realtime does the microphone stay on. */
  | { readonly phase: 'answering'; readonly cancelAnswer: Cancel; readonly beside: Listening | undefined }
  | { readonly phase: 'over' };

/** As long as devices wait for the answer to it. */
const HELLO_WITHIN_MS = 10_000;
/** The open server's hard limit. A device that vanished without a word must not keep a place for ever. */
const SILENT_AT_MOST_MS = 180_000;

/** RFC 6455 §7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_PROTOCOL_ERROR = 1002;

export class Session {
  readonly #options: SessionOptions;
  readonly #tools: ToolSurvey;
  #state: State = { phase: 'idle' };
  #heardAtMs = 0;
  #cancelWatch: Cancel = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#tools = new ToolSurvey((payload) => this.#say({ type: 'mcp', payload }), options.log);
  }

  start(): void {
    const { clock } = this.#options;
    const tooLate = () => this.#close(CLOSE_PROTOCOL_ERROR, 'no hello');
    this.#state = { phase: 'greeting', cancelDeadline: clock.after(HELLO_WITHIN_MS, tooLate) };
    this.alive();
    this.#watch();
  }

  /** The peer is gone, or about to be. */
  end(): void {
    const state = this.#state;
    if (state.phase === 'greeting') state.cancelDeadline();
    if (state.phase === 'answering') state.cancelAnswer();
    this.#cancelWatch();
    this.#state = { phase: 'over' };
  }

  /** Something came from the peer, if only a ping. */
  alive(): void {
    this.#heardAtMs = this.#options.clock.now();
  }

  hearText(text: string): void {
    this.alive();
    if (this.#state.phase === 'over') return;
    const decoded = decodeDevice(text);
    if (decoded.ok) this.#take(decoded.message);
    else this.#options.complaints.debug(decoded.fault, 'message ignored');
  }

  hearBinary(bytes: Uint8Array): void {
    this.alive();
    if (this.#state.phase === 'over') return;
    const unframed = unframe(this.#options.framing, bytes);
    if (!unframed.ok) this.#options.complaints.debug(unframed.fault, 'binary message ignored');
    else if (unframed.kind === 'json') this.hearText(new TextDecoder().decode(unframed.payload));
    else this.#hearPacket(unframed.payload);
  }

  #take(message: DeviceMessage): void {
    const { log, complaints } = this.#options;
    if (this.#state.phase === 'greeting' && message.type !== 'hello') {
      complaints.debug({ type: message.type }, 'message before hello ignored');
      return;
    }
    switch (message.type) {
      case 'hello':
        if (this.#state.phase !== 'greeting') {
          complaints.debug({}, 'second hello ignored');
          return;
        }
        this.#state.cancelDeadline();
        this.#state = { phase: 'idle' };
        log.info({ version: message.version, mcp: message.features.mcp === true }, 'hello');
        this.#say({
          type: 'hello',
          transport: 'websocket',
          sessionId: this.#options.id,
          audio: SERVER_AUDIO,
        });
        if (message.features.mcp === true) this.#tools.begin();
        return;
      case 'listen':
        if (message.state === 'start') this.#listen(message.mode);
        else if (message.state === 'stop') this.#stopListening();
        else this.#answerText(message.text);
        return;
      case 'abort':
        this.#abort(message.reason);
        return;
      case 'mcp':
        this.#tools.hear(message.payload);
        return;
      case 'ping':
        this.#say({ type: 'pong' });
        return;
      case 'goodbye':
      case 'iot':
        complaints.debug({ type: message.type }, 'message has no effect on this server');
        return;
    }
  }

  #listen(mode: ListenMode): void {
    this.#silence();
    this.#options.log.debug({ mode }, 'listening');
    this.#state = this.#listening(mode);
  }

  /** Whatever was heard before is forgotten: as on the open server, only what follows `listen start` counts. */
  #listening(mode: ListenMode): Listening {
    return { phase: 'listening', mode, ear: new Ear(this.#options.decoder) };
  }

  #stopListening(): void {
    const state = this.#state;
    if (state.phase === 'listening') this.#conclude(state.ear, undefined);
    else if (state.phase === 'answering') this.#state = { ...state, beside: undefined };
  }

  #hearPacket(packet: Uint8Array): void {
    const state = this.#state;
    const listening = state.phase === 'answering' ? state.beside : state;
    // Outside of listening packets are ordinary: a device sends on until it learns that it was understood.
    if (listening === undefined || listening.phase !== 'listening') return;
    const { ear, mode } = listening;
    const refused = ear.hear(packet);
    if (refused !== undefined) this.#options.complaints.debug({ reason: refused }, 'packet ignored');
    if (state.phase === 'answering') {
      if (!ear.speechBegan) return;
      this.#options.log.info({}, 'answer interrupted by speech');
      this.#silence();
      this.#state = listening;
    }
    if (mode !== 'manual' && ear.speechEnded) {
      this.#conclude(ear, mode === 'realtime' ? this.#listening(mode) : undefined);
    }
  }

  #conclude(ear: Ear, beside: Listening | undefined): void {
    const { clock, framing, log, peer } = this.#options;
    const spoken = ear.spoken();
    if (spoken === undefined) {
      // Real servers answer nothing either: it is for the device to notice that no `stt` comes.
      log.info({ heard_ms: ear.heardMs }, 'nothing was said');
      this.#state = { phase: 'idle' };
      return;
    }
    const text = `I heard ${(spoken.durationMs / 1000).toFixed(1)} seconds.`;
    log.info({ speech_ms: spoken.durationMs, packets: spoken.packets.length }, 'answering');
    this.#say({ type: 'stt', text });
    this.#say({ type: 'tts', state: 'start' });
    this.#say({ type: 'llm', emotion: 'happy', text: '🙂' });
    this.#say({ type: 'tts', state: 'sentence_start', text });
    const cancelAnswer = paceAnswer(spoken.packets, clock, {
      packet: (packet) => peer.binary(frame(framing, packet)),
      finished: () => this.#answered(),
    });
    this.#state = { phase: 'answering', cancelAnswer, beside };
  }

  #answered(): void {
    this.#say({ type: 'tts', state: 'stop' });
    if (this.#state.phase === 'answering') this.#state = this.#state.beside ?? { phase: 'idle' };
  }

  /** There is no voice here to say anything with: the device gets a turn without sound. */
  #answerText(text: string): void {
    this.#silence();
    this.#say({ type: 'stt', text });
    this.#say({ type: 'tts', state: 'start' });
    this.#say({ type: 'tts', state: 'stop' });
    this.#state = { phase: 'idle' };
  }

  /** Answered in every phase: the open server does, and a device may be waiting for the `tts stop`. */
  #abort(reason: string | undefined): void {
    const state = this.#state;
    this.#options.log.info({ phase: state.phase, reason: reason ?? 'none given' }, 'abort');
    const listening = state.phase === 'answering' ? state.beside : state;
    if (state.phase === 'answering') this.#silence();
    else this.#say({ type: 'tts', state: 'stop' });
    const goesOn = listening?.phase === 'listening' && listening.mode === 'realtime';
    this.#state = goesOn ? this.#listening('realtime') : { phase: 'idle' };
  }

  /** Ends an answer in its middle, if there is one. */
  #silence(): void {
    if (this.#state.phase !== 'answering') return;
    this.#state.cancelAnswer();
    this.#state = { phase: 'idle' };
    this.#say({ type: 'tts', state: 'stop' });
  }

  #watch(): void {
    const { clock } = this.#options;
    const leftMs = this.#heardAtMs + SILENT_AT_MOST_MS - clock.now();
    if (leftMs <= 0) this.#close(CLOSE_NORMAL, 'silent for too long');
    else this.#cancelWatch = clock.after(leftMs, () => this.#watch());
  }

  #close(code: number, reason: string): void {
    this.#options.log.info({ code, reason }, 'closing');
    this.end();
    this.#options.peer.close(code, reason);
  }

  #say(message: ServerMessage): void {
    this.#options.peer.text(encodeServer(message, this.#options.id));
  }
}
