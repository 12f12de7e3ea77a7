// The mechanism by a clock moved by hand: heartbeat and probe, the switch, deliberate ends, rest, renewal and what is
// learned, each as a person would put it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event, Loss } from '../../src/core/events.ts';
import { Box, HELLO, type PolicyChanges, RESET } from '../helpers/box.ts';

const NORMAL: Loss = {
  class: 'normal',
  kind: 'normal close',
  reason: 'closed with 1000',
  detectedBy: 'close frame',
  quick: false,
};
const ABNORMAL: Loss = {
  class: 'transient',
  kind: 'abnormal close',
  reason: 'connection broke off (1006)',
  detectedBy: 'socket',
  quick: false,
};
const MIN = 60_000;

const started = (changes: PolicyChanges = {}) => new Box(changes).do({ type: 'agent.started' });
function ready(changes: PolicyChanges = {}): Box {
  const box = new Box(changes);
  // No jitter in the time to renewal.
  box.dice = 0;
  box.connect();
  box.dice = 0.5;
  return box;
}

/** A connection whose server does not answer any more. */
function deaf(changes: PolicyChanges = {}): Box {
  const box = ready(changes);
  box.rttMs = null;
  return box;
}

function lossOf(box: Box): Loss {
  const { link } = box.state;
  if (!('loss' in link) || link.loss === null) throw new Error(`no loss in ${link.phase}`);
  return link.loss;
}

/** Time until something is no longer so, in steps of 100 ms. */
function lasts(box: Box, what: (box: Box) => boolean, atMostMs = 100_000): number {
  const from = box.at;
  while (what(box) && box.at - from < atMostMs) box.pass(100);
  return box.at - from;
}

/** Waits out the delay, no longer: an attempt of its own has a deadline too. */
function retry(box: Box): Box {
  const { link } = box.state;
  return box.pass(link.phase === 'waiting' ? link.delayMs : 0);
}

const phaseOf = (box: Box): string => box.state.link.phase;
const whyOf = (box: Box): string => ('why' in box.state.link ? box.state.link.why : '');
const isReady = ({ state }: Box) => state.link.phase === 'ready';
const greet = (box: Box, attempt: number): Box =>
  box.do({ type: 'socket.opened', attempt }, { type: 'server.said', attempt, message: HELLO });

describe('the heartbeat', () => {
  it('S01 pings after 20 s and waits 20 s when so configured', () => {
    const box = deaf({ link: { pingIntervalMs: 20_000, pingTimeoutMs: 20_000 } });
    assert.equal(lasts(box, isReady), 40_000);
    assert.deepEqual(box.pings, [20_000]);
    assert.deepEqual([lossOf(box).class, lossOf(box).detectedBy], ['network', 'heartbeat']);
  });

  it('D11 finds a silent death within 20 s of the last sign of life', () => {
    assert.equal(lasts(deaf(), isReady), 20_000);
  });

  it('D11 finds it within 20 s after hours of steadiness too, when pings are rare', () => {
    const box = ready().pass(8 * 60 * MIN);
    box.rttMs = null;
    box.do({ type: 'socket.heard', attempt: 1, rttMs: null });
    assert.equal(lasts(box, isReady), 20_000);
  });

  it('D11 finds it within 8 s in a turn', () => {
    const box = ready().pass(14_000).click();
    box.rttMs = null;
    box.do({ type: 'socket.heard', attempt: 1, rttMs: null });
    assert.ok(lasts(box, isReady) <= 8_000);
  });

  it('takes any frame for life and asks only after silence', () => {
    const box = deaf();
    for (let second = 0; second < 60; second += 1)
      box.pass(1_000).do({ type: 'socket.heard', attempt: 1, rttMs: null });
    assert.deepEqual(box.pings, []);
    box.pass(15_000);
    assert.equal(box.pings.length, 1);
    box.do({ type: 'socket.heard', attempt: 1, rttMs: null }).pass(6_000);
    assert.ok(isReady(box), 'an answer is whatever comes');
  });

  it('does not lose a healthy connection whose round trip takes 2 s', () => {
    const box = ready();
    box.rttMs = 2_000;
    box.pass(60_000);
    box.rttMs = null;
    box.pass(15_000 - ((box.at - (box.pings.at(-1) ?? 0)) % 15_000));
    const asked = box.at;
    assert.equal(box.pings.at(-1), asked);
    box.pass(7_900).do({ type: 'socket.heard', attempt: 1, rttMs: 7_900 });
    assert.ok(isReady(box), 'four round trips are allowed');
  });

  it('waits 10 s for the answer of the slowest network, and no longer', () => {
    const box = ready();
    box.rttMs = 4_000;
    box.pass(15_000);
    box.rttMs = null;
    const before = box.pings.length;
    while (box.pings.length === before) box.pass(100);
    assert.equal(lasts(box, isReady), 10_000);
  });

  it('takes the configured figures in a turn too, where they are shorter than those of a turn', () => {
    const box = ready({ link: { pingIntervalMs: 2_000, pingTimeoutMs: 1_000 } }).reach('listening');
    box.rttMs = null;
    box.do({ type: 'socket.heard', attempt: 1, rttMs: null });
    assert.equal(lasts(box, isReady), 3_000);
  });

  it('smooths the round trip like TCP', () => {
    const box = ready();
    box.rttMs = 100;
    box.pass(15_000);
    assert.equal(box.state.link.phase === 'ready' && box.state.link.pulse.rttMs, 100);
    box.rttMs = 180;
    box.pass(15_000);
    assert.equal(box.state.link.phase === 'ready' && box.state.link.pulse.rttMs, 110);
    box.do({ type: 'socket.heard', attempt: 1, rttMs: null });
    assert.equal(box.state.link.phase === 'ready' && box.state.link.pulse.rttMs, 110, 'by no other sign');
  });

  it('asks again when it was this process that stood still', () => {
    const box = deaf().pass(15_000);
    box.at += 60_000;
    const name = box.holds.timers.find((timer) => timer.name.includes('heartbeat ping'))?.name ?? '';
    box.do({ type: 'timer.fired', timer: name });
    assert.ok(isReady(box));
    assert.equal(box.pings.length, 2);
    assert.equal(lasts(box, isReady), 5_000);
  });

  it('takes a timer that is late by more than 2 s, and no less, for that', () => {
    const lateBy = (ms: number) => {
      const box = deaf().pass(15_000);
      const [timer] = box.holds.timers.filter(({ name }) => name.includes('heartbeat ping'));
      box.at += (timer?.afterMs ?? Number.NaN) + ms;
      return box.do({ type: 'timer.fired', timer: timer?.name ?? '' });
    };
    assert.equal(isReady(lateBy(2_001)), true);
    assert.equal(isReady(lateBy(2_000)), false);
  });

  it('S24 grows rarer after hours of steadiness, up to 20 s, and more frequent after silent deaths, down to 10 s', () => {
    const box = ready({ link: { firstRetryMs: 0 } }).pass(8 * 60 * MIN);
    assert.equal(box.state.lessons.heartbeatMs, 20_000);
    for (let death = 0; death < 10; death += 1) {
      box.rttMs = null;
      lasts(box, isReady);
      box.rttMs = 20;
      box.reconnect().pass(11_000);
    }
    assert.equal(box.state.lessons.heartbeatMs, 10_000);
    const before = box.pings.length;
    box.pass(60_000);
    assert.equal(box.pings.length - before, 6);
  });
});

describe('the monitor', () => {
  it('S02 looks at the socket itself every 5 s', () => {
    const box = ready();
    const checks: Event[] = [];
    for (let second = 0; second < 60; second += 1) {
      const due = box.holds.timers.find((timer) => timer.name.startsWith('link monitor'));
      if (due?.from !== undefined && due.from + due.afterMs === box.at + 1_000)
        checks.push({ type: 'timer.fired', timer: due.name });
      box.pass(1_000);
    }
    assert.equal(checks.length, 12);
  });
});

describe('a press on a silent connection', () => {
  const suspect = () => deaf().pass(6_000).do({ type: 'press.asked' });

  it('sends what it has to send first, then a ping', () => {
    const box = suspect();
    assert.deepEqual(box.took(), ['cue listen', 'listen start auto']);
    assert.deepEqual(box.pings, [6_000]);
  });

  it('needs none within 5 s of a sign of life', () => {
    const box = deaf().pass(5_000).do({ type: 'press.asked' });
    assert.deepEqual(box.pings, []);
  });

  it('dials beside it after 1.5 s, and the whole utterance goes to whichever answers first', () => {
    const box = suspect();
    box.took();
    assert.deepEqual(box.pass(1_499).holds.sockets, [1]);
    assert.deepEqual(box.pass(1).holds.sockets, [1, 2]);
    assert.equal(box.holds.utterance?.sendTo, 1, 'until the other has answered');
    greet(box, 2);
    assert.deepEqual([box.holds.sockets, box.holds.parting], [[2], 'abrupt']);
    assert.deepEqual(box.took(), ['hello', 'listen start auto']);
    assert.deepEqual(
      [box.holds.utterance?.sendTo, box.holds.utterance?.take],
      [2, 2],
      'from its first packet on',
    );
  });

  it('drops the other when the old one answers after all', () => {
    const box = suspect().pass(1_500).do({ type: 'socket.heard', attempt: 1, rttMs: 1_600 });
    assert.deepEqual(box.holds.sockets, [1]);
    greet(box, 2);
    assert.deepEqual([box.holds.sockets, box.holds.utterance?.sendTo], [[1], 1]);
  });

  it('allows four known round trips, at most 5 s', () => {
    for (const [rttMs, deadlineMs] of [
      [20, 1_500],
      [1_000, 4_000],
      [2_000, 5_000],
    ] as const) {
      const box = ready();
      box.rttMs = rttMs;
      box.pass(15_000);
      box.rttMs = null;
      box.pass(6_000).do({ type: 'press.asked' });
      assert.deepEqual(box.pass(deadlineMs - 1).holds.sockets, [1], `${rttMs}`);
      assert.deepEqual(box.pass(1).holds.sockets, [1, 2], `${rttMs}`);
    }
  });

  it('goes on with the new attempt when the old one is given up meanwhile', () => {
    const box = suspect().pass(1_500 + 3_100);
    assert.equal(box.state.link.phase, 'dialing');
    assert.deepEqual(box.holds.sockets, [2]);
    assert.equal(box.state.turn.phase, 'recording', 'what is said is kept');
  });

  it('keeps every phase of a turn from being told twice', () => {
    for (const phase of ['expecting', 'speaking'] as const) {
      const box = ready().reach(phase);
      box.rttMs = null;
      box.pass(6_000).do({ type: 'stop.asked' });
      const { attempt } = box.state.link;
      assert.ok(box.state.turn.phase === 'aborting' || box.state.turn.phase === 'idle', `${attempt}`);
    }
  });
});

describe('the switch', () => {
  it('S03 is off until called for a class, and can be turned at any time', () => {
    const box = new Box({ limits: { enabled: false } }).do({ type: 'connect.asked' }).lose();
    assert.equal(phaseOf(box), 'stopped');
    assert.match(whyOf(box), /switched off/);
    box.do({ type: 'reconnect.switched', enabled: true, maxAttempts: 3 });
    assert.equal(phaseOf(box), 'stopped', 'it sets the switch and nothing else');
    box.do({ type: 'connect.asked' }).lose();
    assert.equal(phaseOf(box), 'waiting');
    box.do({ type: 'reconnect.switched', enabled: false, maxAttempts: 0 });
    assert.equal(phaseOf(box), 'stopped', 'a wait ends when it is turned off');
  });

  it('S05 counts against the lower limit, whenever it is lowered', () => {
    const box = started({ limits: { maxAttempts: 5 }, link: { maxAttempts: 10 } });
    for (let failure = 1; failure <= 3; failure += 1) retry(box.lose());
    box.lose();
    assert.equal(phaseOf(box), 'waiting');
    box.do({ type: 'reconnect.switched', enabled: true, maxAttempts: 4 });
    assert.equal(phaseOf(box), 'stopped');
    assert.match(whyOf(box), /limit of 4 /);
  });
});

describe('a deliberate end', () => {
  it('S07 is followed by nothing, from every phase', () => {
    const boxes = [started(), started().lose(), ready(), ready().reach('speaking'), new Box()];
    boxes.push(started().do({ type: 'socket.opened', attempt: 1 }));
    for (const box of boxes) {
      const { phase } = box.state.link;
      box.do({ type: 'disconnect.asked', why: 'asked' });
      assert.equal(box.state.link.phase, 'closed', phase);
      box.pass(10 * MIN).lose();
      assert.deepEqual(
        [box.state.link.phase, box.holds.sockets, box.holds.timers],
        ['closed', [], []],
        phase,
      );
    }
  });

  it('D08 is not undone by an attempt that was waiting, nor by one that reports late', () => {
    const box = started().lose().do({ type: 'disconnect.asked', why: 'asked' });
    box.do(
      { type: 'timer.fired', timer: 'link retry after attempt 1' },
      { type: 'socket.opened', attempt: 1 },
    );
    assert.equal(box.state.link.phase, 'closed');
    assert.deepEqual(box.took(), []);
  });

  it('is not undone by a press; by being asked to connect or to reconnect it is', () => {
    const closed = () => ready().do({ type: 'disconnect.asked', why: 'asked' });
    assert.equal(closed().do({ type: 'press.asked' }).state.link.phase, 'closed');
    assert.equal(closed().do({ type: 'connect.asked' }).state.link.phase, 'dialing');
    assert.equal(closed().do({ type: 'reconnect.asked' }).state.link.phase, 'dialing');
  });

  it('is polite, a loss abrupt', () => {
    assert.equal(ready().do({ type: 'disconnect.asked', why: 'asked' }).holds.parting, 'polite');
    assert.equal(ready().lose().holds.parting, 'abrupt');
    assert.equal(ready().pass(11_000).lose().pass(300).holds.parting, 'abrupt');
  });

  it('means nothing to a box without a server', () => {
    const box = new Box({ configured: false }).do({ type: 'disconnect.asked', why: 'asked' });
    assert.equal(box.state.link.phase, 'unconfigured');
    assert.deepEqual(box.do({ type: 'reconnect.asked' }, { type: 'connect.asked' }).holds.sockets, []);
  });
});

describe('trying now', () => {
  it('S23 drops an attempt that has no TCP connection after a second, not one that has', () => {
    const calling = started().pass(1_000).do({ type: 'reconnect.asked' });
    assert.deepEqual(calling.holds.sockets, [2]);
    const young = started().pass(999).do({ type: 'button.pressed' });
    assert.deepEqual(young.holds.sockets, [1]);
    const reached = started()
      .do({ type: 'socket.reached', attempt: 1, local: '192.0.2.7' })
      .pass(5_000)
      .do({ type: 'button.pressed' });
    assert.deepEqual(reached.holds.sockets, [1]);
    assert.deepEqual(started().pass(999).do({ type: 'reconnect.asked' }).holds.sockets, [1]);
    assert.deepEqual(reached.do({ type: 'reconnect.asked' }).holds.sockets, [1]);
    assert.deepEqual(started().pass(1_000).do({ type: 'button.pressed' }).holds.sockets, [2]);
  });

  it('forgets the limit and the failures by command, and keeps the failures at a press', () => {
    const failing = () => {
      const box = started();
      for (let failure = 0; failure < 4; failure += 1) retry(box.lose());
      return box.lose();
    };
    const byCommand = failing().do({ type: 'reconnect.asked' });
    assert.equal(byCommand.state.link.phase === 'dialing' && byCommand.state.link.failures, 0);
    const byPress = failing().do({ type: 'press.asked' });
    assert.equal(byPress.state.link.phase === 'dialing' && byPress.state.link.failures, 5);
    const stopped = started({ link: { maxAttempts: 1 } })
      .lose()
      .do({ type: 'reconnect.asked' });
    assert.equal(stopped.state.link.phase, 'dialing');
    const since = 'outageSince' in byPress.state.link ? byPress.state.link.outageSince : -1;
    assert.equal(
      'outageSince' in byCommand.state.link && byCommand.state.link.outageSince,
      since,
      'but not since when there has been no connection',
    );
  });

  it('makes a working connection anew beside itself, unless somebody talks', () => {
    const asked = ready().do({ type: 'reconnect.asked' });
    assert.deepEqual(asked.holds.sockets, [1, 2]);
    assert.deepEqual(asked.pass(500).do({ type: 'reconnect.asked' }).holds.sockets, [1, 2], 'one is enough');
    const talking = ready().reach('listening').do({ type: 'reconnect.asked' });
    assert.deepEqual([talking.holds.sockets, talking.state.link.attempt], [[1], 1]);
    const greeting = started().do({ type: 'socket.opened', attempt: 1 }, { type: 'reconnect.asked' });
    assert.deepEqual(greeting.holds.sockets, [1]);
  });

  it('comes at once when the clock is set, for a connection that waits for it and no other', () => {
    const notYet: Loss = { ...RESET, class: 'clock', kind: 'network error', reason: 'not yet valid' };
    const box = started().lose(notYet);
    assert.equal(box.holds.clockSync, true);
    assert.equal(box.state.link.phase === 'waiting' && box.state.link.delayMs, 5_000);
    assert.equal(box.do({ type: 'clock.synchronized' }).state.link.phase, 'dialing');
    assert.equal(box.holds.clockSync, false);
    assert.equal(started().lose().do({ type: 'clock.synchronized' }).state.link.phase, 'waiting');
  });
});

describe('a start after a run that broke off', () => {
  it('S21 goes on with the delays where they were, and a press overrides them', () => {
    const box = new Box().do({ type: 'agent.started', failures: 5 });
    assert.equal(box.state.link.phase === 'waiting' && box.state.link.delayMs, 12_000);
    assert.match(lossOf(box).reason, /5 failures/);
    box.do({ type: 'press.asked' });
    assert.equal(box.state.link.phase, 'dialing');
  });

  it('S21 and S22 knows what had failed: a refused token is not tried again at once', () => {
    const loss: Loss = { ...NORMAL, class: 'auth', reason: 'refused' };
    const box = new Box().do({ type: 'agent.started', failures: 1, loss });
    assert.ok(box.state.link.phase === 'waiting' && box.state.link.delayMs >= 30_000);
    assert.equal(box.state.link.delayMs, 45_000, 'as after a first refusal: it is counted once');
    assert.match(lossOf(box).reason, /1 failure before the restart, the last: refused/);
  });

  it('tries at least once, though the limit had been reached before', () => {
    const boot = (maxAttempts: number) =>
      new Box({ link: { maxAttempts } }).do({ type: 'agent.started', failures: 9 });
    assert.equal(boot(3).state.link.phase, 'waiting');
    assert.equal(retry(boot(3)).lose().state.link.phase, 'stopped');
    assert.equal(boot(1).state.link.phase, 'dialing');
  });
});

describe('an accepting and dropping server', () => {
  it('D02 is met with growing delays: only a hello and 10 s count', () => {
    const box = started();
    box.dice = 0.999;
    const delays: number[] = [];
    for (let session = 0; session < 8; session += 1) {
      box.connect().pass(9_000).lose();
      const { link } = box.state;
      delays.push(Math.round((link.phase === 'waiting' ? link.delayMs : Number.NaN) / 1_000));
      retry(box);
    }
    assert.deepEqual(delays, [1, 2, 4, 8, 16, 32, 60, 60]);
    box.connect().pass(10_000).lose();
    assert.ok(box.state.link.phase === 'waiting' && box.state.link.delayMs <= 250);
  });

  it('does not begin a new outage with each hello', () => {
    const reset: Loss = { ...RESET, quick: true };
    const box = started();
    box.dice = 0.999;
    while (box.at < 200_000) box.connect().pass(1_000).lose(reset).reconnect();
    box.pass(1_000).lose(reset);
    assert.ok(box.state.link.phase === 'waiting' && box.state.link.delayMs > 12_000);
  });
});

describe('what ends teach', () => {
  const learned = (box: Box) => box.state.lessons.idleLimit?.ms ?? null;

  it('one ordinary close tells how long the server bears silence, and it is renewed before', () => {
    const box = ready().pass(60_000).lose(NORMAL);
    box.dice = 0;
    box.reconnect();
    assert.equal(learned(box), 60_000);
    assert.deepEqual(box.pass(47_900).holds.sockets, [2]);
    assert.deepEqual(box.pass(200).holds.sockets, [2, 3]);
  });

  it('S31 a 1006 after a minute teaches the same when it comes twice', () => {
    const box = ready().pass(60_000).lose(ABNORMAL).reconnect();
    assert.equal(learned(box), null);
    box.pass(61_000).lose(ABNORMAL).reconnect();
    assert.equal(learned(box), 60_000);
    const byReset = ready().pass(60_000).lose(ABNORMAL).reconnect().pass(60_000).lose();
    assert.equal(learned(byReset), 60_000);
    const unlike = ready().pass(60_000).lose(ABNORMAL).reconnect().pass(90_000).lose(ABNORMAL);
    assert.equal(learned(unlike), null);
  });

  it('quiet time counts from the last turn, not from the hello', () => {
    const box = ready().pass(100_000).reach('listening').do({ type: 'stop.asked' });
    box.hear({ type: 'tts', state: 'stop' }).pass(50_000).lose(NORMAL);
    assert.equal(learned(box), 50_000);
  });

  it('closes after less than 20 s, or in a turn, or by the network teach nothing', () => {
    assert.equal(learned(ready().pass(19_000).lose(NORMAL)), null);
    assert.equal(learned(ready().pass(60_000).reach('listening').lose(NORMAL)), null);
    const silent: Loss = { ...RESET, class: 'network', kind: 'network error' };
    assert.equal(learned(ready().pass(60_000).lose(silent).reconnect().pass(60_000).lose(silent)), null);
  });

  it('an end that a successor at the door may have caused teaches nothing', () => {
    const box = ready({ link: { assumedRenewMs: 50_000 } })
      .pass(50_000)
      .do({ type: 'socket.opened', attempt: 2 });
    assert.equal(learned(box.do({ type: 'socket.closed', attempt: 1, loss: NORMAL })), null);
  });

  it('a lesson is forgotten after a day', () => {
    const box = ready({ link: { restAfterMs: 0 } })
      .pass(60_000)
      .lose(NORMAL)
      .reconnect();
    assert.equal(learned(box), 60_000);
    for (let minutes = 0; minutes < 25 * 60; minutes += 1) {
      box.pass(MIN);
      if (box.state.link.phase === 'ready' && box.state.link.successor !== null)
        greet(box, box.state.link.attempt);
    }
    assert.ok(box.holds.timers.every((timer) => !timer.name.includes('renewal')));
  });

  it('renewal: the new connection is pinged once the old one is closed', () => {
    const box = ready({ link: { assumedRenewMs: 50_000 } }).pass(50_000);
    const before = box.pings.length;
    greet(box, 2);
    assert.deepEqual([box.holds.sockets, box.holds.parting], [[2], 'polite']);
    assert.equal(box.pings.length, before + 1);
  });

  for (const [how, dropped] of [
    ['a close', (box: Box) => box.pass(100).lose(NORMAL)],
    ['silence', (box: Box) => box.pass(5_000)],
  ] as const)
    it(`a server that drops both, by ${how}, is renewed by break-before-make from then on`, () => {
      const box = ready({ link: { assumedRenewMs: 50_000, firstRetryMs: 0 } });
      for (const time of [1, 2]) {
        while (box.holds.sockets.length < 2) box.pass(100);
        box.rttMs = null;
        dropped(greet(box, box.state.link.attempt));
        assert.equal(box.state.lessons.bothDropped?.count, time);
        box.rttMs = 20;
        box.reconnect();
      }
      lasts(box, isReady);
      assert.equal(phaseOf(box), 'waiting');
      assert.deepEqual([box.holds.sockets, box.holds.parting], [[], 'polite']);
      assert.ok(
        box.state.link.phase === 'waiting' && box.state.link.delayMs >= 500,
        'until the old one is gone',
      );
      box.do({ type: 'reconnect.switched', enabled: false, maxAttempts: 0 });
      assert.equal(
        phaseOf(box),
        'waiting',
        'what was closed for another is made anew whatever the switch says',
      );
      const { link } = retry(box).state;
      assert.equal(link.phase === 'dialing' && link.cause, 'renewal');
      assert.equal(box.holds.sockets.length, 1);
    });

  it('one renewal that fails, or one that works in between, teaches nothing of the kind', () => {
    const renewing = () => {
      const box = ready({ link: { assumedRenewMs: 50_000, firstRetryMs: 0 } });
      while (box.holds.sockets.length < 2) box.pass(100);
      return box;
    };
    const working = greet(renewing(), 2);
    assert.equal(working.state.lessons.bothDropped, null);
    assert.equal(working.pass(3_000).lose(NORMAL).state.lessons.bothDropped, null, 'it had spoken');
    const refused = renewing().do({ type: 'socket.closed', attempt: 2, loss: { ...NORMAL, class: 'auth' } });
    assert.equal(refused.state.lessons.bothDropped?.count, 1);
    while (refused.holds.sockets.length < 2) refused.pass(100);
    assert.equal(greet(refused, 3).state.lessons.bothDropped, null, 'the server bears two after all');
    const away = renewing().do({ type: 'socket.closed', attempt: 2, loss: { ...RESET, quick: true } });
    assert.equal(away.state.lessons.bothDropped, null, 'what hinders any connection');
  });

  it('renews up to a tenth earlier, so that boards that came back together do not renew together', () => {
    const box = new Box({ link: { assumedRenewMs: 50_000 } });
    box.dice = 0.999_999;
    box.connect().pass(44_999);
    assert.deepEqual(box.holds.sockets, [1]);
    assert.deepEqual(box.pass(2).holds.sockets, [1, 2]);
  });

  it('renews nothing when that is switched off, nor on demand', () => {
    const box = ready({ link: { assumedRenewMs: 50_000, renew: false } }).pass(5 * MIN);
    assert.deepEqual(box.holds.sockets, [1]);
    const onDemand = new Box({ link: { mode: 'on-demand', assumedRenewMs: 50_000 } }).do({
      type: 'press.asked',
    });
    onDemand
      .connect()
      .do({ type: 'stop.asked' })
      .pass(5 * MIN);
    assert.deepEqual([onDemand.holds.sockets, onDemand.state.link.attempt], [[1], 1]);
  });
});

describe('rest', () => {
  const RESTING: PolicyChanges = { link: { restAfterMs: 30 * MIN, assumedRenewMs: 50_000 } };

  function renewUntil(box: Box, at: number): Box {
    while (box.at < at) {
      box.pass(10_000);
      if (box.state.link.phase === 'ready' && box.state.link.successor !== null)
        greet(box, box.state.link.attempt);
    }
    return box;
  }

  it('after 30 min without a turn an ordinary close is not answered until a press', () => {
    const box = renewUntil(ready(RESTING), 31 * MIN);
    const renewals = box.state.link.attempt;
    assert.ok(renewals > 30, 'it was renewed until then');
    box.pass(5 * MIN);
    assert.equal(box.state.link.attempt, renewals, 'and no longer');
    box.lose(NORMAL);
    assert.equal(box.state.link.phase, 'resting');
    assert.match(
      box.state.link.phase === 'resting' ? box.state.link.why : '',
      /nobody has talked for 36 min/,
    );
    assert.deepEqual(box.pass(60 * MIN).holds.sockets, []);
    box.do({ type: 'press.asked' });
    assert.equal(box.holds.sockets.length, 1);
  });

  it('another end than an ordinary one is answered all the same', () => {
    const box = renewUntil(ready(RESTING), 31 * MIN).lose();
    assert.equal(box.state.link.phase, 'waiting');
  });

  it('a turn starts the time anew', () => {
    const box = renewUntil(ready(RESTING), 29 * MIN)
      .reach('listening')
      .do({ type: 'stop.asked' });
    renewUntil(box, 58 * MIN).lose(NORMAL);
    assert.equal(box.state.link.phase, 'waiting');
  });

  it('S32 with 0 it never rests: as often as the server closes, it is back', () => {
    const box = ready({ link: { renew: false } });
    for (let minute = 0; minute < 120; minute += 1) {
      box.pass(60_000).lose(NORMAL);
      const { link } = box.state;
      assert.ok(link.phase === 'waiting' && link.delayMs <= 2_000 && link.failures === 0);
      box.reconnect();
    }
  });
});

describe('what counts against the next attempt', () => {
  const refusedFor = (failures: number) => {
    const box = started();
    for (let failure = 0; failure < failures; failure += 1) retry(box.lose({ ...RESET, quick: true }));
    return box;
  };
  const delayMs = (box: Box) => (box.state.link.phase === 'waiting' ? box.state.link.delayMs : Number.NaN);

  it('S22 the first answer of a slow class after many refusals waits like a first one, and grows by its own kind', () => {
    for (const [name, firstMs] of [
      ['auth', 60_000],
      ['configuration', 60_000],
      ['portal', 15_000],
      ['protocol', 5_000],
    ] as const) {
      const loss: Loss = { ...NORMAL, class: name };
      const box = refusedFor(8).lose(loss);
      assert.ok(delayMs(box) <= firstMs, `${name} ${delayMs(box)}`);
      retry(box).lose(loss);
      assert.ok(delayMs(box) > firstMs / 2 && delayMs(box) <= firstMs * 2, `${name} ${delayMs(box)}`);
      retry(box).lose();
      retry(box).lose(loss);
      assert.ok(delayMs(box) <= firstMs, 'another kind in between begins it anew');
    }
  });

  it('D02 a server that says hello and nothing after it does not count as having worked', () => {
    const box = started({ limits: { maxAttempts: 3 } });
    box.rttMs = null;
    for (let session = 0; session < 3; session += 1) {
      box.connect();
      lasts(box, isReady);
      if (session < 2) retry(box);
    }
    assert.equal(phaseOf(box), 'stopped');
  });

  it('a renewed connection has worked as long as the one before it', () => {
    const box = greet(ready({ link: { assumedRenewMs: 50_000 } }).pass(50_000), 2);
    box.pass(3_000).lose();
    assert.ok(delayMs(box) <= 250);
  });

  it('a connection that takes over from a doubted one that had not worked yet forgives nothing', () => {
    const box = refusedFor(4);
    box.rttMs = null;
    box.connect().pass(6_000).do({ type: 'press.asked' }).pass(1_500);
    greet(box, box.state.link.attempt);
    assert.equal(box.state.link.phase === 'ready' && box.state.link.failures, 5);
  });
});

describe('a press on a dead connection', () => {
  it('whose successor is refused is answered by another attempt at once', () => {
    const box = ready().pass(16_000);
    box.rttMs = null;
    box.pass(6_000).do({ type: 'press.asked' }).pass(1_500);
    box.do({ type: 'socket.closed', attempt: 2, loss: { ...RESET, quick: true } });
    assert.equal(phaseOf(box), 'waiting');
    assert.ok(box.state.link.phase === 'waiting' && box.state.link.delayMs <= 250);
    assert.equal(lossOf(box).detectedBy, 'press');
    assert.equal(box.state.turn.phase, 'recording', 'what is said is kept');
  });

  it('again and again does not keep it alive', () => {
    const box = deaf().pass(11_000);
    for (let press = 0; press < 8; press += 1) box.do({ type: 'press.asked' }).pass(1_300);
    assert.notEqual(phaseOf(box), 'ready');
  });
});

describe('a box that connects on demand', () => {
  const onDemand = () =>
    new Box({ link: { mode: 'on-demand' } })
      .do({ type: 'press.asked' })
      .connect()
      .do({ type: 'stop.asked' })
      .hear({ type: 'tts', state: 'stop' });

  it('rests when the connection has ended, whether it had worked or not: nobody waits for it', () => {
    for (const ms of [5_000, 15_000]) assert.equal(phaseOf(onDemand().pass(ms).lose()), 'resting', `${ms}`);
  });

  it('counts one that had not worked as a failure where somebody talks on it', () => {
    const box = new Box({ link: { mode: 'on-demand' } }).do({ type: 'press.asked' }).connect().pass(5_000);
    assert.equal(box.state.turn.phase, 'listening');
    const { link } = box.lose().state;
    assert.deepEqual([link.phase, 'failures' in link && link.failures], ['waiting', 1]);
    const proven = new Box({ link: { mode: 'on-demand' } }).do({ type: 'press.asked' }).connect();
    assert.equal(phaseOf(proven.pass(12_000).lose()), 'dialing', 'one that had is made again at once');
  });
});

describe('a successor', () => {
  it('is not gone on with when the current connection was the last that a limit allows', () => {
    const box = started({ limits: { maxAttempts: 1 } }).connect();
    box.pass(1_000).do({ type: 'reconnect.asked' });
    assert.deepEqual(box.holds.sockets, [1, 2]);
    assert.deepEqual([phaseOf(box.lose()), box.holds.sockets], ['stopped', []]);
  });

  it('is known to be reached, and takes over as the attempt when the current connection goes', () => {
    const box = ready({ link: { assumedRenewMs: 50_000 } }).pass(50_000);
    box.do({ type: 'socket.reached', attempt: 2, local: '192.0.2.7' }).lose();
    assert.equal(box.state.link.phase === 'dialing' && box.state.link.local, '192.0.2.7');
    const greeting = ready({ link: { assumedRenewMs: 50_000 } }).pass(50_000);
    greeting.do({ type: 'socket.opened', attempt: 2 }).lose();
    assert.equal(greeting.state.link.phase, 'greeting');
    assert.equal(greet(greeting, 2).state.link.phase, 'ready');
  });

  it('under way for renewal that is stuck is dialled anew at a press', () => {
    const box = ready({ link: { assumedRenewMs: 50_000 } })
      .click()
      .pass(50);
    box.click().hear({ type: 'tts', state: 'stop' }).pass(500);
    assert.equal(box.state.muted, true, 'a muted press starts no turn that would drop it');
    box.pass(51_000);
    assert.equal(box.holds.sockets.length, 2);
    box.rttMs = null;
    box.pass(5_100).do({ type: 'press.asked' }).pass(1_600);
    const { link } = box.state;
    assert.equal(link.phase === 'ready' && link.successor?.cause, 'doubt');
    assert.equal(link.attempt, 3);
  });
});
