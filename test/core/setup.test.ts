// The setup machine: from a box that knows nobody to one that belongs to somebody, and back to asking when in doubt.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event, Loss } from '../../src/core/events.ts';
import { Box, type PolicyChanges, RESET } from '../helpers/box.ts';

const CODE: Event = { type: 'setup.activating', code: '738133', challenge: 'c', message: 'xiaozhi.me' };
const DONE: Event = { type: 'setup.done', changed: true };
const POLLED = (result: 'bound' | 'pending' | 'unsupported' | 'failed'): Event => ({
  type: 'setup.polled',
  result,
});
const FAILED: Event = { type: 'setup.failed', why: 'no answer' };
const AUTH: Loss = { ...RESET, class: 'auth', reason: 'refused' };

const newBox = (changes: PolicyChanges = {}) =>
  new Box({ configured: false, setup: { asks: true }, ...changes }).do({ type: 'agent.started' });
const knownBox = () => newBox({ configured: true });
const what = (box: Box) => box.holds.call?.what ?? null;

describe('a box that knows no server', () => {
  it('asks at its start, and connects when it is told', () => {
    const box = newBox();
    assert.equal(what(box), 'configuration');
    assert.deepEqual(box.holds.sockets, []);
    assert.equal(box.holds.light, 'connecting');
    box.do(DONE);
    assert.equal(what(box), null);
    assert.deepEqual(box.holds.sockets, [1]);
  });

  it('asks again after 10 s, doubled to 60 s, for ever', () => {
    const box = newBox();
    box.dice = 0;
    const waits: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      box.do(FAILED);
      assert.equal(what(box), null);
      const since = box.at;
      while (what(box) === null) box.pass(1_000);
      waits.push(box.at - since);
    }
    assert.deepEqual(waits, [10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    assert.equal(box.holds.light, 'offline');
  });

  it('asks at once when somebody presses, and keeps what they say until it is connected', () => {
    const box = newBox().do(FAILED);
    box.do({ type: 'button.pressed' });
    assert.equal(what(box), 'configuration');
    box.pass(100).do({ type: 'button.released' });
    assert.equal(box.state.turn.phase, 'recording');
    box.do(DONE).connect();
    assert.equal(box.state.turn.phase, 'listening');
  });

  it('and nobody to ask is as unconfigured as before', () => {
    const box = new Box({ configured: false }).do({ type: 'agent.started' });
    assert.equal(what(box), null);
    assert.equal(box.holds.light, 'error');
  });
});

describe('a box that belongs to nobody', () => {
  it('says its code, polls every 3 s, and asks for all of it again after ten looks', () => {
    const box = newBox().do(CODE);
    assert.equal(box.holds.code, '738133');
    assert.equal(box.holds.status, 'activating');
    for (let look = 0; look < 10; look += 1) {
      assert.equal(what(box), null);
      box.pass(3_000);
      assert.deepEqual({ ...box.holds.call, call: 0 }, { call: 0, what: 'activation', challenge: 'c' });
      box.do(POLLED('pending'));
    }
    box.pass(3_000);
    assert.equal(what(box), 'configuration');
    box.do({ ...CODE, code: '111111' });
    assert.equal(box.holds.code, '111111');
  });

  it('is bound only when the whole call says so', () => {
    const box = newBox().do(CODE).pass(3_000).do(POLLED('bound'));
    assert.equal(what(box), 'configuration');
    assert.equal(box.holds.code, '738133');
    box.do(DONE);
    assert.equal(box.holds.code, null);
    assert.deepEqual(box.holds.sockets, [1]);
  });

  it('waits 10 s after trouble', () => {
    const box = newBox().do(CODE).pass(3_000).do(POLLED('failed')).pass(9_999);
    assert.equal(what(box), null);
    assert.equal(what(box.pass(1)), 'activation');
  });

  it('goes on with the whole call every 10 s where nothing else is supported', () => {
    const box = newBox().do(CODE).pass(3_000).do(POLLED('unsupported'));
    for (let round = 0; round < 20; round += 1) {
      box.pass(10_000);
      assert.equal(what(box), 'configuration');
      box.do(CODE);
    }
    assert.equal(what(box.pass(10_000).do(FAILED)), null);
    assert.equal(what(box.pass(12_500)), 'configuration');
  });

  it('says the code at a press and listens to nobody', () => {
    const box = newBox().do(CODE).pass(1_000);
    box.took();
    box.click();
    assert.ok(box.took().includes('cue code'));
    assert.equal(box.state.turn.phase, 'idle');
  });

  it('gives up a connection it had, and has it again afterwards', () => {
    const box = knownBox().connect().do(CODE);
    assert.deepEqual(box.holds.sockets, []);
    box.do(DONE);
    assert.equal(box.state.link.phase, 'dialing');
  });

  it('asks nothing more when it shuts down', () => {
    const box = newBox().do(CODE).do({ type: 'shutdown.asked' });
    assert.equal(box.holds.code, null);
    assert.equal(what(box), null);
    assert.deepEqual(box.holds.timers, []);
  });
});

describe('a box that knew its server', () => {
  it('connects by what it knew while it asks', () => {
    const box = knownBox();
    assert.equal(what(box), 'configuration');
    assert.deepEqual(box.holds.sockets, [1]);
    assert.equal(box.do(FAILED).connect().state.link.phase, 'ready');
  });

  it('asks again when it is refused, and tries once more at once with what is new', () => {
    const box = knownBox().do({ type: 'setup.done' }).lose(AUTH);
    assert.equal(what(box), 'configuration');
    const { attempt } = box.state.link;
    box.do(DONE);
    assert.equal(box.state.link.phase, 'dialing');
    assert.equal(box.state.link.attempt, attempt + 1);
  });

  it('does not hammer a server that refuses what is new as well', () => {
    const box = knownBox().do({ type: 'setup.done' }).lose(AUTH).do(DONE).lose(AUTH);
    assert.equal(what(box), 'configuration');
    assert.equal(box.do(DONE).state.link.phase, 'waiting');
  });

  it('asks again when it was greeted by nobody three times', () => {
    const box = knownBox().do({ type: 'setup.done' });
    for (let missed = 1; missed <= 3; missed += 1) {
      const { attempt } = box.state.link;
      box.do({ type: 'socket.reached', attempt, local: '10.0.0.2' }, { type: 'socket.opened', attempt });
      box.pass(10_000);
      assert.equal(what(box), missed === 3 ? 'configuration' : null);
      const { link } = box.state;
      if (link.phase === 'waiting') box.pass(link.delayMs);
    }
  });

  it('hears to its end what a server says that does not greet it, and asks then', () => {
    const box = knownBox().do({ type: 'setup.done' });
    const { attempt } = box.state.link;
    box.do({ type: 'socket.reached', attempt, local: '10.0.0.2' }, { type: 'socket.opened', attempt });
    box.hear({ type: 'stt', text: 'log in to the console' }, { type: 'tts', state: 'start' });
    assert.notEqual(box.holds.playback, null);
    box.sound('started').hear({ type: 'tts', state: 'stop' });
    assert.equal(what(box), null);
    box.sound('drained');
    assert.equal(what(box), 'configuration');
  });

  it('asks all the same when that voice never comes to an end', () => {
    const box = knownBox().do({ type: 'setup.done' });
    const { attempt } = box.state.link;
    box.do({ type: 'socket.reached', attempt, local: '10.0.0.2' }, { type: 'socket.opened', attempt });
    box.hear({ type: 'stt', text: 'log in' });
    assert.equal(what(box.pass(60_000)), 'configuration');
  });
});
