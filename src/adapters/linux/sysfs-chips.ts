// Where the numbers of a GPIO chip begin in the kernel's old /sys/class/gpio. Reads two short files of each chip; knows no
// package and not what a line is for.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PI_LABELS } from './gpiod-tools.ts';

export const SYSFS_GPIO = '/sys/class/gpio';

export type SysfsChip = { readonly label: string; readonly base: number };

/**
 * Of the chip labelled `wanted`; empty: a Raspberry Pi's own. Since Linux 6.6 its first line has the number 512, and who
 * knows tomorrow. A chip that goes away while it is looked at is none.
 */
export function sysfsChip(sysfs: string, wanted: string): SysfsChip | { readonly missing: string } {
  const labels: string[] = [];
  let names: readonly string[];
  try {
    names = readdirSync(sysfs).filter((name) => /^gpiochip\d+$/.test(name));
  } catch {
    return { missing: `the kernel has no ${sysfs}` };
  }
  for (const name of [...names].sort()) {
    const label = contents(join(sysfs, name, 'label'));
    const isIt = label !== undefined && (wanted === '' ? PI_LABELS.includes(label) : label === wanted);
    if (!isIt) {
      labels.push(label ?? `${name}, which cannot be read`);
      continue;
    }
    const base = contents(join(sysfs, name, 'base')) ?? '';
    if (/^\d+$/.test(base)) return { label, base: Number(base) };
    return { missing: `${join(sysfs, name, 'base')} holds no number` };
  }
  const what = wanted === '' ? "no chip of a Raspberry Pi's" : `no chip labelled "${wanted}"`;
  return { missing: `${what} in ${sysfs} (there are: ${labels.join(', ') || 'none'})` };
}

function contents(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
