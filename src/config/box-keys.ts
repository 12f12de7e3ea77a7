// The keys of what the owner sees and hears of the box beside speech: its sounds and its light. A part of the schema, which
// says what holds for all keys.
import { optionalPath } from './address.ts';
import { flag, oneOf, text, whole } from './key.ts';

/** A test holds them against the sounds that there are. */
export const SOUNDS: readonly string[] = [
  'ready',
  'listen',
  'heard',
  'thinking',
  'again',
  'stop',
  'offline',
  'back',
  'error',
  'muted',
  'unmuted',
  'volume',
  'code',
];

export const sounds = {
  dir: text({
    preset: '',
    expects: 'an absolute path, or ""',
    accepts: optionalPath,
    meaning:
      "Folder with WAV files to play instead of the package's: one or two channels, 8 to 192 kHz, 10 s and 2 MB at most; one that is missing is silent.",
    example: '"/etc/xiaozhi-agent/sounds"',
  }),
  // At 80 the clear ones are some 16 dB below full scale: as loud as speech, and no louder.
  volume: whole(0, 100, 80, {
    meaning: 'How loud the sounds are, apart from speech.',
    example: '50',
  }),
  off: text({
    preset: '',
    expects: `names of sounds with commas between (${SOUNDS.join(', ')}), or ""`,
    accepts: (value) => value === '' || value.split(',').every((name) => SOUNDS.includes(name.trim())),
    meaning: 'Sounds that are not to be heard.',
    example: '"thinking, again"',
  }),
  language: oneOf(['auto', 'en', 'zh', 'beeps'], 'auto', {
    meaning:
      'Of spoken digits. `auto`: as `server.language`. `beeps`: so many beeps for a digit, a long one for a nought.',
    example: '"zh"',
  }),
  cut_overlap: flag(false, {
    meaning: 'Make the listening cue silent in what the microphone records. It may cost a first syllable.',
    example: 'true',
  }),
} as const;

export const light = {
  backend: oneOf(['none', 'leds', 'onoff', 'rpio'], 'none', {
    meaning: 'What lights it. `leds`: a LED the kernel knows, under `/sys/class/leds`.',
    example: '"leds"',
  }),
  name: text({
    preset: '',
    expects: 'a name under /sys/class/leds, three of them with commas between (red, green, blue), or ""',
    accepts: (value) => /^[\w:.,@ -]*$/.test(value) && [0, 1, 3].includes(namesIn(value)),
    meaning: 'Of a kernel LED, or of the red, green and blue ones.',
    example: '"xiaozhi"',
  }),
  // The 40-pin header leads to BCM 2 to 27.
  gpio: whole(2, 27, 25, {
    meaning: 'Pin of the LED for `onoff` and `rpio`, by BCM number.',
    example: '22',
  }),
  active: oneOf(['high', 'low'], 'high', {
    meaning: 'The level at which the LED on a pin is lit.',
    example: '"low"',
  }),
  theme: oneOf(['speaker', 'xiaozhi'], 'speaker', {
    meaning: 'Colours of a coloured light. `speaker`: red is muted, blue listens. `xiaozhi`: red listens.',
    example: '"xiaozhi"',
  }),
  brightness: whole(1, 100, 100, { meaning: 'Of 100.', example: '40' }),
  night: text({
    preset: '',
    expects: 'two times of day such as "22:00-07:00", or ""',
    accepts: (value) => value === '' || /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/.test(value),
    meaning: 'When nothing is to be seen but a conversation, in local time.',
    example: '"22:00-07:00"',
  }),
  // Never 0: whoever is listened to must be able to see it.
  night_brightness: whole(1, 100, 10, { meaning: 'Of a conversation at night.', example: '5' }),
} as const;

function namesIn(value: string): number {
  return value === '' ? 0 : value.split(',').length;
}
