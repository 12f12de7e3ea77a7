// The line on which QEMU takes orders about a machine (QMP: one JSON object a line). Knows no board.
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export type Qmp = {
  /** Rejects with what QEMU says against it. */
  order(command: string, args?: object): Promise<unknown>;
  close(): void;
};

type Reply = { readonly return?: unknown; readonly error?: { readonly desc: string } };

const POLL_MS = 50;
/** QEMU opens it before it loads anything. */
const DEADLINE_MS = 20_000;

/** Waits until QEMU listens at that path. */
export async function openQmp(path: string): Promise<Qmp> {
  const socket = await reached(path);
  const waiting: ((reply: Reply) => void)[] = [];
  const lines = createInterface({ input: socket });
  lines.on('line', (line) => {
    const said = JSON.parse(line) as Reply & { readonly event?: string; readonly QMP?: object };
    if (said.event === undefined && said.QMP === undefined) waiting.shift()?.(said);
  });
  // That it has gone away is told to whoever asks.
  lines.on('error', () => undefined);
  socket.on('close', () => {
    for (const tell of waiting.splice(0)) tell({ error: { desc: 'QEMU is gone' } });
  });
  const order = async (execute: string, args?: object): Promise<unknown> => {
    if (socket.destroyed) throw new Error(`${execute}: QEMU is gone`);
    const answer = new Promise<Reply>((resolve) => waiting.push(resolve));
    socket.write(`${JSON.stringify(args === undefined ? { execute } : { execute, arguments: args })}\n`);
    const reply = await answer;
    if (reply.error !== undefined) throw new Error(`${execute}: ${reply.error.desc}`);
    return reply.return;
  };
  await order('qmp_capabilities');
  return { order, close: () => socket.destroy() };
}

async function reached(path: string): Promise<Socket> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  for (;;) {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect');
      // That it goes away is told by what is asked next.
      socket.on('error', () => undefined);
      return socket;
    } catch (error) {
      if (deadline.aborted) throw error;
      await pause(POLL_MS);
    }
  }
}
