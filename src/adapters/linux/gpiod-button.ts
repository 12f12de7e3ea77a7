// The button port on libgpiod's programs: one gpiomon child that prints each edge, of either generation. Finds the chip by
// label or line name, and how the line stands before it listens. Knows no gesture and no restart.

import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Button, ButtonTrouble, Clock } from '../../ports.ts';
import { type ButtonRun, buttonRuns } from './button-runs.ts';
import { edgeChild } from './edge-child.ts';
import { type Found, GpiodPrograms, isAbsent, NOT_INSTALLED } from './gpiod-programs.ts';
import { edgeOf, isBanner, type LineWish, levelArguments, monitorArguments } from './gpiod-tools.ts';
import { groupOf, lineTrouble, trouble } from './line-trouble.ts';
import { settledLevel } from './settled-level.ts';

export type GpiodButtonOptions = LineWish & {
  /** BCM number. */
  readonly gpio: number;
  /** What people call the line. */
  readonly line: string;
  /** Of the chip; empty: it is looked for. */
  readonly chip: string;
  readonly clock: Clock;
  /** Shared by the lines of one box. */
  readonly programs?: GpiodPrograms;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where device files are. */
  readonly devices?: string;
  /** Whether the process has the line by now. */
  readonly hasLine?: (pid: number) => boolean;
};

/** Edges are one digit; whatever is longer is none, and not kept. */
const MAX_LINE_CHARS = 64;
const GROUP = 'gpio';
/** A child has the line some 20 ms after its start; where that cannot be seen, it is believed after a second. */
const LOOK_EVERY_MS = 10;
const HAS_LINE_MS = 1_000;

export function gpiodButton(options: GpiodButtonOptions): Button {
  const { gpio, line, clock, environment, devices = '/dev', hasLine = holdsEvents } = options;
  const { programs = new GpiodPrograms({ environment }) } = options;
  let place = '';

  async function open(run: ButtonRun): Promise<void> {
    const ready = await prepare();
    if (run.isOver) return;
    if ('kind' in ready) return run.fail(ready);
    place = ` on ${ready.chip}`;
    const level = await levelOf(ready);
    if (run.isOver) return;
    if (typeof level === 'boolean') monitor(run, ready, level);
    else run.fail(level);
  }

  async function prepare(): Promise<Found | ButtonTrouble> {
    const nothing = chipFiles(devices);
    if (nothing !== undefined) return nothing;
    const found = await programs.find(gpio, options.chip);
    if ('missing' in found) return trouble('missing', found.missing);
    return 'failed' in found ? explained(found.failed, undefined) : found;
  }

  /** A line that was left floating needs a moment under its new pull: down is believed when it is read twice. */
  async function levelOf(ready: Found): Promise<boolean | ButtonTrouble> {
    for (const look of ['first', 'second']) {
      const read = await programs.run('gpioget', levelArguments(ready.generation, ready, options));
      if (read.failed !== undefined) return explained(read.failed, await programs.holderOf(ready));
      if (read.said === '0') return false;
      if (read.said !== '1') return trouble('broken', `${line}: gpioget says "${read.said}"`);
      if (look === 'second') return true;
    }
    return true;
  }

  function monitor(run: ButtonRun, ready: Found, startsDown: boolean): void {
    // The kernel debounces for 2.x.
    const settleMs = ready.generation === 1 ? options.debounceMs : 0;
    const settled = settledLevel({ clock, settleMs, startsDown, on: run.on });
    run.atEnd(settled.stop);
    const found = () => run.on.found(startsDown ? 'down' : 'up');
    const hear = lineReader((text) => {
      if (isBanner(text)) return found();
      const edge = edgeOf(text);
      if (edge !== undefined && !run.isOver) settled.edge(edge === 'pressed');
    });
    const child = edgeChild({
      command: 'gpiomon',
      arguments: monitorArguments(ready.generation, ready, options),
      clock,
      environment,
      on: {
        spawned: (pid) => {
          if (ready.generation === 1) awaitLine(run, pid, clock.now() + HAS_LINE_MS, found);
        },
        output: (chunk) => hear(chunk.toString('latin1')),
        ended: (said) => void programs.holderOf(ready).then((holder) => run.fail(explained(said, holder))),
      },
    });
    run.atEnd(child.kill);
  }

  /** 1.6 does not say when it listens; an edge before that is lost. */
  function awaitLine(run: ButtonRun, pid: number, untilMs: number, then: () => void): void {
    if (hasLine(pid) || clock.now() >= untilMs) then();
    else run.after(LOOK_EVERY_MS, () => awaitLine(run, pid, untilMs, then));
  }

  function explained(said: string | Error, holder: string | undefined): ButtonTrouble {
    if (isAbsent(said)) return trouble('missing', NOT_INSTALLED);
    return lineTrouble(said, { line, group: groupOf(join(devices, 'gpiochip0'), GROUP), holder });
  }

  return {
    backend: 'gpiod',
    get line() {
      return `${line}${place}`;
    },
    ...buttonRuns(clock, (run) => void open(run)),
  };
}

/** What the kernel calls the file of a line whose edges are waited for. */
function holdsEvents(pid: number): boolean {
  const open = attempted(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return open.some(
    (fd) => attempted(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === 'anon_inode:gpio-event',
  );
}

/** Whether there is a chip at all is known without starting anything. */
function chipFiles(devices: string): ButtonTrouble | undefined {
  const names = attempted(() => readdirSync(devices).filter((name) => /^gpiochip\d+$/.test(name))) ?? [];
  if (names.length === 0) return trouble('missing', `this machine has no GPIO (${devices}/gpiochip*)`);
  return undefined;
}

function attempted<T>(deed: () => T): T | undefined {
  try {
    return deed();
  } catch {
    return undefined;
  }
}

function lineReader(take: (line: string) => void): (text: string) => void {
  let partial = '';
  return (text) => {
    const lines = `${partial}${text}`.split('\n');
    partial = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const line of lines) take(line.trim());
  };
}
