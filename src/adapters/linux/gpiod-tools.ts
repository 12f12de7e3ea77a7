// The command line of libgpiod in its two generations, 1.6 (Debian 12) and 2.x (Debian 13): which flags each takes and
// what its lists look like. Pure: text in, text out; starts nothing.

/** What is asked of a line; `active low`: pressed when it is drawn to ground. */
export type LineWish = {
  readonly activeLow: boolean;
  readonly pull: 'up' | 'down' | 'off';
  readonly debounceMs: number;
};

export type ChipLine = { readonly chip: string; readonly offset: number };

export type Generation = 1 | 2;

/** Under which labels the header of a Raspberry Pi is known: 1 to 3, 4, 5. Their offsets are BCM numbers. */
export const PI_LABELS: readonly string[] = ['pinctrl-bcm2835', 'pinctrl-bcm2711', 'pinctrl-rp1'];

/** One word was changed. */
const BIAS = {
  1: { up: 'pull-up', down: 'pull-down', off: 'disable' },
  2: { up: 'pull-up', down: 'pull-down', off: 'disabled' },
} as const;

/** `gpiomon (libgpiod) v1.6.3`; undefined for what is no version of libgpiod's. */
export function generationOf(version: string): Generation | undefined {
  const major = Number(/\blibgpiod\) v?(\d+)\./.exec(version)?.[1]);
  if (!Number.isInteger(major)) return undefined;
  return major >= 2 ? 2 : 1;
}

/** Reads the level once and prints 0 or 1. */
export function levelArguments(generation: Generation, line: ChipLine, wish: LineWish): readonly string[] {
  const low = wish.activeLow ? ['-l'] : [];
  return generation === 1
    ? [...low, '-B', BIAS[1][wish.pull], line.chip, String(line.offset)]
    : [...low, '-b', BIAS[2][wish.pull], '--numeric', '-c', line.chip, String(line.offset)];
}

/**
 * Prints each edge as a line. 1.6 keeps its lines back on a pipe unless told (`-b`, which means bias in 2.x) and cannot
 * debounce; 2.x says when it listens.
 */
export function monitorArguments(generation: Generation, line: ChipLine, wish: LineWish): readonly string[] {
  const low = wish.activeLow ? ['-l'] : [];
  if (generation === 1)
    return ['-b', ...low, '-B', BIAS[1][wish.pull], '-F', '%e', line.chip, String(line.offset)];
  const debounce = wish.debounceMs === 0 ? [] : ['-p', `${wish.debounceMs}ms`];
  const where = ['-c', line.chip, String(line.offset)];
  return ['--banner', ...low, '-b', BIAS[2][wish.pull], ...debounce, '-F', '%e', ...where];
}

/** 2.x: from here on every edge is heard. */
export function isBanner(line: string): boolean {
  return line.startsWith('Monitoring line');
}

/** A rising edge is a press, since the flag for active low swaps them: 1 in both; a falling one is 0 in 1.6, 2 in 2.x. */
export function edgeOf(line: string): 'pressed' | 'released' | undefined {
  if (line === '1') return 'pressed';
  return line === '0' || line === '2' ? 'released' : undefined;
}

/** `gpiochip0 [pinctrl-bcm2711] (58 lines)`: name by label, the first of several alike. */
export function chipsByLabel(detected: string): ReadonlyMap<string, string> {
  const chips = new Map<string, string>();
  for (const [, name = '', label = ''] of detected.matchAll(/^(gpiochip\d+) \[(.*)\] \(\d+ lines?\)$/gm))
    if (!chips.has(label)) chips.set(label, name);
  return chips;
}

export type ListedLine = ChipLine & { readonly name: string; readonly holder: string | undefined };

/** The list of `gpioinfo`, each chip a heading and its lines indented below. */
export function linesOf(info: string): readonly ListedLine[] {
  const lines: ListedLine[] = [];
  let chip = '';
  for (const text of info.split('\n')) {
    chip = /^(gpiochip\d+) - /.exec(text)?.[1] ?? chip;
    const [, offset, name = '', rest = ''] = /^\s+line\s+(\d+):\s+("[^"]*"|unnamed)(.*)$/.exec(text) ?? [];
    if (offset !== undefined)
      lines.push({ chip, offset: Number(offset), name: name.replaceAll('"', ''), holder: holderOf(rest) });
  }
  return lines;
}

/** 1.6: `"name" "holder" input …`, or `kernel`, or `unused`. 2.x: `"name" input consumer="holder"`. */
function holderOf(rest: string): string | undefined {
  const [, later] = /\bconsumer="?([^"\s]+)"?/.exec(rest) ?? [];
  if (later !== undefined) return later;
  const [, earlier, word] = /^\s+(?:"([^"]*)"|(kernel))\s/.exec(rest) ?? [];
  return earlier ?? word;
}

/**
 * Where BCM `gpio` is: on the chip with the wanted label; without a wish on a Raspberry Pi's own chip, else wherever a
 * line bears the name. Numbers of chips are never relied on: they have changed from kernel to kernel.
 */
export function findLine(
  found: { readonly chips: ReadonlyMap<string, string>; readonly lines: readonly ListedLine[] },
  gpio: number,
  label: string,
): ChipLine | { readonly missing: string } {
  const { chips, lines } = found;
  const seen = [...chips.keys()].join(', ') || 'none';
  if (label !== '') {
    const chip = chips.get(label);
    return chip === undefined
      ? { missing: `no GPIO chip is labelled "${label}" (there are: ${seen})` }
      : { chip, offset: gpio };
  }
  const own = PI_LABELS.map((one) => chips.get(one)).find((one) => one !== undefined);
  if (own !== undefined) return { chip: own, offset: gpio };
  const named = lines.find(({ name }) => name === `GPIO${gpio}`);
  return named ?? { missing: `no chip of a Raspberry Pi and no line named GPIO${gpio} (chips: ${seen})` };
}
