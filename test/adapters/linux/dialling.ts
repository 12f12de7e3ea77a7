// A dial of the real dialler whose every report is kept, and TCP servers that misbehave below what a script of
// scripted-server.ts can do. Knows no particular way of failing.
import { createHash } from 'node:crypto';
import { createServer, type Socket as TcpSocket } from 'node:net';
import { clock } from '../../../src/adapters/linux/clock.ts';
import { wsDialer } from '../../../src/adapters/linux/ws-socket.ts';
import type { Dialer, DialRequest, Loss, Socket } from '../../../src/ports.ts';
import { until } from '../../helpers/card.ts';
import { type Script, type Session, startScriptedServer } from '../../helpers/scripted-server.ts';

export type Dialled = {
  socket: Socket;
  /** Every report but those below, in order. */
  events: string[];
  closed: Loss[];
  texts: string[];
  binaries: Uint8Array[];
  marks: number[];
};

export function dial(
  url: string,
  more: Partial<DialRequest> = {},
  dialer: Dialer = wsDialer({ clock }),
): Dialled {
  const events: string[] = [];
  const closed: Loss[] = [];
  const texts: string[] = [];
  const binaries: Uint8Array[] = [];
  const marks: number[] = [];
  const socket = dialer.dial(
    { url, headers: {}, deadlineMs: 10_000, ...more },
    {
      reached: () => events.push('reached'),
      opened: () => events.push('opened'),
      pinged: () => events.push('pinged'),
      text: (text) => texts.push(text),
      binary: (bytes) => binaries.push(bytes),
      ponged: (mark) => marks.push(mark),
      closed: (loss) => {
        events.push('closed');
        closed.push(loss);
      },
    },
  );
  return { socket, events, closed, texts, binaries, marks };
}

/** Fails at once, and with the reason, when it ends instead. */
export async function opened(dialled: Dialled): Promise<Dialled> {
  await until(() => dialled.events.includes('opened') || dialled.closed.length > 0, 'open');
  const [loss] = dialled.closed;
  if (loss !== undefined) throw new Error(`closed: ${loss.reason}`);
  return dialled;
}

export async function lossOf(dialled: Dialled): Promise<Loss> {
  await until(() => dialled.closed.length > 0, 'closed');
  const [loss] = dialled.closed;
  if (loss === undefined) throw new Error('no loss');
  return loss;
}

export async function against(
  script: Script,
  play: (url: string, session: () => Session) => Promise<void>,
): Promise<void> {
  const server = await startScriptedServer(script);
  try {
    await play(server.url, () => {
      const session = server.sessions[0];
      if (session === undefined) throw new Error('no session');
      return session;
    });
  } finally {
    await server.stop();
  }
}

/** Never ends by itself. */
export const quiet: Script = async (session) => {
  await session.next(() => false, Number.POSITIVE_INFINITY);
};

/** A TCP server on a free port; all its connections are cut when `play` is over. */
export async function againstTcp(
  onSocket: (socket: TcpSocket) => void,
  play: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<TcpSocket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    await play(address.port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A port that was free a moment ago. */
export async function unusedPort(): Promise<number> {
  let unused = 0;
  await againstTcp(
    () => {},
    async (port) => {
      unused = port;
    },
  );
  return unused;
}

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Calls back when the whole request has come, with the answer a good server gives. */
export function onUpgradeRequest(socket: TcpSocket, answer: (good: string) => void): void {
  let request = '';
  const read = (chunk: Buffer) => {
    request += chunk.toString('latin1');
    if (!request.includes('\r\n\r\n')) return;
    socket.off('data', read);
    // What else comes is of no interest, but it must be taken, or the end behind it is never seen.
    socket.resume();
    const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? '';
    const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    answer([...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'));
  };
  socket.on('data', read);
}
