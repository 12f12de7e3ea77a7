// The 40-pin header of a Raspberry Pi: what people count on the board against what the chip calls it, and which of them
// sound needs. Knows no key and no driver.

/** BCM number to header pin, for the numbers that are free for use; 0 and 1 belong to the hat's memory. */
const HEADER_PIN: Readonly<Record<number, number>> = {
  2: 3,
  3: 5,
  4: 7,
  5: 29,
  6: 31,
  7: 26,
  8: 24,
  9: 21,
  10: 19,
  11: 23,
  12: 32,
  13: 33,
  14: 8,
  15: 10,
  16: 36,
  17: 11,
  18: 12,
  19: 35,
  20: 38,
  21: 40,
  22: 15,
  23: 16,
  24: 18,
  25: 22,
  26: 37,
  27: 13,
};

/** `BCM 17 = header pin 11` */
export function pinName(gpio: number): string {
  return `BCM ${gpio} = header pin ${HEADER_PIN[gpio] ?? '?'}`;
}

export const HATS = ['none', 'i2s', 'googlevoicehat', 'respeaker-2mic', 'wm8960'] as const;
export type Hat = (typeof HATS)[number];

const I2S = {
  18: 'the bit clock of I2S sound',
  19: 'the word clock of I2S sound',
  20: 'the microphone data of I2S sound',
  21: 'the speaker data of I2S sound',
};
const I2C = { 2: "the codec's I2C data", 3: "the codec's I2C clock" };

/** ux.md 1.3 and 1.5: what the overlays of these boards take. */
const NEEDED: Readonly<Record<Hat, Readonly<Record<number, string>>>> = {
  none: {},
  i2s: I2S,
  googlevoicehat: { ...I2S, 16: "the amplifier's enable line of googlevoicehat" },
  'respeaker-2mic': {
    ...I2S,
    ...I2C,
    8: 'the select line of the lamps (SPI)',
    10: 'the data of the lamps (SPI)',
    11: 'the clock of the lamps (SPI)',
  },
  wm8960: { ...I2S, ...I2C, 4: 'the master clock of the WM8960' },
};

/** What the pin is for already, if it is. */
export function neededFor(gpio: number, hat: Hat): string | undefined {
  return NEEDED[hat][gpio];
}
