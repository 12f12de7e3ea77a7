// Stand-ins for the packages `onoff` and `rpio`, which need a board: they behave at their boundary as the real ones were
// read and measured to, and a test moves the line. The tree in place of /sys/class/gpio is a folder.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnoffGpio, OnoffPackage } from '../../../src/adapters/linux/onoff-button.ts';
import type { RpioPackage } from '../../../src/adapters/linux/rpio-package.ts';

export type SysfsTree = {
  readonly sysfs: string;
  /** Numbers that were asked for in `export`. */
  line(number: number): void;
  remove(): void;
};

/** As on a kernel since 6.6: the header's chip begins at 512, an expander before it. */
export function sysfsTree(label = 'pinctrl-bcm2711'): SysfsTree {
  const sysfs = mkdtempSync(join(tmpdir(), 'xz-'));
  for (const [base, name] of [
    [404, 'expander'],
    [512, label],
  ] as const) {
    mkdirSync(join(sysfs, `gpiochip${base}`));
    writeFileSync(join(sysfs, `gpiochip${base}`, 'label'), `${name}\n`);
    writeFileSync(join(sysfs, `gpiochip${base}`, 'base'), `${base}\n`);
  }
  return {
    sysfs,
    line(number) {
      mkdirSync(join(sysfs, `gpio${number}`));
      for (const file of ['value', 'direction', 'edge', 'active_low'])
        writeFileSync(join(sysfs, `gpio${number}`, file), 'both\n');
    },
    remove: () => rmSync(sysfs, { recursive: true, force: true }),
  };
}

export type FakeOnoff = OnoffPackage & {
  readonly opened: { readonly number: number; readonly options: object; closed: boolean }[];
  /** `down`: as the package gives it, active level considered. */
  move(down: boolean): void;
  fail(error: Error): void;
};

export function fakeOnoff(): FakeOnoff {
  const opened: FakeOnoff['opened'] = [];
  let value: 0 | 1 = 0;
  const watchers = new Set<(error: Error | null | undefined, value: 0 | 1) => void>();
  class Gpio implements OnoffGpio {
    readonly #entry: { number: number; options: object; closed: boolean };
    constructor(number: number, direction: string, edge: string, options: { readonly activeLow: boolean }) {
      this.#entry = { number, options: { direction, edge, ...options }, closed: false };
      opened.push(this.#entry);
    }
    readSync() {
      return value;
    }
    watch(heard: (error: Error | null | undefined, value: 0 | 1) => void) {
      watchers.add(heard);
    }
    unexport() {
      this.#entry.closed = true;
      watchers.clear();
    }
  }
  return {
    Gpio,
    opened,
    move(down) {
      value = down ? 1 : 0;
      for (const heard of watchers) heard(null, value);
    },
    fail(error) {
      for (const heard of watchers) heard(error, value);
    },
  };
}

export type FakeRpio = RpioPackage & {
  readonly calls: string[];
  /** Of the wire itself. */
  level: 0 | 1;
};

/** No imaginary board, no exit handler of the package's own, and the registers that a service may have. */
export const RPIO_INIT = 'init {"gpiomem":true,"mapping":"gpio","mock":false,"close_on_exit":false}';

/** @param warns what it says of a board it does not know, before it goes on with an imaginary one */
export function fakeRpio(warns?: string): FakeRpio {
  const listeners = new Set<(message: string) => void>();
  const calls: string[] = [];
  return {
    INPUT: 0,
    PULL_OFF: 0,
    PULL_DOWN: 1,
    PULL_UP: 2,
    PIN_PRESERVE: 0,
    OUTPUT: 1,
    LOW: 0,
    HIGH: 1,
    calls,
    level: 1,
    on: (_, heard) => listeners.add(heard),
    removeListener: (_, heard) => listeners.delete(heard),
    init(options) {
      calls.push(`init ${JSON.stringify(options)}`);
      if (warns !== undefined) for (const heard of listeners) heard(warns);
    },
    open: (pin, mode, init) => calls.push(`open ${pin} ${mode} ${init}`),
    read() {
      return this.level;
    },
    write: (pin, level) => calls.push(`write ${pin} ${level}`),
    close: (pin, reset) => calls.push(['close', pin, reset].filter((one) => one !== undefined).join(' ')),
  };
}
