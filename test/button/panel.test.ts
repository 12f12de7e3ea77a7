// The panel: what each key of the box says to the core, how a held one goes on, and what a watcher is shown.

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type SimButton, simButton } from '../../src/adapters/sim/sim-button.ts';
import { Line } from '../../src/button/line.ts';
import type { Event } from '../../src/core/events.ts';
import { type Edge, Panel, type Role } from '../../src/panel.ts';
import { keptLog } from '../helpers/card.ts';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';

describe('the panel', () => {
  let clock: HandClock;
  let button: SimButton;
  let panel: Panel;
  let facts: Event[];

  beforeEach(() => {
    clock = handClock();
    facts = [];
  });

  function begin(role: Role): void {
    button = simButton(clock);
    const kind = role === 'mute switch' ? 'switch' : 'button';
    const line = new Line({ name: role, candidates: [button], kind, clock, log: keptLog() });
    panel = new Panel({
      lines: [{ role, line }],
      clock,
      log: keptLog(),
      dispatch: (event) => facts.push(event),
    });
    panel.start();
    clock.advance(0);
  }
  function tap(heldMs = 50): void {
    button.press();
    clock.advance(heldMs);
    button.release();
  }

  for (const [role, expected] of [
    ['button', [{ type: 'button.pressed' }, { type: 'button.released' }]],
    ['stop', [{ type: 'stop.asked' }]],
    ['mute key', [{ type: 'mute.asked', muted: 'toggle' }]],
    ['volume up', [{ type: 'volume.stepped', by: 1 }]],
    ['volume down', [{ type: 'volume.stepped', by: -1 }]],
  ] as const)
    it(`says what a tap on "${role}" means`, () => {
      begin(role);
      tap();
      assert.deepEqual(facts, expected);
    });

  it('says how a mute switch stands, at the start and whenever it moves', () => {
    begin('mute switch');
    tap();
    const stands = facts.map((event) => event.type === 'mute.switched' && event.muted);
    assert.deepEqual(stands, [false, true, false]);
  });

  it('goes on with the volume while its key is held: after 400 ms, then every 150', () => {
    begin('volume up');
    button.press();
    clock.advance(399);
    assert.equal(facts.length, 1);
    clock.advance(1);
    assert.equal(facts.length, 2);
    clock.advance(300);
    assert.equal(facts.length, 4);
    button.release();
    clock.advance(10_000);
    assert.equal(facts.length, 4);
  });

  it('makes no more than 25 steps of a key that is stuck', () => {
    begin('volume down');
    button.press();
    clock.advance(600_000);
    assert.equal(facts.length, 25);
    button.release();
    tap();
    assert.equal(facts.length, 26);
  });

  it('shows a watcher each edge with its moment, until that one leaves', () => {
    begin('button');
    const edges: Edge[] = [];
    const cancel = panel.watch((edge) => edges.push(edge));
    clock.advance(100);
    tap();
    cancel();
    tap();
    assert.deepEqual(edges, [
      { role: 'button', edge: 'pressed', atMs: 100 },
      { role: 'button', edge: 'released', atMs: 150 },
    ]);
  });

  it('leaves nothing running when it is stopped', () => {
    begin('volume up');
    button.press();
    panel.stop();
    clock.advance(10_000);
    assert.deepEqual([facts.length, clock.pending(), button.isRunning], [1, 0, false]);
  });
});
