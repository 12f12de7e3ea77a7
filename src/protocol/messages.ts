// What device and server may say to each other as JSON text, as types: the vocabulary of the wire.
// Knows nothing of sockets, state or audio; codec.ts turns text into these and back.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/**
 * Decoded objects inherit nothing (their prototype is null) and have no `__proto__` key: a name from the wire finds
 * data or nothing. Never put one into a template string; compare it with `assert.deepEqual` against `{ __proto__: null, … }`.
 */
export type JsonObject = { readonly [key: string]: Json };

/** Who decides that an utterance has ended: the server's VAD (`auto`, `realtime`) or the device (`manual`). */
export type ListenMode = 'auto' | 'manual' | 'realtime';

/** The format of one direction's audio. The server's answer may merely echo ours, so nothing is sized from it. */
export type AudioParams = {
  readonly format: string;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly frameMs: number;
};

/** JSON-RPC travels inside `payload`, untouched: the envelope is all that this layer knows of MCP. */
type Mcp = { readonly type: 'mcp'; readonly payload: JsonObject };

export type DeviceHello = {
  readonly type: 'hello';
  /** Binary framing version, the same number as the `Protocol-Version` header. */
  readonly version: number;
  readonly transport: string;
  readonly features: { readonly mcp?: boolean; readonly aec?: boolean; readonly emoji?: boolean };
  readonly audio: AudioParams;
};

export type DeviceMessage =
  | DeviceHello
  | { readonly type: 'listen'; readonly state: 'start'; readonly mode: ListenMode }
  | { readonly type: 'listen'; readonly state: 'stop' }
  | { readonly type: 'listen'; readonly state: 'detect'; readonly text: string }
  | { readonly type: 'abort'; readonly reason?: string }
  | { readonly type: 'goodbye' }
  | { readonly type: 'ping' }
  | { readonly type: 'iot'; readonly descriptors?: readonly Json[]; readonly states?: readonly Json[] }
  | Mcp;

export type ServerMessage =
  | {
      readonly type: 'hello';
      readonly transport: string;
      /** Absent in some servers' answers. */
      readonly sessionId?: string;
      readonly audio: AudioParams;
    }
  | { readonly type: 'stt'; readonly text: string }
  | { readonly type: 'llm'; readonly emotion?: string; readonly text?: string }
  | { readonly type: 'tts'; readonly state: 'start' | 'stop' }
  | { readonly type: 'tts'; readonly state: 'sentence_start' | 'sentence_end'; readonly text?: string }
  | { readonly type: 'system'; readonly command: string }
  | { readonly type: 'alert'; readonly status: string; readonly message: string; readonly emotion: string }
  | { readonly type: 'custom'; readonly payload: JsonObject }
  | { readonly type: 'goodbye' }
  | { readonly type: 'error'; readonly message?: string }
  | { readonly type: 'server'; readonly status?: string; readonly message?: string; readonly action?: string }
  | { readonly type: 'pong'; readonly timestamp?: string }
  | { readonly type: 'iot'; readonly commands: readonly Json[] }
  | { readonly type: 'abort'; readonly state?: string }
  | Mcp;
