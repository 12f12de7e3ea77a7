// The real `xiaozhi-agent run` as a process of its own, the scripted server it talks to, and an open line to its control
// socket. Knows nothing of what is measured.
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { controlPath } from '../../src/adapters/linux/control-socket.ts';
import { type Session, startScriptedServer } from '../helpers/scripted-server.ts';
import { type Kept, startChild } from './child.ts';
import type { Lab } from './lab.ts';

/** The compiled command, beside which this file lies compiled. */
export const COMMAND = join(import.meta.dirname, '..', '..', 'src', 'main.js');

/** Generous: a bench on a busy machine is slow, not broken. */
const DEADLINE_MS = 20_000;
/** Idle is looked for this often: a request costs the daemon a fraction of a millisecond. */
const POLL_MS = 25;

export type Answer = {
  readonly ok?: boolean;
  readonly state?: string;
  readonly status?: { readonly state: string; readonly link: { readonly phase: string } };
};

export type ControlLine = {
  /** Returns when the request is handed to the kernel; the moment before it is `sentAtMs`. */
  send(request: object): { readonly sentAtMs: number; readonly answered: Promise<Answer> };
  until(state: string): Promise<void>;
};

export type Daemon = Kept & { openLine(): Promise<ControlLine> };

export type DaemonSettings = {
  readonly url: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `null` devices unless given. */
  readonly microphone?: string;
  readonly speaker?: string;
  /** Cues are silent unless they are what is measured. */
  readonly soundsVolume?: number;
};

let daemons = 0;

export async function startDaemon(lab: Lab, settings: DaemonSettings): Promise<Daemon> {
  daemons += 1;
  const folder = join(lab.directory, `d${daemons}`);
  // A file of its own: one under /etc must not be read, and --config names one that must exist.
  const configFile = `${folder}.toml`;
  writeFileSync(
    configFile,
    [
      `server.websocket_url = "${settings.url}"`,
      `audio.input.device = "${settings.microphone ?? 'null'}"`,
      `audio.output.device = "${settings.speaker ?? 'null'}"`,
      `sounds.volume = ${settings.soundsVolume ?? 0}`,
      '',
    ].join('\n'),
  );
  const places = ['--config', configFile, '--state-dir', folder, '--runtime-dir', folder];
  const given = Object.entries(settings.environment ?? process.env);
  const child = await startChild(lab, process.execPath, [COMMAND, 'run', ...places], {
    // Settings of whoever runs the bench would be the daemon's too.
    environment: Object.fromEntries(given.filter(([name]) => !name.startsWith('XIAOZHI_'))),
  });
  return { ...child, openLine: () => openLine(lab, folder) };
}

async function openLine(lab: Lab, runtimeDirectory: string): Promise<ControlLine> {
  const socket = await lab.keep(
    () => connected(controlPath(runtimeDirectory)),
    (line) => {
      line.destroy();
    },
  );
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) waiting.shift()?.resolve(JSON.parse(line) as Answer);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const { reject } of waiting.splice(0)) reject(new Error('the daemon closed the control socket'));
  });
  const send = (request: object) => {
    const answered = new Promise<Answer>((resolve, reject) => waiting.push({ resolve, reject }));
    // Most callers don't look; the close of the line is not an error of theirs.
    answered.catch(() => undefined);
    const line = `${JSON.stringify(request)}\n`;
    const sentAtMs = performance.now();
    socket.write(line);
    return { sentAtMs, answered };
  };
  return {
    send,
    async until(state) {
      const deadline = AbortSignal.timeout(DEADLINE_MS);
      for (;;) {
        const { status } = await send({ command: 'status' }).answered;
        if (status?.state === state && status.link.phase === 'ready') return;
        if (deadline.aborted) throw new Error(`not ${state} within ${DEADLINE_MS} ms but ${status?.state}`);
        await pause(POLL_MS);
      }
    },
  };
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', reject);
  });
}

/**
 * A daemon that has been greeted by a server of this process, which leaves the rest to the bench. `startedMs` is the
 * moment before the daemon's process was started.
 */
export async function meetDaemon(
  lab: Lab,
  settings: Omit<DaemonSettings, 'url'>,
): Promise<{ readonly daemon: Daemon; readonly session: Session; readonly startedMs: number }> {
  let greeted: (session: Session) => void = () => undefined;
  const greeting = new Promise<Session>((resolve) => {
    greeted = resolve;
  });
  const script = async (device: Session) => {
    await device.next('hello', DEADLINE_MS);
    device.hello();
    greeted(device);
    await device.closed;
  };
  const server = await lab.keep(
    () => startScriptedServer(script),
    (started) => started.stop(),
  );
  const startedMs = performance.now();
  const daemon = await startDaemon(lab, { ...settings, url: server.url });
  const refused = new Promise<never>((_resolve, reject) => {
    daemon.process.once('exit', () => reject(new Error(`the daemon ended: ${daemon.lastWords()}`)));
  });
  // After the greeting it may end as it likes.
  refused.catch(() => undefined);
  return { daemon, session: await Promise.race([greeting, refused]), startedMs };
}
