// From the button's keys to the lines of a panel: which there are, what each means, and how it is to be wired.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panelLines, wishOf } from '../../src/commands/panel.ts';
import { loadConfig } from '../../src/config/load.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';

type Overrides = Readonly<Record<string, string>>;

function configured(overrides: Overrides) {
  const { config, problems } = loadConfig({ environment: {}, overrides });
  assert.deepEqual(problems, []);
  return config;
}

const panel = (overrides: Overrides) =>
  panelLines(configured(overrides), { clock: handClock(), log: keptLog() }).map(
    ({ role, line }) => `${role}: ${line.status().line}`,
  );

const KEYS = {
  'button.volume_up_gpio': '23',
  'button.volume_down_gpio': '24',
  'button.stop_gpio': '25',
  'button.mute_gpio': '26',
};
const WAKE = 'button: BCM 17 = header pin 11';
const OTHERS = [
  'volume up: BCM 23 = header pin 16',
  'volume down: BCM 24 = header pin 18',
  'stop: BCM 25 = header pin 22',
];

test('there is one button until more is asked for', () => {
  assert.deepEqual(panel({}), [WAKE]);
});

test('each further line means what its key says; what mutes may be a key or a switch', () => {
  assert.deepEqual(panel(KEYS), [WAKE, ...OTHERS, 'mute key: BCM 26 = header pin 37']);
  assert.deepEqual(panel({ ...KEYS, 'button.mute_kind': 'switch' }), [
    WAKE,
    ...OTHERS,
    'mute switch: BCM 26 = header pin 37',
  ]);
});

test('keys are on the header though the button is another device, or none', () => {
  const stop = { 'button.stop_gpio': '25' };
  const [evdev, ...more] = panel({
    ...stop,
    'button.backend': 'evdev',
    'button.evdev_device': '/dev/input/event0',
    'button.key_code': '28',
  });
  assert.match(evdev ?? '', /^button: key 28 of \/dev\/input\/event0$/);
  assert.deepEqual(more, [OTHERS[2]]);
  assert.deepEqual(panel({ ...stop, 'button.backend': 'none' }), [OTHERS[2]]);
});

for (const [active, pull, wish] of [
  ['low', 'auto', { activeLow: true, pull: 'up' }],
  ['high', 'auto', { activeLow: false, pull: 'down' }],
  ['low', 'off', { activeLow: true, pull: 'off' }],
  ['high', 'up', { activeLow: false, pull: 'up' }],
] as const)
  test(`a line that is pressed to ${active} with pull ${pull} is asked for with ${wish.pull}`, () => {
    const keys = { 'button.active': active, 'button.pull': pull, 'button.debounce_ms': '7' };
    assert.deepEqual(wishOf(configured(keys).button), { ...wish, debounceMs: 7 });
  });
