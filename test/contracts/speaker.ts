// What every speaker must keep, whatever it is made of: run by the test file of each adapter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Speaker, SpeakerEvents } from '../../src/ports.ts';
import { tone } from '../helpers/tone.ts';

export type SpeakerWorld = {
  readonly speaker: Speaker;
  until(condition: () => boolean, what: string): Promise<void>;
  /** How much of a tone has come out of it so far. */
  heardMs(): number;
  /** Resolves when nothing more can come out, and takes the world down. */
  gone(): Promise<void>;
};

/** Two windows of the measurement, one cut at each end of a tone. */
const TOLERANCE_MS = 20;

export function speakerContract(name: string, make: () => Promise<SpeakerWorld>): void {
  test(`${name}: what is written at once after the start is heard whole, then it has finished`, async () => {
    const { speaker, until, heardMs, gone } = await make();
    const events = recorder();
    speaker.start(events);
    speaker.write(tone(440, 400, speaker.rateHz));
    speaker.finish();
    await until(() => events.seen.length > 0, 'finished');
    await gone();
    assert.deepEqual(events.seen, ['finished']);
    assertHeard(heardMs(), 400);
  });

  test(`${name}: finish without a write, and a second finish, report once`, async () => {
    const { speaker, until, gone } = await make();
    const events = recorder();
    speaker.start(events);
    speaker.finish();
    speaker.finish();
    await until(() => events.seen.length > 0, 'finished');
    await gone();
    assert.deepEqual(events.seen, ['finished']);
  });

  test(`${name}: after a stop nothing is reported, and the next run is heard alone`, async () => {
    const { speaker, until, heardMs, gone } = await make();
    const stopped = recorder();
    const next = recorder();
    speaker.start(stopped);
    speaker.write(tone(440, 1500, speaker.rateHz));
    await until(() => heardMs() >= 50, 'the first run is heard');
    speaker.stop();
    speaker.start(next);
    speaker.write(tone(440, 200, speaker.rateHz));
    speaker.finish();
    await until(() => next.seen.length > 0, 'the next run has finished');
    await gone();
    assert.deepEqual([stopped.seen, next.seen], [[], ['finished']]);
    assert.ok(heardMs() < 1200, `heard ${heardMs()} ms of 1500 stopped early and 200`);
  });

  test(`${name}: a stop while it plays out reports nothing`, async () => {
    const { speaker, until, heardMs, gone } = await make();
    const events = recorder();
    speaker.start(events);
    speaker.write(tone(440, 1500, speaker.rateHz));
    speaker.finish();
    await until(() => heardMs() >= 50, 'it is heard');
    speaker.stop();
    await gone();
    assert.deepEqual(events.seen, []);
    assert.ok(heardMs() < 1200, `heard ${heardMs()} ms of 1500`);
  });

  test(`${name}: a start while the last run plays out queues behind it`, async () => {
    const { speaker, until, heardMs, gone } = await make();
    const order: string[] = [];
    speaker.start(recorder(order, 'first '));
    speaker.write(tone(440, 300, speaker.rateHz));
    speaker.finish();
    speaker.start(recorder(order, 'second '));
    speaker.write(tone(440, 300, speaker.rateHz));
    speaker.finish();
    await until(() => order.length === 2, 'both have finished');
    await gone();
    assert.deepEqual(order, ['first finished', 'second finished']);
    assertHeard(heardMs(), 600);
  });

  test(`${name}: a second start while it plays changes nothing`, async () => {
    const { speaker, until, heardMs, gone } = await make();
    const first = recorder();
    const second = recorder();
    speaker.start(first);
    speaker.start(second);
    speaker.write(tone(440, 200, speaker.rateHz));
    speaker.finish();
    await until(() => first.seen.length > 0, 'finished');
    await gone();
    assert.deepEqual([first.seen, second.seen], [['finished'], []]);
    assertHeard(heardMs(), 200);
  });

  test(`${name}: write, finish and stop without a start are harmless`, async () => {
    const { speaker, until, heardMs, gone } = await make();
    speaker.write(tone(440, 100, speaker.rateHz));
    speaker.finish();
    speaker.stop();
    const events = recorder();
    speaker.start(events);
    speaker.finish();
    speaker.write(tone(440, 100, speaker.rateHz));
    await until(() => events.seen.length > 0, 'finished');
    await gone();
    assert.equal(heardMs(), 0);
  });
}

function assertHeard(heardMs: number, expectedMs: number): void {
  const isRight = Math.abs(heardMs - expectedMs) <= TOLERANCE_MS;
  assert.ok(isRight, `heard ${heardMs} ms instead of ${expectedMs}`);
}

export type Recorder = SpeakerEvents & { readonly seen: string[] };

export function recorder(seen: string[] = [], prefix = ''): Recorder {
  return {
    seen,
    finished: () => seen.push(`${prefix}finished`),
    ended: (reason) => seen.push(`${prefix}ended: ${reason}`),
  };
}
