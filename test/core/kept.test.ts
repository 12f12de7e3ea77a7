// Nothing that was said is lost: when an utterance is sent again, when it no longer is, and what the person hears of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServerMessage } from '../../src/protocol/messages.ts';
import { Box, type PolicyChanges, RESET } from '../helpers/box.ts';

const ready = (changes: PolicyChanges = {}) => new Box(changes).connect();
const STT: ServerMessage = { type: 'stt', text: 'what time is it' };
const TTS = (state: 'start' | 'stop'): ServerMessage => ({ type: 'tts', state });
const moved = (box: Box) => box.do({ type: 'uplink.moved', turn: box.state.turn.turn, take: takeOf(box) });
const takeOf = (box: Box) => ('take' in box.state.turn ? box.state.turn.take : 0);
const hushed = (box: Box, sentAt: number) =>
  box.do({ type: 'uplink.hushed', turn: box.state.turn.turn, take: takeOf(box), sentAt });

describe('an utterance that the server may not have heard, for it had hardly said hello', () => {
  it('is sent once more after 6 s without an answer, and only once', () => {
    const box = ready().reach('thinking');
    // A second of it has passed on the way here.
    assert.deepEqual(box.pass(4_999).took(), []);
    assert.deepEqual(box.pass(1).took(), ['listen start auto']);
    assert.equal(box.state.turn.phase, 'finishing');
    assert.equal(box.holds.utterance?.take, 2);
    assert.deepEqual(box.flush().took(), ['listen stop']);
    assert.deepEqual(box.pass(15_000).took(), ['abort', 'cue no-answer']);
  });

  it('is not when it was answered, or when the connection is older', () => {
    assert.deepEqual(ready().reach('thinking').hear(STT).pass(10_000).took(), []);
    assert.deepEqual(ready().pass(6_000).reach('thinking').pass(13_999).took(), []);
  });

  it('counts from the arrival of its last packet', () => {
    const box = moved(ready().reach('thinking').pass(3_000));
    assert.deepEqual(box.pass(5_999).took(), []);
    assert.deepEqual(box.pass(1).took(), ['listen start auto']);
    const late = moved(moved(ready().reach('thinking').pass(3_000)).pass(3_000));
    assert.deepEqual(late.pass(10_000).took(), [], 'what arrived later than that was heard');
  });

  it('is sent again also while the server is to find out where it ends', () => {
    const box = ready().reach('listening').pass(8_000);
    assert.deepEqual(hushed(box, 5_000).took(), ['listen start auto']);
    assert.equal(box.state.turn.phase, 'listening');
    assert.equal(box.holds.utterance?.take, 2);
    assert.deepEqual(hushed(box, 9_000).took(), []);
    assert.deepEqual(hushed(ready().reach('listening'), 6_001).took(), []);
  });

  it('but never in push-to-talk, which has an end of its own, nor by a report of an earlier take', () => {
    const held = ready().do({ type: 'button.pressed' }).pass(1_000);
    held.took();
    assert.deepEqual(hushed(held, 100).took(), []);
    const box = ready().reach('listening');
    box.do({ type: 'uplink.hushed', turn: 1, take: 0, sentAt: 100 });
    assert.deepEqual(box.took(), []);
  });
});

describe('an utterance on its way over a slow network', () => {
  it('is waited for as long as it gets on', () => {
    const box = ready().pass(10_000).reach('finishing');
    for (let times = 0; times < 5; times += 1) moved(box.pass(10_000));
    assert.equal(box.state.turn.phase, 'finishing');
    assert.deepEqual(box.pass(15_000).took(), ['abort', 'cue lost']);
  });

  it('has its answer waited for from the moment it has arrived', () => {
    const box = moved(ready().pass(10_000).reach('thinking').pass(13_000));
    assert.deepEqual(box.pass(14_999).took(), []);
    assert.deepEqual(box.pass(1).took(), ['abort', 'cue no-answer']);
  });

  it('is not kept alive by reports of another take or turn', () => {
    const box = ready().pass(10_000).reach('finishing');
    box
      .pass(10_000)
      .do({ type: 'uplink.moved', turn: 1, take: 7 }, { type: 'uplink.moved', turn: 9, take: 1 });
    assert.deepEqual(box.pass(5_000).took(), ['abort', 'cue lost']);
  });
});

describe('a ping that is behind speech on a slow road', () => {
  const behind = () => {
    const box = ready().pass(10_000).reach('listening');
    box.rttMs = null;
    const before = box.pings.length;
    while (box.pings.length === before) box.pass(10);
    return box;
  };
  const lost = (box: Box) => box.state.link.phase !== 'ready';

  it('is waited for as long as that speech gets on', () => {
    const box = behind();
    for (let times = 0; times < 10; times += 1) box.pass(2_000).do({ type: 'socket.moved', attempt: 1 });
    assert.equal(lost(box), false);
    assert.equal(lost(box.pass(2_999)), false);
    assert.equal(lost(box.pass(1)), true, 'the server has its 3 s from the moment at which it got the ping');
  });

  it('is not kept waiting by reports of another connection', () => {
    const box = behind();
    for (let times = 0; times < 3; times += 1) box.pass(1_000).do({ type: 'socket.moved', attempt: 9 });
    assert.equal(lost(box), true);
  });
});

describe('a connection that is lost under an utterance', () => {
  it('is none of the person’s business within 2 s, and is told of once after that', () => {
    const box = ready().reach('listening').lose(RESET);
    assert.deepEqual(box.pass(1_999).took(), []);
    assert.deepEqual(box.pass(1).took(), ['cue offline']);
    assert.deepEqual(box.pass(10_000).took(), []);
    const soon = ready().reach('listening').lose().pass(1_500).connect();
    assert.deepEqual(soon.pass(5_000).took(), []);
  });

  it('is told of at the second loss too, after 2 s of its own', () => {
    const box = ready().reach('listening').lose().pass(1_500).connect().lose();
    assert.deepEqual(box.pass(1_500).took(), []);
    assert.deepEqual(box.pass(500).took(), ['cue offline']);
  });

  it('before there was any is told of too, unless the press itself was answered so', () => {
    const first = new Box().do({ type: 'agent.started' }).click();
    assert.deepEqual(first.took(), ['cue listen']);
    assert.deepEqual(first.pass(2_000).took(), ['cue offline']);
    const offline = new Box().do({ type: 'agent.started' }).lose().click();
    assert.deepEqual(offline.took(), ['cue offline']);
    assert.deepEqual(offline.pass(5_000).took(), []);
  });
});

describe('while speech waits', () => {
  const waiting = (loss = {}) => {
    const box = new Box().do({ type: 'agent.started' });
    for (let failures = 0; failures < 8; failures += 1) box.lose().pass(60_000);
    return box
      .click()
      .pass(500)
      .lose({ ...RESET, ...loss });
  };

  it('attempts follow each other within the second, however many have failed', () => {
    const { link } = waiting().state;
    assert.ok(link.phase === 'waiting' && link.delayMs === 1_000 && link.failures > 8, JSON.stringify(link));
    const box = waiting().pass(1_000);
    assert.equal(box.state.link.phase, 'dialing');
  });

  it('but not where a person has to mend something, or the server has said when', () => {
    for (const loss of [{ class: 'auth' }, { class: 'configuration' }, { retryAfterMs: 30_000 }]) {
      const { link } = waiting(loss).state;
      assert.ok(link.phase === 'waiting' && link.delayMs > 5_000, JSON.stringify(link));
    }
  });

  it('and no longer once it is given up', () => {
    const box = waiting();
    for (let times = 0; times < 30 && box.state.turn.phase !== 'idle'; times += 1) box.pass(1_000).lose();
    assert.equal(box.state.turn.phase, 'idle');
    const { link } = box.pass(60_000).lose().state;
    assert.ok(link.phase === 'waiting' && link.delayMs > 5_000, JSON.stringify(link));
  });
});

describe('an answer', () => {
  it('that was cancelled before it began never comes, though the server takes no notice', () => {
    const box = ready().pass(10_000).reach('thinking').click().pass(10_000);
    box.took();
    box.hear(STT, TTS('start')).do({ type: 'speech.arrived', attempt: 1 });
    assert.equal(box.holds.playback, null);
    assert.deepEqual(box.hear(TTS('stop')).took(), []);
    assert.equal(box.state.turn.phase, 'idle');
  });

  it('that is long is played to its end after the server has finished', () => {
    const box = ready().reach('draining');
    for (let times = 0; times < 60; times += 1) box.pass(1_000).do({ type: 'downlink.played', turn: 1 });
    assert.equal(box.state.turn.phase, 'draining');
    assert.equal(
      box.pass(15_000).state.turn.phase,
      'listening',
      'a speaker that stands still is not waited for',
    );
  });
});
