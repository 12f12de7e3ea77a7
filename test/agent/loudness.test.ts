// What turns the volume, what is remembered of it, and which sound a cue makes: the parts between the core and the desk.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simSpeaker } from '../../src/adapters/sim/sim-speaker.ts';
import { gainOf } from '../../src/audio/gain.ts';
import { MixingDesk } from '../../src/audio/mixing-desk.ts';
import { PacedSpeaker } from '../../src/audio/paced-speaker.ts';
import { type ChimePolicy, Chimes, SOUND_NAMES } from '../../src/chimes.ts';
import { SOUNDS } from '../../src/config/box-keys.ts';
import { Loudness } from '../../src/loudness.ts';
import type { Mixer, MixerEvents, Store } from '../../src/ports.ts';
import { KeptPrefs } from '../../src/prefs.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';
import { samples } from '../helpers/tone.ts';

const RATE_HZ = 24_000;

function rig() {
  const clock = handClock();
  const log = keptLog();
  const speaker = simSpeaker(clock, { rateHz: RATE_HZ, rememberMs: 60_000 });
  const desk = new MixingDesk(new PacedSpeaker({ speaker, clock, log }));
  const turned: number[] = [];
  let on: MixerEvents | undefined;
  /** Speech of this, as the desk plays it: the loudest sample. */
  const spoken = (value: number) => {
    const before = speaker.played().length;
    desk.speech.start({
      pull: () => new Uint8Array(new Int16Array(480).fill(value).buffer),
      finished: () => undefined,
      failed: () => undefined,
    });
    for (let at = 0; at < 100; at += 10) clock.advance(10);
    desk.speech.stop();
    return Math.max(...samples(speaker.played().subarray(before)));
  };
  const mixer: Mixer = {
    control: 'Speaker',
    found: 60,
    start: (events) => {
      on = events;
    },
    turn: (volume) => turned.push(volume),
    stop: () => {
      on = undefined;
    },
  };
  const fail = (reason: string) => {
    assert.ok(on, 'somebody listens');
    on.failed(reason);
    assert.equal(on, undefined, 'and no longer, to one that failed');
  };
  return { clock, log, speaker, desk, mixer, turned, fail, spoken };
}

describe('the loudness', () => {
  it('without a mixer is made of samples', () => {
    const { desk, log, spoken } = rig();
    const loudness = new Loudness({ desk, mixer: null, log });
    loudness.follow(50);
    assert.deepEqual([loudness.factor, loudness.status().by], [gainOf(50), 'own']);
    assert.equal(spoken(8_000), 1_000);
  });

  it('with a mixer is its own, which is turned only when it has to be', () => {
    const { desk, mixer, turned, log } = rig();
    const loudness = new Loudness({ desk, mixer, log });
    for (const volume of [60, 60, 40, 40]) loudness.follow(volume);
    assert.deepEqual([turned, loudness.factor, loudness.status().by], [[40], 1, 'Speaker']);
  });

  it('at 0 is silence of speech, and of nothing else', () => {
    const { desk, mixer, turned, log } = rig();
    const loudness = new Loudness({ desk, mixer, log });
    loudness.follow(30);
    loudness.follow(0);
    assert.deepEqual([loudness.factor, turned], [0, [30]], 'the sounds are still heard');
    loudness.follow(40);
    assert.deepEqual([loudness.factor, turned], [1, [30, 40]]);
  });

  it('of a mixer that fails is made of samples from then on, and said once', () => {
    const { desk, mixer, log, fail, spoken } = rig();
    const loudness = new Loudness({ desk, mixer, log });
    loudness.follow(50);
    assert.equal(spoken(8_000), 8_000);
    fail('unplugged');
    assert.equal(spoken(8_000), 1_000);
    assert.deepEqual(loudness.status(), { by: 'own', trouble: 'unplugged' });
    assert.equal(loudness.factor, gainOf(50));
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1);
  });
});

describe('what was set at the box', () => {
  function kept(found: unknown) {
    const clock = handClock();
    const written: string[] = [];
    const store: Store = {
      read: () => found,
      setAside: (reason) => written.push(`aside: ${reason}`),
      write: (value) => written.push(JSON.stringify(value)),
      writeNow: (value) => written.push(`now ${JSON.stringify(value)}`),
    };
    return { clock, written, prefs: new KeptPrefs({ store, clock }) };
  }

  it('is written once for several steps', () => {
    const { clock, written, prefs } = kept(undefined);
    for (const volume of [50, 55, 60]) prefs.changed({ volume, muted: false });
    clock.advance(1_999);
    assert.deepEqual(written, []);
    clock.advance(1);
    assert.deepEqual(written, ['{"volume":60,"muted":false}']);
  });

  it('is written at once when the process leaves, if it was not yet', () => {
    const { clock, written, prefs } = kept(undefined);
    prefs.changed({ volume: 0, muted: true });
    prefs.close();
    prefs.close();
    assert.deepEqual([written, clock.pending()], [['now {"volume":0,"muted":true}'], 0]);
  });

  it('is put aside, with what is wrong in it, when some of it makes no sense', () => {
    for (const [found, told] of [
      [{ volume: 101, muted: 'yes', other: 1 }, 'volume, muted'],
      [{ volume: 12.5, muted: false }, 'volume'],
      [{ volume: 50, muted: null }, 'muted'],
    ] as const) {
      const { prefs, written } = kept(found);
      prefs.read();
      assert.deepEqual(written, [`aside: wrong in it: ${told}`]);
    }
    const { prefs, written } = kept({ volume: 50 });
    prefs.read();
    assert.deepEqual(written, []);
  });

  for (const [found, read] of [
    [undefined, {}],
    [
      { volume: 0, muted: true },
      { volume: 0, muted: true },
    ],
    [{ volume: 101, muted: 'yes', other: 1 }, {}],
    [{ volume: 12.5, muted: false }, { muted: false }],
  ] as const)
    it(`is read from ${JSON.stringify(found)} as ${JSON.stringify(read)}`, () => {
      assert.deepEqual(kept(found).prefs.read(), read);
    });

  for (const found of [[], 'text', 7, null])
    it(`is put aside when it is ${JSON.stringify(found)}`, () => {
      const { prefs, written } = kept(found);
      assert.deepEqual(prefs.read(), {});
      assert.deepEqual(written, ['aside: it holds no object']);
    });
});

describe('the chimes', () => {
  function chimes(policy: Partial<ChimePolicy> = {}, has: (name: string) => boolean = () => true) {
    const { clock, desk, speaker } = rig();
    const asked: string[] = [];
    const all = new Chimes({
      desk,
      clock,
      policy: () => ({ gain: 1, off: [], language: 'en', ...policy }),
      sounds: {
        missing: [],
        pcm(name) {
          asked.push(name);
          return has(name) ? new Uint8Array(new Int16Array(1_200).fill(1_000).buffer) : undefined;
        },
      },
    });
    const read = asked.splice(0);
    const heardMs = () => samples(speaker.played()).filter((value) => value !== 0).length / (RATE_HZ / 1_000);
    const pass = (ms: number) => {
      for (let at = 0; at < ms; at += 10) clock.advance(10);
    };
    return { all, read, asked, clock, heardMs, pass };
  }
  const NOW = { code: null, loudness: 1 };

  it('are the sounds that can be switched off', () => {
    assert.deepEqual([...SOUND_NAMES].sort(), [...SOUNDS].sort());
  });

  it('are read before any is wanted, but for those that are switched off and the digits', () => {
    const { read } = chimes({ off: ['thinking'] });
    assert.deepEqual(read.sort(), SOUND_NAMES.filter((name) => name !== 'thinking').sort());
  });

  it('play what a cue says, and tell how long it sounds', () => {
    const { all, asked, pass, heardMs } = chimes();
    assert.equal(all.cue('lost', NOW), 50);
    assert.deepEqual(asked, ['offline']);
    pass(100);
    assert.equal(heardMs(), 50);
  });

  it('are silent when they are switched off or missing', () => {
    const { all, heardMs, pass } = chimes({ off: ['listen'] }, (name) => name !== 'stop');
    assert.deepEqual([all.cue('listen', NOW), all.cue('stop', NOW)], [0, 0]);
    pass(200);
    assert.equal(heardMs(), 0);
  });

  it('are as they are wished for now', () => {
    const wished = { gain: 1, off: ['listen'] };
    const { all } = chimes(wished);
    assert.equal(all.cue('listen', NOW), 0);
    wished.off = [];
    assert.equal(all.cue('listen', NOW), 50);
    wished.gain = 0;
    assert.equal(all.cue('listen', NOW), 0);
  });

  it('do not open the speaker for what nobody can hear', () => {
    const { all, clock } = chimes({ gain: 0 });
    assert.deepEqual([all.cue('listen', NOW), all.cue('volume', { code: null, loudness: 0 })], [0, 0]);
    assert.equal(clock.pending(), 0);
    assert.equal(all.cue('volume', NOW), 50, 'the pip is as loud as speech');
  });

  it('say a code in the language that was asked for', () => {
    const { all, asked } = chimes({ language: 'zh' });
    all.cue('code', { code: '30', loudness: 1 });
    assert.deepEqual(
      [...new Set(asked)],
      ['code', 'digit-zh-3', 'digit-zh-0'].sort((a, b) => asked.indexOf(a) - asked.indexOf(b)),
    );
  });

  for (const [what, policy] of Object.entries({
    'in beeps where there is no voice': {},
    'in beeps where they are asked for': { language: 'beeps' },
  } as const))
    it(`say a code ${what}: so many for a digit, a long one for a nought`, () => {
      const { all, asked } = chimes(policy, (name) => !name.startsWith('digit'));
      const soundsMs = all.cue('code', { code: '203x', loudness: 1 });
      assert.deepEqual(
        asked.filter((name) => name.startsWith('beep')),
        ['beep', 'beep', 'beep-long', 'beep', 'beep', 'beep'],
      );
      // The jingle and six beeps of 50 ms, half a second after each digit, and nothing for what is none.
      assert.equal(soundsMs, 7 * 50 + 3 * 500);
    });

  it('tick while an answer is waited for: after 1.5 s, each 1.5 s, for 15 s', () => {
    const { all, asked, pass } = chimes();
    const ticks = () => asked.filter((name) => name === 'thinking').length;
    all.follow({ awaited: 7, code: null });
    pass(1_490);
    assert.equal(ticks(), 0);
    pass(10);
    assert.equal(ticks(), 1);
    all.follow({ awaited: 7, code: null });
    pass(13_500);
    assert.equal(ticks(), 10);
    pass(60_000);
    assert.equal(ticks(), 10, 'no more of them when it is past helping');
  });

  it('stop ticking with the first sound', () => {
    const { all, asked, clock, pass } = chimes();
    all.follow({ awaited: 7, code: null });
    pass(1_600);
    all.follow({ awaited: null, code: null });
    pass(10_000);
    assert.equal(asked.length, 1);
    assert.equal(clock.pending(), 0);
  });

  it('say a code at once and every minute for ten minutes, and no more once it is done', () => {
    const { all, asked, clock, pass } = chimes();
    const times = () => asked.filter((name) => name === 'code').length;
    all.follow({ awaited: null, code: '123456' });
    all.follow({ awaited: null, code: '123456' });
    assert.equal(times(), 1);
    pass(60_000);
    assert.equal(times(), 2);
    all.follow({ awaited: 3, code: '654321' });
    assert.equal(times(), 3, 'a new code at once');
    pass(1_200_000);
    assert.equal(times(), 13);
    all.follow({ awaited: null, code: null });
    assert.equal(clock.pending(), 0);
  });
});
