// Says in words for people why a connection could not be made or ended, and puts it into a `Loss` with its class. Knows
// how Node, OpenSSL and servers put things; what the codes mean is in failure-class.ts. Opens nothing.
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { DialRequest, Loss } from '../../ports.ts';
import {
  BAD_UPGRADE,
  type Circumstances,
  type Meaning,
  MOST_TELLING,
  meaningOfClose,
  meaningOfError,
  meaningOfStatus,
} from './failure-class.ts';
import { nameTrouble } from './name-lookup.ts';
import type { Stage } from './server-connection.ts';

/** What is known about a dial when it fails. */
export type Sight = Circumstances & {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly secure: boolean;
  readonly caFile?: string;
  readonly stage: Stage;
  /** The server's 101 has come and is being looked at. */
  readonly upgrading: boolean;
  /** What the name service did instead of answering. */
  readonly doubt?: string;
  readonly wallMs: number;
};

type Failure = Error & { readonly code?: unknown; readonly address?: unknown; readonly port?: unknown };

/** Several lines of frames are what finds a fault; more is not read by anybody. */
const STACK_CHARS = 2_000;
const REASON_CHARS = 200;
const OPENSSL_REASON = /SSL routines:[^:]*:([^:]+)/;
/** Shorter ones occur in ordinary words by chance. */
const SECRET_CHARS = 6;

export function lossOfError(error: Error, seen: Sight): Loss {
  const members = membersOf(error);
  const told = tellingOf(members);
  const code = codeOf(told);
  const meaning = code === undefined && seen.upgrading ? BAD_UPGRADE : meaningOfError(code, seen);
  const { stack } = told;
  return {
    ...meaning,
    reason: doubted(wordsOf(told, code, members, meaning, seen), seen),
    detectedBy: code?.startsWith('EAI_') || code === 'ENOTFOUND' ? 'dns' : 'socket error',
    ...(meaning.kind !== 'other' || stack === undefined ? {} : { stack: stack.slice(0, STACK_CHARS) }),
  };
}

function membersOf(error: Error): readonly Failure[] {
  const members = error instanceof AggregateError ? error.errors.filter((one) => one instanceof Error) : [];
  return members.length === 0 ? [error] : members;
}

function tellingOf(members: readonly Failure[]): Failure {
  const rank = (one: Failure) => {
    const at = MOST_TELLING.indexOf(codeOf(one) ?? '');
    return at === -1 ? MOST_TELLING.length : at;
  };
  return members.reduce((best, one) => (rank(one) < rank(best) ? one : best));
}

function codeOf(error: Failure): string | undefined {
  if (typeof error.code !== 'string') return undefined;
  return error.code === 'EPROTO' ? (opensslCode(error.message) ?? error.code) : error.code;
}

/** A broken write comes as EPROTO whatever OpenSSL had to say; of a broken read Node makes this very code itself. */
function opensslCode(message: string): string | undefined {
  const reason = OPENSSL_REASON.exec(message)?.[1];
  return reason === undefined ? undefined : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}

function wordsOf(
  told: Failure,
  code: string | undefined,
  members: readonly Failure[],
  meaning: Meaning,
  seen: Sight,
): string {
  const where = members
    .filter((one) => codeOf(one) === code)
    .map((one) => addressOf(one, seen))
    .join(' and ');
  const message = told.message || told.name;
  switch (code) {
    case undefined:
      return seen.upgrading ? `${where} answered the upgrade wrongly: ${message}` : message;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return `${nameTrouble(seen.host, told)} (${code})`;
    case 'ECONNREFUSED':
      return `${where} refuses the connection (${code})`;
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
      return `no way to ${where} (${code})`;
    case 'ETIMEDOUT':
      return `no answer from ${where} (${code})`;
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return seen.hadOpened
        ? `connection reset by ${where} (${code})`
        : `${where} broke off before it had answered (${code})`;
    case 'CERT_NOT_YET_VALID':
    case 'CERT_HAS_EXPIRED':
      return datedWords(code, seen);
    default:
      return familyWords(code, where, message, meaning, seen);
  }
}

function familyWords(code: string, where: string, message: string, meaning: Meaning, seen: Sight): string {
  const cited = `${opensslWords(message)} (${code})`;
  if ((code === 'EPROTO' || code.startsWith('ERR_SSL_')) && !seen.hadOpened)
    return `no TLS with ${where}: ${cited}${meaning.class === 'configuration' ? '; ws:// or wss://?' : ''}`;
  if (code.startsWith('HPE_')) return `${where} does not speak HTTP: ${cited}`;
  if (meaning.class === 'local') return `this machine cannot open a connection: ${cited}`;
  if (meaning.class === 'portal') return `somebody else answers for ${seen.host}: ${cited}`;
  if (meaning.class === 'configuration' && isOfAuthority(code))
    return seen.caFile === undefined
      ? `${cited}: nobody this machine trusts vouches for ${seen.host}; name its authority in server.ca_file`
      : `${cited}: ${seen.host} is not vouched for by server.ca_file ${seen.caFile}`;
  return cited;
}

/** These, and only these, mean something else on a host that was verified before. */
function isOfAuthority(code: string): boolean {
  const seen = { clockIsSet: true, hadOpened: false };
  return meaningOfError(code, { ...seen, verifiedBefore: true }).class === 'portal';
}

function datedWords(code: string, seen: Sight): string {
  const what = code === 'CERT_NOT_YET_VALID' ? 'is not valid yet' : 'has expired';
  const today = new Date(seen.wallMs).toISOString().slice(0, 10);
  return seen.clockIsSet
    ? `the certificate of ${seen.host} ${what} (${code}; today is ${today})`
    : `the certificate of ${seen.host} ${what} by this machine's clock (${today}), which is not set (${code})`;
}

/** OpenSSL wraps the two words that matter in numbers and source files. */
function opensslWords(message: string): string {
  return OPENSSL_REASON.exec(message)?.[1] ?? message;
}

function addressOf(error: Failure, seen: Sight): string {
  const { address, port } = error;
  return typeof address === 'string' && typeof port === 'number'
    ? hostPort(address, port)
    : hostPort(seen.host, seen.port);
}

function hostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function doubted(reason: string, seen: Sight): string {
  return seen.doubt === undefined ? reason : `${reason}; ${seen.doubt}, so its last address was tried`;
}

export function lossOfDeadline(deadlineMs: number, seen: Sight): Loss {
  const where = hostPort(seen.host, seen.port);
  const within = `within ${deadlineMs / 1000} s`;
  const reasons: Readonly<Record<Stage, string>> = {
    'looking up': `${nameTrouble(seen.host)} ${within}`,
    connecting: `no answer from ${where} ${within}`,
    connected: seen.secure ? `TLS with ${where} was not done ${within}` : unanswered(where, within),
    secured: unanswered(where, within),
  };
  return {
    class: seen.stage === 'looking up' ? 'network' : 'transient',
    kind: 'network error',
    reason: doubted(reasons[seen.stage], seen),
    detectedBy: 'deadline',
    quick: false,
  };
}

const unanswered = (where: string, within: string) =>
  `${where} took the connection but did not answer the upgrade ${within}`;

/** Of an HTTP answer where an upgrade was asked for. */
export function lossOfAnswer(response: IncomingMessage, seen: Sight): Loss {
  const { statusCode: status = 0, statusMessage = '', headers } = response;
  const meaning = meaningOfStatus(status);
  const retryAfterMs = retryAfter(headers['retry-after'], Date.parse(headers.date ?? ''), seen.wallMs);
  return {
    ...meaning,
    reason: doubted(
      `HTTP ${status} ${statusMessage} instead of an upgrade${hint(status, meaning, seen)}`,
      seen,
    ),
    detectedBy: 'http',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function hint(status: number, meaning: Meaning, seen: Sight): string {
  if (status === 404) return `: is the path ${seen.path} right?`;
  if (meaning.class === 'portal') return `: a sign-in page answers for ${seen.host}, or the path is wrong`;
  return '';
}

/** RFC 9110 §10.2.3: seconds, or a date, which is meant by the server's own clock. Below 0: as if it was not there. */
function retryAfter(header: string | undefined, serverMs: number, wallMs: number): number | undefined {
  const text = header?.trim() ?? '';
  // Nobody means more digits than these; what is longer than the agent waits at most is cut there, not here.
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1_000;
  // Not for anything that begins with a sign or a digit: `Date.parse` takes "-5" for a month of some year.
  if (!/^[A-Z][a-z]/.test(text)) return undefined;
  const ms = Date.parse(text) - (Number.isFinite(serverMs) ? serverMs : wallMs);
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

export function lossOfClose(code: number, text: string): Loss {
  const said = text === '' ? '' : ` (${text})`;
  return {
    ...meaningOfClose(code),
    reason: code === 1006 ? 'connection broke off (1006)' : `closed with ${code}${said}`,
    detectedBy: code === 1006 ? 'socket' : 'close frame',
    code,
  };
}

/** Fit for a log: on one line, not too long, and without the token, which a server may repeat to us. */
export function tellable(loss: Loss, headers: DialRequest['headers']): Loss {
  const secrets = Object.entries(headers)
    .filter(([name]) => name.toLowerCase() === 'authorization')
    .flatMap(([, value]) => [value, ...value.split(' ').slice(1)])
    .filter((secret) => secret.length >= SECRET_CHARS);
  const hidden = (text: string) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
  const { reason, stack, ...rest } = loss;
  return {
    ...rest,
    reason: hidden(reason).slice(0, REASON_CHARS).replace(/\p{C}/gu, ' ').trim(),
    ...(stack === undefined ? {} : { stack: hidden(stack) }),
  };
}
