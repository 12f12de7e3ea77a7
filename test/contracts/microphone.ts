// What every microphone must keep, whatever it is made of: run by the test file of each adapter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Microphone, MicrophoneEvents } from '../../src/ports.ts';

export type MicrophoneWorld = {
  readonly microphone: Microphone;
  until(condition: () => boolean, what: string): Promise<void>;
  /** After the microphone was stopped: resolves when nothing of it is left. */
  gone(): Promise<void>;
};

/** A second and a half of sound at most per chunk would be no stream; 20 ms is asked for, 100 allowed under load. */
const MOST_BYTES_A_CHUNK = 3200;

export function microphoneContract(name: string, make: () => MicrophoneWorld): void {
  test(`${name}: sound comes in chunks of whole samples until it is stopped`, async () => {
    const { microphone, until, gone } = make();
    const ear = listener();
    microphone.start(ear);
    await until(() => ear.chunks.length >= 10, 'ten chunks');
    microphone.stop();
    const atStop = ear.chunks.length;
    await gone();
    assert.equal(ear.chunks.length, atStop, 'nothing after stop');
    assert.deepEqual(ear.ends, []);
    for (const bytes of ear.chunks) {
      assert.equal(bytes % 2, 0);
      assert.ok(bytes > 0 && bytes <= MOST_BYTES_A_CHUNK, `${bytes} bytes in a chunk`);
    }
  });

  test(`${name}: a second start changes nothing`, async () => {
    const { microphone, until, gone } = make();
    const first = listener();
    const second = listener();
    microphone.start(first);
    microphone.start(second);
    await until(() => first.chunks.length >= 5, 'five chunks');
    microphone.stop();
    await gone();
    assert.deepEqual(second.chunks, []);
    assert.deepEqual(second.ends, []);
  });

  test(`${name}: it starts again after a stop, and the stopped run stays silent`, async () => {
    const { microphone, until, gone } = make();
    const first = listener();
    const second = listener();
    microphone.start(first);
    await until(() => first.chunks.length >= 2, 'two chunks');
    microphone.stop();
    const atStop = first.chunks.length;
    microphone.start(second);
    await until(() => second.chunks.length >= 5, 'five chunks of the second run');
    microphone.stop();
    await gone();
    assert.equal(first.chunks.length, atStop);
    assert.deepEqual([first.ends, second.ends], [[], []]);
  });

  test(`${name}: of many starts and stops in one moment the last one counts`, async () => {
    const { microphone, until, gone } = make();
    const passed = [listener(), listener(), listener()];
    for (const ear of passed) {
      microphone.start(ear);
      microphone.stop();
    }
    const last = listener();
    microphone.start(last);
    await until(() => last.chunks.length >= 3, 'three chunks of the last run');
    microphone.stop();
    await gone();
    for (const ear of passed) assert.deepEqual([ear.chunks, ear.ends], [[], []]);
  });

  test(`${name}: a stop without a start, and a second stop, are harmless`, async () => {
    const { microphone, until, gone } = make();
    const ear = listener();
    microphone.stop();
    microphone.start(ear);
    await until(() => ear.chunks.length >= 1, 'a chunk');
    microphone.stop();
    microphone.stop();
    await gone();
    assert.deepEqual(ear.ends, []);
  });

  test(`${name}: it may be stopped from within its own callback`, async () => {
    const { microphone, until, gone } = make();
    let chunks = 0;
    microphone.start({
      pcm() {
        chunks += 1;
        microphone.stop();
      },
      ended: (reason) => assert.fail(reason),
    });
    await until(() => chunks > 0, 'a chunk');
    await gone();
    assert.equal(chunks, 1);
  });
}

export type Listener = MicrophoneEvents & { readonly chunks: number[]; readonly ends: string[] };

export function listener(): Listener {
  const chunks: number[] = [];
  const ends: string[] = [];
  return { chunks, ends, pcm: (pcm) => chunks.push(pcm.length), ended: (reason) => ends.push(reason) };
}
