// The server at the far end of the network bench, a program of its own: greets whoever comes, answers pings, and says on
// stdout when each hello and each ping had come. The end of its stdin is its end. Must not know the agent, nor the network.
import type { IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { Gone } from '../helpers/inbox.ts';
import { messageOf, Session } from '../helpers/scripted-session.ts';
import { sharedNowMs, type Told } from './network-wire.ts';

const CLOCK = {
  now: sharedNowMs,
  after(delayMs: number, fire: () => void) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
};

let sessions = 0;

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

const server = new WebSocketServer({ host: '0.0.0.0', port: 0, perMessageDeflate: false });

server.on('listening', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  tell({ told: 'listening', port: address.port });
});

server.on('connection', (webSocket: WebSocket, request: IncomingMessage) => {
  const from = request.socket.remoteAddress ?? '';
  // The answer is on its way when this is told.
  webSocket.on('ping', () => tell({ told: 'pinged', from, atMs: sharedNowMs() }));
  const session = new Session(sessions, request, webSocket, request.socket, CLOCK);
  sessions += 1;
  greet(session, from).catch((error: unknown) => {
    if (!(error instanceof Gone)) throw error;
  });
});

async function greet(session: Session, from: string): Promise<void> {
  const hello = await session.next((heard) => messageOf(heard)?.type === 'hello', Number.POSITIVE_INFINITY);
  tell({ told: 'hello', from, atMs: hello.atMs });
  session.hello();
}

process.stdin.resume().on('end', () => process.exit());
