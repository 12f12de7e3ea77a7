// The one line that each exchange leaves in the log when it is over, from the core's own turns under a clock moved by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WatchedBox } from './watched-box.ts';

const over = (box: WatchedBox) => box.lines(/^turn over$/).map(({ fields }) => fields);

describe('the line of a turn that is over', () => {
  it('has how it began, its times, and how it ended', () => {
    const box = new WatchedBox({ turn: { followUp: false } }).proven();
    box.click().pass(2_000);
    box.hear({ type: 'stt', text: 'hm' }).pass(300);
    box.hear({ type: 'tts', state: 'start' }).pass(400).sound('started').pass(5_000);
    box.hear({ type: 'tts', state: 'stop' }).pass(250).sound('drained');
    assert.deepEqual(over(box), [
      {
        turn: 1,
        began: 'click',
        listenedMs: 2_100,
        takes: 1,
        sttMs: 2_100,
        firstSoundMs: 700,
        answerMs: 5_250,
        ended: 'answered',
      },
    ]);
    assert.deepEqual(box.history.turnEnds, { answered: 1 });
  });

  it('is there for a turn that comes to nothing, with nothing in the place of what never was', () => {
    const box = new WatchedBox().proven().click().pass(1_000).do({ type: 'stop.asked' });
    const [line] = over(box);
    assert.deepEqual(
      { ...line },
      {
        turn: 1,
        began: 'click',
        listenedMs: 1_100,
        takes: 1,
        sttMs: null,
        firstSoundMs: null,
        answerMs: null,
        ended: 'stopped',
      },
    );
    assert.equal(over(box.pass(60_000)).length, 1);
  });

  it('tells a hold, a follow-up and an answer that was interrupted apart', () => {
    const box = new WatchedBox().proven();
    box.reach('speaking').click().pass(1_000);
    box.hear({ type: 'stt', text: 'hm' }, { type: 'tts', state: 'start' }).sound('started');
    box.hear({ type: 'tts', state: 'stop' }).pass(1_000).sound('drained').pass(9_000);
    assert.deepEqual(
      box
        .lines(/^turn over$/)
        .map(({ fields }) => [Reflect.get(fields, 'began'), Reflect.get(fields, 'ended')]),
      [
        ['click', 'interrupted by a press'],
        ['click', 'answered'],
        ['follow-up', 'nothing more was said'],
      ],
    );
    const held = new WatchedBox().proven().do({ type: 'button.pressed' }).pass(900);
    held.do({ type: 'button.released' }).do({ type: 'stop.asked' });
    assert.equal(Reflect.get(over(held)[0] ?? {}, 'began'), 'hold');
  });

  it('is for each turn one line, whatever happens', () => {
    const box = new WatchedBox().proven();
    for (let turn = 0; turn < 5; turn += 1) box.reach('thinking').do({ type: 'stop.asked' }).pass(2_000);
    assert.equal(over(box).length, 5);
  });
});
