// A light on a pin that belongs to a button or to sound: there is none then, and it is said; a kernel LED has no pin of ours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { describeProblem } from '../../src/config/problem.ts';

function loaded(overrides: Readonly<Record<string, string>>) {
  const { config, problems } = loadConfig({ environment: {}, overrides });
  return { backend: config.light.backend, said: problems.map(describeProblem).join() };
}

test('a light on a pin of its own is taken as it is', () => {
  assert.deepEqual(loaded({ 'light.backend': 'onoff', 'light.gpio': '22' }), { backend: 'onoff', said: '' });
});

for (const [gpio, words] of [
  ['17', /BCM 17 = header pin 11 is button\.gpio already; there is no light/],
  ['19', /BCM 19 = header pin 35 is the word clock of I2S sound .*; there is no light/],
] as const)
  test(`a light on pin ${gpio} is none`, () => {
    const { backend, said } = loaded({ 'light.backend': 'rpio', 'light.gpio': gpio });
    assert.equal(backend, 'none');
    assert.match(said, words);
  });

test('a light that the kernel drives may leave its pin to a button', () => {
  const { backend, said } = loaded({
    'light.backend': 'leds',
    'light.name': 'box',
    'button.stop_gpio': '25',
  });
  assert.deepEqual([backend, said], ['leds', '']);
});
