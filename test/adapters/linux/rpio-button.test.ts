// The button on `rpio`, shown with a stand-in for the package, which reads registers of a board; and what happens to the
// real package on a machine that is none.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { optionalPackage } from '../../../src/adapters/linux/optional-package.ts';
import { type RpioButtonOptions, rpioButton } from '../../../src/adapters/linux/rpio-button.ts';
import type { RpioPackage } from '../../../src/adapters/linux/rpio-package.ts';
import { buttonContract, fingerEar } from '../../contracts/button.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { untilByHand } from '../sim/by-hand.ts';
import { fakeRpio, RPIO_INIT } from './pin-packages.ts';

const WISH = {
  gpio: 17,
  line: 'BCM 17 = header pin 11',
  activeLow: true,
  pull: 'up',
  debounceMs: 10,
} as const;
const PI_4 = 'Raspberry Pi 4 Model B Rev 1.4\0';

const folder = mkdtempSync(join(tmpdir(), 'xz-'));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'gpiomem'), '');

function setUp(model = PI_4, rpio = fakeRpio(), options: Partial<RpioButtonOptions> = {}) {
  const clock = handClock();
  const modelFile = join(folder, 'model');
  writeFileSync(modelFile, model);
  const places = { modelFile, memoryFile: join(folder, 'gpiomem') };
  const button = rpioButton({ ...WISH, ...places, clock, load: () => rpio, ...options });
  return { clock, rpio, button, ear: fingerEar() };
}

function firstOf(model: string): string | undefined {
  const { clock, button, ear } = setUp(model);
  button.start(ear);
  clock.advance(0);
  button.stop();
  return ear.seen[0];
}

buttonContract('rpio', () => {
  const { clock, rpio, button } = setUp();
  return {
    button,
    async listening() {},
    press() {
      rpio.level = 0;
    },
    release() {
      rpio.level = 1;
    },
    until: untilByHand(clock),
    async gone() {
      clock.advance(1_000);
      assert.equal(clock.pending(), 0);
      assert.equal(rpio.calls.at(-1), 'close 17 0');
    },
  };
});

test('boards up to the 4 are known', () => {
  for (const model of [
    'Raspberry Pi Model B Rev 2',
    'Raspberry Pi Zero W Rev 1.1',
    'Raspberry Pi Zero 2 W Rev 1.0',
    'Raspberry Pi 2 Model B Rev 1.1',
    'Raspberry Pi 3 Model B Plus Rev 1.3',
    'Raspberry Pi 400 Rev 1.0',
    'Raspberry Pi Compute Module 3 Plus Rev 1.0',
    'Raspberry Pi Compute Module 4 Rev 1.0',
    'Raspberry Pi Compute Module 4S Rev 1.0',
  ])
    assert.equal(firstOf(model), 'found up', model);
});

test('a Raspberry Pi 5, and what is none, are refused without loading the package', () => {
  for (const model of [
    'Raspberry Pi 5 Model B Rev 1.0',
    'Raspberry Pi 500 Rev 1.0',
    'Raspberry Pi Compute Module 5 Rev 1.0',
    'Orange Pi Zero',
  ])
    assert.equal(firstOf(model), `missing: rpio knows the Raspberry Pi up to 4, and this is "${model}"`);
  const { clock, button, ear } = setUp(PI_4, fakeRpio(), { modelFile: '/nonexistent', load: assert.fail });
  button.start(ear);
  clock.advance(0);
  assert.deepEqual(ear.seen, ['missing: rpio is for the Raspberry Pi: this board does not say what it is']);
});

test('a package that is not there is missing, with what to install', () => {
  const { clock, button, ear } = setUp(PI_4, fakeRpio(), {
    load: () => optionalPackage('no-such-package') as RpioPackage,
  });
  button.start(ear);
  clock.advance(0);
  const why = 'the package no-such-package is not installed: npm install no-such-package';
  assert.deepEqual(ear.seen, [`missing: ${why}`]);
});

test('an imaginary board is refused, though the package only warns of it', () => {
  const { clock, button, ear } = setUp(
    PI_4,
    fakeRpio('Hardware auto-detect failed, running in raspi-3 mock mode'),
  );
  button.start(ear);
  clock.advance(0);
  assert.equal(ear.seen.length, 1);
  assert.match(ear.seen[0] ?? '', /^broken: .*rpio will not do: Hardware auto-detect failed/);
});

test('the registers are mapped once, however often the line is opened, and BCM numbers are used', () => {
  const { clock, rpio, button, ear } = setUp();
  for (let time = 0; time < 3; time += 1) {
    button.start(ear);
    clock.advance(0);
    button.stop();
  }
  assert.deepEqual(rpio.calls, [RPIO_INIT, ...Array(3).fill(['open 17 0 2', 'close 17 0']).flat()]);
});

for (const [pull, register] of [
  ['up', 2],
  ['down', 1],
  ['off', 0],
] as const)
  test(`a line that is to be pulled ${pull} is opened so`, () => {
    const { clock, rpio, button, ear } = setUp(PI_4, fakeRpio(), { pull });
    assert.deepEqual(rpio.calls, [], 'nothing is done before it is wanted');
    button.start(ear);
    clock.advance(0);
    assert.equal(rpio.calls.at(-1), `open 17 0 ${register}`);
  });

test('a pin that somebody has exported is busy, and a memory that is not there is missing', () => {
  const rpio = fakeRpio();
  rpio.open = () => {
    throw new Error('GPIO17 is currently in use by /sys/class/gpio');
  };
  const { clock, button, ear } = setUp(PI_4, rpio);
  button.start(ear);
  clock.advance(0);
  assert.match(ear.seen[0] ?? '', /^busy: /);
  const other = setUp(PI_4, fakeRpio(), { memoryFile: '/nonexistent/gpiomem' });
  other.button.start(other.ear);
  other.clock.advance(0);
  assert.match(other.ear.seen[0] ?? '', /^missing: /);
});

test('a register that can no longer be read ends the run, and so does a board whose name cannot be read', () => {
  const { clock, rpio, button, ear } = setUp();
  button.start(ear);
  clock.advance(25);
  const read = rpio.read;
  rpio.read = () => {
    throw new Error('Pin 17 has not been opened');
  };
  rpio.close = () => {
    throw new Error('Pin 17 has not been opened');
  };
  clock.advance(10);
  assert.deepEqual(ear.seen, ['found up', `broken: ${WISH.line}: Pin 17 has not been opened`]);
  assert.equal(clock.pending(), 0);
  rpio.read = read;
  button.start(ear);
  clock.advance(0);
  assert.equal(ear.seen[2], 'found up');
  button.stop();
  const other = setUp(PI_4, fakeRpio(), { modelFile: folder });
  other.button.start(other.ear);
  other.clock.advance(0);
  assert.match(other.ear.seen[0] ?? '', /^broken: .*EISDIR/);
});

test('a line that is pressed to high is read the other way round', () => {
  const { clock, rpio, button, ear } = setUp(PI_4, fakeRpio(), { activeLow: false, pull: 'down' });
  rpio.level = 0;
  button.start(ear);
  clock.advance(5);
  rpio.level = 1;
  clock.advance(30);
  assert.deepEqual(ear.seen, ['found up', 'pressed']);
});

test('the real package is never loaded on this machine unless it says what it is', () => {
  const clock = handClock();
  const ear = fingerEar();
  rpioButton({ ...WISH, clock, modelFile: '/nonexistent' }).start(ear);
  clock.advance(0);
  assert.match(ear.seen[0] ?? '', /^missing: /);
});
