// The preamp by a hand-driven clock and the simulated microphone: gain, clipping, level, lending, and the cut under a cue.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simMicrophone } from '../../src/adapters/sim/sim-microphone.ts';
import { Preamp } from '../../src/audio/preamp.ts';
import type { Microphone, MicrophoneEvents } from '../../src/ports.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { samples } from '../helpers/tone.ts';

function rig(value: number, gainDb = 0) {
  const clock = handClock();
  const log = keptLog();
  const source = (bytes: number) => new Uint8Array(new Int16Array(bytes / 2).fill(value).buffer);
  const microphone = simMicrophone(clock, { source });
  const preamp = new Preamp({ microphone, clock, log, gainDb: () => gainDb });
  const heard: number[] = [];
  const ended: string[] = [];
  const on = {
    pcm: (pcm: Uint8Array) => {
      heard.push(...samples(pcm));
    },
    ended: (reason: string) => {
      ended.push(reason);
    },
  };
  return { clock, log, microphone, preamp, heard, ended, on, start: () => preamp.start(on) };
}

describe('the preamp', () => {
  for (const [gainDb, value] of [
    [0, 1_000],
    [6, 1_995],
    [20, 10_000],
    [-20, 100],
  ] as const)
    it(`makes 1000 of ${value} with ${gainDb} dB`, () => {
      const { clock, preamp, heard, start } = rig(1_000, gainDb);
      start();
      clock.advance(20);
      assert.deepEqual([...new Set(heard)], [value]);
      assert.equal(preamp.level.clippedSamples, 0);
    });

  it('takes a gain that has changed for the next slice', () => {
    const gains = [0, 20];
    const clock = handClock();
    const source = (bytes: number) => new Uint8Array(new Int16Array(bytes / 2).fill(1_000).buffer);
    const microphone = simMicrophone(clock, { source });
    const preamp = new Preamp({ microphone, clock, log: keptLog(), gainDb: () => gains[0] ?? 0 });
    const heard: number[] = [];
    preamp.start({ pcm: (pcm) => heard.push(...samples(pcm)), ended: assert.fail });
    clock.advance(20);
    gains.shift();
    clock.advance(20);
    assert.deepEqual([heard[0], heard.at(-1)], [1_000, 10_000]);
  });

  it('counts what it clips, never wraps around, and warns once', () => {
    const { clock, log, preamp, heard, start } = rig(-20_000, 12);
    start();
    clock.advance(1_000);
    assert.deepEqual([...new Set(heard)], [-32_768]);
    assert.equal(preamp.level.clippedSamples, heard.length);
    assert.equal(log.lines.length, 1);
    assert.match(log.lines[0]?.text ?? '', /too loud.*audio\.input\.gain_db/);
  });

  it('counts what was clipped before it came', () => {
    const { clock, preamp, start } = rig(32_767, -6);
    start();
    clock.advance(20);
    assert.equal(preamp.level.clippedSamples, 320);
  });

  it('tells the level of the last tenth of a second', () => {
    const { clock, preamp, start } = rig(3_277);
    assert.deepEqual(preamp.level, {
      peakDb: null,
      averageDb: null,
      clippedSamples: 0,
      heardAgoMs: null,
      zeroChunks: 0,
      isDead: false,
      trouble: null,
    });
    start();
    clock.advance(200);
    assert.ok(Math.abs((preamp.level.peakDb ?? 0) + 20) < 0.01);
    assert.ok(Math.abs((preamp.level.averageDb ?? 0) + 20) < 0.01);
  });

  it('counts slices of nothing but nought, and knows how long ago the last slice came', () => {
    const { clock, preamp, start } = rig(0, 40);
    start();
    clock.advance(200);
    assert.deepEqual([preamp.level.zeroChunks, preamp.level.heardAgoMs], [10, 0]);
    preamp.stop();
    clock.advance(1_500);
    assert.deepEqual([preamp.level.zeroChunks, preamp.level.heardAgoMs], [10, 1_500]);
    const loud = rig(1);
    loud.start();
    loud.clock.advance(200);
    assert.equal(loud.preamp.level.zeroChunks, 0);
  });

  it('knows within one look a microphone that delivers nothing but nought, and one that has come to life', () => {
    let value = 0;
    const clock = handClock();
    const source = (bytes: number) => new Uint8Array(new Int16Array(bytes / 2).fill(value).buffer);
    const microphone = simMicrophone(clock, { source });
    const preamp = new Preamp({ microphone, clock, log: keptLog(), gainDb: () => -20 });
    const look = () => {
      preamp.meter(true);
      clock.advance(1_000);
      preamp.meter(false);
      clock.advance(59_000);
      return preamp.level.isDead;
    };
    assert.equal(preamp.level.isDead, false, 'nothing is known of it');
    assert.equal(look(), true);
    preamp.meter(true);
    assert.equal(preamp.level.isDead, true, 'at the next look it is not forgotten');
    // One that the gain makes nought of.
    value = 1;
    assert.equal(look(), false);
    value = 0;
    assert.equal(look(), true, 'it has died since');
  });

  it('tells after a look of a microphone that hangs, until it is heard again', () => {
    const clock = handClock();
    let on: MicrophoneEvents | undefined;
    const microphone: Microphone = {
      device: 'hangs',
      start(events) {
        on = events;
      },
      stop: () => undefined,
    };
    const preamp = new Preamp({ microphone, clock, log: keptLog(), gainDb: () => 0 });
    const look = (heardAfterMs: number, forMs: number) => {
      preamp.meter(true);
      clock.advance(heardAfterMs);
      on?.pcm(new Uint8Array(640).fill(1));
      clock.advance(forMs - heardAfterMs);
      preamp.meter(false);
      clock.advance(60_000);
      preamp.meter(false);
      return preamp.level.trouble;
    };
    assert.equal(look(1_999, 2_000), null, 'late, but alive');
    assert.equal(look(500, 2_000), 'no sound for 1 s', 'it died while it was looked at');
    assert.equal(look(1_900, 2_000), null);
    preamp.meter(true);
    clock.advance(999);
    preamp.meter(false);
    assert.equal(preamp.level.trouble, null, 'a look too short to tell');
    clock.advance(60_000);
    preamp.meter(true);
    clock.advance(2_000);
    preamp.meter(false);
    assert.equal(preamp.level.trouble, 'no sound for 1 s');
  });

  it('calls no microphone dead for the noughts it begins with, or for some between', () => {
    let chunks = 0;
    const clock = handClock();
    const source = (bytes: number) => {
      chunks += 1;
      return new Uint8Array(new Int16Array(bytes / 2).fill(chunks > 15 && chunks % 2 === 0 ? 1 : 0).buffer);
    };
    const preamp = new Preamp({
      microphone: simMicrophone(clock, { source }),
      clock,
      log: keptLog(),
      gainDb: () => 0,
    });
    preamp.meter(true);
    for (let at = 0; at < 100; at += 1) {
      clock.advance(20);
      assert.equal(preamp.level.isDead, false, `after ${at}`);
    }
  });

  it('lends the microphone to a meter, and nothing of it goes anywhere', () => {
    const { clock, microphone, preamp, heard } = rig(1_000);
    preamp.meter(true);
    clock.advance(100);
    assert.ok(preamp.level.peakDb !== null && heard.length === 0);
    preamp.meter(false);
    assert.deepEqual([microphone.isRunning, preamp.level.peakDb], [false, null]);
  });

  it('takes it over from a meter without a gap, and gives it back', () => {
    const { clock, microphone, preamp, heard, start } = rig(1_000);
    preamp.meter(true);
    clock.advance(110);
    start();
    clock.advance(10);
    assert.equal(heard.length, 320, 'the chunk that was being recorded');
    preamp.stop();
    assert.equal(microphone.isRunning, true);
    clock.advance(100);
    assert.equal(heard.length, 320);
    preamp.meter(false);
    assert.equal(microphone.isRunning, false);
  });

  it('tells a meter why nothing comes, and tries again once a second', () => {
    const { clock, microphone, preamp, ended } = rig(1_000);
    preamp.meter(true);
    microphone.fail('busy');
    assert.deepEqual([preamp.level.trouble, ended], ['busy', []]);
    preamp.meter(true);
    assert.equal(microphone.isRunning, false);
    clock.advance(999);
    preamp.meter(true);
    assert.equal(microphone.isRunning, false, 'no sooner');
    clock.advance(1);
    preamp.meter(true);
    clock.advance(20);
    assert.deepEqual([microphone.isRunning, preamp.level.trouble], [true, null]);
  });

  it('hands on why the microphone ended, and can be started again from there', () => {
    const { clock, microphone, preamp, ended, heard, on } = rig(1_000);
    preamp.start({
      ...on,
      ended: (reason) => {
        on.ended(reason);
        preamp.start(on);
      },
    });
    microphone.fail('unplugged');
    clock.advance(20);
    assert.deepEqual([ended, heard.length], [['unplugged'], 320]);
  });

  it('makes the cue silent by the count of its samples, and nothing after it', () => {
    const { clock, preamp, heard, start } = rig(1_000);
    start();
    preamp.cut(110);
    clock.advance(200);
    // And of the 40 ms in which the speaker may begin.
    assert.equal(heard.indexOf(1_000), 150 * 16);
    assert.equal(heard.length, 3_200, 'it is as long as ever');
    assert.deepEqual([...new Set(heard.slice(150 * 16))], [1_000]);
  });

  it('of a microphone that opens while the cue sounds cuts what is left of it', () => {
    const { clock, preamp, heard, start } = rig(1_000);
    preamp.cut(110);
    clock.advance(90);
    start();
    clock.advance(200);
    assert.equal(heard.indexOf(1_000), 60 * 16);
  });

  it('cuts nothing of the next recording', () => {
    const { clock, preamp, heard, start } = rig(1_000);
    start();
    preamp.cut(110);
    preamp.stop();
    start();
    clock.advance(20);
    assert.deepEqual([...new Set(heard)], [1_000]);
  });
});
