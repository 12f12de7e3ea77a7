// What every button must keep, whatever it is made of: run by the test file of each adapter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Button, ButtonEvents } from '../../src/ports.ts';

export type ButtonWorld = {
  readonly button: Button;
  /** Resolves when the line is listened to: before that, a press is lost on some hardware. */
  listening(): Promise<void>;
  /** The finger; resolves when the hardware has it, not when it was reported. */
  press(): void | Promise<void>;
  release(): void | Promise<void>;
  until(condition: () => boolean, what: string): Promise<void>;
  /** After the button was stopped: resolves when nothing of it is left. */
  gone(): Promise<void>;
};

export function buttonContract(name: string, make: () => ButtonWorld | Promise<ButtonWorld>): void {
  test(`${name}: says that it can be heard, then each edge, until it is stopped`, async () => {
    const world = await make();
    const { button, until } = world;
    const ear = fingerEar();
    button.start(ear);
    assert.deepEqual(ear.seen, [], 'not from inside start');
    await until(() => ear.seen.length === 1, 'found');
    await world.listening();
    assert.match(ear.seen[0] ?? '', /^found (?:up|unknown)$/);
    for (let time = 0; time < 3; time += 1) {
      await world.press();
      await until(() => ear.seen.at(-1) === 'pressed', 'a press');
      await world.release();
      await until(() => ear.seen.at(-1) === 'released', 'a release');
    }
    button.stop();
    const before = [...ear.seen];
    await world.press();
    await world.release();
    await world.gone();
    assert.deepEqual(ear.seen, before, 'nothing after stop');
    assert.deepEqual(before.slice(1), Array(3).fill(['pressed', 'released']).flat());
    assert.ok(
      ear.atMs.every((atMs, at) => at === 0 || atMs >= (ear.atMs[at - 1] ?? 0)),
      'moments go forward',
    );
  });

  test(`${name}: a second start changes nothing`, async () => {
    const { button, until, listening, press, gone } = await make();
    const [first, second] = [fingerEar(), fingerEar()];
    button.start(first);
    button.start(second);
    await until(() => first.seen.length === 1, 'found');
    await listening();
    await press();
    await until(() => first.seen.length === 2, 'a press');
    button.stop();
    await gone();
    assert.deepEqual(second.seen, []);
  });

  test(`${name}: of many starts and stops in one moment the last one counts`, async () => {
    const { button, until, listening, press, gone } = await make();
    const passed = [fingerEar(), fingerEar(), fingerEar()];
    for (const ear of passed) {
      button.start(ear);
      button.stop();
    }
    const last = fingerEar();
    button.start(last);
    await until(() => last.seen.length === 1, 'found');
    await listening();
    await press();
    await until(() => last.seen.at(-1) === 'pressed', 'a press');
    button.stop();
    button.stop();
    await gone();
    for (const ear of passed) assert.deepEqual(ear.seen, []);
  });

  test(`${name}: it may be stopped from within its own callback, and started again`, async () => {
    const { button, until, listening, press, release, gone } = await make();
    const first = fingerEar();
    button.stop();
    button.start({
      ...first,
      pressed(atMs) {
        first.pressed(atMs);
        button.stop();
      },
    });
    await until(() => first.seen.length === 1, 'found');
    await listening();
    await press();
    await until(() => first.seen.length === 2, 'a press');
    await release();
    const second = fingerEar();
    button.start(second);
    await until(() => second.seen.length === 1, 'found again');
    await listening();
    await press();
    await until(() => second.seen.at(-1) === 'pressed', 'a press of the second run');
    button.stop();
    await gone();
    assert.equal(first.seen.length, 2);
  });
}

export type FingerEar = ButtonEvents & { readonly seen: string[]; readonly atMs: number[] };

export function fingerEar(): FingerEar {
  const seen: string[] = [];
  const atMs: number[] = [];
  const at = (what: string) => (moment: number) => {
    seen.push(what);
    atMs.push(moment);
  };
  return {
    seen,
    atMs,
    found: (level) => seen.push(`found ${level}`),
    pressed: at('pressed'),
    released: at('released'),
    ended: ({ kind, reason }) => seen.push(`${kind}: ${reason}`),
  };
}
