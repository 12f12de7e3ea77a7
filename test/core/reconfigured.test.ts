// What somebody has decided anew while the box runs: the owner by a reload, a server by its answer.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noLessons } from '../../src/core/lessons.ts';
import { Box, policy } from '../helpers/box.ts';

const NORMAL = {
  class: 'normal',
  kind: 'normal close',
  reason: 'closed',
  detectedBy: 'close frame',
  quick: false,
} as const;

/** Has been connected for a minute, and nobody has talked. */
function proven(): Box {
  return new Box({ link: { renew: false } }).connect().pass(60_000).hear({ type: 'pong' });
}

/** Has seen its server close after a minute of silence. */
function experienced(): Box {
  const box = proven().lose(NORMAL);
  assert.notEqual(box.state.lessons.idleLimit, null);
  return box;
}

describe('another server', () => {
  it('begins with no lessons, by an answer or by the owner, and only the lessons are new', () => {
    const lessons = noLessons(60_000);
    for (const event of [
      { type: 'server.moved' } as const,
      { type: 'policy.changed', policy: policy(), lessons } as const,
    ]) {
      const box = experienced();
      const { link } = box.state;
      box.do(event);
      assert.deepEqual(box.state.lessons, lessons);
      assert.equal(box.state.link, link);
    }
  });

  it('ends no good connection to the one before', () => {
    const box = new Box().connect();
    const { sockets } = box.holds;
    assert.deepEqual(box.do({ type: 'server.moved' }).holds.sockets, sockets);
    assert.deepEqual(box.do({ type: 'policy.changed', policy: policy() }).holds.sockets, sockets);
  });
});

describe('a new policy', () => {
  it('of the same server leaves what was learned of it', () => {
    const box = experienced();
    const { lessons } = box.state;
    assert.equal(box.do({ type: 'policy.changed', policy: policy() }).state.lessons, lessons);
  });

  it('holds from that event on: what a hold is, how long a lost connection is waited for', () => {
    const box = new Box().connect();
    box.do({ type: 'policy.changed', policy: policy({ gesture: { mode: 'hold' } }) });
    box.do({ type: 'button.pressed' });
    assert.ok(box.took().includes('listen start manual'), 'at press-down');
    const later = proven();
    later.do({ type: 'policy.changed', policy: policy({ link: { firstRetryMs: 200_000 } }) }).lose();
    assert.ok(later.state.link.phase === 'waiting' && later.state.link.delayMs === 100_000);
  });

  it('gives a box without a server one, which it goes to when it is asked to', () => {
    const box = new Box({ configured: false }).do({ type: 'agent.started' });
    box.do({ type: 'policy.changed', policy: policy() });
    assert.deepEqual([box.state.link.phase, box.holds.sockets], ['resting', []]);
    assert.deepEqual(box.do({ type: 'reconnect.asked' }).holds.sockets, [1]);
  });

  it('without a server leaves one that is unconfigured as it is', () => {
    const box = new Box({ configured: false }).do({ type: 'agent.started' });
    box.do({ type: 'policy.changed', policy: policy({ configured: false }) });
    assert.equal(box.state.link.phase, 'unconfigured');
  });
});
