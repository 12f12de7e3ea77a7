// Pins of the header: how they are called, and which ones are refused with the reason, in `config check` and at run time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { HATS, neededFor, pinName } from '../../src/config/pins.ts';
import { describeProblem } from '../../src/config/problem.ts';

const ALL = Array.from({ length: 26 }, (_, at) => at + 2);

function loaded(overrides: Readonly<Record<string, string>>) {
  const { config, problems } = loadConfig({ environment: {}, overrides });
  return { button: config.button, problems: problems.map(describeProblem) };
}

test('every line has its pin, and no two the same', () => {
  const pins = ALL.map((gpio) => Number(/header pin (\d+)$/.exec(pinName(gpio))?.[1]));
  assert.equal(new Set(pins).size, ALL.length);
  assert.ok(
    pins.every((pin) => pin >= 3 && pin <= 40),
    pins.join(' '),
  );
  assert.equal(pinName(17), 'BCM 17 = header pin 11');
  assert.equal(pinName(21), 'BCM 21 = header pin 40');
});

test('I2S has four pins on every hat, some hats have more, and a USB card has none', () => {
  const needed = (hat: (typeof HATS)[number]) => ALL.filter((gpio) => neededFor(gpio, hat) !== undefined);
  assert.deepEqual(needed('none'), []);
  assert.deepEqual(needed('i2s'), [18, 19, 20, 21]);
  assert.deepEqual(needed('googlevoicehat'), [16, 18, 19, 20, 21]);
  assert.deepEqual(needed('respeaker-2mic'), [2, 3, 8, 10, 11, 18, 19, 20, 21]);
  assert.deepEqual(needed('wm8960'), [2, 3, 4, 18, 19, 20, 21]);
  assert.ok(
    HATS.every((hat) => neededFor(17, hat) === undefined),
    'the default is free everywhere',
  );
});

test('a button on a pin that sound needs is refused with the reason, and the default is used', () => {
  const { button, problems } = loaded({ 'button.gpio': '18' });
  assert.equal(button.gpio, 17);
  assert.deepEqual(problems, [
    'button.gpio: BCM 18 = header pin 12 is the bit clock of I2S sound (audio.hat = "i2s"); 17 is used',
  ]);
});

test('it is free for whoever has a USB card', () => {
  const { button, problems } = loaded({ 'button.gpio': '18', 'audio.hat': 'none' });
  assert.deepEqual([button.gpio, problems], [18, []]);
});

test('a key on a pin that the hat needs is not used', () => {
  const { button, problems } = loaded({ 'button.stop_gpio': '16', 'audio.hat': 'googlevoicehat' });
  assert.equal(button.stopGpio, 0);
  const why = 'is the amplifier\'s enable line of googlevoicehat (audio.hat = "googlevoicehat")';
  assert.deepEqual(problems, [`button.stop_gpio: BCM 16 = header pin 36 ${why}; the line is not used`]);
});

test('one pin cannot be two keys; the button keeps its own', () => {
  const { button, problems } = loaded({
    'button.volume_up_gpio': '23',
    'button.volume_down_gpio': '23',
    'button.mute_gpio': '17',
  });
  assert.deepEqual(
    [button.gpio, button.volumeUpGpio, button.volumeDownGpio, button.muteGpio],
    [17, 23, 0, 0],
  );
  assert.deepEqual(problems, [
    'button.volume_down_gpio: BCM 23 = header pin 16 is button.volume_up_gpio already; the line is not used',
    'button.mute_gpio: BCM 17 = header pin 11 is button.gpio already; the line is not used',
  ]);
});
