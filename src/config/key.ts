// What one configuration key is: its check, its default, and the words for both. The bounds are given once and end
// up in the check, in the error text and in the reference table. Knows no particular key and no file.

import * as v from 'valibot';

/** How text from the environment or the command line becomes a value. */
export type Kind = 'number' | 'boolean' | 'text';

export type Key<T = unknown> = {
  readonly kind: Kind;
  /** Its issue messages are complete clauses that begin with `expected` or `must`. */
  readonly check: v.GenericSchema<unknown, T>;
  readonly preset: T;
  readonly expects: string;
  readonly meaning: string;
  /** The right-hand side of a TOML line. */
  readonly example: string;
  /** Whether a wrong value may be repeated in an error text; false where it might be a secret. */
  readonly mayShow: (wrong: string) => boolean;
};

type About = { readonly meaning: string; readonly example: string };

type TextRules = About & {
  readonly preset: string;
  readonly expects: string;
  readonly accepts: (text: string) => boolean;
  /** A second complaint, for text that is well formed and still refused. */
  readonly refuses?: { readonly when: (text: string) => boolean; readonly because: string };
  readonly lowerCase?: boolean;
  readonly mayShow?: (wrong: string) => boolean;
};

const always = () => true;

// Longer than any path, address or device name in use; what is longer is a file pasted into a quote.
const LONGEST_TEXT = 1024;

export function whole(min: number, max: number, preset: number, about: About): Key<number> {
  const expects = `a whole number from ${min} to ${max}`;
  const wrong = `expected ${expects}`;
  const check = v.pipe(v.number(wrong), v.integer(wrong), v.minValue(min, wrong), v.maxValue(max, wrong));
  return { kind: 'number', check, preset, expects, mayShow: always, ...about };
}

/** Zero stands for something of its own, and the numbers just above it would be harmful. */
export function wholeOrZero(min: number, max: number, preset: number, about: About): Key<number> {
  const expects = `0, or a whole number from ${min} to ${max}`;
  const wrong = `expected ${expects}`;
  const check = v.pipe(
    v.number(wrong),
    v.integer(wrong),
    v.check((value) => value === 0 || (value >= min && value <= max), wrong),
  );
  return { kind: 'number', check, preset, expects, mayShow: always, ...about };
}

export function oneOf<const T extends readonly (string | number)[]>(
  options: T,
  preset: T[number],
  about: About,
): Key<T[number]> {
  const expects = `one of ${options.map((option) => JSON.stringify(option)).join(', ')}`;
  const kind = options.every((option) => typeof option === 'number') ? 'number' : 'text';
  const check = v.picklist(options, `expected ${expects}`);
  return { kind, check, preset, expects, mayShow: always, ...about };
}

export function flag(preset: boolean, about: About): Key<boolean> {
  const expects = 'true or false';
  return {
    kind: 'boolean',
    check: v.boolean(`expected ${expects}`),
    preset,
    expects,
    mayShow: always,
    ...about,
  };
}

export function text(rules: TextRules): Key<string> {
  const { preset, expects, meaning, example, accepts, refuses, lowerCase } = rules;
  const wrong = `expected ${expects}`;
  const check = v.pipe(
    v.string(wrong),
    v.maxLength(LONGEST_TEXT, `${wrong}, at most ${LONGEST_TEXT} characters`),
    // A control character has no business in any of these texts and would reach argv, headers and logs.
    v.check((value) => !/\p{Cc}/u.test(value) && accepts(value), wrong),
    v.check((value) => refuses === undefined || !refuses.when(value), refuses?.because ?? wrong),
    v.transform((value) => (lowerCase === true ? value.toLowerCase() : value)),
  );
  return { kind: 'text', check, preset, expects, meaning, example, mayShow: rules.mayShow ?? always };
}
