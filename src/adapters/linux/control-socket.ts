// The control socket, both ends: one JSON object a line, one answer a line. Carries requests; what they mean, whoever
// answers them knows.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Clock, Log } from '../../ports.ts';

export type ControlRequest = { readonly command: string; readonly [key: string]: unknown };
export type ControlAnswer =
  | { readonly ok: true; readonly [key: string]: unknown }
  | { readonly ok: false; readonly error: string };

/** Whoever asked, for answers that go on. */
export interface ControlClient {
  send(one: ControlAnswer): void;
  /** It may be silent from now on, and `gone` is called when it leaves. False if it follows something already. */
  follow(gone: () => void): boolean;
}
type Answer = (request: ControlRequest, client: ControlClient) => ControlAnswer;

export type ControlServer = { stop(): void };
export type ControlRefusal = { readonly refused: 'running' | 'denied' | 'failed'; readonly detail: string };

export type ControlFailure = {
  readonly failure: 'not-running' | 'denied' | 'silent';
  readonly detail: string;
};

const SOCKET_NAME = 'control.sock';
/** Owner and group: whoever is in the group may press, nobody else. */
const SOCKET_MODE = 0o660;
/** The longest request is a few dozen bytes; whoever sends more is no client of ours. */
const LINE_LIMIT_BYTES = 4_096;
/** A shelf's worth of scripts at once; a connection costs a file descriptor. */
const CLIENTS_LIMIT = 32;
/** Answers nobody takes: the longest is about 2 KB. */
const UNREAD_LIMIT_BYTES = 65_536;
/** A client that says nothing is gone or lost. */
const IDLE_MS = 10_000;
const SUN_PATH_BYTES = 107;

export function controlPath(runtimeDirectory: string): string {
  return join(runtimeDirectory, SOCKET_NAME);
}

/** Listens, unless another instance does. A socket file that a crash left behind is no obstacle. */
export async function listenControl(parts: {
  runtimeDirectory: string;
  clock: Clock;
  log: Log;
  answer: Answer;
}): Promise<ControlServer | ControlRefusal> {
  const path = controlPath(parts.runtimeDirectory);
  if (Buffer.byteLength(path) > SUN_PATH_BYTES)
    return { refused: 'failed', detail: `${path} is too long for a socket (${SUN_PATH_BYTES} bytes)` };
  const unprepared = prepared(parts.runtimeDirectory);
  if (unprepared !== undefined) return refusal(unprepared);
  // A name without a file is held by one process at a time and freed by the kernel at its end: no stale lock, no race.
  const lock = createServer((stranger) => stranger.destroy());
  const lockError = await bound(lock, lockName(parts.runtimeDirectory));
  // Such a name has no permissions, anybody may hold it: only who answers on the real socket is an instance.
  if (lockError?.code === 'EADDRINUSE' && (await answers(path, parts.clock)))
    return { refused: 'running', detail: `another instance answers at ${path}` };
  if (lockError !== undefined && lockError.code !== 'EADDRINUSE')
    return { refused: 'failed', detail: lockError.message };
  lock.unref();
  const clients = new Set<Socket>();
  const server = createServer((socket) => serve(socket, clients, parts.answer, parts.log));
  server.maxConnections = CLIENTS_LIMIT;
  const error = cleared(path) ?? (await bound(server, path));
  if (error !== undefined) {
    lock.close();
    return refusal(error);
  }
  chmodSync(path, SOCKET_MODE);
  return {
    stop() {
      server.close();
      lock.close();
      for (const client of clients) client.destroy();
      rmSync(path, { force: true });
    },
  };
}

/** Another instance may be between taking the name and listening: it is given half a second. */
async function answers(path: string, clock: Clock): Promise<boolean> {
  for (let probe = 0; probe < 5; probe += 1) {
    if (await connects(path)) return true;
    await new Promise<void>((resolve) => void clock.after(100, resolve));
  }
  return false;
}

function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function refusal(error: NodeJS.ErrnoException): ControlRefusal {
  const denied = error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS';
  return { refused: denied ? 'denied' : 'failed', detail: error.message };
}

/** The same for every way of spelling the directory, and short enough for any. */
function lockName(directory: string): string {
  const name = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32);
  return `\0xiaozhi-agent ${name}`;
}

function prepared(directory: string): NodeJS.ErrnoException | undefined {
  return attempted(() => mkdirSync(directory, { recursive: true, mode: 0o750 }));
}

/** What a crash left behind. */
function cleared(path: string): NodeJS.ErrnoException | undefined {
  return attempted(() => rmSync(path, { force: true }));
}

function attempted(deed: () => void): NodeJS.ErrnoException | undefined {
  try {
    deed();
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

function bound(server: Server, path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(path, () => {
      server.removeAllListeners('error');
      resolve(undefined);
    });
  });
}

function serve(socket: Socket, clients: Set<Socket>, answer: Answer, log: Log): void {
  clients.add(socket);
  let pending = '';
  const reply = (one: ControlAnswer) => {
    socket.write(`${JSON.stringify(one)}\n`);
    if (socket.writableLength > UNREAD_LIMIT_BYTES) socket.destroy();
  };
  let follows = false;
  const client: ControlClient = {
    send: (one) => {
      if (!socket.destroyed) reply(one);
    },
    follow(gone) {
      if (follows) return false;
      follows = true;
      socket.setTimeout(0);
      socket.once('close', gone);
      return true;
    },
  };
  socket.setEncoding('utf8');
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('close', () => clients.delete(socket));
  socket.on('error', (error) => log.debug({ error }, 'a control client broke off'));
  socket.on('data', (text: string) => {
    pending += text;
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (!socket.destroyed) reply(answered(line, client, answer));
    if (Buffer.byteLength(pending) <= LINE_LIMIT_BYTES) return;
    reply({ ok: false, error: `a request is one line of at most ${LINE_LIMIT_BYTES} bytes` });
    socket.end();
    pending = '';
  });
}

function answered(line: string, client: ControlClient, answer: Answer): ControlAnswer {
  const help = 'expected one JSON object a line, such as {"command":"status"}';
  try {
    const request: unknown = JSON.parse(line);
    if (typeof request !== 'object' || request === null || !('command' in request))
      return { ok: false, error: help };
    const { command } = request;
    if (typeof command !== 'string') return { ok: false, error: help };
    return answer({ ...request, command }, client);
  } catch (error) {
    if (error instanceof SyntaxError) return { ok: false, error: help };
    throw error;
  }
}

/** Asks the running daemon one thing. */
export function askControl(
  runtimeDirectory: string,
  request: ControlRequest,
  deadlineMs: number,
): Promise<ControlAnswer | ControlFailure> {
  const path = controlPath(runtimeDirectory);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    const settle = (result: ControlAnswer | ControlFailure) => {
      socket.destroy();
      resolve(result);
    };
    const silent = {
      failure: 'silent',
      detail: `${path} does not answer within ${deadlineMs / 1_000} s`,
    } as const;
    socket.setEncoding('utf8');
    socket.setTimeout(deadlineMs, () => settle(silent));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(failureOf(error)));
    socket.on('end', () => settle({ failure: 'silent', detail: `${path} answers nothing` }));
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.includes('\n')) settle(JSON.parse(answer) as ControlAnswer);
    });
  });
}

/** Asks for answers that go on until either side leaves. */
export function followControl(
  runtimeDirectory: string,
  request: ControlRequest,
  on: { said(answer: ControlAnswer): void; over(failure: ControlFailure): void },
): { stop(): void } {
  const path = controlPath(runtimeDirectory);
  const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
  let pending = '';
  let over = false;
  const end = (failure: ControlFailure) => {
    if (over) return;
    over = true;
    on.over(failure);
  };
  socket.setEncoding('utf8');
  socket.on('error', (error: NodeJS.ErrnoException) => end(failureOf(error)));
  socket.on('close', () => end({ failure: 'silent', detail: `${path} was closed` }));
  socket.on('data', (text: string) => {
    const lines = `${pending}${text}`.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (!over) on.said(JSON.parse(line) as ControlAnswer);
  });
  return {
    stop() {
      over = true;
      socket.destroy();
    },
  };
}

function failureOf(error: NodeJS.ErrnoException): ControlFailure {
  if (error.code === 'EACCES' || error.code === 'EPERM') return { failure: 'denied', detail: error.message };
  const nobody = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
  return { failure: nobody ? 'not-running' : 'silent', detail: error.message };
}
