// Asks a device which tools it has, as real servers do after the hello: `initialize`, then `tools/list` page by page.
// Calls none of them. Knows the JSON-RPC inside an `mcp` message and nothing of sockets.

import type { Log } from '../ports.ts';
import type { Json, JsonObject } from '../protocol/messages.ts';

/** The open server's ids: further pages of the list reuse 2. */
const INITIALIZE_ID = 1;
const LIST_ID = 2;
/** The gateway in front of the official service keeps no more tools of one device. */
const NAMES_LIMIT = 32;
/** As many pages as there could be names: a device that always names a next page must not be asked for ever. */
const PAGES_LIMIT = NAMES_LIMIT;
/** For the log line only; real names have fewer than 40 characters. */
const NAME_LENGTH_LIMIT = 64;

type State =
  | { readonly step: 'not asked' }
  | { readonly step: 'initialize' }
  | { readonly step: 'list'; readonly names: readonly string[]; readonly pages: number }
  | { readonly step: 'done' };

export class ToolSurvey {
  readonly #say: (payload: JsonObject) => void;
  readonly #log: Log;
  #state: State = { step: 'not asked' };

  constructor(say: (payload: JsonObject) => void, log: Log) {
    this.#say = say;
    this.#log = log;
  }

  begin(): void {
    this.#state = { step: 'initialize' };
    this.#say({
      jsonrpc: '2.0',
      id: INITIALIZE_ID,
      method: 'initialize',
      params: {
        protocolVersion: '2024-11-05',
        capabilities: {},
        clientInfo: { name: 'xiaozhi-agent serve', version: '1' },
      },
    });
  }

  /** Takes what the device answered; anything that was not asked for is passed over. */
  hear(payload: JsonObject): void {
    const { result } = payload;
    if (this.#state.step === 'initialize' && payload.id === INITIALIZE_ID) {
      if (isObject(result)) this.#ask([], 0);
      else this.#end('initialize refused by the device');
    } else if (this.#state.step === 'list' && payload.id === LIST_ID) {
      if (isObject(result)) this.#note(result, this.#state);
      else this.#end('tools/list refused by the device');
    }
  }

  #note(page: JsonObject, before: Extract<State, { step: 'list' }>): void {
    const names = [...before.names, ...namesIn(page.tools)].slice(0, NAMES_LIMIT);
    const pages = before.pages + 1;
    const cursor = page.nextCursor;
    if (typeof cursor === 'string' && cursor !== '' && names.length < NAMES_LIMIT && pages < PAGES_LIMIT) {
      this.#ask(names, pages, cursor);
    } else {
      this.#log.info({ count: names.length, tools: names.join(' ') }, 'device tools');
      this.#state = { step: 'done' };
    }
  }

  #ask(names: readonly string[], pages: number, cursor?: string): void {
    this.#state = { step: 'list', names, pages };
    const request = { jsonrpc: '2.0', id: LIST_ID, method: 'tools/list' };
    this.#say(cursor === undefined ? request : { ...request, params: { cursor } });
  }

  #end(text: string): void {
    this.#log.info({}, text);
    this.#state = { step: 'done' };
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function namesIn(tools: Json | undefined): string[] {
  const list: readonly Json[] = Array.isArray(tools) ? tools : [];
  const names: string[] = [];
  for (const tool of list.slice(0, NAMES_LIMIT)) {
    if (isObject(tool) && typeof tool.name === 'string') names.push(tool.name.slice(0, NAME_LENGTH_LIMIT));
  }
  return names;
}
