// The sounds of changes: what is heard when speech ends, when the microphone opens by itself, and when the connection is
// there for the first time or again. And what is held for them: the ticking while an answer is waited for.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statusCue } from '../../src/core/spoken-status.ts';
import { Box } from '../helpers/box.ts';

const STT = { type: 'stt', text: 'hm' } as const;
const START = { type: 'tts', state: 'start' } as const;
const STOP = { type: 'tts', state: 'stop' } as const;

function ready(changes: ConstructorParameters<typeof Box>[0] = {}): Box {
  const box = new Box(changes).do({ type: 'agent.started' }).connect();
  box.cues.length = 0;
  return box;
}

type Row = readonly [what: string, box: () => Box, cues: readonly string[]];

const ENDS_OF_SPEECH: readonly Row[] = [
  ['a click ends it', () => ready().click().pass(1_000).click(), ['listen', 'heard']],
  [
    'the button is let go',
    () => ready().do({ type: 'button.pressed' }).pass(1_000).do({ type: 'button.released' }),
    ['listen', 'heard'],
  ],
  ['the server has understood', () => ready().click().pass(1_000).hear(STT), ['listen', 'heard']],
  ['the server begins to answer', () => ready().click().pass(1_000).hear(START), ['listen', 'heard']],
  ['a minute is over', () => ready().click().pass(60_500), ['listen', 'heard']],
  [
    'it is understood only after it was sent: said once',
    () => ready().click().pass(1_000).click().flush().hear(STT, START),
    ['listen', 'heard'],
  ],
  [
    'the button is let go without a connection',
    () => ready().lose().do({ type: 'button.pressed' }).pass(1_000).do({ type: 'button.released' }),
    ['offline', 'heard'],
  ],
  ['it is cancelled', () => ready().click().pass(1_000).do({ type: 'stop.asked' }), ['listen', 'stop']],
  [
    'the microphone is open all along',
    () =>
      ready({ turn: { mode: 'realtime' } })
        .click()
        .pass(1_000)
        .hear(STT, START)
        .sound('started'),
    ['listen'],
  ],
  [
    'nobody had pressed: an announcement',
    () => ready().hear(START).sound('started').hear(STOP).sound('drained'),
    [],
  ],
];

describe('the end of speech is heard', () => {
  for (const [what, box, cues] of ENDS_OF_SPEECH) it(what, () => assert.deepEqual(box().cues, cues));
});

describe('follow-up', () => {
  const answered = () => ready().reach('draining').sound('drained');

  it('says softly that the microphone is open again', () => {
    assert.deepEqual(answered().cues.slice(-1), ['again']);
  });

  it('says so once, and not again when a voice is heard', () => {
    const box = answered();
    // While it still waits for a voice, and when there is one.
    box.do({ type: 'volume.asked', to: 50 });
    assert.equal(box.state.turn.phase === 'listening' && box.state.turn.origin, 'follow-up');
    box.do({ type: 'uplink.voiced', turn: box.state.turn.turn });
    assert.equal(box.cues.filter((cue) => cue === 'again').length, 1);
  });

  it('ends in silence when nothing was said', () => {
    const box = answered().pass(8_500);
    assert.equal(box.state.turn.phase, 'aborting');
    assert.deepEqual(box.cues.slice(-1), ['again']);
  });
});

describe('the connection', () => {
  it('is announced once, the first time there is one', () => {
    const box = new Box().do({ type: 'agent.started' });
    assert.deepEqual(box.cues, []);
    box.connect();
    assert.deepEqual(box.cues, ['ready']);
    box.lose().reconnect();
    assert.deepEqual(
      box.cues,
      ['ready'],
      'no sound for a loss in the middle of the night, and none for its end',
    );
  });

  it('is announced again when a press was told that it was away', () => {
    const box = ready().lose();
    box.click().pass(1_000).do({ type: 'stop.asked' });
    assert.deepEqual(box.cues, ['offline', 'stop']);
    box.pass(3_000).connect();
    assert.deepEqual(box.cues.slice(-1), ['back']);
    box.lose().reconnect();
    assert.equal(box.cues.filter((cue) => cue === 'back').length, 1);
  });

  it('is announced again when what was said had to be dropped', () => {
    const box = ready().lose();
    box.click().pass(30_000);
    assert.ok(box.cues.includes('lost'), box.cues.join(', '));
    while (box.state.link.phase === 'waiting') box.pass(1_000);
    box.connect();
    assert.equal(box.cues.at(-1), 'back');
  });

  it('is not announced into an open microphone', () => {
    const box = ready().lose();
    box.do({ type: 'button.pressed' }).pass(1_000).reconnect();
    assert.deepEqual(box.cues, ['offline']);
    box.do({ type: 'button.released' }).lose().reconnect();
    assert.ok(!box.cues.includes('back'), 'nor later, when it means nothing any more');
  });

  it('of a box on demand is not announced in the middle of the first words', () => {
    const box = new Box({ link: { mode: 'on-demand' } }).do({ type: 'agent.started' });
    box.do({ type: 'button.pressed' }).pass(500).connect();
    assert.deepEqual(box.cues, ['listen']);
  });
});

describe('an answer that is waited for', () => {
  const awaited = (box: Box) => box.holds.awaited;

  it('is, from the end of speech to the first sound', () => {
    const box = ready().click().pass(1_000);
    assert.equal(awaited(box), null);
    box.click();
    assert.equal(awaited(box), 1);
    box.flush().hear(STT, START);
    assert.equal(awaited(box), 1);
    box.sound('started');
    assert.equal(awaited(box), null);
  });

  it('is not, once somebody presses, or stops it', () => {
    assert.equal(awaited(ready().reach('thinking').do({ type: 'button.pressed' })), null);
    assert.equal(awaited(ready().reach('thinking').do({ type: 'stop.asked' })), null);
  });

  it('is not, when nobody has asked for it, nor into an open microphone', () => {
    assert.equal(awaited(ready().hear(START)), null);
    assert.equal(
      awaited(
        ready({ turn: { mode: 'realtime' } })
          .click()
          .hear(STT),
      ),
      null,
    );
  });
});

describe('how things stand is said', () => {
  for (const [what, box, cue] of [
    ['connected', () => ready(), 'ready'],
    ['speaking', () => ready().reach('speaking'), 'ready'],
    ['without a connection', () => ready().lose(), 'offline'],
    ['connecting for the first time', () => new Box().do({ type: 'agent.started' }), 'offline'],
    ['without a server', () => new Box({ configured: false }).do({ type: 'agent.started' }), 'error'],
    ['muted', () => ready().click().click().pass(30_000), 'muted'],
    ['to be activated', () => ready().do({ type: 'setup.activating', code: '1' }), 'code'],
  ] as const)
    it(`${what}: ${cue}`, () => assert.equal(statusCue(box().state), cue));
});

describe('a code', () => {
  it('is held until the box belongs to somebody, or leaves', () => {
    const box = ready().do({ type: 'setup.activating', code: '123456' });
    assert.equal(box.holds.code, '123456');
    box.do({ type: 'button.pressed' });
    assert.deepEqual(box.cues, ['code'], 'and a press says it at once');
    assert.equal(box.do({ type: 'setup.done' }).holds.code, null);
    box.do({ type: 'setup.activating', code: '654321' }, { type: 'shutdown.asked' });
    assert.equal(box.holds.code, null);
  });
});

describe('the volume', () => {
  const volumes = (...asked: readonly ({ to: number } | { by: number })[]) => {
    const box = ready();
    return asked.map((change) => box.do({ type: 'volume.asked', ...change }).state.volume);
  };

  it('goes where it is told, by so much, and never beyond', () => {
    assert.deepEqual(
      volumes({ to: 60 }, { by: 5 }, { by: -10 }, { by: 80 }, { by: 10 }),
      [60, 65, 55, 100, 100],
    );
    assert.deepEqual(
      volumes({ to: 0 }, { by: -5 }, { by: 5 }, { to: 1_000 }, { to: 33.4 }),
      [0, 0, 5, 100, 33],
    );
  });

  it('is heard at each step, those at the end included', () => {
    const box = ready();
    box.do({ type: 'volume.asked', by: 10 }, { type: 'volume.asked', to: 50 });
    assert.deepEqual(box.cues, ['volume', 'volume']);
    assert.equal(box.holds.volume, 50);
  });

  it('goes in steps of five with a button, each of them heard', () => {
    const box = ready().do({ type: 'volume.asked', to: 98 });
    const steps = ([1, -1, -1] as const).map((by) => box.do({ type: 'volume.stepped', by }).state.volume);
    assert.deepEqual(steps, [100, 95, 90]);
    assert.equal(box.cues.filter((cue) => cue === 'volume').length, 4);
  });

  it('leaves everything else as it is', () => {
    const box = ready().reach('speaking');
    const before = box.state;
    box.do({ type: 'volume.asked', to: 20 });
    assert.deepEqual({ ...box.state, volume: before.volume, usedAt: before.usedAt }, before);
  });
});

describe('a look at the microphone', () => {
  it('is not held by a muted box, whoever asks', () => {
    const box = ready().do({ type: 'meter.asked' }, { type: 'mute.asked', muted: true });
    assert.equal(box.holds.meter, false);
  });

  it('holds it for two seconds after it was last asked for', () => {
    const box = ready().do({ type: 'meter.asked' }).pass(1_500);
    box.do({ type: 'meter.asked' }).pass(1_999);
    assert.equal(box.holds.meter, true);
    assert.equal(box.holds.utterance, null, 'nothing goes anywhere');
    box.pass(1);
    assert.equal(box.holds.meter, false);
    assert.deepEqual(box.cues, []);
  });
});
