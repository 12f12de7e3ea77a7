// What the embedder says about the server and about patience, checked and put into the terms of the core. Knows no
// files and no environment; reads nothing.
import type { Server } from '../connections.ts';
import type { Policy } from '../core/state.ts';
import type { Log } from '../ports.ts';
import type { FramingVersion } from '../protocol/framing.ts';

export type ClientOptions = {
  /** `ws://` or `wss://`. */
  readonly url: string;
  /** Goes into the header `Authorization`, as `Bearer` unless it brings a scheme of its own. */
  readonly token?: string;
  /** The headers `Device-Id` (a MAC address) and `Client-Id` (a UUID): most servers want both. */
  readonly deviceId?: string;
  readonly clientId?: string;
  /** Sent with every upgrade; they replace those made of the options above. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How audio is framed; the header `Protocol-Version` says so to the server. */
  readonly framing?: FramingVersion;
  /** A certificate authority (PEM) to trust besides the well-known ones. */
  readonly caFile?: string;
  /** The configured limit of failures in a row, beside the switch's; 0: none. */
  readonly maxAttempts?: number;
  /** What it calls itself when the server asks for its tools. */
  readonly device?: { readonly name: string; readonly version: string };
  /** Where to say what happens; nowhere by default. */
  readonly log?: Log;
} & Partial<Timings>;

type Timing = { readonly least: number; readonly preset: number; readonly most: number };

/** The daemon's `link` keys of the same names, where their figures are explained; a test holds the two together. */
export const TIMINGS = {
  connectTimeoutMs: { least: 100, preset: 10_000, most: 120_000 },
  helloTimeoutMs: { least: 100, preset: 10_000, most: 120_000 },
  backoffBaseMs: { least: 10, preset: 1_000, most: 3_600_000 },
  backoffCapMs: { least: 10, preset: 60_000, most: 3_600_000 },
  firstRetryMs: { least: 0, preset: 250, most: 10_000 },
  /** 0 is allowed too: adapted. */
  pingIntervalMs: { least: 50, preset: 0, most: 600_000 },
  pingTimeoutMs: { least: 50, preset: 5_000, most: 120_000 },
  monitorIntervalMs: { least: 50, preset: 5_000, most: 600_000 },
} as const satisfies Readonly<Record<string, Timing>>;

export type Timings = { readonly [name in keyof typeof TIMINGS]: number };

/** The seed's: the switch's own limit, and the configured one. */
export const LIMITS = { switch: 5, configured: 10 };

/** The package's; a test holds it to package.json, for the client reads no files. */
export const DEVICE = { name: 'xiaozhi-agent', version: '0.1.0' };
/** A shorter one would blank parts of ordinary words. */
const SHORTEST_SECRET = 4;

const NO_GESTURES: Policy['gesture'] = { mode: 'click', holdAfterMs: 0, doubleMs: 0 };
/** There is no microphone and no speaker here: what the server says by itself is an event, never a turn. */
const NO_TURNS: Policy['turn'] = {
  mode: 'auto',
  followUp: false,
  standby: 'closed',
  offlineHoldMs: 0,
  unsolicited: 'mute',
};

export const ADDRESS_RULE =
  'the address must begin with ws:// or wss:// and hold no user name, password or fragment';

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

export function policyOf(options: ClientOptions): Policy {
  return {
    configured: isAddress(options.url),
    setup: { asks: false },
    link: {
      ...timingsOf(options),
      mode: 'always',
      maxAttempts: attemptsOf(options.maxAttempts ?? LIMITS.configured),
      // When a conversation is over only the embedder knows: a connection must not be exchanged under one, and that
      // nobody has talked for long is not known either.
      renew: false,
      assumedRenewMs: null,
      restAfterMs: 0,
      version: options.framing ?? 1,
    },
    limits: { enabled: false, maxAttempts: 0 },
    gesture: NO_GESTURES,
    turn: NO_TURNS,
  };
}

export function serverOf(options: ClientOptions, deadlineMs: number): Server {
  const { url, token, deviceId, clientId, headers, caFile, framing = 1, device = DEVICE } = options;
  if (![1, 2, 3].includes(framing)) throw new RangeError(`framing must be 1, 2 or 3: ${framing}`);
  const secret = token?.split(' ').at(-1) ?? '';
  return {
    url,
    blanked: (text) => (secret.length < SHORTEST_SECRET ? text : text.replaceAll(secret, '[redacted]')),
    headers: () => ({
      ...(token === undefined ? {} : { Authorization: token.includes(' ') ? token : `Bearer ${token}` }),
      'Protocol-Version': String(framing),
      ...(deviceId === undefined ? {} : { 'Device-Id': deviceId }),
      ...(clientId === undefined ? {} : { 'Client-Id': clientId }),
      ...headers,
    }),
    deadlineMs,
    ...(caFile === undefined ? {} : { caFile }),
    framing,
    device,
  };
}

/** Wrong figures are the embedder's mistake, and found at once. */
export function attemptsOf(count: number): number {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`maxAttempts must be a whole number, 0 for no limit: ${count}`);
  return count;
}

function timingsOf(options: ClientOptions): Timings {
  const chosen = (name: keyof Timings): number => {
    const { least, preset, most } = TIMINGS[name];
    const ms = options[name] ?? preset;
    // A comparison that NaN passes would not do.
    const isOff = name === 'pingIntervalMs' && ms === 0;
    if (typeof ms !== 'number' || !(isOff || (ms >= least && ms <= most)))
      throw new RangeError(`${name} must be from ${least} to ${most}: ${ms}`);
    return ms;
  };
  const timings = {
    connectTimeoutMs: chosen('connectTimeoutMs'),
    helloTimeoutMs: chosen('helloTimeoutMs'),
    backoffBaseMs: chosen('backoffBaseMs'),
    backoffCapMs: chosen('backoffCapMs'),
    firstRetryMs: chosen('firstRetryMs'),
    pingIntervalMs: chosen('pingIntervalMs'),
    pingTimeoutMs: chosen('pingTimeoutMs'),
    monitorIntervalMs: chosen('monitorIntervalMs'),
  };
  if (timings.backoffCapMs < timings.backoffBaseMs)
    throw new RangeError(`backoffCapMs must be at least backoffBaseMs: ${timings.backoffCapMs}`);
  return timings;
}

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^wss?:$/.test(protocol) && `${username}${password}${hash}` === '';
}
