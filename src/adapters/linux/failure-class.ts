// What each way of failing means, as tables: errno, resolver, TLS and parser codes, HTTP statuses, close codes -> class,
// kind and whether it came quickly. Decided here once, where the facts are; knows no words and no policy. Whatever is
// unknown is transient, for "stop" is never the answer to a surprise.
import type { FailureClass, LossKind } from '../../ports.ts';

export type Meaning = { readonly class: FailureClass; readonly kind: LossKind; readonly quick: boolean };

/** What else is known when a code is judged. */
export type Circumstances = {
  readonly clockIsSet: boolean;
  /** This host's certificate was in order earlier in this process. */
  readonly verifiedBefore: boolean;
  /** The connection had been open: neither its configuration nor its certificate can be what is wrong now. */
  readonly hadOpened: boolean;
};

type Row = Meaning & {
  /** What it means instead while the machine's clock is not set. */
  readonly clockUnset?: FailureClass;
  /** What it means instead on a host that had a good certificate before. */
  readonly onceVerified?: FailureClass;
};

const USUAL: Circumstances = { clockIsSet: true, verifiedBefore: false, hadOpened: false };

const network = (name: FailureClass): Row => ({ class: name, kind: 'network error', quick: false });
const RESET: Row = { class: 'transient', kind: 'connection reset', quick: true };
const REFUSED: Row = { class: 'transient', kind: 'network error', quick: true };
const NONSENSE: Row = { class: 'protocol', kind: 'abnormal close', quick: false };
const DATED: Row = { ...network('configuration'), clockUnset: 'clock' };
const UNTRUSTED: Row = { ...network('configuration'), onceVerified: 'portal' };
const UNKNOWN: Row = { class: 'transient', kind: 'other', quick: false };

export const BY_ERROR_CODE: Readonly<Record<string, Row>> = {
  // Names.
  EAI_AGAIN: network('network'),
  EAI_FAIL: network('network'),
  EAI_MEMORY: network('local'),
  ENOTFOUND: network('transient'),
  // The way there.
  ENETUNREACH: network('network'),
  ENETDOWN: network('network'),
  ENONET: network('network'),
  EHOSTUNREACH: network('network'),
  EHOSTDOWN: network('network'),
  ETIMEDOUT: network('transient'),
  EACCES: network('transient'),
  EPERM: network('transient'),
  ECONNREFUSED: REFUSED,
  ECONNRESET: RESET,
  ECONNABORTED: RESET,
  ENOTCONN: RESET,
  EPIPE: RESET,
  // This machine.
  EMFILE: network('local'),
  ENFILE: network('local'),
  ENOMEM: network('local'),
  ENOBUFS: network('local'),
  EADDRNOTAVAIL: network('local'),
  EADDRINUSE: network('local'),
  // TLS before there is a certificate.
  EPROTO: network('transient'),
  // A server without TLS, or with versions too old; everything else of TLS passes, or is a certificate's matter.
  ERR_SSL_WRONG_VERSION_NUMBER: network('configuration'),
  ERR_SSL_HTTP_REQUEST: network('configuration'),
  ERR_SSL_UNSUPPORTED_PROTOCOL: network('configuration'),
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: network('configuration'),
  ERR_TLS_HANDSHAKE_TIMEOUT: network('transient'),
  // Certificates.
  CERT_NOT_YET_VALID: DATED,
  CERT_HAS_EXPIRED: DATED,
  ERR_TLS_CERT_ALTNAME_INVALID: network('portal'),
  HOSTNAME_MISMATCH: network('portal'),
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  INVALID_CA: UNTRUSTED,
  CERT_CHAIN_TOO_LONG: network('configuration'),
  PATH_LENGTH_EXCEEDED: network('configuration'),
  INVALID_PURPOSE: network('configuration'),
  CERT_REJECTED: network('configuration'),
  CERT_REVOKED: network('configuration'),
  ERROR_IN_CERT_NOT_BEFORE_FIELD: network('configuration'),
  ERROR_IN_CERT_NOT_AFTER_FIELD: network('configuration'),
  // What was said was not HTTP, or not WebSocket: also by prefix below, listed as far as they were met.
  HPE_INVALID_CONSTANT: NONSENSE,
  HPE_INVALID_VERSION: NONSENSE,
  HPE_INVALID_STATUS: NONSENSE,
  HPE_INVALID_HEADER_TOKEN: NONSENSE,
  HPE_HEADER_OVERFLOW: NONSENSE,
  WS_ERR_EXPECTED_FIN: NONSENSE,
  WS_ERR_INVALID_CLOSE_CODE: NONSENSE,
  WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH: NONSENSE,
  WS_ERR_INVALID_OPCODE: NONSENSE,
  WS_ERR_INVALID_UTF8: NONSENSE,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: NONSENSE,
  WS_ERR_UNEXPECTED_MASK: NONSENSE,
  WS_ERR_UNEXPECTED_RSV_1: NONSENSE,
  WS_ERR_UNEXPECTED_RSV_2_3: NONSENSE,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: NONSENSE,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: NONSENSE,
};

/** Families of codes that grow with every release of Node; asked after the table. */
export const BY_ERROR_PREFIX: readonly (readonly [prefix: string, row: Row])[] = [
  ['EAI_', network('network')],
  ['HPE_', NONSENSE],
  ['WS_ERR_', NONSENSE],
  ['ERR_SSL_', network('transient')],
  ['ERR_TLS_', network('configuration')],
];

/** Classes that speak of how the connection was to be made; a connection that stood was made well. */
const OF_MAKING: readonly FailureClass[] = ['configuration', 'clock', 'portal'];

export function meaningOfError(code: string | undefined, seen: Circumstances = USUAL): Meaning {
  const row = rowOf(code);
  if (row === undefined) return UNKNOWN;
  const { kind, quick } = row;
  if (seen.hadOpened && OF_MAKING.includes(row.class)) return { class: 'transient', kind, quick };
  if (row.clockUnset !== undefined && !seen.clockIsSet) return { class: row.clockUnset, kind, quick };
  if (row.onceVerified !== undefined && seen.verifiedBefore) return { class: row.onceVerified, kind, quick };
  return { class: row.class, kind, quick };
}

function rowOf(code: string | undefined): Row | undefined {
  if (code === undefined) return undefined;
  if (Object.hasOwn(BY_ERROR_CODE, code)) return BY_ERROR_CODE[code];
  return BY_ERROR_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1];
}

/** Of an error nobody can name that came between the server's 101 and the opening: its 101 was none. */
export const BAD_UPGRADE: Meaning = NONSENSE;

/**
 * Several addresses fail as one error that holds the others. The first of these among them tells most: what is wrong
 * here, then what the server's machine said itself, then who said that it is not there, then mere silence (which is
 * also what an attempt looks like that was cut short for the next address), then a family this box has no way out for.
 */
export const MOST_TELLING: readonly string[] = [
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
];

/** RFC 9110 §15 and RFC 6585. */
const BY_STATUS: Readonly<Record<number, FailureClass>> = {
  401: 'auth',
  403: 'auth',
  408: 'restarting',
  425: 'restarting',
  429: 'restarting',
  503: 'restarting',
  511: 'portal',
};

export function meaningOfStatus(status: number): Meaning {
  const name = BY_STATUS[status] ?? ofStatusRange(status);
  return { class: name, kind: 'abnormal close', quick: name === 'restarting' || name === 'transient' };
}

function ofStatusRange(status: number): FailureClass {
  if (status >= 400 && status < 500) return 'configuration';
  if (status >= 100 && status < 400) return 'portal';
  return 'transient';
}

/** RFC 6455 §7.4.1 and the IANA registry of close codes. */
const BY_CLOSE_CODE: Readonly<Record<number, FailureClass>> = {
  1000: 'normal',
  1001: 'restarting',
  1002: 'protocol',
  1003: 'protocol',
  1005: 'normal',
  1006: 'transient',
  1007: 'protocol',
  1008: 'auth',
  1009: 'protocol',
  1010: 'configuration',
  1011: 'transient',
  1012: 'restarting',
  1013: 'restarting',
  1014: 'transient',
};

/** The ordinary ends of a session, and the server's own "going away". */
const ORDINARY: readonly number[] = [1000, 1001, 1005];

export function meaningOfClose(code: number): Meaning {
  // An application's own codes say in most cases that it does not want this device: slow, as with a bad token.
  const ofApplication = code >= 3000 && code <= 4999;
  return {
    class: ofApplication ? 'auth' : (BY_CLOSE_CODE[code] ?? 'transient'),
    kind: ORDINARY.includes(code) ? 'normal close' : 'abnormal close',
    quick: false,
  };
}
