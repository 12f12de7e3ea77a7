// Muting: by gestures, by command and by a switch whose level decides; what it ends and what it leaves alone.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Box, type PolicyChanges } from '../helpers/box.ts';

const ready = (changes: PolicyChanges = {}) => new Box(changes).connect();
const asked = (muted: boolean | 'toggle') => ({ type: 'mute.asked', muted }) as const;
const switched = (muted: boolean) => ({ type: 'mute.switched', muted }) as const;

/** Turn, whether it is muted, and what was said and signalled. */
function seen(box: Box): readonly unknown[] {
  return [box.state.turn.phase, box.state.muted, ...box.took()];
}

describe('muting by command', () => {
  it('says so, once', () => {
    const box = ready().do(asked(true), asked(true));
    assert.deepEqual(seen(box), ['idle', true, 'cue muted']);
    assert.deepEqual(seen(box.do(asked(false), asked(false))), ['idle', false, 'cue unmuted']);
    assert.deepEqual(seen(box.do(asked('toggle'), asked('toggle'))), [
      'idle',
      false,
      'cue muted',
      'cue unmuted',
    ]);
  });

  it('shuts the microphone of whoever is talking, and drops what is being said', () => {
    const box = ready().reach('listening').do(asked(true));
    assert.equal(box.holds.utterance, null);
    assert.deepEqual(seen(box), ['aborting', true, 'abort', 'cue muted']);
  });

  it('drops what is said while there is no connection', () => {
    const box = new Box().do({ type: 'agent.started' }).click().do(asked(true));
    box.took();
    assert.deepEqual([box.state.turn.phase, box.holds.utterance], ['idle', null]);
  });

  for (const phase of ['finishing', 'thinking', 'expecting', 'speaking', 'draining'] as const)
    it(`leaves what was said before on its way, and the answer to it alone: ${phase}`, () => {
      const box = ready().reach(phase);
      const before = box.state.turn;
      assert.deepEqual(seen(box.do(asked(true))), [before.phase, true, 'cue muted']);
      assert.equal(box.state.turn, before);
    });

  it('ends an answer in realtime, whose microphone is open all along', () => {
    const box = ready({ turn: { mode: 'realtime' } })
      .reach('speaking')
      .do(asked(true));
    assert.deepEqual([box.holds.utterance, box.state.turn.phase], [null, 'aborting']);
  });

  it('is followed by no further listening after the answer', () => {
    const box = ready().reach('draining').do(asked(true)).sound('drained');
    assert.equal(box.state.turn.phase, 'idle');
  });
});

describe('a mute switch', () => {
  it('decides by its level, at the start too', () => {
    const box = new Box().do(switched(true), switched(true));
    assert.deepEqual(seen(box), ['idle', true, 'cue muted']);
    assert.deepEqual(seen(box.do(switched(false))), ['idle', false, 'cue unmuted']);
  });

  it('is undone by nothing else while it stands on mute', () => {
    const box = ready().do(switched(true));
    box.took();
    assert.deepEqual(seen(box.do(asked(false), asked('toggle'))), ['idle', true, 'cue muted', 'cue muted']);
    box.click().pass(100).click().pass(1_000);
    assert.equal(box.state.muted, true, 'a double click');
    assert.equal(box.do(switched(false)).state.muted, false);
  });

  it('that stands on open lets a double click mute, and unmutes at its next movement to open', () => {
    const box = ready().do(switched(false)).click().pass(100).click().pass(1_000);
    assert.equal(box.state.muted, true);
    assert.equal(box.do(switched(true), switched(false)).state.muted, false);
  });
});

describe('three clicks', () => {
  it('ask for the status, and leave muting as it was', () => {
    const box = ready().click().pass(50).click().pass(50).click().pass(1_000);
    const acts = ['cue listen', 'listen start auto', 'abort', 'cue muted', 'cue status'];
    assert.deepEqual(seen(box), ['aborting', false, ...acts]);
  });

  it('leave a muted box muted', () => {
    const box = ready().do(asked(true));
    box.took();
    box.click().pass(50).click().pass(50).click().pass(1_000);
    assert.deepEqual(seen(box), ['idle', true, 'cue muted', 'cue unmuted', 'cue status']);
  });

  it('say the code while the box is being activated, as any press does', () => {
    const box = ready().do({ type: 'setup.activating', code: '123456' });
    box.took();
    box.click().pass(50).click().pass(50).click();
    assert.deepEqual([box.state.muted, ...box.took()], [false, 'cue code']);
  });
});

describe('a button that is held for ten minutes', () => {
  it('sends what was said in the first, says once that something is wrong, and does nothing more', () => {
    const box = ready().do({ type: 'button.pressed' }).pass(59_000);
    assert.equal(box.state.turn.phase, 'listening');
    box.took();
    box.pass(2_000).flush();
    assert.deepEqual(seen(box), ['thinking', false, 'cue error', 'listen stop']);
    box.pass(540_000);
    assert.deepEqual([box.state.gesture.phase, box.took()], ['stuck', ['abort', 'cue no-answer']]);
    box.do({ type: 'button.released' }).click();
    assert.equal(box.state.turn.phase, 'listening', 'and it is as good as ever');
  });
});
