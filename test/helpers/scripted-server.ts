// A real WebSocket server on a free port, of 127.0.0.1 unless told otherwise, whose end of each connection is played by an async function.
// It has no behaviour of its own: what it says, and what it fails to say, is the script's. It must not import the
// agent, nor src/server (a fault of the parrot must not hide a fault of the agent).
//
// How to extend it, from the most to the least common need:
// 1. Another course of conversation: write a script. `await session.next('listen')`, then `session.say(…)`. Scripts get
//    the connection's number (`session.index`), so the second connection may behave differently.
// 2. A failure that others will want too: add it to `faults` in faults.ts, as a change to one part of a good conversation.
// 3. Something strange on the wire: `session.raw(text)` and `session.binary(bytes)` send anything.
// 4. Something strange before the 101: give the script an `admit` (Object.assign(script, { admit })).
// 5. Something strange below WebSocket: `reset`, `terminate`, `blackHole`; a new one gets at `#socket` in scripted-session.ts.
// A script that throws fails the test: `stop()` rejects with its error. A script whose device went away just ends.

import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Cancel } from '../../src/ports.ts';
import { Gone } from './inbox.ts';
import { type ScriptClock, Session } from './scripted-session.ts';

export { type Heard, messageOf, type ScriptClock, Session } from './scripted-session.ts';

/** What happens to an upgrade request. `hang` never answers; `dribbleEveryMs` answers a byte at a time, without end. */
export type Entrance =
  | 'accept'
  | 'hang'
  | { readonly delayMs: number }
  | { readonly dribbleEveryMs: number }
  | {
      readonly refuse: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    };

export type Admit = (request: IncomingMessage, index: number) => Entrance;

export type Script = ((session: Session) => Promise<void>) & {
  readonly admit?: Admit;
  /** What is asked over HTTP on the same port; without it, nothing is answered. */
  readonly web?: (request: IncomingMessage, response: ServerResponse) => void;
};

export type ScriptedServer = {
  readonly url: string;
  readonly port: number;
  /** Upgrade requests so far, refused ones included. */
  readonly attempts: number;
  /** In the order of their upgrade. */
  readonly sessions: readonly Session[];
  /** Cuts every connection; rejects when a script failed. */
  stop(): Promise<void>;
};

/** How long a script may take to notice that its device is gone: as generous as every wait in a test. */
const SCRIPT_END_MS = 10_000;

/** RFC 6455 §7.4.1. */
const CLOSE_INTERNAL_ERROR = 1011;

const REAL_CLOCK: ScriptClock = {
  now: () => performance.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
};

export async function startScriptedServer(
  script: Script,
  clock: ScriptClock = REAL_CLOCK,
  host: string = '127.0.0.1',
): Promise<ScriptedServer> {
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const web = createServer((request, response) => {
    if (script.web === undefined) response.writeHead(426).end();
    else script.web(request, response);
  });
  const raw = new Set<Duplex>();
  const timers = new Set<Cancel>();
  const sessions: Session[] = [];
  const plays: Promise<void>[] = [];
  const failures: unknown[] = [];
  let attempts = 0;
  let stopped: Promise<void> | undefined;

  web.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const index = attempts;
    attempts += 1;
    raw.add(socket);
    socket.on('close', () => raw.delete(socket));
    socket.on('error', () => socket.destroy());
    const entrance = script.admit?.(request, index) ?? 'accept';
    const accept = () => {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const session = new Session(index, request, webSocket, socket, clock);
        sessions.push(session);
        plays.push(play(session));
      });
    };
    if (entrance === 'accept') accept();
    else if (entrance === 'hang') return;
    else if ('delayMs' in entrance) timers.add(clock.after(entrance.delayMs, accept));
    else if ('dribbleEveryMs' in entrance) dribble(socket, entrance.dribbleEveryMs);
    else {
      const { refuse: status, headers = {}, body = '' } = entrance;
      const lines = [
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
        'Connection: close',
        `Content-Length: ${Buffer.byteLength(body)}`,
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ];
      socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
    }
  });

  async function play(session: Session): Promise<void> {
    try {
      await script(session);
    } catch (error) {
      if (error instanceof Gone) return;
      failures.push(error);
      // So that a device that waits for what this script will never say learns it before its own deadline.
      session.close(CLOSE_INTERNAL_ERROR, 'script failed');
    }
  }

  /** The beginning of a good answer, then a header without end: only an absolute deadline gets a client out of it. */
  function dribble(socket: Duplex, everyMs: number): void {
    const beginning = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Padding: ';
    let at = 0;
    const drip = () => {
      if (socket.destroyed) return;
      socket.write(beginning[at] ?? 'x');
      at += 1;
      timers.add(clock.after(everyMs, drip));
    };
    drip();
  }

  async function shutDown(): Promise<void> {
    for (const cancel of timers) cancel();
    for (const client of webSockets.clients) client.terminate();
    for (const socket of raw) socket.destroy();
    const down = new Promise<void>((resolve) => web.close(() => resolve()));
    web.closeAllConnections();
    await down;
    let tooLate: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      tooLate = setTimeout(() => {
        failures.push(new Error('a script did not end when its connection was cut'));
        resolve();
      }, SCRIPT_END_MS);
    });
    await Promise.race([Promise.all(plays), deadline]);
    clearTimeout(tooLate);
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'several scripts failed');
  }

  await new Promise<void>((resolve, reject) => {
    web.once('error', reject);
    web.listen(0, host, resolve);
  });
  const address = web.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  const { port } = address;
  return {
    url: `ws://${host}:${port}/xiaozhi/v1/`,
    port,
    get attempts() {
      return attempts;
    },
    sessions,
    stop() {
      stopped ??= shutDown();
      return stopped;
    },
  };
}
