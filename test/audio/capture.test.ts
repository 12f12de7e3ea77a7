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
    assert.equal(capture.status().lastTrouble?.reason, 'arecord: device disconnected');
    assert.equal(capture.status().lastTrouble?.over, false);
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
    clock.advance(1_019);
    assert.equal(silent.status().restarts, 0);
    clock.advance(1);
    assert.equal(silent.status().restarts, 1);
    assert.match(silent.status().lastTrouble?.reason ?? '', /no sound for 1 s/);
  });

  /** A microphone whose every start ends like this. */
  function failing(end: (on: { pcm(pcm: Uint8Array): void; ended(reason: string): void }) => void) {
    const clock = handClock();
    const starts: number[] = [];
    const failures: number[] = [];
    const capture = new Capture({
      microphone: {
        device: 'gone',
        start: (on) => {
          starts.push(clock.now());
          end(on);
        },
        stop() {},
      },
      clock,
      log: keptLog(),
    });
    capture.start({ pcm() {}, failed: () => failures.push(clock.now()) });
    return { clock, capture, starts, failures };
  }

  it('that cannot be started is tried again after 0, 0.1, 0.2, 0.4 … 5 s, and failed after two', () => {
    const { clock, capture, starts, failures } = failing((on) => on.ended('no such device'));
    clock.advance(14_000);
    assert.deepEqual(starts, [0, 0, 100, 300, 700, 1_500, 3_100, 8_100, 13_100]);
    assert.deepEqual(failures, [3_100, 8_100, 13_100]);
    capture.stop();
    assert.equal(clock.pending(), 0);
  });

  it('that dies after each first chunk backs off all the same', () => {
    const { clock, capture, starts, failures } = failing((on) => {
      on.pcm(new Uint8Array(640));
      on.ended('unplugged');
    });
    clock.advance(60_000);
    assert.ok(starts.length < 25, `${starts.length} starts in a minute`);
    assert.ok(failures.length > 0);
    capture.stop();
  });

  it('that is back within two seconds has not failed, and after 5 s of sound is forgiven', () => {
    const { clock, microphone, capture, heard, start } = rig(noise);
    start();
    clock.advance(100);
    for (let time = 0; time < 4; time += 1) {
      microphone.fail('sound server restarts');
      clock.advance(300);
    }
    assert.deepEqual(heard.failures, []);
    clock.advance(6_000);
    assert.equal(capture.status().lastTrouble?.over, true);
    const { bytes } = heard;
    microphone.fail('again');
    clock.advance(40);
    assert.ok(heard.bytes > bytes, 'a new trouble is answered at once');
  });

  it('that somebody speaks into is not waited for, and its trouble begins anew', () => {
    const { clock, microphone, capture, heard, start } = rig(noise);
    start();
    for (let breaks = 0; breaks < 8; breaks += 1) {
      while (!microphone.isRunning) clock.advance(10);
      microphone.fail('no such device');
    }
    assert.equal(microphone.isRunning, false);
    capture.hurry();
    assert.equal(microphone.isRunning, true);
    const failures = heard.failures.length;
    microphone.fail('no such device');
    clock.advance(0);
    assert.equal(microphone.isRunning, true, 'started again at once, as at the first break');
    assert.equal(heard.failures.length, failures, 'nobody has waited for two seconds yet');
    capture.stop();
    assert.equal(clock.pending(), 0);
  });

  it('that hiccups every three seconds has not failed: nobody waits for two seconds', () => {
    const { clock, microphone, heard, start } = rig(noise);
    start();
    for (let time = 0; time < 20; time += 1) {
      clock.advance(3_000);
      microphone.fail('xrun');
    }
    assert.deepEqual(heard.failures, []);
  });

  it('that works again for short recordings is over its trouble', () => {
    const { clock, microphone, capture, start } = rig(noise);
    start();
    clock.advance(1_000);
    microphone.fail('xrun');
    for (let time = 0; time < 3; time += 1) {
      clock.advance(3_000);
      capture.stop();
      start();
    }
    clock.advance(100);
    assert.equal(capture.status().lastTrouble?.over, true);
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

  it('does not count the silence of one recording into the next', () => {
    const { clock, capture, start } = rig();
    start();
    clock.advance(4_000);
    capture.stop();
    start();
    clock.advance(4_000);
    assert.equal(capture.status().constant, false);
  });
});
