// What a change of the network does to the connection and to its attempts, by a clock moved by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Loss, NetworkSnapshot } from '../../src/core/events.ts';
import { Box, HELLO, type PolicyChanges, RESET } from '../helpers/box.ts';
import { address, DOWN, flickered, HOME, unplugged, VPN, WIFI } from '../helpers/networks.ts';

const UNPLUGGED = unplugged(HOME, 'eth0');
const MOVED = address(HOME, '192.168.1.7', '192.168.1.9');
/** The cable is still there, the radio network is preferred. */
const BOTH: NetworkSnapshot = {
  ...WIFI,
  interfaces: [...HOME.interfaces, ...WIFI.interfaces],
  routes: [...WIFI.routes, ...HOME.routes],
};
/** Rules of the machine's own send this program's packets through the tunnel, and all others not. */
const VPN_AND_OTHER: NetworkSnapshot = { ...VPN, source: '192.168.1.7' };
const FIRST_CABLE: NetworkSnapshot = {
  ...BOTH,
  routes: [...HOME.routes, ...WIFI.routes],
  source: '192.168.1.7',
};
const NO_NAMES: Loss = {
  ...RESET,
  class: 'network',
  kind: 'network error',
  detectedBy: 'dns',
  reason: 'no answer',
};

const atHome = (changes: PolicyChanges = {}) => new Box(changes).connect().see(HOME).pass(20_000);
const phaseOf = (box: Box): string => box.state.link.phase;
const causeOf = (box: Box): string => ('cause' in box.state.link ? box.state.link.cause : '');

function lossOf(box: Box): Loss {
  const { link } = box.state;
  if (!('loss' in link) || link.loss === null) throw new Error(`no loss in ${link.phase}`);
  return link.loss;
}

function greet(box: Box, attempt: number, local = '192.168.7.3'): Box {
  box.do({ type: 'socket.reached', attempt, local }, { type: 'socket.opened', attempt });
  return box.do({ type: 'server.said', attempt, message: HELLO });
}

describe('S23 the network is back', () => {
  it('and whatever waits tries now, its failures forgotten', () => {
    const box = new Box().do({ type: 'agent.started' }).see(HOME);
    for (let failure = 0; failure < 6; failure += 1) {
      box.lose();
      const { link } = box.state;
      if (link.phase === 'waiting' && failure < 5) box.pass(link.delayMs);
    }
    box.see(DOWN).pass(5_000).see(HOME);
    assert.deepEqual([phaseOf(box), causeOf(box)], ['dialing', 'network']);
    assert.equal(box.state.link.phase === 'dialing' && box.state.link.failures, 0);
  });

  it('and an attempt that has no TCP connection yet is dropped for a fresh one; one that has is left alone', () => {
    const calling = new Box().do({ type: 'agent.started' }).see(DOWN).pass(3_000).see(HOME);
    assert.deepEqual(calling.holds.sockets, [2]);
    const reached = new Box().do({ type: 'agent.started' }).see(DOWN);
    reached.do({ type: 'socket.reached', attempt: 1, local: '192.168.1.7' }).pass(3_000).see(HOME);
    assert.deepEqual(reached.holds.sockets, [1]);
  });

  it('and one that has TCP is given 3 s to finish: what it was to say may be lost on the old way', () => {
    const greeting = () => {
      const box = new Box().do({ type: 'agent.started' }).see(HOME);
      box
        .do({ type: 'socket.reached', attempt: 1, local: '192.168.1.7' })
        .do({ type: 'socket.opened', attempt: 1 });
      return box.pass(1_000).see(UNPLUGGED).pass(1_000).see(HOME);
    };
    assert.equal(phaseOf(greeting().pass(2_999)), 'greeting');
    const given = greeting().pass(3_000);
    assert.equal(phaseOf(given), 'waiting');
    assert.match(lossOf(given).reason, /hello within 5 s/);
    assert.equal(phaseOf(given.pass(1_000)), 'dialing');
    const reached = new Box().do({ type: 'agent.started' }).see(HOME);
    reached.do({ type: 'socket.reached', attempt: 1, local: '192.168.1.7' });
    assert.equal(phaseOf(reached.pass(1_000).see(UNPLUGGED).pass(1_000).see(HOME).pass(3_000)), 'waiting');
    const fresh = new Box().do({ type: 'agent.started' }).see(DOWN).pass(1_000).see(HOME);
    fresh
      .do({ type: 'socket.reached', attempt: 2, local: '192.168.1.7' })
      .do({ type: 'socket.opened', attempt: 2 });
    assert.equal(phaseOf(fresh.pass(9_999)), 'greeting', 'one made since then has all its time');
  });

  it('and an attempt whose own address has gone is dropped, however far it was', () => {
    const greeting = new Box().do({ type: 'agent.started' }).see(HOME);
    greeting.do({ type: 'socket.reached', attempt: 1, local: '192.168.1.7' });
    greeting.do({ type: 'socket.opened', attempt: 1 });
    assert.equal(phaseOf(greeting), 'greeting');
    assert.deepEqual(greeting.see(MOVED).holds.sockets, [2]);
  });

  it('and a stopped or resting connection is made again, one that was closed on purpose is not', () => {
    const stopped = new Box({ link: { maxAttempts: 1 } }).do({ type: 'agent.started' }).lose().see(DOWN);
    assert.equal(phaseOf(stopped), 'stopped');
    assert.equal(phaseOf(stopped.pass(1_000).see(HOME)), 'dialing');
    const closed = atHome().do({ type: 'disconnect.asked', why: 'asked' }).see(DOWN).pass(1_000).see(HOME);
    assert.deepEqual([phaseOf(closed), closed.holds.networkWatch], ['closed', false]);
    const off = atHome().do({ type: 'reconnect.switched', enabled: false, maxAttempts: 0 }).see(MOVED);
    assert.equal(phaseOf(off), 'stopped', 'it was switched off');
    const onDemand = new Box({ link: { mode: 'on-demand' } }).do({ type: 'agent.started' }).see(DOWN);
    assert.equal(phaseOf(onDemand.pass(1_000).see(HOME)), 'resting');
  });

  it('D15 boot without a network: no attempt but one a minute, then at once', () => {
    const box = new Box()
      .do({ type: 'agent.started' })
      .see(DOWN)
      .lose({ ...RESET, class: 'network' });
    const attempts = () => box.state.link.attempt;
    assert.equal(box.pass(59_000).state.link.attempt, 1);
    assert.equal(box.pass(1_000).state.link.attempt, 2, 'whoever says so may be wrong');
    box.lose({ ...RESET, class: 'network' }).pass(10_000);
    const before = attempts();
    assert.equal(box.see(HOME).state.link.attempt, before + 1);
  });

  it('but names are not: 250, 500 and 1,000 ms instead of the growing wait, for 10 s', () => {
    const box = new Box().do({ type: 'agent.started' }).see(DOWN).lose().see(HOME);
    const delays: number[] = [];
    for (let failure = 0; failure < 4; failure += 1) {
      box.lose(NO_NAMES);
      const { link } = box.state;
      if (link.phase !== 'waiting') throw new Error(link.phase);
      delays.push(link.delayMs);
      box.pass(link.delayMs);
    }
    assert.deepEqual(delays, [250, 500, 1_000, 1_000]);
    box.pass(8_000).lose(NO_NAMES);
    assert.ok(box.state.link.phase === 'waiting' && box.state.link.delayMs > 1_000);
  });
});

describe('S23 the own address is gone', () => {
  it('and the connection is ended at once, and another made', () => {
    const box = atHome().see(MOVED);
    assert.deepEqual([phaseOf(box), causeOf(box), box.holds.sockets], ['dialing', 'network', [2]]);
    assert.equal(box.holds.parting, 'abrupt');
  });

  it('and without any other way it waits for one, with the reason', () => {
    const box = atHome().see(DOWN);
    assert.equal(phaseOf(box), 'waiting');
    assert.deepEqual([lossOf(box).detectedBy, lossOf(box).class], ['network watch', 'network']);
    assert.match(lossOf(box).reason, /own address 192\.168\.1\.7 is gone/);
    assert.deepEqual(box.pass(59_000).holds.sockets, []);
  });

  it('and what is being said is kept and goes to the new connection', () => {
    const box = atHome().reach('listening').see(MOVED);
    assert.equal(box.state.turn.phase, 'recording');
    greet(box, 2, '192.168.1.9');
    assert.deepEqual([box.holds.utterance?.sendTo, box.holds.utterance?.take], [2, 2]);
  });
});

describe('S23 a better way has come', () => {
  it('and a quiet connection is made anew over it', () => {
    assert.deepEqual(atHome().see(BOTH).holds.sockets, [2]);
  });

  it('and in a turn the old one is asked, and one that does not answer is left for the new one with the utterance', () => {
    const box = atHome().reach('listening');
    box.rttMs = null;
    box.see(BOTH);
    assert.deepEqual(box.holds.sockets, [1, 2]);
    assert.equal(box.holds.utterance?.sendTo, 1);
    greet(box, 2);
    assert.deepEqual([box.holds.sockets, box.holds.utterance?.sendTo], [[2], 2]);
  });

  it('and in a turn an old one that answers carries it to its end, and only then the connection moves', () => {
    const box = atHome().reach('speaking').see(BOTH).pass(1_000);
    assert.deepEqual([box.holds.sockets, box.state.turn.phase], [[1], 'speaking']);
    box.do({ type: 'stop.asked' }).pass(4_000);
    assert.deepEqual([box.state.turn.phase, box.holds.sockets], ['idle', [1, 3]]);
    greet(box, 3);
    assert.deepEqual([box.holds.sockets, causeOf(box)], [[3], 'network']);
  });

  it('and in a turn an old one that has been silent for 2 s is given up for the one on its way', () => {
    const box = atHome().reach('listening');
    box.rttMs = null;
    box.see(BOTH).pass(2_000);
    assert.deepEqual([phaseOf(box), box.holds.sockets], ['dialing', [2]]);
  });

  it('but a connection that goes another way than the kernel would, from its beginning, is left alone', () => {
    const box = new Box().connect('10.8.0.2').see(VPN_AND_OTHER).pass(20_000);
    const changed = { ...VPN_AND_OTHER, interfaces: [...VPN_AND_OTHER.interfaces, ...WIFI.interfaces] };
    box.see(changed).reach('speaking');
    box.do({ type: 'stop.asked' }).pass(4_000);
    assert.deepEqual([phaseOf(box), box.holds.sockets], ['ready', [1]]);
  });

  it('and a server that bears one connection only is not met with two', () => {
    const box = atHome().reach('listening');
    box.state = { ...box.state, lessons: { ...box.state.lessons, bothDropped: { count: 2, at: box.at } } };
    box.see(BOTH);
    assert.deepEqual(box.holds.sockets, [1]);
  });
});

describe('S23 a cable that is pulled', () => {
  it('for 0.3 s costs a ping and nothing else', () => {
    const box = atHome();
    const before = box.pings.length;
    box.see(UNPLUGGED).pass(300).see(HOME);
    assert.deepEqual([phaseOf(box), box.holds.sockets], ['ready', [1]]);
    assert.equal(box.pings.length, before + 1);
  });

  it('for 40 s leaves a quiet connection as it is: it is asked when the cable is back', () => {
    const box = atHome().see(UNPLUGGED);
    box.rttMs = null;
    assert.equal(phaseOf(box.pass(40_000)), 'ready');
    box.see(HOME);
    box.do({ type: 'socket.heard', attempt: 1, rttMs: 200 });
    assert.deepEqual([phaseOf(box.pass(10_000)), box.holds.sockets], ['ready', [1]]);
  });

  it('and a connection that does not answer then is made anew within 2 s', () => {
    const box = atHome().see(UNPLUGGED).pass(5_000);
    box.rttMs = null;
    box.see(HOME).pass(1_999);
    assert.equal(phaseOf(box), 'ready');
    box.pass(1);
    assert.equal(phaseOf(box), 'waiting');
    assert.equal(lossOf(box).detectedBy, 'network watch');
  });

  it('and a slow one that does not answer then is made anew within 5 s, however slow it was', () => {
    const box = new Box();
    box.rttMs = 2_000;
    box.connect().see(HOME).pass(20_000);
    box.see(UNPLUGGED).pass(1_000);
    box.rttMs = null;
    box.see(HOME).pass(4_999);
    assert.equal(phaseOf(box), 'ready');
    assert.equal(phaseOf(box.pass(1)), 'waiting');
  });

  it('makes a ping that was on its way its own, with as little time and by its name', () => {
    const box = atHome();
    box.rttMs = null;
    const before = box.pings.length;
    while (box.pings.length === before) box.pass(100);
    box.see(flickered(HOME, 'eth0', 2)).pass(1_999);
    assert.equal(phaseOf(box), 'ready');
    assert.equal(phaseOf(box.pass(1)), 'waiting');
    assert.equal(lossOf(box).detectedBy, 'network watch');
  });

  it('leaves pings that are rarer than one a minute as rare', () => {
    const box = new Box({ link: { pingIntervalMs: 120_000 } }).connect().see(HOME).see(UNPLUGGED);
    const before = box.pings.length;
    assert.equal(box.pass(119_000).pings.length, before);
    assert.equal(box.pass(1_000).pings.length, before + 1);
  });

  it('takes back a ping that was on its way: its answer could not come', () => {
    const box = atHome();
    box.rttMs = null;
    while (box.pings.length < 2) box.pass(1_000);
    box.see(UNPLUGGED).pass(30_000);
    assert.equal(phaseOf(box), 'ready');
  });

  it('in a turn is told of by a cue after 2 s, once', () => {
    const box = atHome().reach('listening').see(UNPLUGGED);
    assert.deepEqual(box.pass(1_900).took(), []);
    assert.deepEqual(box.pass(100).took(), ['cue offline']);
    assert.deepEqual(box.pass(3_000).took(), []);
    box
      .see(flickered(HOME, 'eth0', 2))
      .pass(1_000)
      .see(flickered(UNPLUGGED, 'eth0', 3, false));
    assert.deepEqual(box.pass(2_000).took(), ['cue offline'], 'another time');
  });

  it('is told of at a press, and not when nobody talks or it is back within 2 s', () => {
    const box = atHome().see(UNPLUGGED);
    assert.deepEqual(box.pass(10_000).took(), []);
    assert.deepEqual(box.do({ type: 'button.pressed' }).pass(300).took(), ['cue offline']);
    const soon = atHome().see(UNPLUGGED).pass(1_000);
    assert.deepEqual(soon.click().pass(1_500).took().slice(-1), ['cue offline'], 'when it has lasted');
    const flap = atHome().reach('listening').see(UNPLUGGED).pass(1_900).see(HOME);
    assert.deepEqual(flap.pass(5_000).took(), []);
  });

  it('puts a renewal off', () => {
    const box = new Box({ link: { assumedRenewMs: 30_000 } }).connect().see(HOME).pass(20_000).see(UNPLUGGED);
    assert.deepEqual(box.pass(30_000).holds.sockets, [1]);
  });

  it('for more than a minute is asked all the same: whoever says that there is no network may be wrong', () => {
    const box = atHome().see(UNPLUGGED);
    box.rttMs = null;
    box.pass(66_000);
    assert.equal(phaseOf(box), 'waiting');
  });
});

describe('S23 a flapping interface', () => {
  /** Every way to lose an address and get it back, at a pace. */
  function flap(box: Box, times: number, everyMs: number): number {
    const before = box.state.link.attempt;
    for (let time = 0; time < times; time += 1)
      box
        .see(DOWN)
        .pass(everyMs / 2)
        .see(HOME)
        .pass(everyMs / 2);
    return box.state.link.attempt - before;
  }

  it('makes at most one attempt a second for its sake, and the last change is not forgotten', () => {
    const box = atHome();
    assert.ok(flap(box, 5, 200) <= 2);
    box.pass(1_000);
    assert.equal(phaseOf(box), 'dialing');
  });

  it('makes as few attempts when there is always some way, and each time another', () => {
    const swapping = (one: NetworkSnapshot, other: NetworkSnapshot, everyMs: number) => {
      const box = new Box().connect('192.168.1.7').see(one).pass(20_000);
      const before = box.state.link.attempt;
      for (let at = 0; at < 60_000; at += 2 * everyMs) {
        box.see(other).pass(everyMs).see(one).pass(everyMs);
        const { link } = box.state;
        // What is tried works, from whichever address there is then.
        if (link.phase === 'dialing') greet(box, link.attempt, box.state.network.seen?.source);
      }
      return box.state.link.attempt - before;
    };
    const own = swapping(HOME, MOVED, 1_000);
    assert.ok(own <= 6 + 12, `${own}`);
    const way = swapping(
      { ...BOTH, routes: [...HOME.routes, ...WIFI.routes], source: '192.168.1.7' },
      BOTH,
      500,
    );
    assert.ok(way <= 6 + 12, `${way}`);
  });

  it('makes few attempts also in a turn', () => {
    const box = atHome().reach('listening');
    const before = box.state.link.attempt;
    for (let time = 0; time < 100; time += 1) box.see(BOTH).pass(50).see(FIRST_CABLE).pass(50);
    assert.ok(box.state.link.attempt - before <= 6 + 2, `${box.state.link.attempt - before}`);
  });

  it('does not keep a dead connection alive by asking it anew', () => {
    const box = atHome();
    box.rttMs = null;
    for (let time = 1; time < 20; time += 1) box.see(flickered(HOME, 'eth0', 2 * time)).pass(1_500);
    assert.notEqual(phaseOf(box), 'ready');
  });

  it('leaves a press its probe, and the successor that follows from it', () => {
    const box = atHome().pass(6_000);
    box.rttMs = null;
    box
      .click()
      .pass(900)
      .see(flickered(HOME, 'eth0', 2))
      .pass(600);
    assert.deepEqual(box.holds.sockets, [1, 2]);
  });

  it('leaves nothing to be done after the end', () => {
    const box = atHome().see(DOWN).pass(200).see(HOME).see(DOWN).see(HOME).do({ type: 'shutdown.asked' });
    assert.deepEqual(box.holds.timers, []);
  });

  it('20 times in 10 s, and at 1 Hz for a minute, makes at most six attempts and then one each 5 s', () => {
    assert.ok(flap(atHome(), 20, 500) <= 8);
    const attempts = flap(atHome(), 60, 1_000);
    assert.ok(attempts <= 6 + 12, `${attempts}`);
  });

  it('is forgiven after a quiet minute', () => {
    const box = atHome();
    flap(box, 20, 500);
    box.pass(62_000).see(DOWN).pass(10_000);
    const before = box.state.link.attempt;
    assert.equal(box.see(HOME).state.link.attempt, before + 1);
  });
});

describe('S23 a second connection in the making', () => {
  const renewing = () => {
    const box = new Box({ link: { assumedRenewMs: 30_000 } }).connect().see(FIRST_CABLE).pass(30_000);
    box.do(
      { type: 'socket.reached', attempt: 2, local: '192.168.1.7' },
      { type: 'socket.opened', attempt: 2 },
    );
    assert.deepEqual(box.holds.sockets, [1, 2]);
    return box;
  };

  it('whose own address is gone is not gone on with', () => {
    assert.deepEqual(renewing().see(MOVED).holds.sockets, [3]);
  });

  it('that goes the old way is not gone on with', () => {
    assert.deepEqual(renewing().see(BOTH).holds.sockets, [3]);
  });

  it('and that was made in doubt is made anew', () => {
    const box = atHome().pass(6_000);
    box.rttMs = null;
    box.click().pass(2_000);
    box.do({ type: 'socket.reached', attempt: 2, local: '192.168.7.3' });
    assert.deepEqual(box.see(FIRST_CABLE, HOME).holds.sockets, [1, 3]);
  });
});

describe('S23 patience', () => {
  const refused = (more: Partial<Loss>) =>
    new Box()
      .do({ type: 'agent.started' })
      .see(HOME)
      .lose({ ...RESET, ...more });

  it('with what waits for a person is not lost to a loose plug: at most once a minute, and counted on', () => {
    const auth = { ...RESET, class: 'auth' } as const;
    const box = refused(auth);
    while (phaseOf(box) === 'waiting') box.pass(1_000);
    box.lose(auth);
    assert.equal(phaseOf(box.pass(5_000).see(DOWN).pass(5_000).see(HOME)), 'waiting');
    box.pass(50_000).see(DOWN).pass(2_000).see(HOME);
    assert.deepEqual(
      [causeOf(box), box.state.link.phase === 'dialing' && box.state.link.failures],
      ['network', 2],
    );
  });

  it('with a server that asked for it is kept', () => {
    const box = refused({ class: 'restarting', retryAfterMs: 50_000 });
    assert.equal(phaseOf(box.pass(5_000).see(DOWN).pass(5_000).see(HOME)), 'waiting');
  });
});

describe('S23 a change of no consequence', () => {
  it('does nothing at all', () => {
    const box = atHome();
    const { link } = box.state;
    box.see(HOME, {
      ...HOME,
      interfaces: [
        ...HOME.interfaces,
        { name: 'docker0', carrier: true, carrierChanges: 0, addresses: ['172.17.0.1'] },
      ],
    });
    assert.equal(box.state.link, link);
  });
});
