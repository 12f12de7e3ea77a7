// Random walks: hundreds of thousands of facts in any order, and what must be true after each. The seed is printed;
// WALK_SEED=n walks another way.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Event, FAILURE_CLASSES } from '../../src/core/events.ts';
import { isFree } from '../../src/core/gesture.ts';
import { currentOf } from '../../src/core/link.ts';
import { callOf } from '../../src/core/setup.ts';
import type { State } from '../../src/core/state.ts';
import type { ServerMessage } from '../../src/protocol/messages.ts';
import { Box, HELLO, type PolicyChanges, RESET } from '../helpers/box.ts';
import { dice, WALK_SEED } from '../helpers/dice.ts';

const STEPS = 60_000;

const POLLED = ['bound', 'pending', 'unsupported', 'failed'] as const;

const MESSAGES: readonly ServerMessage[] = [
  HELLO,
  { type: 'stt', text: 'yes' },
  { type: 'tts', state: 'start' },
  { type: 'tts', state: 'sentence_start', text: 'well' },
  { type: 'tts', state: 'stop' },
  { type: 'abort', state: 'success' },
  { type: 'llm', emotion: 'happy' },
  { type: 'goodbye' },
];

function pick<T>(from: readonly T[], random: number): T {
  const one = from[Math.floor(random * from.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

/** What would happen next if all went well: without it, a walk would hardly ever get far. */
function naturalEvent({ link, turn, setup }: State): Event {
  const call = callOf(setup);
  if (call?.what === 'configuration') return { type: 'setup.done', changed: true };
  if (call?.what === 'activation') return { type: 'setup.polled', result: 'bound' };
  const attempt = link.attempt;
  if (link.phase === 'dialing') return { type: 'socket.opened', attempt };
  if (link.phase === 'greeting') return { type: 'server.said', attempt, message: HELLO };
  if (link.phase !== 'ready') return { type: 'press.asked' };
  const says = (message: ServerMessage): Event => ({ type: 'server.said', attempt: link.current, message });
  const numbers = { turn: turn.turn, take: 'take' in turn ? turn.take : 0 };
  switch (turn.phase) {
    case 'idle':
    case 'recording':
      return { type: 'press.asked' };
    case 'pressed':
      return { type: 'button.released' };
    case 'aborting':
      return says({ type: 'tts', state: 'stop' });
    case 'listening':
      return says({ type: 'stt', text: 'well' });
    case 'finishing':
      return { type: 'uplink.flushed', ...numbers };
    case 'thinking':
      return { type: 'downlink.started', turn: turn.turn };
    case 'speaking':
      return says({ type: 'tts', state: 'stop' });
    case 'draining':
      return { type: 'downlink.drained', turn: turn.turn };
  }
}

/** Mostly facts that fit the present numbers; now and then a late one or an impossible one. */
function anyEvent(state: State, random: () => number): Event {
  const drift = random() < 0.9 ? 0 : Math.floor(random() * 5) - 3;
  const attempt =
    (random() < 0.5 ? (currentOf(state.link) ?? state.link.attempt) : state.link.attempt) + drift;
  const turn = state.turn.turn + drift;
  const take = ('take' in state.turn ? state.turn.take : 0) + drift;
  const message = pick(MESSAGES, random());
  const loss = { ...RESET, class: pick(FAILURE_CLASSES, random()), quick: random() < 0.5 };
  const events: readonly Event[] = [
    { type: 'button.pressed' },
    { type: 'button.released' },
    { type: 'press.asked' },
    { type: 'press.asked', holdMs: random() * 2_000 },
    { type: 'stop.asked' },
    { type: 'socket.reached', attempt, local: '192.0.2.7' },
    { type: 'socket.opened', attempt },
    { type: 'socket.opened', attempt },
    { type: 'socket.heard', attempt, rttMs: random() < 0.5 ? null : random() * 3_000 },
    { type: 'reconnect.asked' },
    { type: 'server.said', attempt, message: HELLO },
    { type: 'server.said', attempt, message },
    { type: 'server.said', attempt, message },
    { type: 'server.said', attempt, message },
    { type: 'server.muttered', attempt, text: '认证失败' },
    { type: 'speech.arrived', attempt },
    { type: 'uplink.voiced', turn },
    { type: 'uplink.flushed', turn, take },
    { type: 'uplink.flushed', turn, take },
    { type: 'uplink.moved', turn, take },
    { type: 'uplink.hushed', turn, take, sentAt: random() * 1_000_000 },
    { type: 'downlink.started', turn },
    { type: 'downlink.heard', turn },
    { type: 'downlink.played', turn },
    { type: 'downlink.drained', turn },
    { type: 'timer.fired', timer: `turn ${turn} thinking` },
  ];
  if (random() < 0.05) return { type: 'socket.closed', attempt, loss };
  if (random() < 0.02) return { type: 'mute.asked', muted: pick([true, false, false, 'toggle'], random()) };
  if (random() < 0.02) return { type: 'mute.switched', muted: random() < 0.3 };
  if (random() < 0.01) return { type: 'volume.stepped', by: 1 };
  if (random() < 0.01) return { type: 'microphone.failed', turn, reason: 'gone', said: random() < 0.5 };
  if (random() < 0.01) return { type: 'speaker.failed', turn, reason: 'gone' };
  if (random() < 0.002) return { type: 'setup.activating', code: '123456' };
  if (random() < 0.02) return { type: 'setup.done' };
  if (random() < 0.01) return { type: 'setup.failed', why: 'no answer' };
  if (random() < 0.01) return { type: 'setup.polled', result: pick(POLLED, random()) };
  if (random() < 0.003) return { type: 'disconnect.asked', why: 'asked' };
  if (random() < 0.02) return { type: 'connect.asked' };
  if (random() < 0.01) return { type: 'clock.synchronized' };
  if (random() < 0.005)
    return { type: 'reconnect.switched', enabled: random() < 0.8, maxAttempts: Math.floor(random() * 4) };
  return pick(events, random());
}

/** What must be true of a step: of the states before and after it, and of what was said. */
function checkStep(before: State, event: Event, box: Box, said: readonly string[]): void {
  const { state } = box;
  const stop = said.includes('listen stop');
  if (stop) assert.ok(event.type === 'uplink.flushed', 'listen stop before everything is sent');
  const start = said.some((words) => words.startsWith('listen start'));
  if (start) assert.ok(box.holds.utterance !== null, 'listen start without an utterance');
  const heard = event.type === 'server.said' && event.message.type === 'stt';
  const kept = box.holds.utterance;
  if (heard && before.turn.phase === 'listening' && state.turn.phase === 'thinking' && kept !== null)
    assert.notEqual(kept.turn, before.turn.turn, 'what was understood is kept to be sent again');
  if (said.includes('abort')) assert.equal(box.holds.playback, null, 'playing what was aborted');
}

function check(box: Box): void {
  const { state, holds } = box;
  const { link, turn } = state;

  assert.ok(holds.sockets.length <= 2, 'at most one current socket and one successor');
  if (holds.sockets.length === 2)
    assert.equal(link.phase, 'ready', 'a successor only beside a current socket');
  assert.equal(new Set(holds.sockets).size, holds.sockets.length);
  const current = currentOf(link);
  if (current !== null) assert.equal(holds.sockets[0], current, 'frames go to a socket that exists');

  const open = holds.utterance?.capture === 'open';
  const mayRecord =
    turn.phase === 'listening' ||
    turn.phase === 'pressed' ||
    (turn.phase === 'recording' && turn.capture === 'going') ||
    ('mode' in turn && turn.mode === 'realtime');
  assert.ok(!open || mayRecord, `the microphone is open in ${turn.phase}`);
  if (turn.phase === 'listening') assert.ok(open, 'listening without a microphone');
  if (state.muted) assert.ok(!open, `muted, and the microphone is open in ${turn.phase}`);
  if (holds.utterance !== null && holds.utterance.sendTo !== null)
    assert.equal(holds.utterance.sendTo, current, 'speech goes to the current connection only');
  if (turn.phase === 'listening' || turn.phase === 'finishing')
    assert.notEqual(current, null, `${turn.phase} without a connection`);

  const transientLink = link.phase === 'waiting' || link.phase === 'dialing' || link.phase === 'greeting';
  const linkTimers = holds.timers.filter((timer) => timer.name.startsWith('link '));
  const turnTimers = holds.timers.filter((timer) => timer.name.startsWith('turn '));
  if (transientLink) assert.equal(linkTimers.length, 1, `no timer in ${link.phase}`);
  if (link.phase === 'ready') {
    const beats = linkTimers.filter((timer) => /^link (heartbeat|\w+ ping) of/.test(timer.name));
    assert.equal(beats.length, 1, 'a connection without a heartbeat');
    assert.ok(
      linkTimers.some((timer) => timer.name.startsWith('link monitor')),
      'or without a monitor',
    );
    const making = linkTimers.filter((timer) => timer.name.includes(` of attempt ${link.attempt}, `));
    assert.equal(making.length, holds.sockets.length - 1, 'a successor without a deadline');
  }
  if (['resting', 'closed', 'stopped', 'ended'].includes(link.phase))
    assert.deepEqual([holds.sockets, linkTimers], [[], []], `something is left in ${link.phase}`);
  if (turn.phase !== 'idle') assert.ok(turnTimers.length >= 1, `no timer in ${turn.phase}`);
  if (turn.phase === 'idle') assert.deepEqual(turnTimers, []);
  if (state.muteSwitched) assert.ok(state.muted, 'the switch stands on mute and the box listens');
  if (state.policy.setup.asks && link.phase !== 'ended') {
    const waits = holds.timers.filter((timer) => timer.name.startsWith('setup ')).length;
    const calls = holds.call === null ? 0 : 1;
    assert.equal(waits + calls, state.setup.phase === 'done' ? 0 : 1, `setup ${state.setup.phase} goes on`);
  }
  if (!isFree(state.gesture))
    assert.ok(
      holds.timers.some((timer) => timer.name.startsWith('gesture ')),
      'a gesture nobody decides',
    );
  assert.equal(
    new Set(holds.timers.map((timer) => timer.name)).size,
    holds.timers.length,
    'names are unique',
  );
  for (const timer of holds.timers) assert.ok(timer.afterMs >= 0 && timer.afterMs < 1_000_000, timer.name);
}

const POLICIES: readonly (readonly [string, PolicyChanges])[] = [
  ['as shipped', {}],
  [
    'realtime, renewing, button in mode click',
    { turn: { mode: 'realtime' }, link: { assumedRenewMs: 5_000 }, gesture: { mode: 'click' } },
  ],
  [
    'on demand with a limit, button in mode hold',
    { link: { mode: 'on-demand', maxAttempts: 3 }, gesture: { mode: 'hold' } },
  ],
  [
    'without follow-up and unsolicited speech, renewing',
    { turn: { followUp: false, unsolicited: 'mute' }, link: { assumedRenewMs: 2_000 } },
  ],
  ['that asks who its server is', { configured: false, setup: { asks: true } }],
];

describe(`random walks (seed ${WALK_SEED})`, () => {
  for (const [at, [name, changes]] of POLICIES.entries())
    it(`${STEPS} steps, ${name}, never break a rule, and visit every phase`, () => {
      const random = dice(WALK_SEED + at);
      const box = new Box(changes).do({ type: 'agent.started' });
      const visited = new Set<string>();
      let readySteps = 0;
      for (let stepNumber = 0; stepNumber < STEPS; stepNumber += 1) {
        box.dice = random();
        box.rttMs = random() < 0.2 ? null : random() * 2_000;
        const choice = random();
        const before = box.state;
        const event = choice < 0.5 ? naturalEvent(before) : anyEvent(before, random);
        if (choice < 0.3) box.pass(random() ** 4 * 20_000);
        else box.do(event);
        const said = box.took();
        visited.add(`link ${box.state.link.phase}`).add(`turn ${box.state.turn.phase}`);
        if (box.state.link.phase === 'ready') readySteps += 1;
        try {
          check(box);
          if (choice >= 0.3) checkStep(before, event, box, said);
        } catch (error) {
          throw new Error(`seed ${WALK_SEED}, step ${stepNumber}: ${JSON.stringify(box.state)}`, {
            cause: error,
          });
        }
      }
      assert.ok(readySteps > STEPS / 10, `connected in ${readySteps} steps only`);
      for (const phase of ['dialing', 'greeting', 'ready', 'waiting'])
        assert.ok(visited.has(`link ${phase}`), phase);
      for (const phase of [
        'idle',
        'pressed',
        'recording',
        'listening',
        'finishing',
        'thinking',
        'speaking',
        'draining',
        'aborting',
      ])
        if (!(phase === 'pressed' && changes.gesture?.mode !== undefined))
          assert.ok(visited.has(`turn ${phase}`), phase);
    });

  it('end for good with the process, wherever they are', () => {
    const random = dice(WALK_SEED);
    for (let walk = 0; walk < 300; walk += 1) {
      const box = new Box().do({ type: 'agent.started' });
      for (let stepNumber = 0; stepNumber < 20; stepNumber += 1)
        box.do(random() < 0.5 ? naturalEvent(box.state) : anyEvent(box.state, random));
      box.do({ type: 'shutdown.asked' });
      box.took();
      for (let stepNumber = 0; stepNumber < 20; stepNumber += 1)
        box.do(anyEvent(box.state, random)).pass(1_000);
      const { sockets, utterance, playback, timers } = box.holds;
      const left = { sockets, utterance, playback, timers, said: box.took() };
      assert.deepEqual(left, { sockets: [], utterance: null, playback: null, timers: [], said: [] });
    }
  });

  it('come to rest once nothing happens any more', () => {
    const random = dice(WALK_SEED);
    const box = new Box().do({ type: 'agent.started' });
    for (let walk = 0; walk < 300; walk += 1) {
      for (let stepNumber = 0; stepNumber < 30; stepNumber += 1)
        box.do(random() < 0.3 ? naturalEvent(box.state) : anyEvent(box.state, random));
      box.do({ type: 'button.released' }, { type: 'setup.done' }).pass(300_000);
      assert.equal(
        box.state.turn.phase,
        'idle',
        `seed ${WALK_SEED}, walk ${walk}: ${JSON.stringify(box.state)}`,
      );
    }
  });
});
