// The configuration call: what the box says of itself, and what the answer means, whichever server gave it. Text in,
// values out; knows no network, no file and no state.
import { excerpt } from './excerpt.ts';
import { isObject } from './fields.ts';
import { DEPTH_LIMIT } from './limits.ts';
import { measure } from './measure.ts';
import type { Json, JsonObject } from './messages.ts';
import { urlFault } from './server-url.ts';

export type Caller = {
  readonly deviceId: string;
  readonly clientId: string;
  readonly language: string;
  readonly version: string;
  /** Of a board that proves who it is; without one, version 1 is spoken. */
  readonly serial: string | null;
  readonly ip: string;
};

/** What the box is called in `User-Agent` and `board`: servers want `[a-z0-9.-]+`. */
const BOARD = 'xiaozhi-agent';
/** One of the boards there are; a server may look it up in a table of its own. */
const CHIP = 'esp32s3';
/**
 * A server with firmware for the reference board offers whatever is newer than this. There is nothing it could give us, so
 * none is.
 */
const FIRMWARE = '99.0.0';

export function callHeaders(caller: Caller): Readonly<Record<string, string>> {
  const { serial } = caller;
  return {
    'Activation-Version': serial === null ? '1' : '2',
    'Device-Id': caller.deviceId,
    'Client-Id': caller.clientId,
    ...(serial === null ? {} : { 'Serial-Number': serial }),
    'User-Agent': `${BOARD}/${caller.version}`,
    'Accept-Language': caller.language,
    'Content-Type': 'application/json',
  };
}

/** All that any of the known servers reads, and no more; numbers where one of them would fail on anything else. */
export function callBody(caller: Caller): string {
  const { deviceId: mac, clientId: uuid, language, ip } = caller;
  return JSON.stringify({
    version: 2,
    language,
    flash_size: 16_777_216,
    minimum_free_heap_size: '8318916',
    mac_address: mac,
    uuid,
    chip_model_name: CHIP,
    chip_info: { model: 9, cores: 2, revision: 2, features: 18 },
    application: {
      name: BOARD,
      version: FIRMWARE,
      compile_time: '2026-01-01T00:00:00Z',
      idf_version: 'none',
      elf_sha256: '0'.repeat(64),
    },
    ota: { label: 'ota_0' },
    board: { type: BOARD, name: BOARD, ip, mac },
  });
}

export type Activation = {
  /** What the owner types into the server's console; null: the server wants only a signature. */
  readonly code: string | null;
  /** Says which console that is. */
  readonly message: string;
  readonly challenge: string | null;
};

export type Endpoint = { readonly url: string; readonly token: string; readonly framing: 1 | 2 | 3 };

/** `endpoint` may be missing while the box belongs to nobody. */
export type Configuration = { readonly endpoint: Endpoint | null; readonly activation: Activation | null };

export type ConfigurationAnswer =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly why: string };

/** The one host that answers with MQTT alone and takes WebSocket all the same. */
export const OFFICIAL_HOST = 'api.tenclass.net';
const OFFICIAL: Endpoint = { url: `wss://${OFFICIAL_HOST}/xiaozhi/v1/`, token: 'test-token', framing: 1 };

/** A header must be able to carry it; one with a space brings its own scheme. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+( [\x21-\x7e]+)?$/.test(text);
}

/** Six digits are usual; what cannot be spoken digit by digit is still shown. */
const LONGEST_CODE = 32;

/** A text of the server as people may read it. */
type Words = (text: string) => string;

/** Of an answer that cannot be read, so that nobody knows it yet. */
const GIVEN_TOKEN = /(token"\s*:\s*")[^"]*/gi;

/**
 * @param asked the address that was called
 * @param blanked leaves out the tokens that are known, before a text is cut
 */
export function readConfiguration(
  status: number,
  text: string,
  asked: string,
  blanked: (text: string) => string = (all) => all,
): ConfigurationAnswer {
  const words: Words = (all) => excerpt(blanked(all).replace(GIVEN_TOKEN, '$1[redacted]'));
  if (status >= 300 && status < 400)
    return failed(
      `the server wants to be asked elsewhere (HTTP ${status}), which is not followed: set server.ota_url to its address`,
    );
  const said = parsed(text);
  if (status !== 200) return failed(`HTTP ${status}${complaintIn(said, text, words)}`);
  if (said === undefined)
    return failed(`the answer is no JSON object: "${words(text)}"; is server.ota_url right?`);
  const { error, success } = said;
  // Some servers always name it, and leave it empty where nothing is wrong.
  if (error || success === false) return failed(`the server refuses${complaintIn(said, text, words)}`);
  const activation = activationIn(said.activation, words);
  const endpoint = endpointIn(said, asked, words);
  if ('fault' in endpoint) {
    // Whoever belongs to nobody needs no address yet.
    return activation === null ? failed(endpoint.fault) : done({ endpoint: null, activation });
  }
  return done({ endpoint, activation });
}

function done(configuration: Configuration): ConfigurationAnswer {
  return { ok: true, configuration };
}

function failed(why: string): ConfigurationAnswer {
  return { ok: false, why };
}

function endpointIn(said: JsonObject, asked: string, words: Words): Endpoint | { readonly fault: string } {
  const { websocket, mqtt } = said;
  const isOfficial = URL.canParse(asked) && new URL(asked).hostname === OFFICIAL_HOST;
  if (!isObject(websocket)) {
    if (isObject(mqtt) && isOfficial) return OFFICIAL;
    if (isObject(mqtt))
      return {
        fault:
          'the server offers MQTT only; this box speaks WebSocket (leave the gateway out of its configuration)',
      };
    return { fault: `the answer names no WebSocket server${complaintIn(said, '', words)}` };
  }
  const { url, token, version } = websocket;
  const fault = urlFault(url);
  if (fault !== null) return { fault };
  const own = typeof token === 'string' ? token : '';
  if (own !== '' && !isToken(own))
    return { fault: 'the token in the answer is none that a header could carry' };
  return {
    url: String(url),
    token: own === '' && isOfficial ? OFFICIAL.token : own,
    framing: version === 2 || version === 3 ? version : 1,
  };
}

function activationIn(said: Json | undefined, words: Words): Activation | null {
  if (!isObject(said)) return null;
  const { code, challenge, message } = said;
  // It goes into a file that people and scripts read as it is.
  const own =
    typeof code === 'number' || typeof code === 'string' ? String(code).replace(/\p{Cc}/gu, '') : '';
  const word = own !== '' && own.length <= LONGEST_CODE ? own : null;
  const proof = typeof challenge === 'string' && challenge !== '' ? challenge : null;
  if (word === null && proof === null) return null;
  // Servers write it in lines, for a screen.
  const line = typeof message === 'string' ? message.trim().replace(/\s*\n\s*/g, ' ') : '';
  return { code: word, challenge: proof, message: words(line) };
}

/** What a server calls wrong, wherever it puts it. */
function complaintIn(said: JsonObject | undefined, text: string, words: Words): string {
  const { error, message, msg } = said ?? {};
  const word = [error, message, msg].find((one) => typeof one === 'string' && one !== '');
  const shown = typeof word === 'string' ? word : said === undefined ? text : '';
  return shown === '' ? '' : `: ${words(shown)}`;
}

function parsed(text: string): JsonObject | undefined {
  if (measure(text).depth > DEPTH_LIMIT) return undefined;
  try {
    const value: Json = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
