// The lines that a kit needs in a Raspberry Pi's config.txt, between two marks so that they are found again. Text in, text out;
// knows no file.

const BEGIN = '# xiaozhi-agent: begin (xiaozhi-agent setup --undo takes this out)';
const END = '# xiaozhi-agent: end';
/** Lines above may belong to some boards only; ours are for all. */
const FOR_ALL = '[all]';

/** deploy/README.md has them with what else there is to know; a test holds the two together. */
export const KITS: Readonly<Record<string, readonly string[]>> = {
  i2s: ['dtoverlay=googlevoicehat-soundcard'],
  max98357a: ['dtoverlay=max98357a,no-sdmode'],
  adau7002: ['dtoverlay=adau7002-simple'],
  respeaker2: ['dtparam=i2c_arm=on', 'dtoverlay=respeaker-2mic-v2_0'],
  wm8960: ['dtparam=i2c_arm=on', 'dtoverlay=wm8960-soundcard'],
  led: ['dtoverlay=gpio-led,gpio=25,label=xiaozhi'],
  key: ['dtoverlay=gpio-key,gpio=17,active_low=1,gpio_pull=up,keycode=582'],
};

/** Each of them takes the one I2S bus that the header has. */
const ON_I2S: readonly string[] = ['i2s', 'max98357a', 'adau7002', 'respeaker2', 'wm8960'];

/** Why these kits cannot be had together; null: they can. */
export function conflictOf(kits: readonly string[]): string | null {
  const rivals = [...new Set(kits)].filter((kit) => ON_I2S.includes(kit));
  if (rivals.length < 2) return null;
  return `${rivals.join(' and ')} do not go together: the board has one I2S bus, and each takes it; name one of them`;
}

/** The mark without which nobody knows where our lines end; null: both are there, or neither. */
export function lostMark(text: string): string | null {
  const lines = text.split('\n');
  const from = lines.indexOf(BEGIN);
  return from !== -1 && lines.indexOf(END, from) === -1 ? END : null;
}

/** The text with the lines of these kits and no others of ours; none: as if we had never been there. */
export function withKits(text: string, kits: readonly string[]): string {
  const rest = withoutOurs(text);
  const wanted = [...new Set(kits.flatMap((kit) => KITS[kit] ?? []))];
  // What the owner has written there already is not said twice.
  const missing = wanted.filter((line) => !appliesToAll(rest, line));
  if (missing.length === 0) return rest;
  const gap = rest === '' || rest.endsWith('\n') ? '' : '\n';
  return `${rest}${gap}${[BEGIN, FOR_ALL, ...missing, END].join('\n')}\n`;
}

/** Whether a line counts for every board: it stands before any filter, or under [all]. */
function appliesToAll(text: string, wanted: string): boolean {
  let filter = FOR_ALL;
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line.startsWith('[')) filter = line;
    else if (line === wanted && filter === FOR_ALL) return true;
  }
  return false;
}

function withoutOurs(text: string): string {
  const lines = text.split('\n');
  const from = lines.indexOf(BEGIN);
  const to = lines.indexOf(END, from);
  if (from === -1 || to === -1) return text;
  return [...lines.slice(0, from), ...lines.slice(to + 1)].join('\n');
}

/** What changes, a line each: `-` goes, `+` comes. Ours are whole lines in one place, so no cleverer comparison is needed. */
export function changedLines(before: string, after: string): readonly string[] {
  const [old, next] = [before, after].map((text) => text.replace(/\n$/, '').split('\n'));
  if (old === undefined || next === undefined) return [];
  let same = 0;
  while (same < old.length && same < next.length && old[same] === next[same]) same += 1;
  let tail = 0;
  while (tail < old.length - same && tail < next.length - same && old.at(-1 - tail) === next.at(-1 - tail))
    tail += 1;
  const gone = old.slice(same, old.length - tail).map((line) => `-${line}`);
  const come = next.slice(same, next.length - tail).map((line) => `+${line}`);
  return [...gone, ...come];
}
