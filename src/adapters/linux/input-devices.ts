// Input devices as the kernel lists them, and the records it gives for each key: which file belongs to a name, and what a
// run of bytes says of one key. Pure but for reading the kernel's list.

import { readFileSync } from 'node:fs';

/** Where the kernel lists them. */
export const INPUT_DEVICES = '/proc/bus/input/devices';

/** The device file of `wanted`: a path as it is, else the first device with that name. */
export function inputDeviceFile(
  wanted: string,
  list = INPUT_DEVICES,
): { readonly file: string } | { readonly missing: string } {
  if (wanted.startsWith('/')) return { file: wanted };
  let text: string;
  try {
    text = readFileSync(list, 'utf8');
  } catch (error) {
    return { missing: `input devices cannot be listed: ${(error as Error).message}` };
  }
  const names: string[] = [];
  for (const block of text.split('\n\n')) {
    const name = /^N: Name="(.*)"$/m.exec(block)?.[1];
    const event = /^H: Handlers=.*\b(event\d+)\b/m.exec(block)?.[1];
    if (name === undefined || event === undefined) continue;
    if (name === wanted) return { file: `/dev/input/${event}` };
    names.push(`"${name}"`);
  }
  return { missing: `no input device is named "${wanted}" (there are: ${names.join(', ') || 'none'})` };
}

/** input-event-codes.h. */
const EV_SYN = 0;
const EV_KEY = 1;
const SYN_DROPPED = 3;

/** A record begins with two of the machine's words (the time); type, code and value take eight bytes more. */
const TIME_BYTES = { 32: 8, 64: 16 } as const;
const FACT_BYTES = 8;
const NARROW: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel', 'ppc'];

export type WordBits = keyof typeof TIME_BYTES;

/** Of the program that reads: the kernel writes records to its measure. */
export function wordBitsOf(architecture: string): WordBits {
  return NARROW.includes(architecture) ? 32 : 64;
}

export interface KeyReader {
  /** Takes the bytes as they come; records may be cut anywhere. */
  read(chunk: Uint8Array): readonly KeyFact[];
}

/** `lost`: the kernel's buffer ran over, so nothing is known of any key now. */
export type KeyFact = 'pressed' | 'released' | 'lost';

export function keyReader(keyCode: number, wordBits: WordBits): KeyReader {
  const timeBytes = TIME_BYTES[wordBits];
  const recordBytes = timeBytes + FACT_BYTES;
  let carry: Uint8Array = new Uint8Array(0);
  return {
    read(chunk) {
      const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
      const whole = bytes.length - (bytes.length % recordBytes);
      carry = Uint8Array.from(bytes.subarray(whole));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const facts: KeyFact[] = [];
      for (let at = timeBytes; at < whole; at += recordBytes) {
        const [type, code, value] = [
          view.getUint16(at, true),
          view.getUint16(at + 2, true),
          view.getInt32(at + 4, true),
        ];
        if (type === EV_SYN && code === SYN_DROPPED) facts.push('lost');
        if (type !== EV_KEY || code !== keyCode) continue;
        // 2 is the kernel's own repeat of a key that is held.
        if (value === 1) facts.push('pressed');
        if (value === 0) facts.push('released');
      }
      return facts;
    },
  };
}
