// Output pins by the packages onoff and rpio, loaded only when they are wanted; each refused with a reason where it would
// do nothing or harm. Knows no light.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionalPackage } from './optional-package.ts';
import type { Pin } from './pin-light.ts';
import { loadedRpio, type RpioPlaces, rpioPackage, unfitForRpio } from './rpio-package.ts';
import { SYSFS_GPIO, sysfsChip } from './sysfs-chips.ts';

/** What is used of onoff 6: sysfs numbers, and errors that are thrown. */
export type OnoffOutput = {
  readonly Gpio: new (line: number, direction: 'out') => { writeSync(value: 0 | 1): void; unexport(): void };
};

type Opener = { readonly open: () => Pin } | { readonly refused: string };

export function onoffPin({
  gpio,
  sysfs = SYSFS_GPIO,
  load = () => optionalPackage('onoff') as OnoffOutput,
}: {
  readonly gpio: number;
  readonly sysfs?: string;
  readonly load?: () => OnoffOutput;
}): Opener {
  const chip = sysfsChip(sysfs, '');
  if ('missing' in chip) return { refused: chip.missing };
  return opener(() => {
    const { Gpio } = load();
    const number = chip.base + gpio;
    exportEarly(sysfs, number);
    return () => {
      const line = new Gpio(number, 'out');
      return { set: (isHigh) => line.writeSync(isHigh ? 1 : 0), close: () => line.unexport() };
    };
  });
}

/** udev hands the files over within tenths of a second, for which the package would block ten thousand opens long. */
function exportEarly(sysfs: string, number: number): void {
  try {
    if (!existsSync(join(sysfs, `gpio${number}`))) writeFileSync(join(sysfs, 'export'), String(number));
  } catch {
    // Whoever opens it will hear what is wrong with it.
  }
}

export function rpioPin({ gpio, ...places }: RpioPlaces & { readonly gpio: number }): Opener {
  return opener(() => {
    const unfit = unfitForRpio(places.modelFile);
    if (unfit !== undefined) throw new Error(unfit);
    const rpio = (places.load ?? loadedRpio)();
    return () => {
      rpioPackage({ ...places, load: () => rpio });
      rpio.open(gpio, rpio.OUTPUT, rpio.LOW);
      return {
        set: (isHigh) => rpio.write(gpio, isHigh ? rpio.HIGH : rpio.LOW),
        close: () => rpio.close(gpio),
      };
    };
  });
}

function opener(prepare: () => () => Pin): Opener {
  try {
    return { open: prepare() };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}
