// A stand-in for systemd's end of NOTIFY_SOCKET: takes datagrams, which Node cannot, and tells them line by line.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './card.ts';

export type NotifySocket = {
  readonly path: string;
  /** Each message as the words it was made of; what only waits for an answer is left out. */
  readonly heard: readonly (readonly string[])[];
  /** Waits for a message with such a word. */
  told(what: RegExp): Promise<void>;
  stop(): Promise<void>;
};

/** A descriptor that comes with a message is dropped, which is the answer that its sender waits for. */
const RECEIVER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps(['bound']), flush=True)
while True:
    print(json.dumps(s.recv(65536).decode().strip().split(chr(10))), flush=True)
`;

export async function notifySocket(): Promise<NotifySocket> {
  const folder = await mkdtemp(join(tmpdir(), 'xz-'));
  const path = join(folder, 'notify');
  const child: ChildProcess = spawn('python3', ['-c', RECEIVER, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const heard: string[][] = [];
  if (child.stdout === null) throw new Error('no pipe');
  createInterface(child.stdout).on('line', (line) => {
    const words = JSON.parse(line) as string[];
    if (words[0] !== 'BARRIER=1') heard.push(words);
  });
  await until(() => heard.length > 0, 'the receiver');
  heard.shift();
  return {
    path,
    heard,
    told: (what) => until(() => heard.flat().some((word) => what.test(word)), `${what} told`),
    async stop() {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
