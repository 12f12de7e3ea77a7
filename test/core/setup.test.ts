// The setup machine: from a box that knows nobody to one that belongs to somebody, and back to asking when in doubt.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event, Loss } from '../../src/core/events.ts';
import { Box, type PolicyChanges, RESET } from '../helpers/box.ts';
import { DOWN, HOME } from '../helpers/networks.ts';

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
const knownBox = (changes: PolicyChanges = {}) => newBox({ configured: true, ...changes });
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

  it('disperses its calls by up to a quarter more', () => {
    const box = newBox();
    box.dice = 0.8;
    box.do(FAILED);
    assert.equal(what(box.pass(11_999)), null);
    assert.equal(what(box.pass(1)), 'configuration');
  });

  const REASONS: Readonly<Record<string, (box: Box) => Box>> = {
    'somebody asks for a connection': (box) => box.do({ type: 'reconnect.asked' }),
    'an embedding program does': (box) => box.do({ type: 'connect.asked' }),
    'the clock has been set right': (box) => box.do({ type: 'clock.synchronized' }),
    'the network is back': (box) => box.see(DOWN).see(HOME),
  };
  for (const [reason, happens] of Object.entries(REASONS))
    it(`asks at once when ${reason}, and goes on counting its failures`, () => {
      const box = newBox();
      box.dice = 0;
      box.do(FAILED).pass(1_000);
      assert.equal(what(happens(box)), 'configuration');
      box.do(FAILED);
      assert.equal(what(box.pass(19_999)), null);
      assert.equal(what(box.pass(1)), 'configuration');
    });

  it('connects only when somebody wants it where connections are made on demand', () => {
    const box = newBox({ link: { mode: 'on-demand' } }).do(DONE);
    assert.deepEqual([box.state.link.phase, box.holds.sockets], ['resting', []]);
    assert.deepEqual(box.do({ type: 'button.pressed' }).holds.sockets, [1]);
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

  it('asks more and more rarely when the whole call fails after the code was entered', () => {
    const box = newBox().do(CODE).pass(3_000).do(POLLED('bound'));
    box.dice = 0;
    for (const waitMs of [10_000, 20_000, 40_000]) {
      box.do(FAILED);
      assert.equal(box.holds.code, '738133', 'the code still holds');
      assert.equal(what(box.pass(waitMs - 1)), null);
      assert.equal(what(box.pass(1)), 'configuration');
    }
  });

  it('is not moved by what answers no question of the moment, nor by being started again', () => {
    const resting = newBox().do(CODE);
    for (const late of [POLLED('bound'), FAILED, { type: 'agent.started' } as const]) {
      assert.equal(what(resting.do(late)), null, late.type);
      assert.equal(resting.holds.code, '738133');
    }
    assert.equal(what(resting.pass(3_000)), 'activation', 'at its time');
    const asking = newBox();
    const { call } = asking.holds;
    assert.deepEqual(asking.do({ type: 'agent.started' }, POLLED('bound')).holds.call, call);
  });

  it('ends the turn that was going on, and forgets the button that is still held', () => {
    const box = knownBox().connect().reach('listening').do({ type: 'button.pressed' }).pass(500).do(CODE);
    assert.deepEqual([box.state.turn.phase, box.holds.utterance], ['idle', null]);
    box.took();
    box.do({ type: 'button.released' });
    assert.deepEqual([box.state.turn.phase, box.took()], ['idle', []]);
  });

  it('stays away from its server when somebody has asked for that, activated or not', () => {
    const box = knownBox().connect().do({ type: 'disconnect.asked', why: 'the owner' });
    for (const event of [CODE, DONE]) {
      const { link } = box.do(event).state;
      assert.deepEqual([link.phase, 'why' in link && link.why], ['closed', 'the owner']);
    }
    assert.deepEqual(box.holds.sockets, []);
  });

  it('connects to nobody at a command either where it knows no server', () => {
    for (const asked of [{ type: 'reconnect.asked' }, { type: 'connect.asked' }] as const)
      assert.deepEqual(newBox().do(CODE, asked).holds.sockets, [], asked.type);
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

  it('asks again too when it is refused and has reached its limit of attempts', () => {
    const box = new Box({ configured: true, setup: { asks: true }, link: { maxAttempts: 1 } });
    box.do({ type: 'agent.started' }, { type: 'setup.done' }).lose(AUTH);
    assert.deepEqual([box.state.link.phase, what(box)], ['stopped', 'configuration']);
  });

  it('does not try at once what it has tried already', () => {
    for (const changed of [undefined, false]) {
      const box = knownBox().do({ type: 'setup.done' }).lose(AUTH);
      box.do(changed === undefined ? { type: 'setup.done' } : { type: 'setup.done', changed });
      assert.equal(box.state.link.phase, 'waiting');
    }
  });

  it('takes speech after a greeting, and a greeting itself, for no reason to ask', () => {
    const box = knownBox().do({ type: 'setup.done' }).connect();
    assert.equal(box.state.setup.phase, 'done');
    box.hear({ type: 'tts', state: 'start' }).sound('started').hear({ type: 'tts', state: 'stop' });
    assert.equal(box.sound('drained').state.setup.phase, 'done');
    assert.equal(what(box), null);
  });

  it('tries a new token at once however often the old one was refused, once in 10 s at the most', () => {
    const box = knownBox().do({ type: 'setup.done' });
    const phase = () => box.state.link.phase;
    const refused = () => {
      const { link } = box.state;
      if (link.phase === 'waiting') box.pass(link.delayMs);
      box.lose(AUTH);
    };
    for (let times = 0; times < 4; times += 1) {
      refused();
      box.do({ type: 'setup.done', changed: false });
    }
    refused();
    box.do(DONE);
    assert.equal(phase(), 'dialing');
    box.lose(AUTH).pass(9_999).do(DONE);
    assert.equal(phase(), 'waiting');
    box.pass(1).do({ type: 'reconnect.asked' }).lose(AUTH).do(DONE);
    assert.equal(phase(), 'dialing');
  });

  it('goes at once to another address that an answer names in the place of a dead one', () => {
    const box = knownBox().do({ type: 'setup.done' }).connect().pass(60_000);
    while (what(box) === null && box.at < 600_000) {
      if (box.state.link.phase === 'waiting') box.pass(box.state.link.delayMs);
      box.lose(RESET);
    }
    assert.equal(box.do({ type: 'server.moved' }, DONE).state.link.phase, 'dialing');
  });

  it('does not hammer a server that refuses what is new as well', () => {
    const box = knownBox().do({ type: 'setup.done' }).lose(AUTH).do(DONE).lose(AUTH);
    assert.equal(what(box), 'configuration');
    assert.equal(box.do(DONE).state.link.phase, 'waiting');
  });

  const DEAD: readonly (readonly [string, Loss['class']])[] = [
    ['refuses TCP, or is not found', 'transient'],
    ['is unreachable', 'network'],
    ['speaks another protocol', 'protocol'],
  ];
  for (const [words, name] of DEAD)
    it(`asks again, once a minute at most, after three attempts at an address that ${words}`, () => {
      const box = knownBox().do({ type: 'setup.done' });
      const asked: number[] = [];
      const failures: number[] = [];
      while (box.at < 600_000) {
        const { link } = box.state;
        if (link.phase === 'waiting') box.pass(link.delayMs);
        else box.lose({ ...RESET, class: name });
        if (what(box) === null || box.state.link.phase !== 'waiting') continue;
        asked.push(box.at);
        failures.push(box.state.link.failures);
        box.do({ type: 'setup.done' });
      }
      assert.ok(asked.length >= 4, `asked at ${asked.join(', ')} ms`);
      const gaps = asked.map((at, index) => at - (asked[index - 1] ?? 0));
      assert.ok(
        gaps.every((gapMs) => gapMs >= 60_000),
        `asked after ${gaps.join(', ')} ms`,
      );
      assert.ok(
        failures.every((count) => count >= 3),
        `after ${failures.join(', ')} failures`,
      );
    });

  it('does not ask after two such attempts, nor for a fault of its own', () => {
    const box = knownBox().do({ type: 'setup.done' }).connect().pass(600_000);
    for (let failure = 1; failure <= 3; failure += 1) {
      if (box.state.link.phase === 'waiting') box.pass(box.state.link.delayMs);
      box.lose({ ...RESET, class: 'transient' });
      const failures = 'failures' in box.state.link ? box.state.link.failures : 0;
      assert.equal(what(box), failures >= 3 ? 'configuration' : null, `after ${failures} failures`);
    }
    const own = knownBox().do({ type: 'setup.done' }).connect().pass(600_000);
    while (own.at < 1_200_000) {
      if (own.state.link.phase === 'waiting') own.pass(own.state.link.delayMs);
      else own.lose({ ...RESET, class: 'local' });
      assert.equal(what(own), null);
    }
  });

  it('asks when a person asks for another connection, be there one or not', () => {
    const box = knownBox().do({ type: 'setup.done' }).connect();
    assert.equal(what(box.do({ type: 'reconnect.asked' })), 'configuration');
    const dead = knownBox().do({ type: 'setup.done' }).lose(RESET);
    assert.equal(what(dead.do({ type: 'reconnect.asked' })), 'configuration');
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

  it('asks then at every third time, not at each', () => {
    const box = knownBox().do({ type: 'setup.done' });
    const asked: number[] = [];
    for (let missed = 1; missed <= 9; missed += 1) {
      const { attempt } = box.state.link;
      box.do({ type: 'socket.reached', attempt, local: '10.0.0.2' }, { type: 'socket.opened', attempt });
      box.lose({ ...RESET, class: 'local' });
      if (what(box) !== null) asked.push(missed);
      box.do({ type: 'setup.done' });
      const { link } = box.state;
      if (link.phase === 'waiting') box.pass(link.delayMs);
    }
    assert.deepEqual(asked, [3, 6, 9]);
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

  const PRESSES: Readonly<Record<string, (box: Box) => Box>> = {
    'a click': (box) => box.click(),
    'a button that is still down': (box) => box.do({ type: 'button.pressed' }).pass(100),
    'a button that is held': (box) => box.do({ type: 'button.pressed' }).pass(500),
    'a hold by command': (box) => box.do({ type: 'press.asked', holdMs: 2_000 }).pass(100),
    'a hold by command that is over': (box) => box.do({ type: 'press.asked', holdMs: 50 }).pass(100),
  };
  for (const [name, press] of Object.entries(PRESSES))
    it(`hears it to its end too when somebody has asked for the connection by ${name}, sends nothing, and asks`, () => {
      const box = press(knownBox({ link: { mode: 'on-demand' } }).do({ type: 'setup.done' }));
      const { attempt } = box.state.link;
      box.do({ type: 'socket.reached', attempt, local: '10.0.0.2' }, { type: 'socket.opened', attempt });
      box.took();
      box.hear({ type: 'stt', text: 'log in' }, { type: 'tts', state: 'start' });
      assert.equal(box.holds.utterance, null);
      assert.notEqual(box.holds.playback, null);
      box.pass(3_000).sound('started').do({ type: 'button.released' });
      box.hear({ type: 'tts', state: 'sentence_start', text: 'log in to the console' });
      assert.equal('message' in box.state.setup && box.state.setup.message, 'log in to the console');
      box.hear({ type: 'tts', state: 'stop' }).sound('drained');
      assert.deepEqual([box.state.turn.phase, what(box)], ['idle', 'configuration']);
      assert.deepEqual(box.took(), []);
    });

  it('hears the next command at once though the last one was to hold the button for longer', () => {
    const box = knownBox({ link: { mode: 'on-demand' } }).do({ type: 'setup.done' });
    box.do({ type: 'press.asked', holdMs: 20_000 });
    assert.deepEqual(spokenTo(box).do({ type: 'press.asked' }).took(), ['cue stop']);
  });

  /** Spoken to without a greeting; the voice is being heard. */
  const spokenTo = (box = knownBox().do({ type: 'setup.done' })) => {
    const { attempt } = box.state.link;
    box.do({ type: 'socket.reached', attempt, local: '10.0.0.2' }, { type: 'socket.opened', attempt });
    box.hear({ type: 'stt', text: 'log in' }, { type: 'tts', state: 'start' }).sound('started').took();
    return box;
  };
  const SECOND_PRESSES: Readonly<Record<string, (box: Box) => Box>> = {
    'a click': (box) => box.click(),
    'a double click': (box) => box.click().click(),
    'a hold': (box) => box.do({ type: 'button.pressed' }).pass(1_000).do({ type: 'button.released' }),
    'a hold by command': (box) => box.do({ type: 'press.asked', holdMs: 500 }).pass(1_000),
  };
  for (const [name, press] of Object.entries(SECOND_PRESSES))
    it(`is silenced by ${name} during that voice, says nothing to the server, and asks at once`, () => {
      const box = press(spokenTo());
      assert.deepEqual(
        [box.state.turn.phase, box.holds.playback, box.holds.utterance, what(box), box.state.muted],
        ['idle', null, null, 'configuration', false],
      );
      const told = box.took();
      assert.deepEqual(told, name === 'a double click' ? ['cue stop', ...told.slice(1)] : ['cue stop']);
      box.hear({ type: 'tts', state: 'stop' }).pass(1_000);
      assert.deepEqual(
        press(box)
          .took()
          .filter((act) => act !== 'cue offline'),
        [],
      );
      assert.equal(what(box.do(FAILED)), null);
      assert.deepEqual(press(box.pass(1_000)).took()[0], 'cue offline', 'until the call is answered');
      box.do(DONE).pass(1_000).click();
      assert.deepEqual(box.took(), ['cue listen', 'listen start auto']);
    });

  it('says nothing to that server either when it is stopped, or cannot be heard', () => {
    for (const event of ['stop.asked', 'speaker.failed'] as const) {
      const box = spokenTo();
      const { turn } = box.state.turn;
      box.do(event === 'stop.asked' ? { type: event } : { type: event, turn, reason: 'no card' });
      assert.deepEqual([box.state.turn.phase, what(box)], ['idle', 'configuration'], event);
      assert.ok(
        box.took().every((act) => act.startsWith('cue ')),
        event,
      );
    }
  });

  it('listens to whoever presses as soon as it is greeted, though no call is answered', () => {
    const box = spokenTo().do(FAILED).lose(RESET).reconnect();
    assert.equal(box.click().state.turn.phase, 'listening');
  });

  it('says nothing to a server that speaks so while it is being asked', () => {
    const box = spokenTo(knownBox()).click();
    assert.deepEqual([box.took(), what(box)], [['cue stop'], 'configuration']);
    assert.equal(box.do(DONE).pass(1_000).click().state.turn.phase, 'listening');
  });

  it('is asked at a press where nobody is to hear what comes unasked', () => {
    const box = spokenTo(knownBox({ turn: { unsolicited: 'mute' } }).do({ type: 'setup.done' }));
    assert.equal(what(box), null);
    box.click();
    assert.deepEqual([box.took(), what(box)], [['cue offline'], 'configuration']);
  });

  it('asks all the same when that voice never comes to an end', () => {
    const box = knownBox().do({ type: 'setup.done' });
    const { attempt } = box.state.link;
    box.do({ type: 'socket.reached', attempt, local: '10.0.0.2' }, { type: 'socket.opened', attempt });
    box.hear({ type: 'stt', text: 'log in' });
    assert.equal(what(box.pass(59_999)), null);
    assert.equal(what(box.pass(1)), 'configuration');
  });
});
