// The button on `onoff`, shown on a tree like /sys/class/gpio and a stand-in for the package; and the real package, which
// loads here and finds no line.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type OnoffButtonOptions, onoffButton } from '../../../src/adapters/linux/onoff-button.ts';
import { optionalPackage } from '../../../src/adapters/linux/optional-package.ts';
import { buttonContract, fingerEar } from '../../contracts/button.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';
import { untilByHand } from '../sim/by-hand.ts';
import { type FakeOnoff, fakeOnoff, type SysfsTree, sysfsTree } from './pin-packages.ts';

const LINE = 'BCM 17 = header pin 11';
const WISH = { gpio: 17, line: LINE, chip: '', activeLow: true, pull: 'up', debounceMs: 10 } as const;

const trees: SysfsTree[] = [];
after(() => {
  for (const tree of trees) tree.remove();
});

function setUp(options: Partial<OnoffButtonOptions> = {}, label?: string) {
  const clock: HandClock = handClock();
  const tree = sysfsTree(label);
  trees.push(tree);
  const onoff: FakeOnoff = fakeOnoff();
  const { sysfs } = tree;
  const button = onoffButton({ ...WISH, clock, sysfs, load: () => onoff, ...options });
  return { clock, tree, onoff, button, ear: fingerEar() };
}

buttonContract('onoff', () => {
  const { clock, tree, onoff, button } = setUp();
  tree.line(529);
  return {
    button,
    async listening() {},
    press: () => onoff.move(true),
    release: () => onoff.move(false),
    until: untilByHand(clock),
    async gone() {
      clock.advance(1_000);
      assert.equal(clock.pending(), 0);
      assert.ok(onoff.opened.every(({ closed }) => closed));
    },
  };
});

test('the number is the base of the chip with the known label, and the line', () => {
  const { clock, tree, onoff, button, ear } = setUp();
  tree.line(529);
  button.start(ear);
  clock.advance(0);
  assert.deepEqual(onoff.opened, [
    { number: 529, options: { direction: 'in', edge: 'both', activeLow: true }, closed: false },
  ]);
  assert.equal(button.line, `${LINE} (sysfs 529 on pinctrl-bcm2711)`);
});

test('the chip can be named by its label', () => {
  const { clock, tree, onoff, button, ear } = setUp({ chip: 'expander' });
  tree.line(421);
  button.start(ear);
  clock.advance(0);
  assert.equal(onoff.opened[0]?.number, 421);
});

test('the line is waited for until udev has handed it over', () => {
  const { clock, tree, button, ear } = setUp();
  button.start(ear);
  clock.advance(500);
  assert.deepEqual(ear.seen, []);
  tree.line(529);
  clock.advance(20);
  assert.deepEqual(ear.seen, ['found up']);
});

test('a line that never comes is told of after two seconds, and nothing is left running', () => {
  const { clock, button, ear } = setUp();
  button.start(ear);
  clock.advance(2_020);
  assert.equal(ear.seen.length, 1);
  assert.match(ear.seen[0] ?? '', /^missing: BCM 17 = header pin 11 is not there \(ENOENT/);
  assert.equal(clock.pending(), 0);
});

test('a line of which the kernel reports no edges is told of, though the package says nothing', () => {
  const { clock, tree, onoff, button, ear } = setUp();
  tree.line(529);
  writeFileSync(join(tree.sysfs, 'gpio529', 'edge'), 'none\n');
  button.start(ear);
  clock.advance(0);
  assert.deepEqual(ear.seen, [`broken: ${LINE}: the kernel reports no edges of it (edge is "none")`]);
  assert.equal(onoff.opened[0]?.closed, true);
});

for (const [code, kind, words] of [
  ['EBUSY', 'busy', /is in use by something else/],
  ['EACCES', 'denied', /no permission .*join the group/],
  ['EINVAL', 'broken', /EINVAL/],
] as const)
  test(`what the package throws, ${code}, is told of as ${kind}`, () => {
    const { clock, tree, button, ear } = setUp({
      load() {
        throw Object.assign(new Error(`${code}: write`), { code });
      },
    });
    tree.line(529);
    button.start(ear);
    clock.advance(0);
    assert.equal(ear.seen.length, 1);
    assert.ok(ear.seen[0]?.startsWith(`${kind}: `), ear.seen[0]);
    assert.match(ear.seen[0] ?? '', words);
  });

test('the package is loaded when the line is wanted, and not before', () => {
  const onoff = fakeOnoff();
  let loads = 0;
  const { clock, tree, button, ear } = setUp({
    load() {
      loads += 1;
      return onoff;
    },
  });
  tree.line(529);
  clock.advance(1_000);
  assert.equal(loads, 0);
  button.start(ear);
  clock.advance(0);
  assert.deepEqual([loads, ear.seen], [1, ['found up']]);
});

test('a package that is not there is missing, with what to install', () => {
  const { clock, tree, button, ear } = setUp({ load: () => optionalPackage('no-such-package') as FakeOnoff });
  tree.line(529);
  button.start(ear);
  clock.advance(0);
  const why = 'the package no-such-package is not installed: npm install no-such-package';
  assert.deepEqual(ear.seen, [`missing: ${why}`]);
});

test('an error while it listens ends the run and gives the line back', () => {
  const { clock, tree, onoff, button, ear } = setUp();
  tree.line(529);
  button.start(ear);
  clock.advance(0);
  onoff.fail(new Error('EIO: i/o error'));
  assert.deepEqual([ear.seen.length, onoff.opened[0]?.closed], [2, true]);
});

test('a contact that chatters is one press', () => {
  const { clock, tree, onoff, button, ear } = setUp();
  tree.line(529);
  button.start(ear);
  clock.advance(0);
  for (const down of [true, false, true, false, true]) {
    onoff.move(down);
    clock.advance(3);
  }
  clock.advance(10);
  assert.deepEqual(ear.seen, ['found up', 'pressed']);
});

test('a kernel without the old files, and one without the chip, are told of as missing', () => {
  const without = setUp({ sysfs: '/nonexistent' });
  without.button.start(without.ear);
  without.clock.advance(0);
  assert.deepEqual(without.ear.seen, ['missing: the kernel has no /nonexistent']);
  const other = setUp({}, 'wakebank');
  other.button.start(other.ear);
  other.clock.advance(0);
  const chips = `in ${other.tree.sysfs} (there are: expander, wakebank)`;
  assert.deepEqual(other.ear.seen, [`missing: no chip of a Raspberry Pi's ${chips}`]);
});

test('a chip that goes away while it is looked at is none, and one without a number is told of', () => {
  const { clock, tree, button, ear } = setUp();
  rmSync(join(tree.sysfs, 'gpiochip512', 'label'));
  button.start(ear);
  clock.advance(0);
  const chips = `in ${tree.sysfs} (there are: expander, gpiochip512, which cannot be read)`;
  assert.deepEqual(ear.seen, [`missing: no chip of a Raspberry Pi's ${chips}`]);
  const other = setUp();
  rmSync(join(other.tree.sysfs, 'gpiochip512', 'base'));
  other.button.start(other.ear);
  other.clock.advance(0);
  const base = join(other.tree.sysfs, 'gpiochip512', 'base');
  assert.deepEqual(other.ear.seen, [`missing: ${base} holds no number`]);
});

test('the run ends though the line cannot be given back', () => {
  const { clock, tree, onoff, button, ear } = setUp();
  tree.line(529);
  onoff.Gpio.prototype.unexport = () => {
    throw Object.assign(new Error('EINVAL: write'), { code: 'EINVAL' });
  };
  button.start(ear);
  clock.advance(0);
  onoff.fail(new Error('EIO: i/o error'));
  assert.deepEqual(ear.seen.slice(1), [`broken: ${LINE}: EIO: i/o error`]);
  assert.equal(clock.pending(), 0);
});

test('the real package loads, and a line it cannot have is told of', () => {
  // One of the optional dependencies: npm goes on without it where it cannot be compiled, and so must not we.
  assert.doesNotThrow(() => createRequire(import.meta.url)('onoff'), 'npm ci; it takes build-essential');
  const clock = handClock();
  const ear = fingerEar();
  const tree = sysfsTree();
  trees.push(tree);
  tree.line(529);
  // The package looks at /sys/class/gpio itself.
  onoffButton({ ...WISH, clock, sysfs: tree.sysfs }).start(ear);
  clock.advance(0);
  assert.match(ear.seen[0] ?? '', /^(?:missing|denied|broken): BCM 17/);
});

test('what is written to `export` is the number, and a failure there is told of', () => {
  const { clock, tree, button, ear } = setUp();
  mkdirSync(join(tree.sysfs, 'export'));
  button.start(ear);
  clock.advance(0);
  assert.match(ear.seen[0] ?? '', /^broken: BCM 17 .*EISDIR/);
  rmSync(join(tree.sysfs, 'export'), { recursive: true });
});
