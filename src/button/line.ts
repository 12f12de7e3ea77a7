// Keeps one line of the panel heard: tries its backends in order, starts them again with growing pauses, and makes edges
// that were missed good. Works through the port alone; what a press is for, it does not know.
import type { Button, ButtonTrouble, Cancel, Clock, Log } from '../ports.ts';
import { type Level, NoiseGate } from './noise.ts';
import { TroubleLog } from './trouble-log.ts';

export interface LineEvents {
  pressed(): void;
  released(): void;
}

export type LineParts = {
  /** What the line is for: `button`, `volume up`. */
  readonly name: string;
  /** The first that works is taken. */
  readonly candidates: readonly Button[];
  /** Of a switch the level counts, also the one it is found at; of a button only what moves. */
  readonly kind: 'button' | 'switch';
  readonly clock: Clock;
  readonly log: Log;
};

/** What could not be taken, and why. */
export type Refused = ButtonTrouble & { readonly backend: string };

export type LineStatus = {
  readonly backend: string;
  readonly line: string | null;
  readonly state: 'closed' | 'opening' | 'working' | 'waiting';
  readonly isDown: boolean;
  readonly restarts: number;
  readonly others: readonly Refused[];
  /** `over` once it has worked for a while. */
  readonly lastTrouble: { readonly reason: string; readonly atMs: number; readonly over: boolean } | null;
};

/** A child that was killed is back at once; a line somebody else has, or a group not joined yet, is asked for once a minute. */
const DELAYS_MS = [200, 1_000, 5_000, 15_000, 60_000] as const;
/** It has been heard for so long: the next break is a new trouble. */
const STEADY_MS = 60_000;
/** Starting a few programs on a Pi Zero that boots takes seconds; what takes longer hangs. */
const OPENING_MS = 20_000;
/** While a line cannot be heard, for noise or at all, a finger may have come off it: nobody is recorded for longer on a guess. */
const BELIEVED_DOWN_MS = 2_000;

type Phase =
  | { readonly name: 'closed' }
  | { readonly name: 'opening'; readonly button: Button; readonly refused: readonly Refused[] }
  | { readonly name: 'working'; readonly button: Button; readonly refused: readonly Refused[] }
  | { readonly name: 'waiting'; readonly refused: readonly Refused[] };

export class Line {
  readonly #parts: LineParts;
  #on: LineEvents | undefined;
  #phase: Phase = { name: 'closed' };
  /** What has been reported; of a switch nothing at first. */
  #told: 'up' | 'down' | 'nothing' = 'nothing';
  #timer: Cancel = ignore;
  #believed: Cancel = ignore;
  #breaks = 0;
  #restarts = 0;
  #trouble: LineStatus['lastTrouble'] = null;
  readonly #troubleLog: TroubleLog;
  readonly #noise: NoiseGate;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.#troubleLog = new TroubleLog(parts.name, parts.log);
    this.#noise = new NoiseGate({
      clock: parts.clock,
      pass: (level) => this.#moved(level),
      began: (isNews) => this.#drowned(isNews),
      settled: (level) => this.#rested(level),
    });
  }

  get name(): string {
    return this.#parts.name;
  }

  status(): LineStatus {
    const phase = this.#phase;
    const button = 'button' in phase ? phase.button : undefined;
    return {
      backend: button?.backend ?? 'none',
      line: button?.line ?? this.#parts.candidates[0]?.line ?? null,
      state: phase.name,
      isDown: this.#told === 'down',
      restarts: this.#restarts,
      others: 'refused' in phase ? phase.refused : [],
      lastTrouble: this.#trouble,
    };
  }

  start(on: LineEvents): void {
    if (this.#on !== undefined || this.#parts.candidates.length === 0) return;
    this.#on = on;
    this.#open(0, []);
  }

  stop(): void {
    this.#on = undefined;
    this.#timer();
    this.#believed();
    this.#noise.stop();
    if ('button' in this.#phase) this.#phase.button.stop();
    this.#phase = { name: 'closed' };
    this.#told = 'nothing';
    this.#breaks = 0;
  }

  #open(at: number, refused: readonly Refused[]): void {
    const button = this.#parts.candidates[at];
    if (button === undefined) return;
    this.#phase = { name: 'opening', button, refused };
    const over = (trouble: ButtonTrouble) => this.#ended(at, button, trouble);
    this.#timer = this.#parts.clock.after(OPENING_MS, () => {
      button.stop();
      over({ kind: 'broken', reason: `${button.line}: ${button.backend} does not begin` });
    });
    button.start({
      found: (level) => this.#found(button, level),
      pressed: () => this.#noise.edge('down'),
      released: () => this.#noise.edge('up'),
      ended: over,
    });
  }

  #found(button: Button, level: 'up' | 'down' | 'unknown'): void {
    if (this.#phase.name !== 'opening') return;
    const { refused } = this.#phase;
    const { name, clock, log } = this.#parts;
    this.#timer();
    this.#believed();
    this.#phase = { name: 'working', button, refused };
    const others = refused.map(({ backend, reason }) => `${backend}: ${reason}`).join('; ');
    const found = { backend: button.backend, line: button.line, ...(others === '' ? {} : { others }) };
    this.#troubleLog.works(found);
    this.#timer = clock.after(STEADY_MS, () => {
      this.#breaks = 0;
      this.#troubleLog.isOver(found);
      if (this.#trouble !== null) this.#trouble = { ...this.#trouble, over: true };
    });
    if (this.#parts.kind === 'switch' && level !== 'unknown') this.#tell(level);
    // Nobody knows for how long it has been down: a press is what is seen to begin.
    else if (level !== 'down') this.#let();
    // Not each time that a line breaks.
    else if (this.#told !== 'down' && this.#breaks <= 1)
      log.info({ line: button.line }, `${name} is held down already: it counts from its next press`);
  }

  /** Nobody can tell where the finger is. */
  #drowned(isNews: boolean): void {
    const { name, log } = this.#parts;
    const { line } = this.status();
    const text = `${name} makes more edges than any finger: what it is at when it comes to rest counts`;
    if (isNews) log.warn({ line }, text);
    this.#believe();
  }

  #rested(level: Level): void {
    this.#believed();
    if (level !== this.#told) this.#moved(level);
  }

  #moved(to: Level): void {
    if (this.#phase.name !== 'working') return;
    // Down for a second time: the release in between was missed.
    if (to === 'down' && this.#parts.kind === 'button') this.#let();
    if (to === 'up' && this.#told !== 'down' && this.#parts.kind === 'button') return;
    this.#tell(to);
  }

  /** The finger is off it. */
  #let(): void {
    if (this.#told === 'down') this.#tell('up');
  }

  #tell(level: Level): void {
    if (this.#told === level) return;
    this.#told = level;
    if (level === 'down') this.#on?.pressed();
    else this.#on?.released();
  }

  #ended(at: number, button: Button, trouble: ButtonTrouble): void {
    if (this.#on === undefined || !('button' in this.#phase) || this.#phase.button !== button) return;
    this.#timer();
    this.#noise.stop();
    const wasWorking = this.#phase.name === 'working';
    const refused = [...(wasWorking ? [] : this.#phase.refused), { backend: button.backend, ...trouble }];
    if (wasWorking) this.#restarts += 1;
    // Whoever has the line has it for a reason: one that is read past the kernel would be read all the same.
    const goesOn = !wasWorking && trouble.kind !== 'busy' && at + 1 < this.#parts.candidates.length;
    if (goesOn) this.#open(at + 1, refused);
    else this.#wait(refused);
  }

  #wait(refused: readonly Refused[]): void {
    const { clock } = this.#parts;
    const retryInMs = DELAYS_MS[Math.min(this.#breaks, DELAYS_MS.length - 1)] ?? 0;
    this.#breaks += 1;
    const reason = refused.map((one) => `${one.backend}: ${one.reason}`).join('; ');
    const isMissing = refused.every((one) => one.kind === 'missing');
    this.#troubleLog.broke(isMissing ? 'warn' : 'error', reason, retryInMs);
    const atMs = this.#trouble?.over === false ? this.#trouble.atMs : clock.wallMs();
    this.#trouble = { reason, atMs, over: false };
    this.#phase = { name: 'waiting', refused };
    this.#timer = clock.after(retryInMs, () => this.#open(0, []));
    this.#believe();
  }

  /** Of a finger that was on it, for a while; a switch stays where it was. */
  #believe(): void {
    const { clock, kind } = this.#parts;
    if (this.#told !== 'down' || kind === 'switch') return;
    this.#believed();
    this.#believed = clock.after(BELIEVED_DOWN_MS, () => this.#let());
  }
}

function ignore(): void {}
