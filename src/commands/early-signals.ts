// Signals before anybody heeds them: while the daemon's modules are read, which on a small board takes seconds. Imports next to
// nothing, and knows nothing of what there will be to close, for there is nothing yet.
import { EXIT } from './exit.ts';

export type EarlySignals = {
  /** Called by whoever heeds signals from now on; gives those to reload that have come, for they are to be answered later. */
  handOver(): string[];
};

/** A signal to end ends the process at once, and well; one to reload waits. */
export function earlySignals(): EarlySignals {
  const hungUp: string[] = [];
  const keep = (signal: string) => void hungUp.push(signal);
  const end = () => process.exit(EXIT.ok);
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', keep);
  return {
    handOver() {
      process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', keep);
      return hungUp;
    },
  };
}
