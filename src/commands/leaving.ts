// How the daemon ends: on a signal, told twice, at an error that nobody expected, or by itself. Knows that something is to be
// closed, in whatever order it was handed over; not what it is.
import type { AgentLog } from '../log.ts';
import type { EarlySignals } from './early-signals.ts';
import { EXIT } from './exit.ts';

/** Sockets are given 1.5 s for a polite close; whatever hangs after that is not waited for. */
const SHUTDOWN_MS = 1_900;

export type Leaving = {
  /** Called before the process leaves, however it does; perhaps twice. */
  keep(close: () => void): void;
  /** From now on there is something to end; before, a signal to end ends the process at once, and one to reload waits for this. */
  heed(on: {
    /** The end is asked for; what was kept is closed after it. */
    asked(signal: string): void;
    hungUp(): void;
  }): void;
  /** As a signal does. */
  now(signal: string): void;
};

/**
 * @param before heeded signals until now
 * @param broken told of an error that nobody expected, while there is time for a last word
 */
export function leaving(before: EarlySignals, log: AgentLog, broken: (reason: string) => void): Leaving {
  const startLog = log.of('start');
  const closing: (() => void)[] = [];
  const closeAll = () => {
    for (const close of closing) close();
  };
  let asked: (signal: string) => void = () => {
    log.flush();
    process.exit(EXIT.ok);
  };

  process.on('uncaughtException', (error) => {
    log.of('core').error({ error, stack: error.stack }, 'unexpected error');
    broken(`unexpected error: ${error.message}`);
    log.flush();
    process.exit(EXIT.failed);
  });

  // In this order, here as below: with the last listener gone, a signal that is on its way would be lost.
  const keepEarly = (signal: string) => void early.push(signal);
  process.once('SIGTERM', now).once('SIGINT', now).on('SIGHUP', keepEarly);
  const early = before.handOver();

  function now(signal: string): void {
    startLog.info({ signal }, 'shutting down');
    process.once('SIGTERM', atOnce).once('SIGINT', atOnce);
    setTimeout(atOnce, SHUTDOWN_MS).unref();
    asked(signal);
    closeAll();
  }

  function atOnce(): void {
    startLog.warn({}, 'not gone in time, or told twice: leaving at once');
    log.flush();
    // Not `exit`, which would wait for a thread that sits in a name lookup or in a sound card's driver. For systemd an end
    // by this signal is a clean one.
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }

  return {
    keep: (close) => void closing.push(close),
    now,
    heed(on) {
      asked = on.asked;
      const hungUp = () => {
        // A terminal that is closed takes with it what runs on it; a service is told to try anew.
        if (process.stdin.isTTY) return now('SIGHUP');
        log.of('control').info({ signal: 'SIGHUP' }, 'reading the configuration anew, and trying now');
        on.hungUp();
      };
      process.on('SIGHUP', hungUp).off('SIGHUP', keepEarly);
      // When everything has begun.
      if (early.length > 0) queueMicrotask(hungUp);
      process.once('exit', () => {
        // Of an end that nobody has asked for; after one that was, there is nothing left to write.
        closeAll();
        log.flush();
      });
    },
  };
}
