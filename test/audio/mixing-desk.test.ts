// Speech and sounds on one simulated speaker, to the sample: nothing of either is lost, and silence is silence.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type SimSpeaker, simSpeaker } from '../../src/adapters/sim/sim-speaker.ts';
import { gainOf } from '../../src/audio/gain.ts';
import { MixingDesk } from '../../src/audio/mixing-desk.ts';
import { PacedSpeaker, SLICE_MS } from '../../src/audio/paced-speaker.ts';
import type { Pcm } from '../../src/ports.ts';
import { keptLog } from '../helpers/card.ts';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';
import { samples } from '../helpers/tone.ts';

const RATE_HZ = 24_000;
const SAMPLES_PER_MS = RATE_HZ / 1_000;

const sound = (durationMs: number, value: number): Pcm =>
  new Uint8Array(new Int16Array(durationMs * SAMPLES_PER_MS).fill(value).buffer);

describe('the mixing desk', () => {
  let clock: HandClock;
  let speaker: SimSpeaker;
  let desk: MixingDesk;
  let told: string[];
  let log: ReturnType<typeof keptLog>;

  beforeEach(() => {
    clock = handClock();
    speaker = simSpeaker(clock, { rateHz: RATE_HZ, rememberMs: 60_000 });
    log = keptLog();
    desk = new MixingDesk(new PacedSpeaker({ speaker, clock, log }), () => told.push('unheard'));
    told = [];
  });

  /** Speech of so many milliseconds, ready at once; it ends itself when it runs dry, as the downlink does. */
  function speak(durationMs: number, value: number): void {
    let leftMs = durationMs;
    desk.speech.start({
      pull() {
        if (leftMs === 0) {
          desk.speech.finish();
          return undefined;
        }
        leftMs -= SLICE_MS;
        return sound(SLICE_MS, value);
      },
      finished: () => told.push('finished'),
      failed: (reason) => told.push(reason),
    });
  }

  const play = (durationMs: number, value: number) => desk.play([{ pcm: sound(durationMs, value), gain: 1 }]);
  const pass = (ms: number) => {
    for (let at = 0; at < ms; at += 5) clock.advance(5);
  };
  /** What was heard, as runs of equal samples: `200 x 1000` is 200 ms of them. */
  const heard = () => {
    const runs: { value: number; count: number }[] = [];
    for (const value of samples(speaker.played())) {
      const last = runs.at(-1);
      if (last?.value === value) last.count += 1;
      else runs.push({ value, count: 1 });
    }
    return runs.map(({ value, count }) => `${count / SAMPLES_PER_MS} x ${value}`);
  };

  it('plays a sound at once, whole, and closes the device a while after', () => {
    play(120, 1_000);
    pass(120);
    assert.deepEqual(heard(), ['120 x 1000']);
    pass(400);
    assert.equal(speaker.isRunning, true, 'the next sound need not open it');
    pass(300);
    assert.equal(speaker.isRunning, false);
    assert.equal(clock.pending(), 0);
  });

  it('plays several one after the other', () => {
    desk.play([
      { pcm: sound(50, 100), gain: 1 },
      { pcm: sound(50, 200), gain: 0.5 },
      { pcm: sound(30, 300), gain: 1 },
    ]);
    pass(130);
    assert.deepEqual(heard(), ['100 x 100', '30 x 300']);
  });

  it('lays a sound over speech that plays: nothing of either is lost', () => {
    speak(400, 1_000);
    pass(100);
    play(60, 500);
    pass(1_000);
    assert.deepEqual(heard(), ['200 x 1000', '60 x 1500', '140 x 1000']);
    assert.deepEqual(told, ['finished']);
  });

  it('lets speech begin under a sound that plays', () => {
    play(200, 500);
    pass(40);
    speak(300, 1_000);
    pass(1_000);
    const [first, ...rest] = heard();
    assert.match(first ?? '', /^\d+ x 500$/);
    const alone = Number.parseInt(first ?? '', 10);
    assert.ok(alone >= 40 && alone <= 140, `${alone} ms`);
    assert.deepEqual(rest, [`${200 - alone} x 1500`, `${300 - (200 - alone)} x 1000`]);
    assert.deepEqual(told, ['finished']);
  });

  it('plays a sound that outlasts the speech to its end before it says that all was heard', () => {
    speak(200, 1_000);
    play(300, 500);
    pass(390);
    assert.deepEqual(told, []);
    pass(200);
    assert.deepEqual(told, ['finished']);
    assert.deepEqual(heard(), ['100 x 1000', '100 x 1500', '200 x 500']);
  });

  it('lets a sound wait for the last words of speech', () => {
    speak(100, 1_000);
    pass(60);
    play(60, 500);
    pass(500);
    assert.deepEqual(told, ['finished']);
    assert.deepEqual(heard().slice(0, 2), ['100 x 1000', '60 x 500']);
  });

  it('starts a sound at once while nothing but silence is left to be played out', () => {
    play(60, 500);
    // Sound, 500 ms of silence, and the last 20 ms of it being played out.
    pass(550);
    assert.equal(speaker.isRunning, true);
    play(60, 700);
    pass(80);
    const [first, silence = '', second] = heard();
    assert.deepEqual([first, second], ['60 x 500', '60 x 700']);
    assert.ok(Number.parseInt(silence, 10) < 520, silence);
  });

  it('is silent at once when speech is stopped', () => {
    speak(1_000, 1_000);
    pass(200);
    desk.speech.stop();
    assert.equal(speaker.isRunning, false);
    pass(500);
    assert.deepEqual(heard(), ['200 x 1000']);
    assert.deepEqual([told, clock.pending()], [[], 0]);
  });

  it('is silent at once of an answer in whose place another begins', () => {
    speak(1_000, 1_000);
    pass(100);
    speak(200, 3_000);
    pass(500);
    assert.deepEqual([heard(), told], [['100 x 1000', '200 x 3000'], ['finished']]);
  });

  it('begins an answer in the silence after a sound without waiting for what is written of it', () => {
    play(60, 500);
    pass(300);
    speak(100, 1_000);
    pass(500);
    const silence = heard()[1] ?? '';
    assert.match(silence, / x 0$/);
    const sinceMs = Number.parseInt(silence, 10) - (300 - 60);
    assert.ok(sinceMs >= 0 && sinceMs <= 40, `${sinceMs} ms after it was there`);
  });

  it('clips what is too loud together, and does not wrap around', () => {
    speak(200, 30_000);
    play(100, 10_000);
    pass(500);
    assert.deepEqual(heard(), ['100 x 30000', '100 x 32767']);
  });

  it('goes on with a sound when the speech under it is stopped', () => {
    speak(1_000, 1_000);
    pass(100);
    play(300, 500);
    pass(200);
    desk.speech.stop();
    pass(400);
    const last =
      heard()
        .filter((run) => !run.endsWith(' 0'))
        .at(-1) ?? '';
    // 100 ms of it had been heard, under the speech, and 100 ms were written ahead with that: those are played again.
    assert.equal(last, '200 x 500', heard().join(', '));
  });

  it('does not cut a sound when speech that had not begun is stopped', () => {
    play(200, 500);
    desk.speech.start({
      pull: () => undefined,
      finished: () => told.push('finished'),
      failed: () => undefined,
    });
    pass(100);
    desk.speech.stop();
    desk.speech.stop();
    pass(900);
    assert.equal(heard()[0], '200 x 500');
    assert.equal(speaker.isRunning, false);
  });

  it('closes a device that speech had opened for nothing', () => {
    desk.speech.start({ pull: () => undefined, finished: () => undefined, failed: () => undefined });
    pass(100);
    assert.equal(speaker.isRunning, true, 'it opens while the reserve builds up');
    desk.speech.stop();
    assert.equal(speaker.isRunning, false);
  });

  it('turns speech down without a jump, and leaves the sounds alone', () => {
    speak(600, 10_000);
    pass(200);
    desk.speechGain = gainOf(50);
    play(100, 500);
    pass(900);
    const values = samples(speaker.played());
    const steps = values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? 0)));
    assert.ok(
      steps.filter((step) => step > 100).every((step) => step <= 500),
      'no jump but the sound',
    );
    assert.equal(values.at(-1), 1_250);
  });

  it('cuts what plays and drops what has not begun when something newer is to be heard, without a jump', () => {
    desk.play(Array.from({ length: 6 }, (_, digit) => ({ pcm: sound(300, 10_000 + digit), gain: 1 })));
    pass(50);
    play(60, 0);
    pass(400);
    const values = samples(speaker.played());
    const last = values.findLastIndex((value) => value !== 0) / SAMPLES_PER_MS;
    // What is written ahead, a slice and the fade.
    assert.ok(last > 50 && last <= 50 + 40 + 20 + 10, `${last} ms`);
    const begun = values.slice(values.findIndex((value) => value !== 0));
    const steps = begun.slice(1).map((value, at) => Math.abs(value - (begun[at] ?? 0)));
    assert.ok(Math.max(...steps) < 200, `${Math.max(...steps)}`);
  });

  it('plays what is asked for in the same moment one after the other', () => {
    speak(200, 0);
    pass(20);
    desk.speech.stop();
    play(60, 500);
    play(60, 900);
    pass(500);
    assert.ok(heard().some((run) => run.endsWith('x 900')));
  });

  it('falls silent when it is told to, and lets speech go on', () => {
    speak(300, 1_000);
    play(2_000, 500);
    pass(100);
    desk.cut();
    pass(1_000);
    const runs = heard();
    assert.ok(!runs.some((run) => Number.parseInt(run, 10) > 200 && run.endsWith('x 500')), runs.join(', '));
    assert.equal(told.at(-1), 'finished');
    assert.equal(speaker.isRunning, false);
  });

  it('reports a broken speaker to the speech, drops the sound, and works again', () => {
    speak(5_000, 1_000);
    play(100, 500);
    for (let at = 0; at < 12 && told.length === 0; at += 1) {
      speaker.fail('unplugged');
      pass(400);
    }
    assert.deepEqual(told, ['unplugged']);
    pass(1_000);
    play(60, 700);
    pass(100);
    assert.ok(
      heard().some((run) => run === '60 x 700'),
      heard().slice(-5).join(', '),
    );
  });

  it('tells whoever gave it a sound that nobody has heard it, and the log once', () => {
    play(100, 500);
    for (let at = 0; at < 12 && told.length === 0; at += 1) {
      speaker.fail('no such card');
      pass(400);
    }
    assert.deepEqual(told, ['unheard']);
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1);
    assert.equal(clock.pending(), 0);
  });
});

describe('the volume curve', () => {
  it('is silence at 0, untouched at 100, and steps that sound alike in between', () => {
    assert.deepEqual([gainOf(0), gainOf(100), gainOf(-5), gainOf(120)], [0, 1, 0, 1]);
    assert.ok(Math.abs(20 * Math.log10(gainOf(50)) + 18.06) < 0.01);
    for (let volume = 1; volume <= 100; volume += 1) assert.ok(gainOf(volume) > gainOf(volume - 1));
    // 60 dB over the whole way is what amixer -M assumes too.
    assert.ok(Math.abs(20 * Math.log10(gainOf(10)) + 60) < 0.01);
  });
});
