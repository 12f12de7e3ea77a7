// A WebSocket server that reads no messages but the hello, can go down and come up again on its port, and says what it sees
// of a connection below the messages: pings, TCP. Must not know the agent; courses of conversation are for
// scripted-server.ts.
import { createServer, type IncomingHttpHeaders, type Server as WebServer } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** One connection of the plain server, as far as it goes without reading messages. */
export type Guest = {
  readonly webSocket: WebSocket;
  readonly headers: IncomingHttpHeaders;
  readonly tcp: TcpSocket;
};

export type PlainServer = {
  readonly url: string;
  readonly port: number;
  /** Hellos answered so far. */
  readonly hellos: number;
  /** WebSocket pings received so far. */
  readonly pings: number;
  readonly live: ReadonlySet<Guest>;
  /** Called with each guest that has been greeted. */
  greeted: (guest: Guest) => void;
  answersPings: 'yes' | 'no';
  /** Nobody listens any more, and every connection breaks off. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
};

/**
 * Below those that Linux gives to outgoing connections (ip_local_port_range): while nobody listens on it, no connection of
 * another test must get it, nor one to this very port be connected to itself.
 */
const PORTS = { from: 10_000, to: 32_767 };

const somePort = () => PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from + 1));

function listening(web: WebServer, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    web.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    web.listen(port, '127.0.0.1', () => resolve(true));
  });
}

/** Answers hellos and, while it is told to, pings. */
export async function plainServer(): Promise<PlainServer> {
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, autoPong: false });
  const live = new Set<Guest>();
  const tcp = new Set<TcpSocket>();
  let web: WebServer | undefined;
  let port = 0;
  let hellos = 0;
  let pings = 0;

  function welcome(guest: Guest): void {
    const { webSocket } = guest;
    live.add(guest);
    webSocket.on('error', () => {});
    webSocket.on('close', () => live.delete(guest));
    webSocket.on('ping', (payload) => {
      pings += 1;
      if (server.answersPings === 'yes') webSocket.pong(payload);
    });
    webSocket.on('message', (data, isBinary) => {
      if (isBinary || !String(data).includes('"hello"')) return;
      webSocket.send('{"type":"hello","transport":"websocket","session_id":"plain"}');
      hellos += 1;
      server.greeted(guest);
    });
  }

  const server: PlainServer = {
    get url() {
      return `ws://127.0.0.1:${port}/`;
    },
    get port() {
      return port;
    },
    get hellos() {
      return hellos;
    },
    get pings() {
      return pings;
    },
    live,
    greeted: () => {},
    answersPings: 'yes',
    down() {
      for (const socket of tcp) socket.destroy();
      const ended = web;
      web = undefined;
      return new Promise((resolve) => (ended === undefined ? resolve() : ended.close(() => resolve())));
    },
    async up() {
      const next = createServer();
      web = next;
      next.on('connection', (socket: TcpSocket) => {
        tcp.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => tcp.delete(socket));
      });
      next.on('upgrade', (request, socket, head) =>
        webSockets.handleUpgrade(request, socket, head, (webSocket) =>
          welcome({ webSocket, headers: request.headers, tcp: request.socket }),
        ),
      );
      if (port !== 0 && !(await listening(next, port))) throw new Error(`port ${port} was taken meanwhile`);
      while (port === 0) {
        const tried = somePort();
        if (await listening(next, tried)) port = tried;
      }
    },
  };
  await server.up();
  return server;
}
