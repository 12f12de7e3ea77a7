// The kinds of server that a box may come home to, as far as they differ for it: the configuration call, the activation,
// who is let in, how they refuse and how they end a session (protocol.md §1, §2, §3.8, §8). Each on one port of 127.0.0.1.
// Must not know the agent.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { askInitialize, isAbort, isListenStart } from './good-conversation.ts';
import { tonePackets } from './opus-sound.ts';
import {
  type Entrance,
  messageOf,
  type Script,
  type Session,
  startScriptedServer,
} from './scripted-server.ts';

export const KINDS = ['official', 'python console', 'python alone', 'go one', 'go two', 'java'] as const;
export type HomeKind = (typeof KINDS)[number];

/** How the refusal of an old token looks; the two that never look at one just go down and come up again. */
type Refusal = 'silence' | 'plain words' | 401 | 'break';

type Traits = {
  readonly path: string;
  readonly activates: boolean;
  readonly refusal: Refusal;
  /** What an unbound device that connects all the same is told, and whether it is greeted first. */
  readonly unbound: 'nothing' | 'voice';
  readonly rateHz: 16_000 | 24_000;
  /** A polite close with a spoken goodbye before it, or TCP cut. */
  readonly idleEnd: 'goodbye' | 'cut';
};

const TRAITS: Readonly<Record<HomeKind, Traits>> = {
  official: {
    path: '/xiaozhi/ota/',
    activates: true,
    refusal: 'silence',
    unbound: 'nothing',
    rateHz: 24_000,
    idleEnd: 'goodbye',
  },
  'python console': {
    path: '/xiaozhi/ota/',
    activates: true,
    refusal: 'plain words',
    unbound: 'voice',
    rateHz: 24_000,
    idleEnd: 'goodbye',
  },
  'python alone': {
    path: '/xiaozhi/ota/',
    activates: false,
    refusal: 'plain words',
    unbound: 'nothing',
    rateHz: 24_000,
    idleEnd: 'goodbye',
  },
  'go one': {
    path: '/xiaozhi/ota/',
    activates: false,
    refusal: 401,
    unbound: 'nothing',
    rateHz: 16_000,
    idleEnd: 'cut',
  },
  'go two': {
    path: '/api/ota/',
    activates: false,
    refusal: 'break',
    unbound: 'nothing',
    rateHz: 24_000,
    idleEnd: 'cut',
  },
  java: {
    path: '/api/device/ota',
    activates: true,
    refusal: 'break',
    unbound: 'nothing',
    rateHz: 16_000,
    idleEnd: 'goodbye',
  },
};

export const CODE = '738133';
/** Of 60 ms: enough to be speech for every server. */
const UTTERANCE_PACKETS = 5;
const ANSWER_MS = 240;
const NO_SPEECH_MS = 60;

export type Home = {
  readonly kind: HomeKind;
  readonly otaUrl: string;
  readonly sessions: readonly Session[];
  /** Turns that were answered to their end. */
  readonly answered: number;
  /** Upgrades that were turned away for their token. */
  readonly refused: number;
  /** What was asked over HTTP: `configuration`, `activation`. */
  readonly asked: readonly string[];
  /** What the box says of itself when it is asked for its tools, by session. */
  readonly tools: readonly string[];
  /** Every identity that was shown, in either call. */
  readonly identities: ReadonlySet<string>;
  readonly activates: boolean;
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
  let refused = 0;
  let epoch = 1;
  const live = new Set<Session>();

  const tokenOf = () => (kind === 'python alone' && epoch === 1 ? '' : `token-${epoch}`);
  const isLetIn = ({ headers }: { headers: IncomingMessage['headers'] }) => {
    if (traits.refusal === 'break') return true;
    const token = tokenOf();
    return (headers.authorization ?? '') === (token === '' ? '' : `Bearer ${token}`);
  };

  function note(request: IncomingMessage): void {
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
      return awaitEnd(session);
    }
    await session.next('hello', Number.POSITIVE_INFINITY);
    if (!bound && traits.unbound === 'voice') {
      await voice(session, `enter ${CODE}`);
      return awaitEnd(session);
    }
    live.add(session);
    void session.closed.then(() => live.delete(session));
    if (kind === 'python console') await busyGate(session);
    session.hello({ audio: { sampleRateHz: traits.rateHz } });
    askInitialize(session);
    await converse(session);
  }

  /** Requests that come around the hello: the list of tools, and a call with an id that was used before. */
  async function converse(session: Session): Promise<void> {
    for (;;) {
      const heard = await session.next(
        (one) => isListenStart(one) || messageOf(one)?.type === 'mcp',
        Number.POSITIVE_INFINITY,
      );
      if (isListenStart(heard)) {
        if (await answer(session)) answered += 1;
        continue;
      }
      const message = messageOf(heard);
      if (message?.type !== 'mcp') continue;
      const { id, result } = message.payload;
      const text = JSON.stringify(result);
      if (id === 1 && text.includes('protocolVersion'))
        session.say({ type: 'mcp', payload: { jsonrpc: '2.0', id: 2, method: 'tools/list' } });
      if (id === 2) tools.push(text);
    }
  }

  async function answer(session: Session): Promise<boolean> {
    for (let packets = 0; packets < UTTERANCE_PACKETS; packets += 1)
      await session.next(({ kind: what }) => what === 'binary', Number.POSITIVE_INFINITY);
    session.say({ type: 'stt', text: 'hello' });
    await voice(session, 'hello yourself');
    return true;
  }

  /** What it says aloud, and how it ends when it is interrupted: not every server says that it has stopped. */
  async function voice(session: Session, text: string): Promise<void> {
    session.say({ type: 'tts', state: 'start' });
    session.say({ type: 'llm', emotion: 'happy' });
    session.raw(
      JSON.stringify({
        type: 'tts',
        state: 'sentence_start',
        text,
        ...(kind === 'go two' ? { index: 1 } : {}),
      }),
    );
    const interrupted = await session.packets(tonePackets(ANSWER_MS, 60), {}, isAbort);
    if (interrupted !== undefined && kind === 'go one')
      return session.say({ type: 'abort', state: 'success' });
    session.say({ type: 'tts', state: 'stop' });
  }

  function configuration(): object {
    const url = `${server.url}`;
    const activation = bound
      ? {}
      : {
          activation: {
            code: CODE,
            message: `console of the ${kind} server\n${CODE}`,
            challenge: 'c',
            timeout_ms: 30_000,
          },
        };
    const common = { server_time: { timestamp: 1_745_995_478_882, timezone_offset: 480 }, ...activation };
    const websocket = { url, token: tokenOf(), version: 1 };
    switch (kind) {
      case 'official':
        return {
          ...common,
          mqtt: { endpoint: 'mqtt.xiaozhi.me' },
          websocket,
          firmware: { version: '0.9.9', url: '' },
        };
      case 'python console':
        return {
          ...common,
          websocket,
          mqtt: { endpoint: 'gateway:1883' },
          firmware: {
            version: '9.9.9',
            url: 'http://x/NOT_ACTIVATED_FIRMWARE_THIS_IS_A_INVALID_URL',
            force: 1,
          },
        };
      case 'python alone':
        return { ...common, websocket: { url, token: tokenOf() }, firmware: { version: '99.0.0', url: '' } };
      case 'go one':
      case 'go two':
      case 'java':
        return { ...common, websocket };
    }
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
      end(200, JSON.stringify(configuration()));
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
    get refused() {
      return refused;
    },
    asked,
    tools,
    identities,
    activates: traits.activates,
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
    if (traits.idleEnd === 'cut') return session.terminate();
    await voice(session, 'good-bye');
    session.close();
  }
  return home;
}

/** Not bound to a session yet: what is said meanwhile may be lost, and the hello is only answered afterwards. */
async function busyGate(session: Session): Promise<void> {
  await session.pause(NO_SPEECH_MS);
}

async function awaitEnd(session: Session): Promise<void> {
  await session.next(() => false, Number.POSITIVE_INFINITY);
}
