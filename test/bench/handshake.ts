// What one attempt costs: from the dial to the open connection, without TLS, with a full handshake and with a resumed
// one. The real dialler and a real TLS server; both ends work in this process, and their work adds up.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:http';
import { createServer as createTlsServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { clock } from '../../src/adapters/linux/clock.ts';
import { wsDialer } from '../../src/adapters/linux/ws-socket.ts';
import type { Dialer, DialRequest } from '../../src/ports.ts';
import { authority } from '../adapters/linux/certificates.ts';
import type { Figure } from './figure.ts';
import type { Lab } from './lab.ts';

const DIALS = 60;
/** Code is compiled on the way, once in the life of a process. */
const WARM_UP = 5;
/** Node's own length of the keys that tickets are sealed with. */
const TICKET_KEY_BYTES = 48;
/** Until the server has put the last connection away. */
const REST_MS = 5;
const DEADLINE_MS = 10_000;

export async function handshakeFigures(lab: Lab): Promise<readonly Figure[]> {
  const own = await lab.keep(
    () => authority('bench'),
    (made) => made.remove(),
  );
  const plain = await served(lab, createWebServer());
  const tls = createTlsServer(own.sign('IP:127.0.0.1'));
  const secure = await served(lab, tls);
  const dialer = wsDialer({ clock, clockIsSet: () => true });
  const request = { headers: {}, deadlineMs: DEADLINE_MS };
  const [open, full, resumed]: [number[], number[], number[]] = [[], [], []];
  for (let round = -WARM_UP; round < DIALS; round += 1) {
    const openMs = await dialMs(dialer, { ...request, url: `ws://127.0.0.1:${plain}/` });
    const over = { ...request, url: `wss://127.0.0.1:${secure}/`, caFile: own.caFile };
    // The client's ticket is worth nothing any more, so the server goes the long way.
    tls.setTicketKeys(randomBytes(TICKET_KEY_BYTES));
    const fullMs = await secureDialMs(tls, dialer, over, false);
    const resumedMs = await secureDialMs(tls, dialer, over, true);
    if (round < 0) continue;
    open.push(openMs);
    full.push(fullMs);
    resumed.push(resumedMs);
  }
  return figures(open, full, resumed);
}

async function served(lab: Lab, web: Server | ReturnType<typeof createWebServer>): Promise<number> {
  const webSockets = new WebSocketServer({ server: web, perMessageDeflate: false });
  await lab.keep(
    async () => {
      web.listen(0, '127.0.0.1');
      await once(web, 'listening');
    },
    () => {
      for (const client of webSockets.clients) client.terminate();
      web.close();
    },
  );
  return (web.address() as AddressInfo).port;
}

async function secureDialMs(
  tls: Server,
  dialer: Dialer,
  request: DialRequest,
  resumes: boolean,
): Promise<number> {
  const connected: Promise<TLSSocket[]> = once(tls, 'secureConnection');
  const elapsedMs = await dialMs(dialer, request);
  const [socket] = await connected;
  if (socket?.isSessionReused() !== resumes)
    throw new Error(resumes ? 'the session was not resumed' : 'a session was resumed without its key');
  return elapsedMs;
}

/** Ends it politely: with TLS 1.3 the ticket for the next time comes after the handshake. */
async function dialMs(dialer: Dialer, request: DialRequest): Promise<number> {
  await pause(REST_MS);
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    let openMs = Number.NaN;
    const socket = dialer.dial(request, {
      reached() {},
      opened() {
        openMs = performance.now() - startMs;
        socket.close();
      },
      text() {},
      binary() {},
      ponged() {},
      pinged() {},
      closed(loss) {
        if (Number.isNaN(openMs)) reject(new Error(loss.reason));
        else resolve(openMs);
      },
    });
  });
}

function figures(
  open: readonly number[],
  full: readonly number[],
  resumed: readonly number[],
): readonly Figure[] {
  return [
    { name: 'attempt: dial -> open, no TLS', unit: 'ms', samples: open },
    {
      name: 'attempt: dial -> open, full TLS',
      unit: 'ms',
      samples: full,
      note: 'TLS 1.3, P-256, own authority; the work of both ends, without a network between them',
    },
    { name: 'attempt: dial -> open, resumed TLS', unit: 'ms', samples: resumed },
    {
      name: 'attempt: resumed / full',
      unit: 'x',
      samples: full.map((fullMs, at) => (resumed[at] ?? Number.NaN) / fullMs),
    },
  ];
}
