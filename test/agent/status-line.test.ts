// The line for `systemctl status`, from the core's own states under a clock moved by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Agent } from '../../src/agent.ts';
import { statusLine } from '../../src/status-line.ts';
import { RESET } from '../helpers/box.ts';
import { REFUSED, WatchedBox } from './watched-box.ts';

function lineOf(box: WatchedBox, ...problems: readonly string[]): string {
  const agent = { state: box.state, held: box.holds, history: box.history } as unknown as Agent;
  return statusLine({ agent, clock: box.clock, problems: () => problems });
}

describe('the status line', () => {
  it('has the connection, the state and how many turns there were', () => {
    const box = new WatchedBox().proven();
    assert.equal(lineOf(box), 'connected, idle, 0 turns');
    box.click();
    assert.equal(lineOf(box), 'connected, listening, 1 turn');
    box.do({ type: 'stop.asked' }).pass(1_000).click();
    assert.equal(lineOf(box), 'connected, listening, 2 turns');
  });

  it('tells a first attempt from one that follows others', () => {
    const box = new WatchedBox().do({ type: 'agent.started' });
    assert.match(lineOf(box), /^connecting, idle/);
    box.lose(REFUSED).pass(1_500);
    assert.match(lineOf(box), /^connecting, attempt 2, idle/);
  });

  it('says why there is no connection, and the time of day of the next attempt', () => {
    const box = new WatchedBox().proven().lose(RESET);
    const at = new Date(box.clock.wallMs() + (box.history.retryInMs(box.state) ?? 0))
      .toTimeString()
      .slice(0, 8);
    assert.equal(
      lineOf(box),
      `not connected: connection broke off (1006), next attempt at ${at}, idle, 0 turns`,
    );
  });

  it('says that it rests, that it has stopped, and that it ends', () => {
    const onDemand = new WatchedBox({ link: { mode: 'on-demand' } }).do({ type: 'agent.started' });
    assert.match(lineOf(onDemand), /^at rest, a press connects, idle/);
    const limited = new WatchedBox({ link: { maxAttempts: 1 } }).do({ type: 'agent.started' }).lose(REFUSED);
    assert.match(lineOf(limited), /^not connected: the limit of 1 attempts? is reached, idle/);
    assert.match(lineOf(new WatchedBox().proven().do({ type: 'shutdown.asked' })), /^shutting down, idle/);
  });

  it('begins with what is not configured, and says it once', () => {
    const box = new WatchedBox({ configured: false }).do({ type: 'agent.started' });
    assert.equal(lineOf(box), 'not configured: no server is set, idle, 0 turns');
    assert.equal(lineOf(box, 'link.mode: wrong', 'more'), 'not configured: link.mode: wrong, idle, 0 turns');
  });

  it('says why the configuration call failed, also while it is made again', () => {
    const box = new WatchedBox({ configured: false, setup: { asks: true } }).do({ type: 'agent.started' });
    assert.match(lineOf(box), /^the server is asked where to connect, idle/);
    box.do({ type: 'setup.failed', why: 'no answer' });
    assert.match(lineOf(box), /^the configuration call failed: no answer, idle/);
    box.do({ type: 'clock.synchronized' });
    assert.match(lineOf(box), /^the configuration call failed: no answer; it is made again now, idle/);
    box.do({ type: 'setup.failed', why: 'HTTP 502' });
    assert.match(lineOf(box), /^the configuration call failed: HTTP 502, idle/);
  });

  it('ends with what is wrong with the configuration of a box that runs all the same', () => {
    const box = new WatchedBox().proven();
    assert.equal(lineOf(box, 'x: unknown key'), 'connected, idle, 0 turns; x: unknown key');
    assert.equal(
      lineOf(box, 'x: unknown key', 'y', 'z'),
      'connected, idle, 0 turns; x: unknown key (and 2 more: xiaozhi-agent config check)',
    );
    assert.equal(lineOf(box, 'w'.repeat(900)).length, 200);
  });
});
