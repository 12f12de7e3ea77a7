// The light on a pin, and the two packages behind it as far as a machine without pins goes: what they are asked for, and
// when they are refused.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { onoffPin, rpioPin } from '../../../src/adapters/linux/light-pins.ts';
import { pinLight } from '../../../src/adapters/linux/pin-light.ts';
import { RHYTHMS } from '../../../src/core/light.ts';
import type { Look } from '../../../src/ports.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';

const look = (sign: keyof typeof RHYTHMS): Look => ({
  rhythm: RHYTHMS[sign],
  colour: [255, 0, 0],
  brightness: 1,
});

describe('the light on a pin', () => {
  let clock: HandClock;
  let levels: string[];
  let said: string[];
  beforeEach(() => {
    clock = handClock();
    levels = [];
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
      open: () => ({ set: (isHigh) => void set(isHigh), close: () => levels.push('closed') }),
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
    isBusy = false;
    shown.show(look('listening'));
    assert.deepEqual(levels, ['high']);
  });
});

describe('pins by packages', () => {
  const root = mkdtempSync(join(tmpdir(), 'xz-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
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
  const rpio = {
    OUTPUT: 1,
    LOW: 0,
    HIGH: 1,
    init: (options: object) => calls.push(`init ${JSON.stringify(options)}`),
    open: (pin: number, mode: number, level: number) => calls.push(`open ${pin} ${mode} ${level}`),
    write: (pin: number, level: number) => calls.push(`write ${pin} ${level}`),
    close: (pin: number) => calls.push(`close ${pin}`),
  };
  const refusal = (opener: object) => ('refused' in opener ? String(opener.refused) : 'not refused');

  it('are refused where the kernel has no such pins, before any package is loaded', async () => {
    const load = () => assert.fail('it must not be loaded');
    assert.match(refusal(await onoffPin({ gpio: 25, root, load })), /the kernel has no .*\/sys\/class\/gpio/);
    assert.match(refusal(await rpioPin({ gpio: 25, root, load })), /up to the 4, and this is none/);
    write('proc/device-tree/model', 'Raspberry Pi 5 Model B Rev 1.0\0');
    assert.match(refusal(await rpioPin({ gpio: 25, root, load })), /this is Raspberry Pi 5 Model B/);
  });

  it('by onoff are counted from where the header begins', async () => {
    write('sys/class/gpio/gpiochip0/label', 'brcmvirt-gpio\n');
    write('sys/class/gpio/gpiochip0/base', '0\n');
    write('sys/class/gpio/gpiochip512/label', 'pinctrl-bcm2835\n');
    write('sys/class/gpio/gpiochip512/base', '512\n');
    const opener = await onoffPin({ gpio: 25, root, load: async () => ({ default: onoff }) });
    assert.ok('open' in opener);
    const pin = opener.open();
    pin.set(true);
    pin.set(false);
    pin.close();
    assert.deepEqual(calls.splice(0), ['open 537 out', 'write 1', 'write 0', 'close']);
  });

  it('by rpio are BCM numbers, on a board that it knows', async () => {
    write('proc/device-tree/model', 'Raspberry Pi Zero 2 W Rev 1.0\0');
    const opener = await rpioPin({ gpio: 25, root, load: async () => rpio });
    assert.ok('open' in opener);
    const pin = opener.open();
    pin.set(true);
    pin.close();
    assert.deepEqual(calls.splice(0), [
      'init {"mapping":"gpio","gpiomem":true}',
      'open 25 1 0',
      'write 25 1',
      'close 25',
    ]);
  });

  it('are refused with a reason when the package is not there', async () => {
    const load = () => Promise.reject(new Error("Cannot find package 'onoff'\nimported from here"));
    assert.equal(
      refusal(await onoffPin({ gpio: 25, root, load })),
      "the package cannot be loaded: Cannot find package 'onoff'",
    );
  });
});
