// Whether the machine's clock can be believed, and the moment when it can: a board without a battery starts with an old
// one, by which every certificate is wrong. Knows systemd's mark and the clock; nothing of certificates.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Cancel, Clock, ClockSync } from '../../ports.ts';
import { clock as systemClock } from './clock.ts';

/** Made by systemd-timesyncd when it has heard from a time server; its directory is there as soon as the service runs. */
const MARK = '/run/systemd/timesync/synchronized';
/** The month this package was last worked on, moved on with each release: no clock that is right can be before it. */
const RELEASED_MS = Date.UTC(2026, 10);
/** Half the second that the box may be late at most; one look is one `stat` in memory. */
const POLL_MS = 250;
/** Far above what slewing or a leap second do, far below what an unset clock is wrong by. A suspend looks the same; it
 * costs one attempt. */
const STEP_MS = 60_000;

type Parts = { readonly clock: Clock; readonly path?: string };

export function clockIsSet({ clock, path = MARK }: Parts = { clock: systemClock }): boolean {
  if (existsSync(path)) return true;
  // Something else sets this clock, or nothing does: then it has to look right.
  return !existsSync(dirname(path)) && clock.wallMs() >= RELEASED_MS;
}

export function clockSync(parts: Parts): ClockSync {
  const { clock } = parts;
  const offsetMs = () => clock.wallMs() - clock.now();
  let cancel: Cancel = () => {};
  return {
    start(on) {
      cancel();
      const offsetAtStartMs = offsetMs();
      const look = () => {
        const stepped = Math.abs(offsetMs() - offsetAtStartMs) > STEP_MS;
        if (stepped || clockIsSet(parts)) on.synchronized();
        else cancel = clock.after(POLL_MS, look);
      };
      cancel = clock.after(POLL_MS, look);
    },
    stop() {
      cancel();
    },
  };
}
