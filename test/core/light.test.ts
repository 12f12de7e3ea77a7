// What the light shows in each state, and that its rhythms are told apart without any colour.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Loss } from '../../src/core/events.ts';
import { COLOURS, isConversation, RHYTHMS, SIGNS, type Sign, signOf } from '../../src/core/light.ts';
import { Box, type PolicyChanges, RESET } from '../helpers/box.ts';
import { DOWN, HOME } from '../helpers/networks.ts';

const started = (changes: PolicyChanges = {}) => new Box(changes).do({ type: 'agent.started' });
const ready = (changes: PolicyChanges = {}) => started(changes).connect();
const muted = () => ready().click().click().pass(30_000);
const activating = () => ready().do({ type: 'setup.activating', code: '123456' });
const asking = () => started({ configured: false, setup: { asks: true } });
const lost = (failure: Loss['class']): Loss => ({ ...RESET, class: failure });

const ROWS: readonly (readonly [what: string, box: () => Box, sign: Sign])[] = [
  ['before anything', () => new Box(), 'idle'],
  ['without a server', () => started({ configured: false }), 'error'],
  ['the first connection being made', () => started(), 'connecting'],
  ['connected, and nobody talks', () => ready(), 'idle'],
  ['a press', () => ready().do({ type: 'button.pressed' }), 'listening'],
  ['listening', () => ready().reach('listening'), 'listening'],
  ['the last packets on their way', () => ready().reach('finishing'), 'thinking'],
  ['no answer yet', () => ready().reach('thinking'), 'thinking'],
  ['an answer without sound yet', () => ready().reach('expecting'), 'thinking'],
  ['speaking', () => ready().reach('speaking'), 'speaking'],
  ['playing out', () => ready().reach('draining'), 'speaking'],
  ['follow-up', () => ready().reach('draining').sound('drained'), 'listening'],
  ['muted', muted, 'muted'],
  ['muted, and no connection', () => muted().lose(), 'muted'],
  [
    'muted, and the server speaks',
    () => muted().hear({ type: 'tts', state: 'start' }).sound('started'),
    'speaking',
  ],
  ['a lost connection', () => ready().lose(), 'offline'],
  [
    'no network for longer than a flap, and the socket not yet told',
    () => ready().see(HOME, DOWN).pass(10_000),
    'offline',
  ],
  ['whom to talk to being asked', () => asking(), 'connecting'],
  [
    'whom to talk to, and nobody answers',
    () => asking().do({ type: 'setup.failed', why: 'no answer' }),
    'offline',
  ],
  ['trying again', () => ready().lose().lose().pass(2_100), 'offline'],
  ['a token that is refused', () => ready().lose(lost('auth')), 'error'],
  ['a network that wants somebody to sign in', () => ready().lose(lost('portal')), 'error'],
  ['a server that is set wrongly', () => ready().lose(lost('configuration')), 'error'],
  ['a server that speaks something else', () => ready().lose(lost('protocol')), 'error'],
  ['pressed without a connection', () => ready().lose().do({ type: 'button.pressed' }), 'listening'],
  [
    'speech that waits for a connection',
    () => ready().lose().do({ type: 'button.pressed' }).pass(1_000).do({ type: 'button.released' }),
    'thinking',
  ],
  ['the limit reached', () => started({ link: { maxAttempts: 1 } }).lose(), 'error'],
  ['at rest', () => started({ link: { mode: 'on-demand' } }), 'idle'],
  ['not activated yet', activating, 'activating'],
  ['not activated yet, and no connection', () => activating().lose(), 'activating'],
  [
    'realtime, while the answer plays',
    () =>
      ready({ turn: { mode: 'realtime' } })
        .click()
        .hear({ type: 'stt', text: 'hm' }, { type: 'tts', state: 'start' })
        .sound('started'),
    'speaking',
  ],
  ['somebody looks at the level', () => ready().do({ type: 'meter.asked' }), 'listening'],
  [
    'somebody looks at the level of a muted box: it stays deaf',
    () => muted().do({ type: 'meter.asked' }),
    'muted',
  ],
  [
    'a press over an answer while muted',
    () => {
      const box = ready().reach('speaking').do({ type: 'mute.asked', muted: true });
      return box.do({ type: 'button.pressed' });
    },
    'muted',
  ],
  ['the end', () => ready().do({ type: 'shutdown.asked' }), 'idle'],
];

describe('the light shows', () => {
  for (const [what, box, sign] of ROWS)
    it(`${what}: ${sign}`, () => {
      assert.equal(signOf(box().state), sign);
      assert.equal(box().holds.light, sign);
    });
});

/** On or off at each of 50 moments a second, for the longest rhythm twice over: what an eye makes of a single LED. */
function seen(sign: Sign): string {
  const rhythm = RHYTHMS[sign];
  const levels = rhythm.flatMap(({ level, ms, fade }, at) =>
    Array.from({ length: ms / 5 }, (_, step) => {
      const next = rhythm[(at + 1) % rhythm.length]?.level ?? 0;
      return fade ? level + ((next - level) * step) / (ms / 5) : level;
    }),
  );
  return Array.from({ length: 2_000 }, (_, at) =>
    (levels[at % levels.length] ?? 0) >= 0.5 ? '#' : '.',
  ).join('');
}

describe('the rhythms', () => {
  it('differ from each other by more than a colour, even on a LED that is only on or off', () => {
    for (const one of SIGNS)
      for (const other of SIGNS) {
        if (one >= other) continue;
        const [left, right] = [seen(one), seen(other)];
        const differing = [...left].filter((char, at) => char !== right[at]).length;
        assert.ok(differing >= 50, `${one} and ${other} differ in ${differing * 5} ms of ten seconds`);
      }
  });

  it('have the speeds that people were told of', () => {
    const flashes = (sign: Sign) => seen(sign).match(/\.#/g)?.length ?? 0;
    assert.equal(seen('listening').includes('.'), false);
    assert.equal(seen('idle').includes('#'), false);
    assert.ok(Math.abs(flashes('connecting') - 10) <= 1, '1 Hz');
    assert.ok(Math.abs(flashes('thinking') - 40) <= 1, '4 Hz');
    assert.ok(Math.abs(flashes('activating') - 20) <= 1, '2 Hz');
    assert.ok(flashes('muted') <= 4 && flashes('offline') <= 4);
    assert.equal(RHYTHMS.error.filter(({ level }) => level > 0).length, 5, 'five quick ones');
  });

  it('have no beat shorter than an eye sees', () => {
    for (const sign of SIGNS) for (const { ms } of RHYTHMS[sign]) assert.ok(ms >= 100, sign);
  });
});

describe('the themes', () => {
  it('keep red for what most boxes have it for, or for listening as the reference firmware does', () => {
    assert.deepEqual(COLOURS.speaker.muted, [255, 0, 0]);
    assert.deepEqual(COLOURS.speaker.listening, [0, 0, 255]);
    assert.deepEqual(COLOURS.xiaozhi.listening, [255, 0, 0]);
    assert.notDeepEqual(COLOURS.xiaozhi.muted, COLOURS.xiaozhi.listening);
  });

  it('have a colour that is lit for every sign', () => {
    for (const theme of Object.values(COLOURS))
      for (const sign of SIGNS) assert.ok(Math.max(...theme[sign]) === 255);
    assert.deepEqual(SIGNS.filter(isConversation), ['listening', 'thinking', 'speaking']);
  });
});
