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
  const mixer: Mixer = {
    control: 'Speaker',
    found: 60,
    start: (events) => {
      on = events;
    },
    turn: (volume) => turned.push(volume),
    stop: () => undefined,
  };
  return { clock, log, speaker, desk, mixer, turned, fail: (reason: string) => on?.failed(reason) };
}

describe('the loudness', () => {
  it('without a mixer is made of samples', () => {
    const { desk, log } = rig();
    const loudness = new Loudness({ desk, mixer: null, log });
    loudness.follow(50);
    assert.deepEqual([loudness.factor, loudness.status().by], [gainOf(50), 'own']);
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
    const { desk, mixer, log, fail } = rig();
    const loudness = new Loudness({ desk, mixer, log });
    loudness.follow(50);
    fail('unplugged');
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

  it('is put aside when it is something else', () => {
    const { prefs, written } = kept([]);
    assert.deepEqual(prefs.read(), {});
    assert.deepEqual(kept('text').prefs.read(), {});
    assert.deepEqual(written, []);
  });
});

describe('the chimes', () => {
  function chimes(policy: Partial<ChimePolicy> = {}, has: (name: string) => boolean = () => true) {
    const { clock, desk, speaker } = rig();
    const asked: string[] = [];
    const all = new Chimes({
      desk,
      clock,
      policy: { gain: 1, off: [], language: 'en', ...policy },
      sounds: {
        missing: [],
        pcm(name) {
          asked.push(name);
          return has(name) ? new Uint8Array(new Int16Array(1_200).fill(1_000).buffer) : undefined;
        },
      },
    });
    asked.length = 0;
    const heardMs = () => samples(speaker.played()).filter((value) => value !== 0).length / (RATE_HZ / 1_000);
    const pass = (ms: number) => {
      for (let at = 0; at < ms; at += 10) clock.advance(10);
    };
    return { all, asked, clock, heardMs, pass };
  }
  const NOW = { code: null, loudness: 1 };

  it('are the sounds that can be switched off', () => {
    assert.deepEqual([...SOUND_NAMES].sort(), [...SOUNDS].sort());
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
      all.cue('code', { code: '203x', loudness: 1 });
      assert.deepEqual(
        asked.filter((name) => name.startsWith('beep')),
        ['beep', 'beep', 'beep-long', 'beep', 'beep', 'beep'],
      );
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
