// A WebSocket server that greets whoever comes, and whose port can be shut and opened again as if its process was
// restarted. What is done to each connection is the bench's. Knows no agent, and measures only when things came.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { Gone } from '../helpers/inbox.ts';
import { messageOf, Session } from '../helpers/scripted-session.ts';
import type { Lab } from './lab.ts';

/** One connection, from the hello on. */
export type Greeted = {
  /** `Device-Id`. */
  readonly device: string;
  readonly session: Session;
  readonly socket: Socket;
  /** When its hello had come. */
  readonly helloAtMs: number;
};

/** Below it ports belong to known services; RFC 6335 calls 1024 the end of them, and up to here many run. */
const LOWEST_PORT = 10_240;
/** Of more than twenty thousand ports hardly any is in use. */
const PORT_TRIES = 50;
const CLOCK = {
  now: () => performance.now(),
  after(delayMs: number, fire: () => void) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
};

export class Door {
  readonly #greeted: (greeted: Greeted) => void;
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #sockets = new Set<Socket>();
  #web: Server | undefined;
  #port = 0;
  #sessions = 0;

  private constructor(greeted: (greeted: Greeted) => void) {
    this.#greeted = greeted;
  }

  /** Open, until the bench is over. */
  static keptBy(lab: Lab, greeted: (greeted: Greeted) => void): Promise<Door> {
    return lab.keep(
      async () => {
        const door = new Door(greeted);
        await door.#findPort();
        return door;
      },
      (door) => door.shut(),
    );
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/xiaozhi/v1/`;
  }

  /** Resets every connection; from now on the port refuses. */
  shut(): void {
    this.#web?.close();
    this.#web = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Returns the moment from which on it took connections. */
  async open(): Promise<number> {
    const web = createServer((_request, response) => response.writeHead(426).end());
    web.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    });
    web.on('upgrade', (request, socket, head) => {
      if (!(socket instanceof Socket)) return;
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const session = new Session(this.#sessions, request, webSocket, socket, CLOCK);
        this.#sessions += 1;
        void this.#greet(session, socket, request);
      });
    });
    web.listen(this.#port, '127.0.0.1');
    await once(web, 'listening');
    this.#web = web;
    return performance.now();
  }

  /**
   * A port that the kernel gives to nobody by itself: whoever calls a shut one of the others may be given that very port
   * to call from, and is then connected with itself.
   */
  async #findPort(): Promise<void> {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const lowestOfKernel = Number.parseInt(range, 10);
    for (let tries = 1; ; tries += 1) {
      this.#port = randomInt(LOWEST_PORT, lowestOfKernel);
      try {
        await this.open();
        return;
      } catch (error) {
        if (tries === PORT_TRIES) throw error;
      }
    }
  }

  async #greet(session: Session, socket: Socket, request: IncomingMessage): Promise<void> {
    try {
      const hello = await session.next((heard) => messageOf(heard)?.type === 'hello');
      session.hello();
      const device = String(request.headers['device-id']);
      this.#greeted({ device, session, socket, helloAtMs: hello.atMs });
    } catch (error) {
      // Cut off before it had said anything; whoever waits for it notices.
      if (!(error instanceof Gone)) socket.destroy();
    }
  }
}
