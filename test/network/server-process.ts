// A xiaozhi server as a program of its own, to be run in another network than the agent. Everything that happens to it is a
// line of JSON on stdout, everything it does by itself is a hello; the rest it is told on stdin, whose end is its end.
// Must not know the agent, nor in what kind of network it is.

import { createHash } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';
import { Gone } from '../helpers/inbox.ts';
import { Session } from '../helpers/scripted-session.ts';
import type { ServerEvent, ServerOrder } from './far-server.ts';
import { dnsAnswer } from './name-answer.ts';

type Guest = { readonly session: Session; readonly socket: TcpSocket; readonly ping: () => void };

/** RFC 1035 §4.2.1. */
const DNS_PORT = 53;

const clock = {
  now: () => performance.now(),
  after(delayMs: number, fire: () => void) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
};

const tell = (event: ServerEvent) => process.stdout.write(`${JSON.stringify(event)}\n`);
const web = createServer((_request, response) => response.writeHead(426).end());
const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const tcp = new Set<TcpSocket>();
const guests: Guest[] = [];
let greets: 'at once' | 'when told' = 'at once';
let answers: 'at once' | 'when told' = 'when told';
let names: UdpSocket | undefined;

web.on('connection', (socket: TcpSocket) => {
  tcp.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => tcp.delete(socket));
});

web.on('upgrade', (request: IncomingMessage, socket: TcpSocket, head: Buffer) => {
  // Of an IPv4 connection to a socket that takes both families.
  const remote = `${(socket.remoteAddress ?? '').replace(/^::ffff:/, '')} ${socket.remotePort}`;
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    const number = guests.length;
    const session = new Session(number, request, webSocket, socket, clock);
    const guest = { session, socket, ping: () => webSocket.ping() };
    guests.push(guest);
    tell({ event: 'opened', session: number, remote, authorization: request.headers.authorization ?? '' });
    webSocket.on('ping', () => tell({ event: 'pinged', session: number }));
    webSocket.on('pong', () => tell({ event: 'ponged', session: number }));
    webSocket.on('close', (code) => tell({ event: 'closed', session: number, code }));
    listenTo(guest).catch((error: unknown) => {
      if (!(error instanceof Gone)) throw error;
    });
  });
});

async function listenTo(guest: Guest): Promise<void> {
  const { session } = guest;
  for (;;) {
    const heard = await session.next(() => true, Number.POSITIVE_INFINITY);
    const { index } = session;
    if (heard.kind === 'binary') {
      const print = createHash('sha256').update(heard.bytes).digest('hex').slice(0, 16);
      tell({ event: 'packet', session: index, print });
      continue;
    }
    const { message } = heard;
    const state = message !== undefined && 'state' in message ? ` ${message.state}` : '';
    tell({ event: 'text', session: index, what: `${message?.type ?? 'unknown'}${state}` });
    if (message?.type === 'hello' && greets === 'at once') session.hello();
    if (message?.type === 'listen' && message.state === 'stop' && answers === 'at once') answer(guest);
  }
}

/** It has understood, and has no more to say about it. In one packet: all of it arrives or nothing does. */
function answer({ session, socket }: Guest): void {
  socket.cork();
  session.say({ type: 'stt', text: 'hello' });
  session.say({ type: 'tts', state: 'start' });
  session.say({ type: 'tts', state: 'stop' });
  socket.uncork();
}

function obey(order: ServerOrder): void {
  const guest = 'session' in order ? guests[order.session] : undefined;
  switch (order.do) {
    case 'listen':
      web.listen(order.port, order.host, () => {
        const address = web.address();
        if (address === null || typeof address === 'string') throw new Error('no TCP port');
        tell({ event: 'listening', port: address.port });
      });
      return;
    case 'stop':
      web.close(() => tell({ event: 'stopped' }));
      for (const socket of tcp) socket.destroy();
      return;
    case 'greet':
      greets = order.when;
      return;
    case 'answer':
      answers = order.when;
      return;
    case 'say':
      return guest?.session.say(order.message);
    case 'hello':
      return guest?.session.hello();
    case 'ping':
      return guest?.ping();
    case 'close':
      return guest?.session.close(order.code);
    case 'reset':
      return guest?.session.reset();
    case 'names':
      return serveNames(order.address);
  }
}

/** With an address every name has it; with null every question is swallowed. */
function serveNames(address: string | null): void {
  const previous = names;
  const next = createSocket('udp4');
  names = next;
  next.on('message', (question, { address: to, port }) => {
    tell({ event: 'asked for a name' });
    if (address !== null) next.send(dnsAnswer(question, address), port, to);
  });
  const listen = () => next.bind(DNS_PORT, () => tell({ event: 'names served', by: address ?? 'nobody' }));
  if (previous === undefined) listen();
  else previous.close(listen);
}

createInterface({ input: process.stdin })
  .on('line', (line) => obey(JSON.parse(line) as ServerOrder))
  .on('close', () => process.exit());
