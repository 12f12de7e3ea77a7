// The one line that each exchange leaves in the log when it is over, from the core's own turns under a clock moved by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Turn } from '../../src/core/turn.ts';
import { TurnLog } from '../../src/history/turn-log.ts';
import { RESET } from '../helpers/box.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';
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

  it('has what a device said, which is counted as what failed, whatever it said', () => {
    const box = new WatchedBox().proven();
    for (const [at, reason] of ['hw:1,0: No such device', 'read error: EIO'].entries()) {
      box
        .click()
        .do({ type: 'microphone.failed', turn: at * 2 + 1, reason, said: false })
        .pass(20_000);
      box
        .reach('speaking')
        .do({ type: 'speaker.failed', turn: at * 2 + 2, reason })
        .pass(20_000);
      assert.equal(Reflect.get(over(box).at(-1) ?? {}, 'ended'), reason);
    }
    assert.deepEqual(box.history.turnEnds, { 'microphone failed': 2, 'speaker failed': 2 });
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

  it('keeps how it began, and how long somebody was listened to, when the connection goes under the answer', () => {
    const box = new WatchedBox().proven().do({ type: 'button.pressed' }).pass(3_000);
    box.do({ type: 'button.released' }).flush().pass(1_000).hear({ type: 'stt', text: 'hm' });
    box.hear({ type: 'tts', state: 'start' }).sound('started').pass(1_000);
    box.lose(RESET).pass(500).sound('drained').pass(1_000);
    const line = Object.assign({ began: '', listenedMs: 0, ended: '' }, over(box)[0]);
    assert.deepEqual([line.began, line.ended], ['hold', 'answered'], box.state.turn.phase);
    assert.ok(line.listenedMs >= 3_000, `${line.listenedMs}`);
  });

  it('is for each turn one line, whatever happens', () => {
    const box = new WatchedBox().proven();
    for (let turn = 0; turn < 5; turn += 1) box.reach('thinking').do({ type: 'stop.asked' }).pass(2_000);
    assert.equal(over(box).length, 5);
  });

  it('has the first time that the server understood, not the last', () => {
    const box = new WatchedBox({ turn: { followUp: false } }).proven().click().pass(2_000);
    box.hear({ type: 'stt', text: 'h' }).pass(300).hear({ type: 'stt', text: 'hm' });
    box.hear({ type: 'tts', state: 'start' }).pass(400).sound('started').pass(1_000);
    box.hear({ type: 'tts', state: 'stop' }).pass(250).sound('drained');
    assert.equal(Reflect.get(over(box)[0] ?? {}, 'sttMs'), 2_100);
  });
});

describe('turns as the core might have them', () => {
  const turn = (found: object) => found as Turn;
  const silent = { type: 'meter.asked' } as const;
  function rig() {
    const clock = handClock();
    const log = new TurnLog({ clock, log: keptLog() });
    const go = (...turns: readonly object[]) => {
      for (let at = 1; at < turns.length; at += 1) {
        clock.advance(500);
        log.observe(turn(turns[at - 1] ?? {}), turn(turns[at] ?? {}), silent);
      }
    };
    return { log, go };
  }

  it('say how often the utterance was begun, the most there were', () => {
    const { log, go } = rig();
    const listening = { phase: 'listening', turn: 1, mode: 'auto' };
    go({ phase: 'idle', turn: 0 }, { ...listening, take: 1 }, { ...listening, take: 3 });
    go({ ...listening, take: 3 }, { phase: 'idle', turn: 1, why: 'stopped' });
    assert.equal(log.last?.takes, 3);
  });

  it('were not listened to when the server began them', () => {
    const { log, go } = rig();
    const speaking = { phase: 'speaking', turn: 1, mode: 'announced' };
    go({ phase: 'idle', turn: 0 }, speaking, { phase: 'idle', turn: 1, why: 'answered' });
    assert.deepEqual([log.last?.began, log.last?.listenedMs], ['announced', 0]);
  });

  it('have few names for their ends, however many reasons there are', () => {
    const { log, go } = rig();
    for (let at = 1; at <= 40; at += 1)
      go(
        { phase: 'idle', turn: at - 1 },
        { phase: 'pressed', turn: at },
        { phase: 'idle', turn: at, why: `r${at}` },
      );
    assert.equal(Object.keys(log.ends).length, 31);
    assert.equal(log.ends.other, 10);
  });
});
