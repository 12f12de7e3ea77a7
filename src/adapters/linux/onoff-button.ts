// The button port on the npm package `onoff`, which is the kernel's old /sys/class/gpio. Loaded when it is wanted; guards
// its edges: numbers that begin at a base, errors it swallows, thousands of blocking opens. Knows no gesture.

import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Button, ButtonTrouble, Clock } from '../../ports.ts';
import { type ButtonRun, buttonRuns } from './button-runs.ts';
import type { LineWish } from './gpiod-tools.ts';
import { groupOf, lineTrouble, trouble } from './line-trouble.ts';
import { optionalPackage, PackageTrouble } from './optional-package.ts';
import { settledLevel } from './settled-level.ts';
import { SYSFS_GPIO, sysfsChip } from './sysfs-chips.ts';

/** As much of the package as is used. */
export interface OnoffGpio {
  readSync(): 0 | 1;
  watch(heard: (error: Error | null | undefined, value: 0 | 1) => void): void;
  unexport(): void;
}
export type OnoffPackage = {
  readonly Gpio: new (
    gpio: number,
    direction: 'in',
    edge: 'both',
    options: { readonly activeLow: boolean },
  ) => OnoffGpio;
};

export type OnoffButtonOptions = LineWish & {
  /** BCM number. */
  readonly gpio: number;
  readonly line: string;
  /** Label of the chip; empty: a Raspberry Pi's own. */
  readonly chip: string;
  readonly clock: Clock;
  readonly sysfs?: string;
  readonly load?: () => OnoffPackage;
};

/** udev hands the files over within tenths of a second; the package itself would block ten thousand opens long. */
const HAND_OVER_MS = 2_000;
const LOOK_EVERY_MS = 20;
const GROUP = 'gpio';
const FILES = ['value', 'direction', 'edge', 'active_low'] as const;

export function onoffButton(options: OnoffButtonOptions): Button {
  const { line, chip, clock, activeLow, debounceMs, sysfs = SYSFS_GPIO } = options;
  const { load = () => optionalPackage('onoff') as OnoffPackage } = options;
  let place = '';

  function open(run: ButtonRun): void {
    const found = sysfsChip(sysfs, chip);
    if ('missing' in found) return run.fail(trouble('missing', found.missing));
    const number = found.base + options.gpio;
    place = ` (sysfs ${number} on ${found.label})`;
    const folder = join(sysfs, `gpio${number}`);
    try {
      if (!existsSync(folder)) writeFileSync(join(sysfs, 'export'), String(number));
    } catch (error) {
      return run.fail(explained(error, join(sysfs, 'export')));
    }
    handedOver(run, folder, number, clock.now() + HAND_OVER_MS);
  }

  /** Waits for udev to give the new files to their group. */
  function handedOver(run: ButtonRun, folder: string, number: number, untilMs: number): void {
    const value = join(folder, 'value');
    try {
      for (const file of FILES) accessSync(join(folder, file), constants.R_OK | constants.W_OK);
    } catch (error) {
      if (clock.now() >= untilMs) return run.fail(explained(error, value));
      run.after(LOOK_EVERY_MS, () => handedOver(run, folder, number, untilMs));
      return;
    }
    try {
      listen(run, number, folder);
    } catch (error) {
      run.fail(explained(error, value));
    }
  }

  function listen(run: ButtonRun, number: number, folder: string): void {
    const { Gpio } = load();
    const gpio = new Gpio(number, 'in', 'both', { activeLow });
    run.atEnd(() => gpio.unexport());
    // Of a line that was there before, the package says nothing when it cannot be set.
    const edge = readFileSync(join(folder, 'edge'), 'utf8').trim();
    if (edge !== 'both') throw new Error(`the kernel reports no edges of it (edge is "${edge}")`);
    const startsDown = gpio.readSync() === 1;
    const settled = settledLevel({ clock, settleMs: debounceMs, startsDown, on: run.on });
    run.atEnd(settled.stop);
    gpio.watch((error, value) => {
      if (run.isOver) return;
      if (error) run.fail(explained(error, join(folder, 'value')));
      else settled.edge(value === 1);
    });
    run.on.found(startsDown ? 'down' : 'up');
  }

  function explained(error: unknown, file: string): ButtonTrouble {
    if (error instanceof PackageTrouble) return trouble('missing', error.message);
    return lineTrouble(error, { line, group: groupOf(file, GROUP) });
  }

  return {
    backend: 'onoff',
    get line() {
      return `${line}${place}`;
    },
    ...buttonRuns(clock, open),
  };
}
