// Edges of the button in, signs out: each threshold at its edge and one beyond.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event } from '../../src/core/events.ts';
import {
  type Gesture,
  type GesturePolicy,
  holdTimer,
  isFree,
  releaseTimer,
  type Sign,
  stepGesture,
  stuckTimer,
  timersOfGesture,
} from '../../src/core/gesture.ts';
import { GestureReader } from '../../src/gesture-reader.ts';
import { dice, WALK_SEED } from '../helpers/dice.ts';
import { handClock } from '../helpers/hand-clock.ts';

const HYBRID: GesturePolicy = { mode: 'hybrid', holdAfterMs: 400, doubleMs: 300 };

/** `down@0`, `up@100`, `hold@400` (the hold timer fires), `stuck@60400` (the other one), `ask@0`, `ask500@0`, `let-go@500`. */
function play(script: string, policy: GesturePolicy = HYBRID): string {
  let gesture: Gesture = { phase: 'up' };
  const signs: string[] = [];
  for (const word of script.split(' ')) {
    const [what = '', at = '0'] = word.split('@');
    const [next, read] = stepGesture(gesture, eventOf(what, gesture), Number(at), policy);
    gesture = next;
    signs.push(...read.map((sign) => `${sign}@${at}`));
  }
  return [...signs, gesture.phase].join(' ');
}

function eventOf(what: string, gesture: Gesture): Event {
  if (what === 'down') return { type: 'button.pressed' };
  if (what === 'up') return { type: 'button.released' };
  if (what === 'hold') return { type: 'timer.fired', timer: holdTimer };
  if (what === 'stuck') return { type: 'timer.fired', timer: stuckTimer };
  if (what === 'let-go')
    return { type: 'timer.fired', timer: gesture.phase === 'held-for' ? releaseTimer(gesture) : 'none' };
  const holdMs = Number(what.slice('ask'.length));
  return holdMs > 0 ? { type: 'press.asked', holdMs } : { type: 'press.asked' };
}

const ROWS: readonly (readonly [string, string, string, GesturePolicy?])[] = [
  ['a short press is a click, known at its release', 'down@0 up@100', 'pressed@0 clicked@100 clicked'],
  ['a long press is a hold, known when the time has passed', 'down@0 hold@400', 'pressed@0 held@400 held'],
  ['letting go ends a hold', 'down@0 hold@400 up@900', 'pressed@0 held@400 released@900 up'],
  [
    'two clicks in time are a double click',
    'down@0 up@100 down@400 up@450',
    'pressed@0 clicked@100 doubled@400 twice',
  ],
  [
    'two clicks too far apart are two clicks',
    'down@0 up@100 down@401 up@450',
    'pressed@0 clicked@100 pressed@401 clicked@450 clicked',
  ],
  [
    'the second press of a double click may be held as long as one likes',
    'down@0 up@9 down@20 hold@420',
    'pressed@0 clicked@9 doubled@20 doubled',
  ],
  ['a second down without an up is a bounce', 'down@0 down@1 down@2 up@80', 'pressed@0 clicked@80 clicked'],
  ['an up without a down means nothing', 'up@0', 'up'],
  ['a stale hold timer means nothing', 'down@0 up@100 hold@400', 'pressed@0 clicked@100 clicked'],
  [
    'in mode click a press is a click at once',
    'down@0',
    'pressed@0 clicked@0 counted',
    { ...HYBRID, mode: 'click' },
  ],
  [
    'in mode click two presses in time are a double click',
    'down@0 up@50 down@350',
    'pressed@0 clicked@0 doubled@350 doubled',
    { ...HYBRID, mode: 'click' },
  ],
  [
    'in mode hold a press is push-to-talk at once',
    'down@0 up@50',
    'pressed@0 held@0 released@50 up',
    { ...HYBRID, mode: 'hold' },
  ],
  [
    'a press by command is a click in every mode',
    'ask@0',
    'pressed@0 clicked@0 up',
    { ...HYBRID, mode: 'hold' },
  ],
  [
    'two presses by command are two clicks, never a double',
    'ask@0 ask@50',
    'pressed@0 clicked@0 pressed@50 clicked@50 up',
  ],
  ['a hold by command ends by itself', 'ask500@0 let-go@500', 'pressed@0 held@0 released@500 up'],
  [
    'a finger takes over from a hold by command',
    'ask500@0 down@200 up@300',
    'pressed@0 held@0 released@200 pressed@200 clicked@300 clicked',
  ],
  [
    'a command while a finger is on the button means nothing',
    'down@0 ask@50 up@100',
    'pressed@0 clicked@100 clicked',
  ],
  [
    'a third press in time makes it triple',
    'down@0 up@100 down@200 up@300 down@600 up@700',
    'pressed@0 clicked@100 doubled@200 tripled@600 up',
  ],
  [
    'a third press too late is a new one',
    'down@0 up@100 down@200 up@300 down@601',
    'pressed@0 clicked@100 doubled@200 pressed@601 undecided',
  ],
  [
    'a fourth press is a new one, however soon',
    'down@0 up@50 down@100 up@150 down@200 up@250 down@300 up@350',
    'pressed@0 clicked@50 doubled@100 tripled@200 pressed@300 clicked@350 clicked',
  ],
  [
    'presses 20 ms apart are presses',
    'down@0 up@20 down@40 up@60 down@80 up@100',
    'pressed@0 clicked@20 doubled@40 tripled@80 up',
  ],
  [
    'a press by command between two clicks makes no double click',
    'down@0 up@100 ask@150 down@200',
    'pressed@0 clicked@100 pressed@150 clicked@150 pressed@200 undecided',
  ],
  [
    'a hold of a minute counts as released, and that is told once',
    'down@0 hold@400 stuck@60400 stuck@120400 up@600000',
    'pressed@0 held@400 released@60400 stuck@60400 up',
  ],
  [
    'a button that lies still down after a click is told of too',
    'down@0 stuck@60000 up@600000',
    'pressed@0 clicked@0 stuck@60000 up',
    { ...HYBRID, mode: 'click' },
  ],
  [
    'the second press of a double click may get stuck and means nothing more',
    'down@0 up@9 down@20 stuck@60020 up@70000 down@70100',
    'pressed@0 clicked@9 doubled@20 stuck@60020 pressed@70100 undecided',
  ],
  [
    'commands go on working while the button is stuck',
    'down@0 hold@400 stuck@60400 ask@61000 up@62000',
    'pressed@0 held@400 released@60400 stuck@60400 pressed@61000 clicked@61000 up',
  ],
  [
    'a command does not make a stuck button whole',
    'down@0 hold@400 stuck@60400 ask@61000',
    'pressed@0 held@400 released@60400 stuck@60400 pressed@61000 clicked@61000 stuck',
  ],
  [
    'a press that follows a missed release of a stuck button is a press',
    'down@0 hold@400 stuck@60400 down@70000',
    'pressed@0 held@400 released@60400 stuck@60400 pressed@70000 undecided',
  ],
  [
    'in mode hold a quick second press is a second push-to-talk',
    'down@0 up@50 down@100 up@150',
    'pressed@0 held@0 released@50 pressed@100 held@100 released@150 up',
    { ...HYBRID, mode: 'hold' },
  ],
];

const WALK_STEPS = 100_000;

/** What may come after what, whatever fingers, commands and bounces do. */
function checkSigns(before: Sign | undefined, sign: Sign): void {
  const mayFollow: Readonly<Record<Sign, readonly (Sign | undefined)[]>> = {
    pressed: [undefined, 'clicked', 'released', 'doubled', 'tripled', 'stuck'],
    clicked: ['pressed'],
    held: ['pressed'],
    released: ['held'],
    doubled: ['clicked'],
    tripled: ['doubled'],
    stuck: ['released', 'clicked', 'doubled', 'tripled'],
  };
  assert.ok(mayFollow[sign].includes(before), `${sign} after ${before}`);
}

describe('gestures', () => {
  for (const [sentence, script, signs, policy] of ROWS)
    it(sentence, () => assert.equal(play(script, policy), signs));

  for (const mode of ['hybrid', 'click', 'hold'] as const)
    it(`in mode ${mode} a button that is down is stuck after a minute, and no sooner`, () => {
      const clock = handClock();
      const signs: string[] = [];
      const policy = { ...HYBRID, mode };
      const reader = new GestureReader({ clock, policy, read: (sign) => signs.push(sign) });
      reader.take('pressed');
      clock.advance(59_999);
      assert.equal(signs.includes('stuck'), false, signs.join(' '));
      // A click is decided first, in hybrid.
      clock.advance(1 + policy.holdAfterMs);
      assert.equal(signs.at(-1), 'stuck');
    });

  it('are read no further once nobody looks', () => {
    const clock = handClock();
    const signs: string[] = [];
    const reader = new GestureReader({ clock, policy: HYBRID, read: (sign) => signs.push(sign) });
    reader.take('pressed');
    reader.stop();
    clock.advance(60_000);
    assert.deepEqual([signs, clock.pending()], [['pressed'], 0]);
  });

  for (const mode of ['hybrid', 'click', 'hold'] as const)
    it(`in mode ${mode} ${WALK_STEPS} random moves never make signs in an impossible order (seed ${WALK_SEED})`, () => {
      const random = dice(WALK_SEED);
      const policy = { ...HYBRID, mode };
      let gesture: Gesture = { phase: 'up' };
      let [at, last]: [number, Sign | undefined] = [0, undefined];
      const visited = new Set<string>();
      for (let move = 0; move < WALK_STEPS; move += 1) {
        at += random() ** 4 * 2_000;
        const timer = timersOfGesture(gesture, policy)[0]?.name ?? 'none';
        const moves: readonly Event[] = [
          { type: 'button.pressed' },
          { type: 'button.released' },
          { type: 'button.released' },
          { type: 'timer.fired', timer: random() < 0.8 ? timer : 'none' },
          random() < 0.3 ? { type: 'press.asked', holdMs: 100 } : { type: 'press.asked' },
        ];
        const event = moves[Math.floor(random() * moves.length)] ?? { type: 'stop.asked' };
        const [next, signs] = stepGesture(gesture, event, at, policy);
        for (const sign of signs) {
          checkSigns(last, sign);
          last = sign;
        }
        gesture = next;
        visited.add(gesture.phase);
        const waits = timersOfGesture(gesture, policy).length;
        assert.equal(waits, isFree(gesture) ? 0 : 1, `${waits} timers while ${gesture.phase}`);
      }
      const [released] = stepGesture(gesture, { type: 'button.released' }, at, policy);
      assert.ok(isFree(released) || released.phase === 'held-for', `let go, and ${released.phase}`);
      assert.ok(visited.has('stuck') && visited.has('held-for'), [...visited].join(' '));
    });
});
