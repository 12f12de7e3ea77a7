// What may be shown of a record's fields: any value becomes bounded, printable data without secrets, whatever it
// was. Pure; knows no format, no level and no destination.

export type Shown = string | number | boolean | null | readonly Shown[] | ShownFields;
export type ShownFields = { readonly [name: string]: Shown };

// Brief enough to keep a record readable over SSH; what is longer is payload and belongs into no log.
const LONGEST_TEXT = 200;
// Some 40 frames, more than any path through this program.
const LONGEST_STACK = 4000;
// A record says what happened in a few figures; these bound what a whole message or socket in it may cost.
const DEEPEST = 4;
const MOST_VALUES = 100;
// Secrets are blanked before the text is cut, so that no half of one survives; this bounds that search.
const LONGEST_SEARCHED = 8000;

const REDACTED = '[redacted]';

/** `token`, `accessToken`, `wifi_password`, `Proxy-Authorization`; not `token_file` and not `tokens`. */
const isSecretName = (name: string) => /(token|authorization|password|secret)$/i.test(name);

/** Blanks the secrets that are known by heart, before anything is cut. */
type Blanked = (text: string) => string;
const NONE_KNOWN: Blanked = (text) => text;
/** What may still be shown, and how. */
type Budget = { left: number; readonly blanked: Blanked };

/** `withStack`: the stack of an error among the fields is kept, in a field of its own. */
export function shownFields(fields: object, withStack: boolean, blanked = NONE_KNOWN): ShownFields {
  const budget = { left: MOST_VALUES, blanked };
  const shown = shownEntries(fields, DEEPEST, budget);
  if (!withStack || 'stack' in shown) return shown;
  const error = Object.keys(fields)
    .map((name) => readField(fields, name))
    .find((value) => value instanceof Error);
  return error?.stack === undefined
    ? shown
    : { ...shown, stack: shownText(error.stack, LONGEST_STACK, blanked) };
}

/** Cut to `limit` characters, with what looks like a credential blanked. */
export function shownText(text: string, limit = LONGEST_TEXT, blanked = NONE_KNOWN): string {
  const safe = blanked(text)
    .slice(0, LONGEST_SEARCHED)
    .replace(/\b(bearer)\s+[^\s"',;]+/gi, `$1 ${REDACTED}`)
    .replace(/:\/\/[^/\s@]+@/g, `://${REDACTED}@`)
    .replace(/([?&][\w-]*(?:token|authorization|password|secret)=)[^&\s#"']+/gi, `$1${REDACTED}`);
  if (safe.length <= limit && text.length <= LONGEST_SEARCHED) return safe;
  // A surrogate pair cut in two would leave a character that no terminal shows.
  return `${safe.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function shownEntries(source: object, depth: number, budget: Budget): ShownFields {
  // Without a prototype: a field named `__proto__` is a field like any other.
  const shown: Record<string, Shown> = Object.create(null);
  for (const name of Object.keys(source)) {
    const value = readField(source, name);
    if (value === undefined) continue;
    if (budget.left <= 0) {
      shown['…'] = 'cut';
      break;
    }
    budget.left -= 1;
    const limit = name === 'stack' ? LONGEST_STACK : LONGEST_TEXT;
    // Whether there is a token is no secret.
    const plain = typeof value === 'boolean' || value === null || !isSecretName(name);
    shown[shownText(name, LONGEST_TEXT, budget.blanked)] = plain
      ? shownValue(value, depth, budget, limit)
      : REDACTED;
  }
  return shown;
}

/** A getter may throw and a proxy may do worse: a log call must survive both. */
function readField(source: object, name: string): unknown {
  try {
    return Reflect.get(source, name);
  } catch {
    return '[unreadable]';
  }
}

function shownValue(value: unknown, depth: number, budget: Budget, limit: number): Shown {
  switch (typeof value) {
    case 'string':
      return shownText(value, limit, budget.blanked);
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      return value === null ? null : shownObject(value, depth, budget);
    case 'function':
      return '[function]';
    case 'undefined':
    case 'bigint':
    case 'symbol':
      return shownText(String(value), LONGEST_TEXT, budget.blanked);
  }
}

function shownObject(value: object, depth: number, budget: Budget): Shown {
  if (value instanceof Error) return shownText(shownError(value), LONGEST_TEXT, budget.blanked);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString();
  if (value instanceof URL) return shownText(value.href, LONGEST_TEXT, budget.blanked);
  // Cycles end here as well.
  if (depth <= 0) return '[…]';
  if (value instanceof Map) return shownEntries(Object.fromEntries(value), depth - 1, budget);
  const list: readonly unknown[] | undefined =
    value instanceof Set ? [...value] : Array.isArray(value) ? value : undefined;
  if (list === undefined) return shownEntries(value, depth - 1, budget);
  const shown: Shown[] = [];
  for (const item of list) {
    if (budget.left <= 0) return [...shown, '…'];
    budget.left -= 1;
    shown.push(shownValue(item, depth - 1, budget, LONGEST_TEXT));
  }
  return shown;
}

/** `connect refused (ECONNREFUSED)`; the code is left out where the message already has it. */
function shownError(error: Error): string {
  const code = readField(error, 'code');
  const message = error.message === '' ? error.name : error.message;
  const known = (typeof code === 'string' || typeof code === 'number') && !message.includes(String(code));
  return known ? `${message} (${code})` : message;
}
