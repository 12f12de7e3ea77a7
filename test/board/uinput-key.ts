// A key made by the kernel (uinput), on a virtual board, and the finger on it. Needs root, the module and evemu's programs;
// knows nothing of what reads the key.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [EV_SYN, EV_KEY] = [0, 1];
/** KEY_CNT of input-event-codes.h, in bytes. */
const KEY_BYTES = 96;
const BYTES_A_LINE = 8;

export type UinputKey = {
  readonly file: string;
  press(): void;
  release(): void;
  /** The device goes away, as when it is unplugged. */
  unplug(): Promise<void>;
};

/** An input device of that name with that one key. */
export async function uinputKey(name: string, keyCode: number): Promise<UinputKey> {
  execFileSync('modprobe', ['uinput']);
  const keys = Buffer.alloc(KEY_BYTES);
  keys[keyCode >> 3] = 1 << (keyCode & 7);
  const types = Buffer.alloc(BYTES_A_LINE);
  types[0] = (1 << EV_SYN) | (1 << EV_KEY);
  const description = join(mkdtempSync(join(tmpdir(), 'xz-')), 'device');
  writeFileSync(
    description,
    ['# EVEMU 1.2', `N: ${name}`, 'I: 0019 0001 0001 0100', 'P: 00 00 00 00 00 00 00 00']
      .concat(bits(EV_SYN, types), bits(EV_KEY, keys), '')
      .join('\n'),
  );
  const device: ChildProcess = spawn('evemu-device', [description], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(device.stdout ?? device, 'data')) as [Buffer];
  const file = /\/dev\/input\/event\d+/.exec(said.toString('utf8'))?.[0] ?? '';
  const move = (value: string) => {
    const what = ['--type', String(EV_KEY), '--code', String(keyCode), '--value', value];
    execFileSync('evemu-event', [file, ...what, '--sync'], { stdio: 'ignore' });
  };
  return {
    file,
    press: () => move('1'),
    release: () => move('0'),
    async unplug() {
      device.kill('SIGKILL');
      await once(device, 'close');
    },
  };
}

function bits(type: number, mask: Buffer): readonly string[] {
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');
  return Array.from({ length: mask.length / BYTES_A_LINE }, (_, line) => {
    const bytes = [...mask.subarray(line * BYTES_A_LINE, (line + 1) * BYTES_A_LINE)];
    return `B: ${[type, ...bytes].map(hex).join(' ')}`;
  });
}
