// A line kept heard: which backend is taken, when it is tried again, and what becomes of edges that nobody saw.

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type SimButton, simButton } from '../../src/adapters/sim/sim-button.ts';
import { Line, type LineParts } from '../../src/button/line.ts';
import type { Button, ButtonTrouble } from '../../src/ports.ts';
import { keptLog } from '../helpers/card.ts';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';

const trouble = (kind: ButtonTrouble['kind'], reason: string): ButtonTrouble => ({ kind, reason });
const GONE = trouble('broken', 'it was killed');

describe('a line', () => {
  let clock: HandClock;
  let log: ReturnType<typeof keptLog>;
  let buttons: readonly SimButton[];
  let line: Line;
  let seen: string[];

  beforeEach(() => {
    clock = handClock();
    log = keptLog();
    seen = [];
  });

  function begin(names = ['gpiod', 'onoff', 'rpio'], kind: LineParts['kind'] = 'button'): void {
    buttons = names.map((name) => simButton(clock, name));
    line = new Line({ name: 'button', candidates: buttons, kind, clock, log });
    line.start({ pressed: () => seen.push('pressed'), released: () => seen.push('released') });
  }
  const button = (at = 0) => buttons[at] ?? assert.fail(`no candidate ${at}`);
  const opened = () => clock.advance(0);
  const levels = () => log.lines.map(({ level, text }) => `${level}: ${text}`);

  it('takes the first backend that can, and leaves the others alone', () => {
    begin();
    opened();
    const { backend, state, others, lastTrouble } = line.status();
    assert.deepEqual([backend, state, others, lastTrouble], ['gpiod', 'working', [], null]);
    assert.deepEqual(
      buttons.map((one) => one.isRunning),
      [true, false, false],
    );
    button().press();
    button().release();
    assert.deepEqual(seen, ['pressed', 'released']);
    assert.deepEqual(levels(), ['info: button taken']);
  });

  it('takes the next when one cannot, and remembers why', () => {
    begin();
    button(0).fail(trouble('missing', 'no programs'));
    button(1).fail(trouble('denied', 'not in the group'));
    opened();
    const { backend, others } = line.status();
    assert.equal(backend, 'rpio');
    assert.deepEqual(others, [
      { backend: 'gpiod', kind: 'missing', reason: 'no programs' },
      { backend: 'onoff', kind: 'denied', reason: 'not in the group' },
    ]);
    assert.deepEqual(log.lines[0]?.fields, {
      backend: 'rpio',
      line: 'no line',
      others: 'gpiod: no programs; onoff: not in the group',
    });
  });

  it('that somebody else has is not read past the kernel', () => {
    begin();
    button(0).fail(trouble('busy', 'in use by "wakeword"'));
    assert.equal(line.status().state, 'waiting');
    assert.deepEqual(
      buttons.map((one) => one.isRunning),
      [false, false, false],
    );
  });

  /** A backend that cannot have the line until `trouble` is taken away. */
  function refusing(first: ButtonTrouble) {
    const state = { trouble: first as ButtonTrouble | undefined, starts: 0 };
    const button: Button = {
      backend: 'gpiod',
      line: 'BCM 17',
      start(on) {
        state.starts += 1;
        const { trouble } = state;
        clock.after(0, () => (trouble === undefined ? on.found('up') : on.ended(trouble)));
      },
      stop() {},
    };
    line = new Line({ name: 'button', candidates: [button], kind: 'button', clock, log });
    line.start({ pressed() {}, released() {} });
    opened();
    return state;
  }

  it('is tried again after 0.2, 1, 5, 15 and 60 s, and told of once', () => {
    const beganAtMs = clock.wallMs();
    const backend = refusing(trouble('denied', 'not in the group'));
    for (const [before, delayMs] of [200, 1_000, 5_000, 15_000, 60_000, 60_000].entries()) {
      clock.advance(delayMs - 1);
      assert.equal(backend.starts, before + 1, `${delayMs} ms are not over`);
      clock.advance(1);
      assert.equal(backend.starts, before + 2);
    }
    assert.deepEqual(levels(), ['error: button cannot be heard; it is tried again']);
    const { state, lastTrouble, restarts } = line.status();
    assert.deepEqual([state, lastTrouble?.over, restarts], ['waiting', false, 0]);
    assert.equal(lastTrouble?.atMs, beganAtMs, 'one trouble, since its beginning');
    backend.trouble = undefined;
    clock.advance(60_000);
    assert.deepEqual(levels().slice(1), ['info: button works again']);
    assert.deepEqual([line.status().state, line.status().lastTrouble?.over], ['working', false]);
    clock.advance(60_000);
    assert.equal(line.status().lastTrouble?.over, true, 'it has lasted');
    assert.equal(levels().length, 2);
  });

  it('whose backend dies soon after it begins, however often, makes a few lines of its trouble', () => {
    begin(['gpiod']);
    opened();
    for (let breaks = 0; breaks < 50; breaks += 1) {
      while (line.status().state !== 'working') clock.advance(200);
      clock.advance(59_000);
      button().fail(breaks % 2 === 0 ? GONE : trouble('broken', `reason ${breaks}`));
      assert.equal(line.status().lastTrouble?.over, false);
    }
    const cannot = 'error: button cannot be heard; it is tried again';
    assert.deepEqual(levels(), [
      'info: button taken',
      cannot,
      'info: button works again',
      'error: button works and breaks again and again; it is told of when that ends',
      ...Array(3).fill(cannot),
    ]);
    const before = levels().length;
    clock.advance(120_000);
    assert.deepEqual(levels().slice(before), ['info: button works again, and has not broken since']);
    assert.equal(line.status().lastTrouble?.over, true);
    button().fail(GONE);
    assert.deepEqual(levels().slice(before + 1), [cannot]);
  });

  it('that breaks before it has worked for a minute waits longer', () => {
    begin(['gpiod']);
    opened();
    clock.advance(59_999);
    button().fail(GONE);
    clock.advance(200);
    clock.advance(59_999);
    button().fail(GONE);
    clock.advance(999);
    assert.equal(line.status().state, 'waiting', 'the second of one trouble');
    clock.advance(1);
    assert.equal(line.status().state, 'working');
  });

  it('that is held down at each of many restarts says so no more than twice', () => {
    begin(['gpiod']);
    opened();
    for (let time = 0; time < 20; time += 1) {
      button().fail(GONE);
      clock.advance(2_000);
      button().press();
      clock.advance(58_000);
    }
    assert.ok(levels().filter((text) => text.includes('held down already')).length <= 2, levels().join('\n'));
  });

  it('that is on no machine at all is a warning and no error', () => {
    begin();
    for (const at of [0, 1, 2]) button(at).fail(trouble('missing', 'no GPIO'));
    assert.deepEqual(levels(), ['warn: button cannot be heard; it is tried again']);
  });

  it('that is there, for others or for somebody else, is an error', () => {
    begin();
    button(0).fail(trouble('denied', 'not in the group'));
    for (const at of [1, 2]) button(at).fail(trouble('missing', 'no GPIO'));
    assert.deepEqual(levels(), ['error: button cannot be heard; it is tried again']);
  });

  it('tells of a new reason', () => {
    const backend = refusing(trouble('missing', 'no chip'));
    backend.trouble = trouble('busy', 'in use');
    clock.advance(1_200);
    const cannot = 'button cannot be heard; it is tried again';
    assert.deepEqual(levels(), [`warn: ${cannot}`, `error: ${cannot}`]);
  });

  it('that has worked for a minute is started again soon', () => {
    begin(['gpiod']);
    opened();
    for (let time = 0; time < 3; time += 1) {
      clock.advance(60_000);
      button().fail(GONE);
      clock.advance(199);
      assert.equal(line.status().state, 'waiting');
      clock.advance(1);
      assert.equal(line.status().state, 'working');
    }
    assert.equal(line.status().restarts, 3);
  });

  it('that does not begin within 20 s is given up for the next', () => {
    let stops = 0;
    const stop = () => {
      stops += 1;
    };
    const stuck = { backend: 'gpiod', line: 'BCM 17', start() {}, stop };
    const second = simButton(clock, 'onoff');
    line = new Line({ name: 'button', candidates: [stuck, second], kind: 'button', clock, log });
    line.start({ pressed() {}, released() {} });
    clock.advance(19_999);
    assert.deepEqual([line.status().backend, stops], ['gpiod', 0]);
    clock.advance(1);
    opened();
    assert.equal(stops, 1, 'what hangs is ended');
    assert.equal(line.status().backend, 'onoff');
    assert.equal(line.status().others[0]?.reason, 'BCM 17: gpiod does not begin');
  });

  it('that is held at the start counts from its next press', () => {
    buttons = [simButton(clock)];
    line = new Line({ name: 'button', candidates: buttons, kind: 'button', clock, log });
    button().press();
    line.start({ pressed: () => seen.push('pressed'), released: () => seen.push('released') });
    opened();
    button().release();
    assert.deepEqual(seen, []);
    button().press();
    assert.deepEqual(seen, ['pressed']);
    assert.ok(levels().includes('info: button is held down already: it counts from its next press'));
  });

  it('whose release was missed while it could not be heard is released', () => {
    begin(['gpiod']);
    opened();
    button().press();
    button().fail(GONE);
    button().release();
    clock.advance(200);
    assert.deepEqual(seen, ['pressed', 'released']);
  });

  it('that is still held after a restart goes on as if nothing had been', () => {
    begin(['gpiod']);
    opened();
    button().press();
    button().fail(GONE);
    clock.advance(200);
    assert.deepEqual([seen, line.status().isDown], [['pressed'], true]);
    button().release();
    assert.deepEqual(seen, ['pressed', 'released']);
  });

  it('that cannot be heard for two seconds counts as let go', () => {
    begin(['gpiod']);
    opened();
    button().press();
    button().fail(GONE);
    clock.advance(200);
    button().fail(GONE);
    clock.advance(999);
    assert.deepEqual(seen, ['pressed']);
    // The second wait has begun anew.
    clock.advance(1);
    button().fail(GONE);
    clock.advance(2_000);
    assert.deepEqual(seen, ['pressed', 'released']);
  });

  it('that is pressed twice without a release was let go in between', () => {
    begin(['gpiod']);
    opened();
    button().press();
    button().press();
    button().release();
    button().release();
    assert.deepEqual(seen, ['pressed', 'released', 'pressed', 'released']);
  });

  /** As fast as a program can print them, or as a wire beside mains does. */
  function flood(edges: number, everyMs: number): void {
    for (let edge = 0; edge < edges; edge += 1) {
      if (edge % 2 === 0) button().press();
      else button().release();
      clock.advance(everyMs);
    }
  }
  const noises = () => levels().filter((text) => text.includes('more edges than any finger'));

  it('that makes more edges than any finger is noise: one warning, and nothing of it is passed on', () => {
    begin(['gpiod']);
    opened();
    flood(100_000, 0);
    flood(3_000, 10);
    assert.equal(seen.length, 50);
    assert.equal(noises().length, 1);
    assert.match(noises()[0] ?? '', /^warn/);
    assert.equal(clock.pending(), 2, 'the minute, and the rest that is waited for');
  });

  it('counts again by the level at which it comes to rest', () => {
    begin(['gpiod']);
    opened();
    flood(1_000, 1);
    assert.equal(seen.at(-1), 'released');
    seen.length = 0;
    button().press();
    clock.advance(499);
    assert.deepEqual(seen, []);
    clock.advance(1);
    assert.deepEqual(seen, ['pressed']);
    button().release();
    button().press();
    assert.deepEqual(seen, ['pressed', 'released', 'pressed']);
  });

  it('that is pressed when noise begins is let go after two seconds of it', () => {
    begin(['gpiod']);
    opened();
    button().release();
    flood(49, 1);
    assert.equal(line.status().isDown, true);
    flood(1_999, 1);
    assert.equal(line.status().isDown, true, 'it may be the finger still');
    flood(1_000, 1);
    assert.deepEqual([seen.length, seen.at(-1)], [50, 'released']);
    assert.equal(line.status().isDown, false);
  });

  it('is warned of once while its noise comes and goes, and again after a minute without', () => {
    begin(['gpiod']);
    opened();
    for (let time = 0; time < 10; time += 1) {
      flood(200, 1);
      clock.advance(10_000);
    }
    assert.equal(noises().length, 1);
    clock.advance(60_000);
    flood(200, 1);
    assert.equal(noises().length, 2);
  });

  it('takes ten presses a second for presses, for as long as one likes', () => {
    begin(['gpiod']);
    opened();
    flood(1_000, 50);
    assert.deepEqual([seen.length, noises()], [1_000, []]);
  });

  it('says nothing of noise after it was stopped, nor of a backend that has ended', () => {
    begin(['gpiod']);
    opened();
    flood(101, 1);
    const before = seen.length;
    button().fail(GONE);
    clock.advance(200);
    clock.advance(10_000);
    assert.deepEqual([seen.length, line.status().state], [before, 'working']);
    flood(101, 1);
    line.stop();
    assert.equal(clock.pending(), 0);
  });

  it('says nothing after it was stopped, and can be started again', () => {
    begin(['gpiod']);
    opened();
    button().press();
    line.stop();
    line.stop();
    button().release();
    assert.deepEqual([seen, line.status().state, clock.pending()], [['pressed'], 'closed', 0]);
    begin(['gpiod']);
    line.stop();
    assert.equal(clock.pending(), 0);
  });

  it('without any backend is closed', () => {
    begin([]);
    const { backend, line: where, state } = line.status();
    assert.deepEqual([backend, where, state, clock.pending()], ['none', null, 'closed', 0]);
  });
});

describe('a switch', () => {
  it('counts by its level, also the one it is found at, and after a restart', () => {
    const clock = handClock();
    const button = simButton(clock);
    const seen: string[] = [];
    const line = new Line({ name: 'mute', candidates: [button], kind: 'switch', clock, log: keptLog() });
    button.press();
    line.start({ pressed: () => seen.push('on'), released: () => seen.push('off') });
    clock.advance(0);
    assert.deepEqual(seen, ['on']);
    button.fail(GONE);
    clock.advance(100);
    button.release();
    clock.advance(100);
    assert.deepEqual(seen, ['on', 'off']);
    button.fail(GONE);
    button.press();
    clock.advance(60_000);
    assert.deepEqual(seen, ['on', 'off', 'on']);
    button.fail(GONE);
    clock.advance(100);
    assert.deepEqual(seen, ['on', 'off', 'on'], 'it stays as it was while nobody can tell');
  });

  it('stays as it was however long nobody can tell', () => {
    const clock = handClock();
    const seen: string[] = [];
    let starts = 0;
    const button: Button = {
      backend: 'gpiod',
      line: 'BCM 26',
      start(on) {
        starts += 1;
        const isFirst = starts === 1;
        clock.after(0, () => {
          if (isFirst) on.found('down');
          on.ended(GONE);
        });
      },
      stop() {},
    };
    const line = new Line({ name: 'mute', candidates: [button], kind: 'switch', clock, log: keptLog() });
    line.start({ pressed: () => seen.push('on'), released: () => seen.push('off') });
    clock.advance(600_000);
    assert.ok(starts > 10);
    assert.deepEqual(seen, ['on']);
  });
});
