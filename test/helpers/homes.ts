// A server that a box may come home to, of any of the kinds in home-kinds.ts: the configuration call, the activation, who is let in,
// how it refuses and how it ends a session. On one port of 127.0.0.1. Must not know the agent.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { askInitialize, isAbort, isListenStart, leftAlone } from './good-conversation.ts';
import { CODE, configurationOf } from './home-configuration.ts';
import { type HomeKind, TRAITS } from './home-kinds.ts';
import { tonePackets } from './opus-sound.ts';
import {
  type Entrance,
  messageOf,
  type Script,
  type Session,
  startScriptedServer,
} from './scripted-server.ts';

/** Of 60 ms: enough to be speech for every server. */
const UTTERANCE_PACKETS = 5;
export const ANSWER_MS = 240;

export type Home = {
  readonly kind: HomeKind;
  readonly otaUrl: string;
  readonly sessions: readonly Session[];
  /** Turns that were answered to their end. */
  readonly answered: number;
  /** Answers that the box has put an end to. */
  readonly interrupted: number;
  /** How long it will speak. */
  answerMs: number;
  /** Upgrades that were turned away for their token. */
  readonly refused: number;
  /** What was asked over HTTP: `configuration`, `activation`. */
  readonly asked: readonly string[];
  /** What the box says of itself when it is asked for its tools, by session. */
  readonly tools: readonly string[];
  /** Every identity that was shown, in either call. */
  readonly identities: ReadonlySet<string>;
  readonly activates: boolean;
  /** Whether this header is let in now. */
  isWelcome(authorization: string): boolean;
  /** The owner enters the code. */
  bind(): void;
  /** The owner takes the box out of the account. */
  unbind(): void;
  /** Tokens given out so far are worth nothing. */
  expire(): void;
  /** The idle limit of the running session is reached. */
  idle(): void;
  /** What the configuration call answers instead; undefined: as usual. */
  answerWith: { readonly status: number; readonly text: string } | undefined;
  stop(): Promise<void>;
};

export async function startHome(kind: HomeKind): Promise<Home> {
  const traits = TRAITS[kind];
  const asked: string[] = [];
  const tools: string[] = [];
  const identities = new Set<string>();
  let bound = !traits.activates;
  let answered = 0;
  let interrupted = 0;
  let refused = 0;
  let epoch = 1;
  let isKnown = false;
  const live = new Set<Session>();

  const tokenOf = () => (kind === 'python alone' && epoch === 1 ? '' : `fixture-token-${epoch}`);
  const isWelcome = (authorization: string) => {
    if (traits.refusal === 'none') return true;
    const token = tokenOf();
    return authorization === (token === '' ? '' : `Bearer ${token}`);
  };
  const isLetIn = ({ headers }: { headers: IncomingMessage['headers'] }) =>
    isWelcome(headers.authorization ?? '');

  function note(request: IncomingMessage): void {
    // A look at the page is nobody's call: doctor makes it, and a browser.
    if (request.method === 'GET' && request.headers.upgrade === undefined) return;
    identities.add(`${request.headers['device-id']} ${request.headers['client-id']}`);
  }

  const admit = (request: IncomingMessage): Entrance => {
    note(request);
    if (isLetIn(request) || traits.refusal !== 401) return 'accept';
    refused += 1;
    return { refuse: 401 };
  };

  async function script(session: Session): Promise<void> {
    if (!isLetIn(session)) {
      refused += 1;
      if (traits.refusal === 'plain words') session.raw('认证失败');
      if (traits.refusal === 'plain words') return session.close();
      return leftAlone(session);
    }
    await session.next('hello', Number.POSITIVE_INFINITY);
    if (!bound && traits.unbound === 'instead of a hello') {
      session.say({ type: 'stt', text: `enter ${CODE}` });
      await voice(session, `enter ${CODE}`);
      return leftAlone(session);
    }
    live.add(session);
    void session.closed.then(() => live.delete(session));
    if (traits.gate === 'slow' && !isKnown) {
      isKnown = true;
      return leftAlone(session);
    }
    session.hello({
      audio: { sampleRateHz: traits.rateHz },
      ...(kind === 'go two' ? { sessionId: `device-${session.headers['device-id']}` } : {}),
    });
    if (!bound && traits.unbound === 'instead of an answer') return captcha(session);
    askInitialize(session);
    await converse(session);
  }

  /** Requests that come around the hello: the list of tools, and a call with an id that was used before. */
  async function converse(session: Session): Promise<void> {
    for (;;) {
      const heard = await session.next(
        (one) => isListenStart(one) || isAbort(one) || messageOf(one)?.type === 'mcp',
        Number.POSITIVE_INFINITY,
      );
      if (isListenStart(heard)) await listen(session);
      else if (isAbort(heard)) confirm(session);
      const message = messageOf(heard);
      if (message?.type !== 'mcp') continue;
      // It knows no such type, and returns what it does not know.
      if (kind === 'go one' && heard.kind === 'text') session.raw(heard.text);
      const { id, result } = message.payload;
      const text = JSON.stringify(result);
      if (id === 1 && text.includes('protocolVersion'))
        session.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 2, method: 'tools/list' } });
      if (id === 2) tools.push(text);
    }
  }

  /** To the end of this session, whatever the owner does meanwhile. */
  async function captcha(session: Session): Promise<void> {
    for (;;) {
      await session.next((one) => messageOf(one) !== undefined, Number.POSITIVE_INFINITY);
      await voice(session, CODE);
    }
  }

  /** From `listen start` to the end of the answer, or of what was not said after all. */
  async function listen(session: Session): Promise<void> {
    for (let packets = 0; packets < UTTERANCE_PACKETS; ) {
      const heard = await session.next(
        (one) => one.kind === 'binary' || isAbort(one) || isListenStart(one),
        Number.POSITIVE_INFINITY,
      );
      if (isAbort(heard)) return confirm(session);
      packets = isListenStart(heard) ? 0 : packets + 1;
    }
    session.say({ type: 'stt', text: 'hello' });
    if (await voice(session, 'hello yourself')) answered += 1;
    else interrupted += 1;
  }

  /** Not every server says that it has stopped, and some say so twice. */
  function confirm(session: Session): void {
    if (traits.interrupted === 'abort') return session.say({ type: 'abort', state: 'success' });
    tts(session, 'stop');
    if (traits.interrupted === 'stop twice') tts(session, 'stop');
  }

  function tts(session: Session, state: string, text = ''): void {
    const more = kind === 'go two' ? { index: 1, audio_codec: 'opus', session_id: session.sessionId } : {};
    session.raw(JSON.stringify({ type: 'tts', state, ...(text === '' ? {} : { text }), ...more }));
  }

  /** What it says aloud; false: it was interrupted. */
  async function voice(session: Session, text: string): Promise<boolean> {
    tts(session, 'start');
    session.say({ type: 'llm', emotion: 'happy' });
    tts(session, 'sentence_start', text);
    const abort = await session.packets(tonePackets(home.answerMs, 60, traits.rateHz), {}, isAbort);
    if (abort === undefined) tts(session, 'stop');
    else confirm(session);
    return abort === undefined;
  }

  function web(request: IncomingMessage, response: ServerResponse): void {
    note(request);
    const { pathname } = new URL(request.url ?? '', 'http://x');
    const end = (status: number, text: string) => void response.writeHead(status).end(text);
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const isActivate = pathname === `${traits.path.replace(/\/$/, '')}/activate`;
      if (isActivate) asked.push('activation');
      if (isActivate) return end(traits.activates ? (bound ? 200 : 202) : 404, 'success');
      if (pathname !== traits.path || request.method !== 'POST') return end(404, 'not here');
      asked.push('configuration');
      if (home.answerWith !== undefined) return end(home.answerWith.status, home.answerWith.text);
      const { application } = JSON.parse(body) as { application?: { version?: string } };
      if (!request.headers['device-id'] || !request.headers['client-id'])
        return end(
          kind === 'go one' || kind === 'go two' ? 400 : 200,
          '{"success":false,"message":"request error."}',
        );
      if (application?.version === undefined) return end(500, 'null');
      end(200, JSON.stringify(configurationOf(kind, { url: server.url, token: tokenOf(), isBound: bound })));
    });
  }

  const server = await startScriptedServer(Object.assign(script, { admit, web }) satisfies Script);
  const home: Home = {
    kind,
    otaUrl: `http://127.0.0.1:${server.port}${traits.path}`,
    sessions: server.sessions,
    get answered() {
      return answered;
    },
    get interrupted() {
      return interrupted;
    },
    answerMs: ANSWER_MS,
    get refused() {
      return refused;
    },
    asked,
    tools,
    identities,
    activates: traits.activates,
    isWelcome,
    bind() {
      bound = true;
    },
    unbind() {
      bound = false;
      for (const session of live) session.terminate();
    },
    expire() {
      epoch += 1;
      for (const session of live) session.terminate();
    },
    idle() {
      for (const session of live) void end(session);
    },
    answerWith: undefined,
    stop: () => server.stop(),
  };

  async function end(session: Session): Promise<void> {
    if (traits.idleEnd !== 'cut') await voice(session, 'good-bye');
    if (traits.idleEnd === 'goodbye') session.close();
    else session.terminate();
  }
  return home;
}
