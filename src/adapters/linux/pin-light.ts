// The light on one pin of the header, on or off, its rhythms by a clock. What drives the pin is a few functions that are
// handed in. Knows no state of the box and no package.
import type { Cancel, Clock, Light, LightEvents } from '../../ports.ts';
import { playRhythm } from './rhythm.ts';

export interface Pin {
  /** May throw, as the packages do. */
  set(isHigh: boolean): void;
  close(): void;
}

export type PinLightOptions = {
  readonly means: string;
  readonly activeLow: boolean;
  readonly clock: Clock;
  /** May throw. */
  readonly open: () => Pin;
};

/** What a single LED makes of a fading: on for the brighter half of it. */
const LIT_FROM = 0.5;

export function pinLight({ means, activeLow, clock, open }: PinLightOptions): Light {
  let on: LightEvents | undefined;
  let pin: Pin | undefined;
  let playing: Cancel | undefined;

  /** Whether it could be done. */
  function light(isLit: boolean): boolean {
    try {
      pin ??= open();
      pin.set(isLit !== activeLow);
      on?.works();
      return true;
    } catch (error) {
      on?.failed(error instanceof Error ? error.message : String(error));
      // As it was opened it does not do: the next look opens it anew.
      close();
      return false;
    }
  }

  function close(): void {
    try {
      pin?.close();
    } catch {
      // Whoever opens it next will hear what is wrong with it.
    }
    pin = undefined;
  }

  return {
    means,
    start(events) {
      on ??= events;
    },
    show({ rhythm }) {
      if (on === undefined) return;
      playing?.();
      playing = playRhythm(rhythm, clock, (level) => light(level >= LIT_FROM));
    },
    stop() {
      playing?.();
      playing = undefined;
      on = undefined;
      if (pin !== undefined) light(false);
      close();
    },
  };
}
