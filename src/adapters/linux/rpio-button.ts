// The button port on the npm package `rpio`, which reads the registers of a Raspberry Pi up to 4 past the kernel. Loaded
// when it is wanted, and only on such a board: elsewhere the package plays one that nobody presses. Knows no gesture.

import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Button, ButtonTrouble, Clock } from '../../ports.ts';
import { type ButtonRun, buttonRuns } from './button-runs.ts';
import type { LineWish } from './gpiod-tools.ts';
import { groupOf, lineTrouble, trouble } from './line-trouble.ts';
import { settledLevel } from './settled-level.ts';

/** As much of the package as is used. */
export interface RpioPackage {
  readonly INPUT: number;
  readonly PULL_OFF: number;
  readonly PULL_DOWN: number;
  readonly PULL_UP: number;
  readonly PIN_PRESERVE: number;
  on(event: 'warn', heard: (message: string) => void): void;
  removeListener(event: 'warn', heard: (message: string) => void): void;
  init(options: {
    readonly gpiomem: boolean;
    readonly mapping: 'gpio';
    readonly mock: false;
    readonly close_on_exit: boolean;
  }): void;
  open(pin: number, mode: number, pull: number): void;
  read(pin: number): number;
  close(pin: number, reset: number): void;
}

export type RpioButtonOptions = LineWish & {
  /** BCM number. */
  readonly gpio: number;
  readonly line: string;
  readonly clock: Clock;
  /** What the board calls itself. */
  readonly modelFile?: string;
  readonly memoryFile?: string;
  readonly load?: () => RpioPackage;
};

/**
 * A finger is down for 50 ms at least, and a look is one read of a register. Not the package's own poll: that looks every
 * millisecond and uses edge detection, which has frozen boards.
 */
const LOOK_EVERY_MS = 10;
const GROUP = 'gpio';
/** Zero, 1 to 4, 400, and the compute modules up to 4; a 5 is matched by the package too, and cannot be read by it. */
const KNOWN_BOARDS = /^Raspberry Pi (?:Zero|Model|[234]\b|400\b|Compute Module(?: [34]S?\b| Rev))/;

const require = createRequire(import.meta.url);
const begun = new WeakSet<RpioPackage>();

export function rpioButton(options: RpioButtonOptions): Button {
  const { gpio, line, clock, activeLow, pull, debounceMs } = options;
  const { modelFile = '/proc/device-tree/model', memoryFile = '/dev/gpiomem' } = options;
  const { load = () => require('rpio') as RpioPackage } = options;

  function open(run: ButtonRun): void {
    try {
      const unfit = unfitBoard(modelFile);
      if (unfit !== undefined) return run.fail(trouble('missing', unfit));
      accessSync(memoryFile, constants.R_OK | constants.W_OK);
      const rpio = load();
      begin(rpio);
      const pulls = { up: rpio.PULL_UP, down: rpio.PULL_DOWN, off: rpio.PULL_OFF };
      rpio.open(gpio, rpio.INPUT, pulls[pull]);
      run.atEnd(() => rpio.close(gpio, rpio.PIN_PRESERVE));
      listen(run, rpio);
    } catch (error) {
      run.fail(explained(error));
    }
  }

  function listen(run: ButtonRun, rpio: RpioPackage): void {
    const isDown = () => (rpio.read(gpio) === 0) === activeLow;
    const startsDown = isDown();
    const settled = settledLevel({ clock, settleMs: debounceMs, startsDown, on: run.on });
    run.atEnd(settled.stop);
    const look = (last: boolean) => {
      const down = attempted(isDown);
      if (down instanceof Error) return run.fail(explained(down));
      run.after(LOOK_EVERY_MS, () => look(down));
      if (down !== last) settled.edge(down);
    };
    run.after(LOOK_EVERY_MS, () => look(startsDown));
    run.on.found(startsDown ? 'down' : 'up');
  }

  function explained(error: unknown): ButtonTrouble {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'MODULE_NOT_FOUND')
      return trouble('missing', 'the package rpio is not installed: npm install rpio');
    return lineTrouble(error, { line, group: groupOf(memoryFile, GROUP) });
  }

  return { backend: 'rpio', line, ...buttonRuns(clock, open) };
}

function attempted(read: () => boolean): boolean | Error {
  try {
    return read();
  } catch (error) {
    return error as Error;
  }
}

function unfitBoard(modelFile: string): string | undefined {
  if (!existsSync(modelFile)) return 'rpio is for the Raspberry Pi: this board does not say what it is';
  const model = readFileSync(modelFile, 'utf8').replace(/\0+$/, '');
  return KNOWN_BOARDS.test(model) ? undefined : `rpio knows the Raspberry Pi up to 4, and this is "${model}"`;
}

/** On a board it does not know it says so in a warning and goes on with an imaginary one. */
function begin(rpio: RpioPackage): void {
  // It maps the registers anew each time, and lets none of the old maps go.
  if (begun.has(rpio)) return;
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
