// What can be wrong with a configuration, as a value and as one line of text. Nothing that might be a secret is put
// in here; that is decided where the problem is found. Knows no keys and no files.

export type Problem = {
  /** An error means that something the owner wrote has no effect; a warning that it may be a slip. */
  readonly severity: 'error' | 'warning';
  readonly file?: string;
  readonly line?: number;
  /** Dotted, as in the file; or the name of an environment variable that stands for no key. */
  readonly key?: string;
  readonly message: string;
  /** What may have been meant: dotted, or the name of a variable. */
  readonly nearest?: string;
};

// Enough to recognise what was typed, short enough for one line of an 80-column terminal.
const LONGEST_VALUE = 40;
// Twice the longest key there is.
const LONGEST_KEY = 64;

// Line breaks and terminal escapes in a file must not become line breaks and terminal escapes of a log.
const escaped = (text: string) =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });

const cut = (text: string, limit: number) => (text.length > limit ? `${text.slice(0, limit)}…` : text);

/** `config.toml:7: link.backof_cap_ms: unknown key (did you mean backoff_cap_ms?)` */
export function describeProblem(problem: Problem): string {
  const { file, line, key, message, nearest } = problem;
  const place = file === undefined ? '' : line === undefined ? `${file}: ` : `${file}:${line}: `;
  const subject = key === undefined ? '' : `${cut(key, LONGEST_KEY)}: `;
  const hint = nearest === undefined ? '' : ` (did you mean ${relative(nearest, key ?? '')}?)`;
  return escaped(`${place}${subject}${message}${hint}`);
}

/** Within one section the last part says it; elsewhere the section is the very thing that was wrong. */
function relative(nearest: string, key: string): string {
  const parent = nearest.slice(0, nearest.lastIndexOf('.') + 1);
  return parent === key.slice(0, key.lastIndexOf('.') + 1) ? nearest.slice(parent.length) : nearest;
}

/** A wrong value as the owner may recognise it. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, LONGEST_VALUE));
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return typeof value === 'object' ? 'a section' : String(value);
}

/** A path as TOML writes it; parts that need quotes get them, so that `"a.b"` is never taken for `a.b`. */
export const showPath = (path: readonly string[]) =>
  path.map((part) => (/^[\w-]+$/.test(part) ? part : JSON.stringify(part))).join('.');
