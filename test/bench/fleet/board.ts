// One board of the fleet: the real loop, core and timers on a clock and a network that are models, and what is written
// down about it. Decides nothing; knows nothing of the other boards.
import type { Policy } from '../../../src/core/state.ts';
import { Loop } from '../../../src/loop.ts';
import type { Log } from '../../../src/ports.ts';
import type { EventQueue } from './event-queue.ts';
import type { Line, ServerModel } from './server-model.ts';

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
/** Never waited for: no loss of the model blames the clock. */
const NO_CLOCK_SYNC = { start() {}, stop() {} };
const IDENTITY = { url: 'ws://fleet.invalid/', headers: () => ({}), framing: 1 } as const;
const DEVICE = { name: 'fleet', version: '0' };

export class Board {
  readonly attemptedAtMs: number[] = [];
  /** Null while there is no connection with a hello. */
  readyAtMs: number | null = null;
  /** The most sockets at a time while it was not ready. */
  mostSocketsAway = 0;
  readonly #loop: Loop;
  #lines: Line[] = [];

  constructor(parts: {
    readonly queue: EventQueue;
    readonly server: ServerModel;
    readonly policy: Policy;
    readonly rttMs: number;
    readonly dice: () => number;
    /** Its connection has come, or has gone. */
    readonly changed: (isReady: boolean) => void;
  }) {
    const { queue, server, policy, rttMs, dice, changed } = parts;
    this.#loop = new Loop({
      policy,
      server: () => ({ ...IDENTITY, device: DEVICE, deadlineMs: policy.link.connectTimeoutMs }),
      clock: {
        now: () => queue.nowMs,
        wallMs: () => queue.nowMs,
        after: (delayMs, fire) => queue.after(delayMs, fire),
        dice,
      },
      log: SILENT,
      dialer: {
        dial: (request, on) => {
          this.attemptedAtMs.push(queue.nowMs);
          const line = server.dial(rttMs, request, on);
          this.#count(line);
          return line;
        },
      },
      clockSync: NO_CLOCK_SYNC,
      on: {
        held() {},
        cue() {},
        speech() {},
        stepped: (before, after) => {
          const isReady = after.link.phase === 'ready';
          if (isReady === (before.link.phase === 'ready')) return;
          this.readyAtMs = isReady ? queue.nowMs : null;
          changed(isReady);
        },
      },
    });
  }

  start(): void {
    this.#loop.dispatch({ type: 'agent.started' });
  }

  #count(line: Line): void {
    this.#lines = [...this.#lines.filter(({ isOver }) => !isOver), line];
    if (this.#loop.state.link.phase !== 'ready')
      this.mostSocketsAway = Math.max(this.mostSocketsAway, this.#lines.length);
  }
}
