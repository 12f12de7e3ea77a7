// The capture keeps a microphone delivering, by a hand-driven clock and the simulated microphone.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simMicrophone } from '../../src/adapters/sim/sim-microphone.ts';
import { Capture } from '../../src/audio/capture.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { tone } from '../helpers/tone.ts';

function rig(source?: (bytes: number) => Uint8Array) {
  const clock = handClock();
  const log = keptLog();
  const microphone = simMicrophone(clock, source === undefined ? {} : { source });
  const heard = { bytes: 0, failures: [] as string[] };
  const capture = new Capture({ microphone, clock, log });
  const on = {
    pcm: (pcm: Uint8Array) => {
      heard.bytes += pcm.length;
    },
    failed: (reason: string) => {
      heard.failures.push(reason);
    },
  };
  return { clock, log, microphone, capture, heard, start: () => capture.start(on) };
}

const noise = (bytes: number) => tone(440, (bytes / 32_000) * 1_000, 16_000).subarray(0, bytes);

describe('a capture', () => {
  it('hands on what the microphone delivers, and nothing after stop', () => {
    const { clock, capture, heard, start } = rig(noise);
    start();
    clock.advance(1_000);
    assert.ok(heard.bytes >= 31_000, `${heard.bytes}`);
    capture.stop();
    const { bytes } = heard;
    clock.advance(5_000);
    assert.equal(heard.bytes, bytes);
    assert.equal(clock.pending(), 0);
  });

  it('starts a microphone again that broke off, with its reason in log and status', () => {
    const { clock, log, microphone, capture, heard, start } = rig(noise);
    start();
    clock.advance(100);
    microphone.fail('arecord: device disconnected');
    clock.advance(200);
    const { bytes } = heard;
    clock.advance(1_000);
    assert.ok(heard.bytes > bytes);
    assert.equal(capture.status().restarts, 1);
    assert.equal(capture.status().lastError, 'arecord: device disconnected');
    assert.ok(
      log.lines.some((line) => line.level === 'warn' && JSON.stringify(line.fields).includes('disconnected')),
    );
    assert.deepEqual(heard.failures, []);
  });

  it('starts a microphone again that delivers nothing for a second', () => {
    const { clock, capture, start } = rig(() => new Uint8Array(0));
    start();
    // The simulated microphone calls with empty chunks: delivering, as far as a stall is concerned.
    clock.advance(900);
    assert.equal(capture.status().restarts, 0);
    const silent = new Capture({
      microphone: { device: 'stuck', start() {}, stop() {} },
      clock,
      log: keptLog(),
    });
    silent.start({ pcm() {}, failed() {} });
    clock.advance(999);
    assert.equal(silent.status().restarts, 0);
    clock.advance(1);
    assert.equal(silent.status().restarts, 1);
    assert.match(silent.status().lastError ?? '', /no sound for 1 s/);
  });

  it('reports failure once after three starts in vain, and goes on trying', () => {
    const clock = handClock();
    let starts = 0;
    const failures: string[] = [];
    const capture = new Capture({
      microphone: {
        device: 'gone',
        start: (on) => {
          starts += 1;
          on.ended('no such device');
        },
        stop() {},
      },
      clock,
      log: keptLog(),
    });
    capture.start({ pcm() {}, failed: (reason) => failures.push(reason) });
    clock.advance(5_000);
    assert.deepEqual(failures, ['no such device']);
    const soFar = starts;
    clock.advance(60_000);
    assert.ok(starts > soFar && starts < soFar + 20, `bounded: ${starts - soFar} starts in a minute`);
    capture.stop();
    assert.equal(clock.pending(), 0);
  });

  it('warns once of one constant value for 5 s, and does not restart for it', () => {
    const { clock, log, capture, start } = rig();
    start();
    clock.advance(4_900);
    assert.equal(capture.status().constant, false);
    clock.advance(10_000);
    assert.equal(capture.status().constant, true);
    assert.equal(capture.status().restarts, 0);
    assert.equal(log.lines.filter((line) => line.text.includes('one and the same value')).length, 1);
  });

  it('forgets the constant value as soon as a sample differs', () => {
    let silent = true;
    const { clock, capture, start } = rig((bytes) => (silent ? new Uint8Array(bytes) : noise(bytes)));
    start();
    clock.advance(6_000);
    assert.equal(capture.status().constant, true);
    silent = false;
    clock.advance(40);
    assert.equal(capture.status().constant, false);
  });
});
