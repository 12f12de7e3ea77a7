// Which known name a mistyped one was probably meant to be. Pure; knows no configuration key.

// Longer names are no slip of a known one; the bound keeps the distance table small.
const LONGEST_NAME = 64;
// One slip in three letters still leaves a word recognisable; a single slip always counts.
const LETTERS_PER_SLIP = 3;

/** The best candidate, or undefined when none is near. The first of equals wins. */
export function nearestName(wanted: string, candidates: Iterable<string>): string | undefined {
  if (wanted.length > LONGEST_NAME) return undefined;
  const known = [...candidates];
  const flat = flattened(wanted);
  // `log_level` or `LOG.LEVEL` for `log.level`: right words, wrong joints.
  const sameWords = known.find((name) => flattened(name) === flat);
  if (sameWords !== undefined) return sameWords;
  let best: { name: string; cost: number } | undefined;
  for (const name of known) {
    const cost = costOf(wanted, name);
    if (cost !== undefined && (best === undefined || cost < best.cost)) best = { name, cost };
  }
  return best?.name;
}

const flattened = (name: string) => name.toLowerCase().replace(/[._-]+/g, '_');

/** The last part must be near; how far the section is off decides among those that are equally near. */
function costOf(wanted: string, name: string): number | undefined {
  const [section, last] = split(wanted.toLowerCase());
  const [knownSection, knownLast] = split(name);
  const slips = isPartOf(last, knownLast)
    ? Math.min(1, editDistance(last, knownLast))
    : editDistance(last, knownLast);
  if (slips > Math.max(1, Math.floor(last.length / LETTERS_PER_SLIP))) return undefined;
  return slips * 2 * LONGEST_NAME + editDistance(section, knownSection);
}

function split(name: string): [section: string, last: string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, Math.max(0, dot)), name.slice(dot + 1)];
}

/** `backoff_base` for `backoff_base_ms`, `url` for `websocket_url`: words are missing, none is foreign. */
function isPartOf(last: string, knownLast: string): boolean {
  const words = knownLast.split('_');
  return last !== '' && last.split('_').every((word) => words.includes(word));
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, at(last, j) + 1, at(row, j - 1) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number) => row[index] ?? Number.POSITIVE_INFINITY;
