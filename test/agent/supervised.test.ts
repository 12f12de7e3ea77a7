// What is told to whoever looks after the process, by a clock moved by hand: life only through the loop, the line not too
// often and never on the heels of a press.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Event } from '../../src/core/events.ts';
import { startState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import type { News } from '../../src/ports.ts';
import { Supervised } from '../../src/supervised.ts';
import { policy } from '../helpers/box.ts';
import { keptLog } from '../helpers/card.ts';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';

describe('a supervised box', () => {
  let clock: HandClock;
  let told: News[];
  let line: string;
  let state: ReturnType<typeof startState>;
  let loop: 'moves' | 'stands still';
  let supervised: Supervised;
  let failed: (reason: string) => void;
  const log = keptLog();

  const happen = (event: Event) => {
    if (loop === 'stands still') return;
    state = step(state, event, { at: clock.now(), dice: 0.5 }).state;
    supervised.observe(state, event);
  };
  const lines = () => told.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const signs = () => told.filter(({ isAlive }) => isAlive === true).length;

  beforeEach(() => {
    clock = handClock();
    told = [];
    line = 'first';
    loop = 'moves';
    state = startState(policy(), 0);
    supervised = new Supervised({
      supervisor: {
        watchdogMs: 30_000,
        start(on) {
          failed = on.failed;
        },
        tell: (news) => told.push(news),
        stop() {},
      },
      clock,
      log,
      dispatch: happen,
      statusLine: () => line,
    });
    supervised.ready();
  });

  it('is ready with a line and a sign of life, once', () => {
    supervised.ready();
    assert.deepEqual(told, [{ phase: 'ready', status: 'first', isAlive: true }]);
  });

  it('gives a sign of life every 10 of 30 seconds', () => {
    clock.advance(9_999);
    assert.equal(signs(), 1);
    clock.advance(1);
    assert.equal(signs(), 2);
    clock.advance(20_000);
    assert.equal(signs(), 4);
  });

  it('gives none when its loop no longer moves', () => {
    loop = 'stands still';
    clock.advance(60_000);
    assert.equal(signs(), 1);
  });

  it('gives none while a machine is in a state that ought to be long over, and says which', () => {
    // Its timer is lost: nobody steps it.
    happen({ type: 'agent.started' });
    clock.advance(10_000);
    assert.equal(signs(), 2);
    clock.advance(10_000);
    assert.equal(signs(), 2, '11 s for a connection, 5 s of grace');
    assert.match(JSON.stringify(log.lines), /link connection of attempt 1.*no sign of life/);
  });

  it('tells a changed line once a second, the newest', () => {
    for (let at = 1; at <= 10; at += 1) {
      line = `line ${at}`;
      happen({ type: 'meter.asked' });
      clock.advance(300);
    }
    clock.advance(1_000);
    assert.deepEqual(lines(), ['first', 'line 4', 'line 7', 'line 10']);
  });

  it('tells none within 500 ms of a press', () => {
    clock.advance(5_000);
    line = 'about to be told';
    happen({ type: 'meter.asked' });
    happen({ type: 'button.pressed' });
    clock.advance(499);
    assert.deepEqual(lines(), ['first']);
    happen({ type: 'button.released' });
    clock.advance(1);
    assert.deepEqual(lines(), ['first', 'about to be told']);
  });

  it('does not repeat a line that has not changed', () => {
    for (let at = 0; at < 5; at += 1) {
      happen({ type: 'meter.asked' });
      clock.advance(2_000);
    }
    assert.deepEqual(lines(), ['first']);
  });

  it('says when it stops, and nothing after that', () => {
    supervised.stopping();
    supervised.stopping();
    assert.equal(clock.pending(), 0);
    happen({ type: 'shutdown.asked' });
    clock.advance(60_000);
    assert.deepEqual(told.slice(1), [{ phase: 'stopping' }]);
  });

  it('says when it reads its configuration, and is ready again', () => {
    supervised.reloading();
    supervised.reloaded();
    assert.deepEqual(told.slice(1), [{ phase: 'reloading' }, { phase: 'ready' }]);
    // What the configuration has changed is in the line, though nothing has happened to the box.
    line = 'not reloaded';
    clock.advance(1_000);
    assert.deepEqual(told.slice(3), [{ status: 'not reloaded' }]);
  });

  it('says why it cannot be told, once for each reason', () => {
    for (const reason of ['not installed', 'not installed', 'exit code 1', 'not installed']) failed(reason);
    assert.deepEqual(
      log.lines.filter(({ text }) => text.endsWith('not told')).map(({ fields }) => fields),
      [{ reason: 'not installed' }, { reason: 'exit code 1' }, { reason: 'not installed' }],
    );
  });
});
