// How much of a stranger's input this layer accepts, and what a server leaves unsaid. Constants only; knows nothing
// of who enforces them.

/**
 * One text message. The socket refuses more than 1 MiB of UTF-8 already (the limit of the most used server's
 * WebSocket library too); a text never has more UTF-16 units than bytes, so nothing the socket let in fails here.
 */
export const TEXT_LIMIT_CHARS = 1_048_576;

/** Nested arrays and objects, the outermost counted. A device's list of tools, the deepest real message, has 8. */
export const DEPTH_LIMIT = 32;

/** One string or key after unescaping, in UTF-16 units: twice the largest page of tools a server accepts (8,192 bytes). */
export const STRING_LIMIT_CHARS = 16_384;

/** One Opus packet. The longest 60 ms packet, three frames of the codec's 1,275 bytes, needs 3,832. */
export const AUDIO_LIMIT_BYTES = 4_096;

/** What of a text may reach a log line: two rows of a terminal. */
export const EXCERPT_LIMIT_CHARS = 200;

/** A single value quoted inside a sentence of the log; longer ones bury the sentence. */
export const QUOTE_LIMIT_CHARS = 40;

/** RFC 6716 §3.1: no packet lasts longer. */
export const PACKET_LIMIT_MS = 120;

/** What the reference firmware assumes of a server whose hello does not say. */
export const SERVER_AUDIO = { format: 'opus', sampleRateHz: 24_000, channels: 1, frameMs: 60 } as const;

/** What every xiaozhi device sends: the firmware's own uplink. */
export const DEVICE_AUDIO = { format: 'opus', sampleRateHz: 16_000, channels: 1, frameMs: 60 } as const;
