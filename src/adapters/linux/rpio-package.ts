// The npm package `rpio`, which writes to and reads from the registers of a Raspberry Pi up to 4 past the kernel: loaded when it
// is wanted, begun once for all who want it, and only on such a board: elsewhere it plays one that is not there. Knows no button
// and no light.

import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { optionalPackage } from './optional-package.ts';

/** As much of the package as is used. */
export interface RpioPackage {
  readonly INPUT: number;
  readonly OUTPUT: number;
  readonly PULL_OFF: number;
  readonly PULL_DOWN: number;
  readonly PULL_UP: number;
  readonly PIN_PRESERVE: number;
  readonly LOW: number;
  readonly HIGH: number;
  on(event: 'warn', heard: (message: string) => void): void;
  removeListener(event: 'warn', heard: (message: string) => void): void;
  init(options: {
    readonly gpiomem: boolean;
    readonly mapping: 'gpio';
    readonly mock: false;
    readonly close_on_exit: boolean;
  }): void;
  /** `init`: the pull of an input, the level of an output. */
  open(pin: number, mode: number, init: number): void;
  read(pin: number): number;
  write(pin: number, level: number): void;
  close(pin: number, reset?: number): void;
}

export type RpioPlaces = {
  /** What the board calls itself. */
  readonly modelFile?: string;
  readonly memoryFile?: string;
  readonly load?: () => RpioPackage;
};

export const RPIO_MEMORY = '/dev/gpiomem';
const MODEL = '/proc/device-tree/model';
/** Zero, 1 to 4, 400, and the compute modules up to 4; a 5 is matched by the package too, and cannot be read by it. */
const KNOWN_BOARDS = /^Raspberry Pi (?:Zero|Model|[234]\b|400\b|Compute Module(?: [34]S?\b| Rev))/;

const begun = new WeakSet<RpioPackage>();

/** Why the package would do nothing, or harm, on this board. */
export function unfitForRpio(modelFile = MODEL): string | undefined {
  if (!existsSync(modelFile)) return 'rpio is for the Raspberry Pi: this board does not say what it is';
  const model = readFileSync(modelFile, 'utf8').replace(/\0+$/, '');
  return KNOWN_BOARDS.test(model) ? undefined : `rpio knows the Raspberry Pi up to 4, and this is "${model}"`;
}

/** @throws where the registers are not there, are for others, or belong to a board it does not know */
export function rpioPackage({ memoryFile = RPIO_MEMORY, load = loadedRpio }: RpioPlaces = {}): RpioPackage {
  accessSync(memoryFile, constants.R_OK | constants.W_OK);
  const rpio = load();
  // It maps the registers anew each time, and lets none of the old maps go.
  if (!begun.has(rpio)) begin(rpio);
  return rpio;
}

/** On a board it does not know it says so in a warning and goes on with an imaginary one. */
function begin(rpio: RpioPackage): void {
  let warned: string | undefined;
  const heard = (message: string) => {
    warned = message;
  };
  rpio.on('warn', heard);
  rpio.init({ gpiomem: true, mapping: 'gpio', mock: false, close_on_exit: false });
  rpio.removeListener('warn', heard);
  if (warned !== undefined) throw new Error(`rpio will not do: ${warned}`);
  begun.add(rpio);
}

/** @throws a PackageTrouble */
export function loadedRpio(): RpioPackage {
  return optionalPackage('rpio') as RpioPackage;
}
