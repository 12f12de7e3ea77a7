// The keys of the section [button]: which lines are read, with what, and how long a press is a click. Knows no other
// section.

import { oneOf, text, whole, wholeOrZero } from './key.ts';

/** 2 to 27: the lines of the header that are nobody's by design. */
const [FIRST_GPIO, LAST_GPIO] = [2, 27];

export const buttonKeys = {
  // design.md §3.
  backend: oneOf(['auto', 'gpiod', 'onoff', 'rpio', 'evdev', 'none'], 'auto', {
    meaning:
      'What reads the button. `auto`: the first of `gpiod`, `onoff`, `rpio` that can. `evdev`: a key of an input device.',
    example: '"evdev"',
  }),
  // ux.md 1.5: what most hats and guides use.
  gpio: whole(FIRST_GPIO, LAST_GPIO, 17, {
    meaning: 'Line of the button as a BCM number; 17 is pin 11 of the header.',
    example: '23',
  }),
  chip: text({
    preset: '',
    expects: 'the label of a GPIO chip such as "pinctrl-rp1", or ""',
    // It is compared with labels and never reaches a command line.
    accepts: () => true,
    meaning:
      "GPIO chip by its label (`gpiodetect`). Empty: a Raspberry Pi's own, or the one with a line named GPIOn.",
    example: '"pinctrl-rp1"',
  }),
  active: oneOf(['low', 'high'], 'low', {
    meaning: 'Level of a line that is pressed. `low`: the button connects it to ground.',
    example: '"high"',
  }),
  pull: oneOf(['auto', 'up', 'down', 'off'], 'auto', {
    meaning:
      'Resistor inside the chip that holds the line while nothing is pressed. `auto`: against `active`.',
    example: '"off"',
  }),
  // ux.md 1.5: 10 to 30 ms is enough for tactile switches; beyond 100 ms double clicks are lost.
  debounce_ms: whole(0, 100, 25, {
    meaning: 'How long a level must stand still to count. 0: every edge counts.',
    example: '40',
  }),
  evdev_device: text({
    preset: '',
    expects: 'a file such as "/dev/input/event0", the name of an input device, or ""',
    accepts: (value) => value === '' || /^\S/.test(value),
    meaning:
      'Input device for the backend `evdev`: its file, or its name as `/proc/bus/input/devices` has it.',
    example: '"gpio-keys"',
  }),
  // input-event-codes.h; 582 is KEY_VOICECOMMAND. KEY_MAX is 767.
  key_code: whole(1, 767, 582, { meaning: 'Code of the key for the backend `evdev`.', example: '28' }),
  mode: oneOf(['hybrid', 'click', 'hold'], 'hybrid', {
    meaning: 'Click to talk, hold to talk, or both, told apart by `hold_after_ms`.',
    example: '"hold"',
  }),
  // 400 and its role: design.md §6. Faster than 150 ms nobody clicks on purpose; beyond 2 s a hold feels broken.
  hold_after_ms: whole(150, 2000, 400, { meaning: 'A press longer than this is a hold.', example: '600' }),
  // 300 ms is what desktops use for a quick double click; 1 s would delay the reaction to every single click.
  double_ms: whole(100, 1000, 300, {
    meaning: 'Two clicks within this time are a double click, and a third one makes it triple.',
    example: '450',
  }),
  volume_up_gpio: more('Line of a key that makes it louder; held, it goes on.', '23'),
  volume_down_gpio: more('Line of a key that makes it quieter; held, it goes on.', '24'),
  stop_gpio: more('Line of a key that ends the conversation.', '25'),
  mute_gpio: more('Line of a key or switch that mutes.', '26'),
  mute_kind: oneOf(['key', 'switch'], 'key', {
    meaning: 'What is on `mute_gpio`: a `key` mutes and unmutes by turns; of a `switch` the level decides.',
    example: '"switch"',
  }),
};

function more(meaning: string, example: string) {
  return wholeOrZero(FIRST_GPIO, LAST_GPIO, 0, { meaning: `${meaning} 0: there is none.`, example });
}
