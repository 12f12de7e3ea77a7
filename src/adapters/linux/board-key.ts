// Proof of a board that has a serial number: its secret, from a file, over a server's challenge. The secret never leaves
// this file.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Undefined and why where there is no such secret; otherwise 64 lower-case hexadecimal digits. */
export function signed(keyFile: string, challenge: string): { hmac: string } | { missing: string } {
  try {
    const key = readFileSync(keyFile, 'utf8').trim();
    if (key === '') return { missing: `${keyFile} is empty` };
    return { hmac: createHmac('sha256', key).update(challenge, 'utf8').digest('hex') };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}
