// A GPIO chip made by the kernel (gpio-sim), on a virtual board, and the finger on one of its lines. Needs root, configfs and
// the module; knows nothing of what reads the line.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONFIGFS = '/sys/kernel/config';

export type SimChip = {
  /** What `gpiodetect` calls it. */
  readonly name: string;
  /** The wire is drawn to ground, or let go. */
  press(): void;
  release(): void;
};

/** One chip of 32 lines with that label, the line called as on a Raspberry Pi. */
export function simChip(label: string, gpio: number): SimChip {
  execFileSync('modprobe', ['gpio-sim']);
  if (!existsSync(join(CONFIGFS, 'gpio-sim'))) execFileSync('mount', ['-t', 'configfs', 'none', CONFIGFS]);
  const device = join(CONFIGFS, 'gpio-sim', label);
  const bank = join(device, 'bank0');
  mkdirSync(join(bank, `line${gpio}`), { recursive: true });
  writeFileSync(join(bank, 'label'), label);
  writeFileSync(join(bank, 'num_lines'), '32');
  writeFileSync(join(bank, `line${gpio}`, 'name'), `GPIO${gpio}`);
  writeFileSync(join(device, 'live'), '1');
  const read = (...path: readonly string[]) => readFileSync(join(...path), 'utf8').trim();
  const name = read(bank, 'chip_name');
  const pull = join('/sys/devices/platform', read(device, 'dev_name'), name, `sim_gpio${gpio}`, 'pull');
  return {
    name,
    press: () => writeFileSync(pull, 'pull-down'),
    release: () => writeFileSync(pull, 'pull-up'),
  };
}
