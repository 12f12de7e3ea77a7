// The connection's transitions, a row a sentence, and what must be running in each phase.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Loss } from '../../src/core/events.ts';
import { Box, HELLO, RESET } from '../helpers/box.ts';

const started = () => new Box().do({ type: 'agent.started' });
const NORMAL: Loss = {
  class: 'normal',
  kind: 'normal close',
  reason: 'closed with 1000',
  detectedBy: 'close frame',
  quick: false,
};
const REFUSED: Loss = {
  class: 'transient',
  kind: 'network error',
  reason: 'ECONNREFUSED',
  detectedBy: 'socket error',
  quick: true,
};

function delayOf(box: Box): number {
  assert.equal(box.state.link.phase, 'waiting');
  return box.state.link.phase === 'waiting' ? box.state.link.delayMs : Number.NaN;
}

describe('connecting', () => {
  it('begins at the start in mode always', () => {
    assert.deepEqual(started().holds.sockets, [1]);
  });

  it('waits for a press in mode on-demand', () => {
    const box = new Box({ link: { mode: 'on-demand' } }).do({ type: 'agent.started' });
    assert.deepEqual(box.holds.sockets, []);
    box.do({ type: 'button.pressed' });
    assert.deepEqual(box.holds.sockets, [1]);
  });

  it('says hello once the socket is open, and is ready only after the answer', () => {
    const box = started().do({ type: 'socket.opened', attempt: 1 });
    assert.deepEqual(box.took(), ['hello']);
    assert.equal(box.state.link.phase, 'greeting');
    box.do({ type: 'server.said', attempt: 1, message: HELLO });
    assert.equal(box.state.link.phase, 'ready');
  });

  it('takes a hello for another transport for a broken protocol', () => {
    const box = started().do({ type: 'socket.opened', attempt: 1 });
    box.hear({ type: 'hello', transport: 'udp', audio: AUDIO, sessionId: 'x' });
    const { link } = box.state;
    assert.equal(link.phase === 'waiting' && link.loss.class, 'protocol');
    assert.match(link.phase === 'waiting' ? link.loss.reason : '', /"udp"/);
  });

  it('gives up an attempt whose socket never reports, and one that gets no hello', () => {
    const silent = started().pass(11_000);
    assert.equal(silent.state.link.phase, 'waiting');
    const unanswered = started().do({ type: 'socket.opened', attempt: 1 }).pass(10_000);
    assert.equal(unanswered.state.link.phase, 'waiting');
    assert.match(
      unanswered.state.link.phase === 'waiting' ? unanswered.state.link.loss.reason : '',
      /no hello within 10 s/,
    );
  });

  it('takes a hello after 9.9 s, and none after 10.1 s', () => {
    const opened = () => started().do({ type: 'socket.opened', attempt: 1 });
    const hello = { type: 'server.said', attempt: 1, message: HELLO } as const;
    assert.equal(opened().pass(9_900).do(hello).state.link.phase, 'ready');
    const late = opened().pass(10_100).do(hello);
    assert.deepEqual([late.state.link.phase, late.holds.sockets], ['waiting', []]);
  });

  it('takes plain words before the hello for the reason of the close that follows', () => {
    const box = started().do(
      { type: 'socket.opened', attempt: 1 },
      { type: 'server.muttered', attempt: 1, text: '认证失败' },
    );
    box.lose(NORMAL);
    const { link } = box.state;
    assert.equal(link.phase === 'waiting' && link.loss.class, 'auth');
    assert.match(link.phase === 'waiting' ? link.loss.reason : '', /认证失败/);
    assert.ok(delayOf(box) >= 30_000, 'auth is retried slowly');
  });

  it('takes an error in the place of the hello for its end at once, and after the hello for mere words', () => {
    const refusal = { type: 'error', message: 'no agent is free' } as const;
    const box = started().do({ type: 'socket.opened', attempt: 1 }).hear({ type: 'goodbye' });
    assert.deepEqual(box.holds.sockets, [1], 'a goodbye to nobody');
    const { link } = box.hear(refusal).state;
    assert.match(link.phase === 'waiting' ? link.loss.reason : '', /begins no session: no agent is free/);
    assert.deepEqual(
      [link.phase === 'waiting' && link.loss.class, link.phase === 'waiting' && link.failures],
      ['transient', 1],
    );
    assert.deepEqual(box.holds.sockets, [], 'and nobody waits for that hello');
    const greeted = new Box().connect();
    const before = greeted.state.link;
    assert.equal(greeted.hear(refusal).state.link, before);
    const silent = started().do({ type: 'socket.opened', attempt: 1 }).hear({ type: 'error' });
    assert.match(JSON.stringify(silent.state.link), /does not say why/);
  });

  it('keeps a connection that works when the server begins no session beside it', () => {
    const box = new Box({ link: { assumedRenewMs: 50_000 } }).connect().pass(50_000);
    const { attempt } = box.state.link;
    box.do({ type: 'socket.reached', attempt, local: '192.168.1.7' }, { type: 'socket.opened', attempt });
    assert.deepEqual(box.holds.sockets, [1, 2]);
    box.do({ type: 'server.said', attempt, message: { type: 'error' } });
    assert.deepEqual([box.state.link.phase, box.holds.sockets], ['ready', [1]]);
  });
});

const AUDIO = { format: 'opus', sampleRateHz: 24_000, channels: 1, frameMs: 60 };

describe('a loss', () => {
  it('of a proven session is answered within the first retry time', () => {
    const box = new Box().connect().pass(10_000).lose();
    assert.ok(delayOf(box) <= 250);
  });

  it('of a session shorter than 10 s is a failure, whatever its close code', () => {
    const box = new Box().connect().pass(9_000).lose(NORMAL);
    assert.equal(box.state.link.phase === 'waiting' && box.state.link.failures, 1);
    assert.ok(delayOf(box) >= 500);
  });

  it('by an ordinary end is followed by a calm return in mode always, by rest in on-demand', () => {
    const always = new Box().connect().pass(60_000).lose(NORMAL);
    assert.ok(delayOf(always) >= 500 && delayOf(always) <= 2_000);
    const onDemand = new Box({ link: { mode: 'on-demand' } }).do({ type: 'press.asked' }).connect();
    onDemand.do({ type: 'stop.asked' }).pass(60_000).lose(NORMAL);
    assert.equal(onDemand.state.link.phase, 'resting');
  });

  it('in on-demand is answered at once when it comes in the middle of an utterance, and else not at all', () => {
    const talking = new Box({ link: { mode: 'on-demand' } })
      .do({ type: 'press.asked' })
      .connect()
      .pass(20_000)
      .lose();
    assert.equal(talking.state.link.phase, 'dialing');
    const idle = new Box({ link: { mode: 'on-demand' } }).do({ type: 'press.asked' }).connect();
    idle.do({ type: 'stop.asked' }).pass(60_000).lose();
    assert.equal(idle.state.link.phase, 'resting', 'whatever the close code');
  });

  it('again and again grows the delay with jitter up to the cap, attempt by attempt', () => {
    for (const dice of [0, 0.999]) {
      const box = started();
      box.dice = dice;
      const delays: number[] = [];
      for (let attempt = 1; attempt <= 9; attempt += 1) {
        box.lose();
        delays.push(Math.round(delayOf(box) * (dice === 0 ? 2 : 1)));
        box.pass(delayOf(box));
        assert.equal(box.state.link.attempt, attempt + 1, 'one attempt after each failure');
      }
      const full = [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000);
      for (const [at, delay] of delays.entries())
        assert.ok(Math.abs(delay - (full[at] ?? 0)) <= 60, `${delay}`);
    }
  });

  it('in on-demand is not answered any more once nobody waits', () => {
    const box = new Box({ link: { mode: 'on-demand' } }).do({ type: 'press.asked' }).lose();
    assert.equal(box.state.link.phase, 'waiting', 'speech waits');
    for (let time = 0; time < 10; time += 1) box.pass(5_000).lose();
    assert.equal(box.state.turn.phase, 'idle');
    assert.equal(box.state.link.phase, 'resting');
  });

  it('by refusals keeps to 12 s in the first two minutes of an outage', () => {
    const box = started();
    box.dice = 0.999;
    while (box.at < 100_000) {
      box.lose(REFUSED);
      assert.ok(delayOf(box) <= 12_000);
      box.pass(delayOf(box));
    }
    box.pass(30_000).lose(REFUSED);
    assert.ok(delayOf(box) > 12_000);
  });

  it('with a Retry-After is answered after that, clamped', () => {
    assert.ok(delayOf(started().lose({ ...RESET, class: 'restarting', retryAfterMs: 7_000 })) >= 7_000);
    assert.ok(delayOf(started().lose({ ...RESET, class: 'restarting', retryAfterMs: 9e9 })) <= 330_000);
  });

  it('stops at the limit of attempts, says so, and a press arms it again', () => {
    const box = new Box({ link: { maxAttempts: 3 } }).do({ type: 'agent.started' });
    for (let failure = 0; failure < 3; failure += 1) box.lose().pass(5_000);
    assert.equal(box.state.link.phase, 'stopped');
    assert.deepEqual(box.holds.timers, []);
    box.do({ type: 'button.pressed' });
    assert.equal(box.state.link.phase, 'dialing');
  });

  it('reported late by an attempt that is no longer current changes nothing', () => {
    const box = started().lose().pass(1_000);
    assert.equal(box.state.link.attempt, 2);
    const before = box.state;
    box.do({ type: 'socket.closed', attempt: 1, loss: RESET }, { type: 'socket.opened', attempt: 1 });
    box.do({ type: 'server.said', attempt: 1, message: HELLO });
    assert.equal(box.state.link, before.link);
  });
});

describe('renewal', () => {
  function renewing(): Box {
    const box = new Box({ link: { assumedRenewMs: 50_000 } });
    // No jitter in the time to renewal.
    box.dice = 0;
    return box.connect().pass(50_000);
  }

  it('dials a successor beside a quiet connection and moves to it at its hello', () => {
    const box = renewing();
    assert.deepEqual(box.holds.sockets, [1, 2]);
    box.do({ type: 'socket.opened', attempt: 2 });
    assert.deepEqual(box.took(), ['hello']);
    assert.deepEqual(box.holds.sockets, [1, 2]);
    box.do({ type: 'server.said', attempt: 2, message: HELLO });
    assert.deepEqual(box.holds.sockets, [2]);
    assert.equal(box.pass(49_999).holds.sockets.length, 1);
    assert.deepEqual(box.pass(1).holds.sockets, [2, 3]);
  });

  it('keeps the current connection when the successor fails, and tries again later', () => {
    const box = renewing().do({ type: 'socket.closed', attempt: 2, loss: REFUSED });
    assert.deepEqual(box.holds.sockets, [1]);
    assert.deepEqual(box.pass(50_000).holds.sockets, [1, 3]);
  });

  it('goes on with the successor when the current connection is lost meanwhile', () => {
    const box = renewing().do({ type: 'socket.closed', attempt: 1, loss: RESET });
    assert.deepEqual(box.holds.sockets, [2]);
    assert.equal(box.state.link.phase, 'dialing');
  });

  it('gives the successor up when a turn begins, and does not begin in a turn', () => {
    const box = renewing().click();
    assert.deepEqual(box.holds.sockets, [1]);
    box.pass(55_000);
    assert.deepEqual(box.holds.sockets, [1]);
  });
});

describe('shutting down', () => {
  it('holds nothing any more, from every phase', () => {
    const boxes = [
      new Box(),
      started(),
      started().do({ type: 'socket.opened', attempt: 1 }),
      started().lose(),
    ];
    boxes.push(new Box().connect().reach('speaking'), new Box().connect().reach('listening'));
    for (const box of boxes) {
      box.do({ type: 'shutdown.asked' });
      const { sockets, utterance, playback, timers } = box.holds;
      assert.deepEqual(
        { sockets, utterance, playback, timers },
        { sockets: [], utterance: null, playback: null, timers: [] },
      );
    }
  });
});
