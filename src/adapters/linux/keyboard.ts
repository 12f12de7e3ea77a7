// The space bar of a terminal as the button. A terminal reports no release, so each stroke is a click.
import type { ReadStream } from 'node:tty';

export type Keyboard = { stop(): void };

/** Auto-repeat sends about thirty a second; no finger does. */
const REPEAT_MS = 60;

export function keyboard(
  stdin: ReadStream,
  now: () => number,
  on: { space(): void; quit(): void },
): Keyboard {
  let lastAt = Number.NEGATIVE_INFINITY;
  const onData = (keys: Buffer) => {
    for (const key of keys.toString('latin1')) {
      if (key === '\u0003' || key === 'q') return on.quit();
      if (key !== ' ') continue;
      const repeated = now() - lastAt < REPEAT_MS;
      lastAt = now();
      if (!repeated) on.space();
    }
  };
  stdin.setRawMode(true);
  stdin.on('data', onData);
  stdin.resume();
  return {
    stop() {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
