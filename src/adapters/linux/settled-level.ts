// Debouncing: of the edges of a contact that chatters, only a level that has stood still for a while is passed on. For
// lines where the kernel does not do it. Knows nothing of where edges come from.

import type { ButtonEvents, Cancel, Clock } from '../../ports.ts';

export interface SettledLevel {
  /** An edge as it came, to this level. */
  edge(down: boolean): void;
  stop(): void;
}

export type SettledLevelParts = {
  readonly clock: Clock;
  readonly settleMs: number;
  readonly startsDown: boolean;
  /** Is told when it has stood at another level than the one told last for `settleMs`. */
  readonly on: Pick<ButtonEvents, 'pressed' | 'released'>;
};

export function settledLevel({ clock, settleMs, startsDown, on }: SettledLevelParts): SettledLevel {
  let told = startsDown;
  let waiting: Cancel | undefined;

  function forget(): void {
    waiting?.();
    waiting = undefined;
  }

  return {
    edge(down) {
      forget();
      if (down === told) return;
      const tell = () => {
        waiting = undefined;
        told = down;
        if (down) on.pressed(clock.now());
        else on.released(clock.now());
      };
      if (settleMs === 0) tell();
      else waiting = clock.after(settleMs, tell);
    },
    stop: forget,
  };
}
