// The button port in memory, pressed by whoever holds it: test double, and the finger of programs that simulate a box.
// Knows nothing of what a press means.

import type { Button, ButtonEvents, ButtonTrouble, Cancel, Clock } from '../../ports.ts';

export interface SimButton extends Button {
  readonly isRunning: boolean;
  /** The finger goes down, or comes off; told if somebody listens. */
  press(): void;
  release(): void;
  /** As if the line had gone away. */
  fail(trouble: ButtonTrouble): void;
}

export function simButton(clock: Clock, backend = 'simulated'): SimButton {
  let run: { readonly on: ButtonEvents; heard: boolean; readonly begin: Cancel } | undefined;
  let down = false;

  function stop(): void {
    run?.begin();
    run = undefined;
  }

  return {
    backend,
    line: 'no line',
    get isRunning() {
      return run !== undefined;
    },
    start(on) {
      if (run !== undefined) return;
      const begin = clock.after(0, () => {
        if (run === undefined) return;
        run.heard = true;
        on.found(down ? 'down' : 'up');
      });
      run = { on, heard: false, begin };
    },
    stop,
    press() {
      down = true;
      if (run?.heard) run.on.pressed(clock.now());
    },
    release() {
      down = false;
      if (run?.heard) run.on.released(clock.now());
    },
    fail(trouble) {
      const failed = run;
      stop();
      failed?.on.ended(trouble);
    },
  };
}
