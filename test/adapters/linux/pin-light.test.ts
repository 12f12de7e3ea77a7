// The light on a pin, and the two packages behind it as far as a machine without pins goes: what they are asked for, and
// when they are refused.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { onoffPin, rpioPin } from '../../../src/adapters/linux/light-pins.ts';
import { pinLight } from '../../../src/adapters/linux/pin-light.ts';
import { RHYTHMS } from '../../../src/core/light.ts';
import type { Look } from '../../../src/ports.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';
import { runElsewhere } from './elsewhere.ts';
import { fakeRpio, RPIO_INIT, sysfsTree } from './pin-packages.ts';

const look = (sign: keyof typeof RHYTHMS): Look => ({
  rhythm: RHYTHMS[sign],
  colour: [255, 0, 0],
  brightness: 1,
});

describe('the light on a pin', () => {
  let clock: HandClock;
  let levels: string[];
  let said: string[];
  let opened: number;
  beforeEach(() => {
    clock = handClock();
    levels = [];
    opened = 0;
    said = [];
  });

  function light(
    activeLow = false,
    set = (isHigh: boolean): unknown => levels.push(isHigh ? 'high' : 'low'),
  ) {
    const made = pinLight({
      means: 'a pin',
      activeLow,
      clock,
      open() {
        opened += 1;
        return { set: (isHigh) => void set(isHigh), close: () => levels.push('closed') };
      },
    });
    made.start({ failed: (reason) => said.push(reason), works: () => undefined });
    return made;
  }

  it('follows the rhythm, and is dark in the end', () => {
    const shown = light();
    shown.show(look('thinking'));
    clock.advance(500);
    assert.deepEqual(levels, ['high', 'low', 'high', 'low', 'high']);
    shown.stop();
    assert.deepEqual(levels.slice(5), ['low', 'closed']);
    assert.equal(clock.pending(), 0);
  });

  it('is lit by a low level where it is wired so', () => {
    const shown = light(true);
    shown.show(look('listening'));
    shown.show(look('idle'));
    assert.deepEqual(levels, ['low', 'high']);
  });

  it('is on for the brighter half of a fading', () => {
    light().show(look('speaking'));
    const lit = Array.from({ length: 160 }, () => {
      clock.advance(10);
      return levels.at(-1) === 'high';
    }).filter((one) => one).length;
    assert.ok(lit > 70 && lit < 110, `${lit * 10} of 1600 ms`);
  });

  it('says why when the pin cannot be driven, and tries again with the next look', () => {
    let isBusy = true;
    const shown = light(false, (isHigh) => {
      if (isBusy) throw new Error('EBUSY: resource busy');
      levels.push(isHigh ? 'high' : 'low');
    });
    shown.show(look('thinking'));
    clock.advance(2_000);
    assert.deepEqual(said, ['EBUSY: resource busy'], 'once');
    assert.deepEqual(levels.splice(0), ['closed'], 'as it was opened it does not do');
    isBusy = false;
    shown.show(look('listening'));
    shown.show(look('idle'));
    assert.deepEqual([levels, opened], [['high', 'low'], 2]);
  });
});

describe('pins by packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xz-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const calls: string[] = [];
  const onoff = {
    Gpio: class {
      constructor(line: number, direction: string) {
        calls.push(`open ${line} ${direction}`);
      }
      writeSync(value: number) {
        calls.push(`write ${value}`);
      }
      unexport() {
        calls.push('close');
      }
    },
  };
  const refusal = (opener: object) => ('refused' in opener ? String(opener.refused) : 'not refused');
  function board(model: string, rpio = fakeRpio()) {
    const places = { modelFile: join(folder, 'model'), memoryFile: join(folder, 'gpiomem') };
    writeFileSync(places.modelFile, model);
    writeFileSync(places.memoryFile, '');
    return { rpio, places: { ...places, load: () => rpio } };
  }

  it('are refused where the kernel has no such pins, before any package is loaded', () => {
    const load = () => assert.fail('it must not be loaded');
    const sysfs = join(folder, 'nowhere');
    assert.equal(refusal(onoffPin({ gpio: 25, sysfs, load })), `the kernel has no ${sysfs}`);
    for (const [model, words] of [
      ['Raspberry Pi 5 Model B Rev 1.0\0', /up to 4, and this is "Raspberry Pi 5 Model B/],
      ['Orange Pi Zero\0', /up to 4, and this is "Orange Pi Zero"/],
    ] as const)
      assert.match(refusal(rpioPin({ gpio: 25, ...board(model).places, load })), words);
    const nowhere = { gpio: 25, modelFile: join(folder, 'nowhere'), load };
    assert.match(refusal(rpioPin(nowhere)), /this board does not say what it is/);
  });

  it('by onoff are counted from where the header begins, and asked for before they are lit', () => {
    const tree = sysfsTree();
    after(tree.remove);
    const opener = onoffPin({ gpio: 25, sysfs: tree.sysfs, load: () => onoff });
    assert.ok('open' in opener);
    assert.equal(readFileSync(join(tree.sysfs, 'export'), 'utf8'), '537', 'udev has time to hand it over');
    const pin = opener.open();
    pin.set(true);
    pin.set(false);
    pin.close();
    assert.deepEqual(calls.splice(0), ['open 537 out', 'write 1', 'write 0', 'close']);
  });

  it('by onoff that are there already are taken as they are', () => {
    const tree = sysfsTree();
    after(tree.remove);
    tree.line(537);
    assert.ok('open' in onoffPin({ gpio: 25, sysfs: tree.sysfs, load: () => onoff }));
    assert.equal(existsSync(join(tree.sysfs, 'export')), false);
  });

  it('by rpio are BCM numbers, on a board that it knows', () => {
    const { rpio, places } = board('Raspberry Pi Zero 2 W Rev 1.0\0');
    const opener = rpioPin({ gpio: 25, ...places });
    assert.ok('open' in opener);
    for (let time = 0; time < 2; time += 1) {
      const pin = opener.open();
      pin.set(true);
      pin.close();
    }
    const once = ['open 25 1 0', 'write 25 1', 'close 25'];
    assert.deepEqual(rpio.calls, [RPIO_INIT, ...once, ...once], 'the registers are mapped once');
  });

  it('by rpio are on no imaginary board, and wait for the registers to be handed over', () => {
    const imaginary = board(
      'Raspberry Pi 4 Model B Rev 1.4\0',
      fakeRpio('Hardware auto-detect failed, running in raspi-3 mock mode'),
    );
    const opener = rpioPin({ gpio: 25, ...imaginary.places });
    assert.ok('open' in opener);
    assert.throws(() => opener.open(), /rpio will not do: Hardware auto-detect failed/);
    const { places } = board('Raspberry Pi 4 Model B Rev 1.4\0');
    rmSync(places.memoryFile);
    const later = rpioPin({ gpio: 25, ...places });
    assert.ok('open' in later);
    assert.throws(() => later.open(), /ENOENT/);
    writeFileSync(places.memoryFile, '');
    later.open();
  });

  it('are refused with a reason when the package is not there', async () => {
    const tree = sysfsTree();
    after(tree.remove);
    const { places } = board('Raspberry Pi 4 Model B Rev 1.4\0');
    const said = await runElsewhere(
      'light-pins.js',
      `console.log(adapter.onoffPin({ gpio: 25, sysfs: '${tree.sysfs}' }).refused);
       console.log(adapter.rpioPin({ gpio: 25, modelFile: '${places.modelFile}' }).refused);`,
      { 'rpio/index.js': "throw new Error('it was compiled for another Node\\nat rpio.js');" },
    );
    assert.deepEqual(said.split('\n'), [
      'the package onoff is not installed: npm install onoff',
      'the package rpio cannot be loaded: it was compiled for another Node',
    ]);
  });
});
