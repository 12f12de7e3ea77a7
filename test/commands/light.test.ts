// From the light's keys to a light and how it is to look: what is not right leaves the box dark, and is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lampOf } from '../../src/commands/light.ts';
import { loadConfig } from '../../src/config/load.ts';
import { keptLog } from '../helpers/card.ts';

function lit(overrides: Readonly<Record<string, string>>) {
  const log = keptLog();
  const { config, problems } = loadConfig({ environment: {}, overrides });
  assert.deepEqual(problems, []);
  return {
    lamp: lampOf(() => config, log),
    said: log.lines.map(({ fields }) => JSON.stringify(fields)).join(),
  };
}

test('without a word about it there is no light, and nothing is said', () => {
  assert.deepEqual(lit({}), { lamp: undefined, said: '' });
});

test('a light looks as it is told to, by day and by night', () => {
  const { lamp } = lit({
    'light.backend': 'leds',
    'light.name': 'r, g, b',
    'light.theme': 'xiaozhi',
    'light.brightness': '40',
    'light.night': '22:30-07:05',
    'light.night_brightness': '5',
  });
  assert.match(lamp?.light.means ?? '', /r.*g.*b/);
  assert.deepEqual(lamp?.policy(), {
    theme: 'xiaozhi',
    brightness: 0.4,
    night: { from: 22 * 60 + 30, to: 7 * 60 + 5 },
    nightBrightness: 0.05,
  });
});

test('a light that was told nothing has no night', () => {
  const { lamp } = lit({ 'light.backend': 'leds', 'light.name': 'box' });
  assert.deepEqual(lamp?.policy(), { theme: 'speaker', brightness: 1, night: null, nightBrightness: 0.1 });
});

test('a LED without a name is none, and it is said where the names are', () => {
  const { lamp, said } = lit({ 'light.backend': 'leds' });
  assert.equal(lamp, undefined);
  assert.match(said, /ls \/sys\/class\/leds/);
});
