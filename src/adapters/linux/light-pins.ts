// Output pins by the packages onoff and rpio, loaded only when they are wanted; each refused with a reason where it would
// do nothing or harm. Knows no light.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pin } from './pin-light.ts';
import { SYSFS_GPIO, sysfsChip } from './sysfs-chips.ts';

/** What is used of onoff 6: sysfs numbers, and errors that are thrown. */
type Onoff = {
  readonly Gpio: new (line: number, direction: 'out') => { writeSync(value: 0 | 1): void; unexport(): void };
};

/** What is used of rpio 2. */
type Rpio = {
  readonly OUTPUT: number;
  readonly LOW: number;
  readonly HIGH: number;
  init(options: { readonly mapping: 'gpio'; readonly gpiomem: boolean }): void;
  open(pin: number, mode: number, level: number): void;
  write(pin: number, level: number): void;
  close(pin: number): void;
};

type Load = (name: string) => Promise<unknown>;

export type PinOptions = {
  readonly gpio: number;
  /** Of the file system; another one in tests. */
  readonly root?: string;
  readonly load?: Load;
};

type Opener = { readonly open: () => Pin } | { readonly refused: string };

const load: Load = (name) => import(name);

export async function onoffPin({ gpio, root = '/', load: from = load }: PinOptions): Promise<Opener> {
  const chip = sysfsChip(join(root, SYSFS_GPIO), '');
  if ('missing' in chip) return { refused: chip.missing };
  const found = await from('onoff').catch(absent);
  if ('refused' in Object(found)) return found as { refused: string };
  const { Gpio } = moduleOf(found) as Onoff;
  return {
    open() {
      const line = new Gpio(chip.base + gpio, 'out');
      return { set: (isHigh) => line.writeSync(isHigh ? 1 : 0), close: () => line.unexport() };
    },
  };
}

export async function rpioPin({ gpio, root = '/', load: from = load }: PinOptions): Promise<Opener> {
  const model = modelOf(root);
  // Elsewhere it falls back on a make-believe board without a word; on a Pi 5 it writes to registers that are not there.
  if (!/^Raspberry Pi (?!5|500|Compute Module 5)/.test(model))
    return { refused: `rpio works on a Raspberry Pi up to the 4, and this is ${model || 'none'}` };
  const found = await from('rpio').catch(absent);
  if ('refused' in Object(found)) return found as { refused: string };
  const rpio = moduleOf(found) as Rpio;
  return {
    open() {
      rpio.init({ mapping: 'gpio', gpiomem: true });
      rpio.open(gpio, rpio.OUTPUT, rpio.LOW);
      return {
        set: (isHigh) => rpio.write(gpio, isHigh ? rpio.HIGH : rpio.LOW),
        close: () => rpio.close(gpio),
      };
    },
  };
}

function modelOf(root: string): string {
  try {
    return readFileSync(join(root, 'proc/device-tree/model'), 'utf8').replaceAll('\0', '');
  } catch {
    return '';
  }
}

function absent(error: unknown): { readonly refused: string } {
  return {
    refused: `the package cannot be loaded: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
  };
}

/** A CommonJS package arrives as the default of a module. */
function moduleOf(found: unknown): unknown {
  return 'default' in Object(found) ? (found as { readonly default: unknown }).default : found;
}
