// What is known of the board's radio: whether an interface is one, how well it hears, and the name of its network. Looks,
// and judges nothing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Radio } from '../box-tools.ts';
import { content, said } from './probe-run.ts';

const INTERFACES = '/sys/class/net';
const LEVELS = '/proc/net/wireless';

export function isRadio(name: string, folder = INTERFACES): boolean {
  return ['wireless', 'phy80211'].some((one) => existsSync(join(folder, name, one)));
}

/** dBm; null: there is none, or it counts in something else, which is never below nought. `name`: else of the first there is. */
export function signalDbm(name?: string, file = LEVELS): number | null {
  const levels = (content(file) ?? '').matchAll(/^\s*(\S+):\s+\S+\s+\S+\s+(-?\d+)/gm);
  const level = [...levels].find(([, of]) => name === undefined || of === name)?.[2];
  return level === undefined || Number(level) >= 0 ? null : Number(level);
}

/** Null: it is no radio. */
export async function radioOf(
  name: string,
  { folder, file }: { folder?: string; file?: string } = {},
): Promise<Radio | null> {
  if (!isRadio(name, folder)) return null;
  const [, ssid] = /^\s*SSID: (.+)$/m.exec((await said('iw', 'dev', name, 'link'))?.out ?? '') ?? [];
  return { signalDbm: signalDbm(name, file), ssid: ssid === undefined ? null : unescaped(ssid) };
}

/** `iw` writes every byte that is no plain letter as `\xNN`. */
function unescaped(text: string): string {
  const bytes = text.replace(/\\x([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
