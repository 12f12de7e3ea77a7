// The button port on a key of an input device (a gpio-key overlay, a USB button), read through a cat child: a blocking read
// in this process would hold one of four threads and hang its exit. Knows no gesture and no restart.

import { accessSync, constants } from 'node:fs';
import type { Button, Clock } from '../../ports.ts';
import { type ButtonRun, buttonRuns } from './button-runs.ts';
import { edgeChild } from './edge-child.ts';
import {
  INPUT_DEVICES,
  inputDeviceFile,
  type KeyFact,
  keyReader,
  type WordBits,
  wordBitsOf,
} from './input-devices.ts';
import { groupOf, lineTrouble, trouble } from './line-trouble.ts';

export type EvdevButtonOptions = {
  /** A path, or the name under which the kernel lists it. */
  readonly device: string;
  readonly keyCode: number;
  readonly clock: Clock;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where the kernel lists its input devices. */
  readonly list?: string;
  readonly wordBits?: WordBits;
};

const GROUP = 'input';

export function evdevButton(options: EvdevButtonOptions): Button {
  const { device, keyCode, clock, environment, list = INPUT_DEVICES } = options;
  const { wordBits = wordBitsOf(process.arch) } = options;
  const line = `key ${keyCode} of ${device === '' ? '(no device is named)' : device}`;

  function open(run: ButtonRun): void {
    const found =
      device === '' ? { missing: 'button.evdev_device names no device' } : inputDeviceFile(device, list);
    if ('missing' in found) return run.fail(trouble('missing', found.missing));
    const { file } = found;
    const explained = (said: unknown) => lineTrouble(said, { line, group: groupOf(file, GROUP) });
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      return run.fail(explained(error));
    }
    const keys = keyReader(keyCode, wordBits);
    const child = edgeChild({
      command: 'cat',
      arguments: ['--', file],
      clock,
      environment,
      on: {
        // The kernel tells how a key stands to whoever asks by ioctl, which Node cannot.
        spawned: () => run.on.found('unknown'),
        output: (chunk) => hear(run, keys.read(chunk)),
        ended: (said) => run.fail(explained(said)),
      },
    });
    run.atEnd(child.kill);
  }

  function hear(run: ButtonRun, facts: readonly KeyFact[]): void {
    for (const fact of facts) {
      // Its callbacks may stop it.
      if (run.isOver) return;
      if (fact === 'pressed') run.on.pressed(clock.now());
      else if (fact === 'released') run.on.released(clock.now());
      else run.fail(trouble('broken', `${line}: the kernel lost some of its events`));
    }
  }

  return { backend: 'evdev', line, ...buttonRuns(clock, open) };
}
