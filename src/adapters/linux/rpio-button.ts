// The button port on the npm package `rpio`, which looks at the level of a line again and again. Knows no gesture.

import type { Button, ButtonTrouble, Clock } from '../../ports.ts';
import { type ButtonRun, buttonRuns } from './button-runs.ts';
import type { LineWish } from './gpiod-tools.ts';
import { groupOf, lineTrouble, trouble } from './line-trouble.ts';
import { PackageTrouble } from './optional-package.ts';
import { RPIO_MEMORY, type RpioPackage, type RpioPlaces, rpioPackage, unfitForRpio } from './rpio-package.ts';
import { settledLevel } from './settled-level.ts';

export type RpioButtonOptions = LineWish &
  RpioPlaces & {
    /** BCM number. */
    readonly gpio: number;
    readonly line: string;
    readonly clock: Clock;
  };

/**
 * A finger is down for 50 ms at least, and a look is one read of a register. Not the package's own poll: that looks every
 * millisecond and uses edge detection, which has frozen boards.
 */
const LOOK_EVERY_MS = 10;
const GROUP = 'gpio';

export function rpioButton(options: RpioButtonOptions): Button {
  const { gpio, line, clock, activeLow, pull, debounceMs } = options;
  const { modelFile, memoryFile = RPIO_MEMORY } = options;

  function open(run: ButtonRun): void {
    try {
      const unfit = unfitForRpio(modelFile);
      if (unfit !== undefined) return run.fail(trouble('missing', unfit));
      const rpio = rpioPackage(options);
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
    if (error instanceof PackageTrouble) return trouble('missing', error.message);
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
