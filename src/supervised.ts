// Tells whoever looks after the process that it is ready, how it fares, and that its loop still moves: only what has gone
// through the loop counts as life. Knows neither systemd nor what the line says.
import type { Event } from './core/events.ts';
import { overdueTimer } from './core/held-timers.ts';
import type { State } from './core/state.ts';
import type { Cancel, Clock, Log, Supervisor } from './ports.ts';

export type SupervisedParts = {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly log: Log;
  readonly dispatch: (event: Event) => void;
  readonly statusLine: () => string;
};

/** Of the time that is allowed: one sign may be late and another get lost. */
const LIFE_SHARE = 1 / 3;
/** design.md §4: telling starts a child, which stops the loop for some milliseconds. */
const STATUS_EVERY_MS = 1_000;
const QUIET_AFTER_PRESS_MS = 500;

export class Supervised {
  readonly #parts: SupervisedParts;
  #phase: 'starting' | 'ready' | 'stopping' = 'starting';
  #told = '';
  #toldAt = Number.NEGATIVE_INFINITY;
  #pressedAt = Number.NEGATIVE_INFINITY;
  #telling: Cancel | null = null;
  #asking: Cancel | null = null;
  #complained: string | null = null;

  constructor(parts: SupervisedParts) {
    this.#parts = parts;
  }

  /** The configuration is read and the loop runs. */
  ready(): void {
    const { supervisor, clock } = this.#parts;
    if (this.#phase !== 'starting') return;
    this.#phase = 'ready';
    supervisor.start({ failed: (reason) => this.#complain(reason) });
    this.#told = this.#parts.statusLine();
    this.#toldAt = clock.now();
    supervisor.tell({ phase: 'ready', status: this.#told, isAlive: true });
    this.#askForLife();
  }

  /** A new configuration is being read; afterwards `reloaded`. */
  reloading(): void {
    if (this.#phase === 'ready') this.#parts.supervisor.tell({ phase: 'reloading' });
  }

  reloaded(): void {
    if (this.#phase !== 'ready') return;
    this.#parts.supervisor.tell({ phase: 'ready' });
    this.#plan();
  }

  stopping(): void {
    if (this.#phase !== 'ready') return;
    this.#phase = 'stopping';
    this.#telling?.();
    this.#asking?.();
    this.#parts.supervisor.tell({ phase: 'stopping' });
  }

  /** After each event that was handled. */
  observe(state: State, event: Event): void {
    if (this.#phase !== 'ready') return;
    const at = this.#parts.clock.now();
    const isPress = event.type === 'button.pressed' || event.type === 'press.asked';
    if (isPress) this.#pressedAt = at;
    if (event.type === 'life.asked') this.#lives(state, at);
    else if (isPress || this.#telling === null) this.#plan();
  }

  #askForLife(): void {
    const { supervisor, clock, dispatch } = this.#parts;
    if (supervisor.watchdogMs === null) return;
    this.#asking = clock.after(supervisor.watchdogMs * LIFE_SHARE, () => dispatch({ type: 'life.asked' }));
  }

  #lives(state: State, at: number): void {
    const { supervisor, log } = this.#parts;
    const stuck = overdueTimer(state, at);
    if (stuck === null) supervisor.tell({ isAlive: true });
    else log.warn({ timer: stuck }, 'supervisor: no sign of life is given, for this ought to be over');
    this.#askForLife();
  }

  #plan(): void {
    const { clock } = this.#parts;
    this.#telling?.();
    const dueAt = Math.max(this.#toldAt + STATUS_EVERY_MS, this.#pressedAt + QUIET_AFTER_PRESS_MS);
    this.#telling = clock.after(Math.max(0, dueAt - clock.now()), () => this.#tell());
  }

  #tell(): void {
    this.#telling = null;
    const line = this.#parts.statusLine();
    if (line === this.#told) return;
    this.#told = line;
    this.#toldAt = this.#parts.clock.now();
    this.#parts.supervisor.tell({ status: line });
  }

  #complain(reason: string): void {
    if (reason !== this.#complained) this.#parts.log.warn({ reason }, 'supervisor: not told');
    this.#complained = reason;
  }
}
