// What every button on Linux has in common: one run at a time, begun outside of `start`, whose timers, children and open
// files end with it. Knows nothing of how a line is read.

import type { Button, ButtonEvents, ButtonTrouble, Clock } from '../../ports.ts';

export interface ButtonRun {
  readonly on: ButtonEvents;
  readonly isOver: boolean;
  /** Whatever the run has opened is closed by this, however it ends; at once if it is over already. */
  atEnd(tidyUp: () => void): void;
  after(delayMs: number, fire: () => void): void;
  /** It is over, and why; the first reason counts. */
  fail(trouble: ButtonTrouble): void;
}

/** What has gone cannot be given back; whatever else is open still can. */
function attempt(tidyUp: () => void): void {
  try {
    tidyUp();
  } catch {
    // Whoever opens it next will hear what is wrong with it.
  }
}

export function buttonRuns(clock: Clock, open: (run: ButtonRun) => void): Pick<Button, 'start' | 'stop'> {
  let current: (ButtonRun & { end(): void }) | undefined;

  function begin(on: ButtonEvents): ButtonRun & { end(): void } {
    const tidying = new Set<() => void>();
    let isOver = false;
    const run = {
      on,
      get isOver() {
        return isOver;
      },
      atEnd(tidyUp: () => void) {
        if (isOver) tidyUp();
        else tidying.add(tidyUp);
      },
      after(delayMs: number, fire: () => void) {
        if (isOver) return;
        const cancel = clock.after(delayMs, () => {
          tidying.delete(cancel);
          fire();
        });
        tidying.add(cancel);
      },
      fail(trouble: ButtonTrouble) {
        if (isOver) return;
        current = undefined;
        run.end();
        on.ended(trouble);
      },
      end() {
        isOver = true;
        for (const tidyUp of [...tidying].reverse()) attempt(tidyUp);
      },
    };
    // Never from inside start(): the caller is not ready for its own callbacks there.
    run.after(0, () => open(run));
    return run;
  }

  return {
    start(on) {
      current ??= begin(on);
    },
    stop() {
      const stopped = current;
      current = undefined;
      stopped?.end();
    },
  };
}
