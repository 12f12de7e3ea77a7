// Edges of the button in, signs out: each threshold at its edge and one beyond.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event } from '../../src/core/events.ts';
import {
  type Gesture,
  type GesturePolicy,
  holdTimer,
  releaseTimer,
  stepGesture,
} from '../../src/core/gesture.ts';

const HYBRID: GesturePolicy = { mode: 'hybrid', holdAfterMs: 400, doubleMs: 300 };

/** `down@0`, `up@100`, `hold@400` (the hold timer fires), `ask@0`, `ask500@0`, `let-go@500`. */
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
    'pressed@0 clicked@100 doubled@400 up',
  ],
  [
    'two clicks too far apart are two clicks',
    'down@0 up@100 down@401 up@450',
    'pressed@0 clicked@100 pressed@401 clicked@450 clicked',
  ],
  [
    'the second press of a double click may be held as long as one likes',
    'down@0 up@9 down@20 hold@420',
    'pressed@0 clicked@9 doubled@20 spent',
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
    'pressed@0 clicked@0 doubled@350 spent',
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
];

describe('gestures', () => {
  for (const [sentence, script, signs, policy] of ROWS)
    it(sentence, () => assert.equal(play(script, policy), signs));
});
