// One record as one line for people: `sentence key=value key2="with space"`, for the terminal and for the journal.
// No text, however hostile, becomes a second line or a terminal escape. Knows no destination and no clock.

import type { Shown, ShownFields } from './shown.ts';
import { shownText } from './shown.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';

// A sentence of ours plus the one file name or device text it may quote.
const LONGEST_SENTENCE = 500;

// The priorities of sd-daemon(3): err 3, warning 4, info 6, debug 7. Notice (5) is left to systemd itself.
const journalPriority: Readonly<Record<Level, number>> = { debug: 7, info: 6, warn: 4, error: 3 };
// ANSI foreground colours: grey, green, yellow, red.
const ansiColour: Readonly<Record<Level, number>> = { debug: 90, info: 32, warn: 33, error: 31 };

export function journalLine(level: Level, sentence: string, fields: ShownFields): string {
  return `<${journalPriority[level]}>${body(sentence, fields)}`;
}

export function textLine(
  level: Level,
  wallMs: number,
  sentence: string,
  fields: ShownFields,
  colour: boolean,
): string {
  const word = level.padEnd(5);
  return `${localTime(wallMs)} ${colour ? `\u001B[${ansiColour[level]}m${word}\u001B[0m` : word} ${body(sentence, fields)}`;
}

/** The sentence as every format shows it; JSON escapes for itself. */
export const shownSentence = (sentence: string, blanked?: (text: string) => string) =>
  shownText(sentence, LONGEST_SENTENCE, blanked);

/** Without priority, time and colour. */
export const plainLine = (sentence: string, fields: ShownFields) => body(sentence, fields);

function body(sentence: string, fields: ShownFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${word(name)}=${plain(value)}`);
  return `${escaped(sentence)}${pairs.join('')}`;
}

function plain(value: Shown): string {
  if (typeof value === 'string') return word(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return escaped(shownText(JSON.stringify(value)));
}

/** Bare where that is unambiguous, else quoted as in JSON. */
function word(text: string): string {
  return /^[\p{L}\p{N}_.:/@%+,…[\](){}*<>-]+$/u.test(text) ? text : escaped(JSON.stringify(text));
}

/** Control and format characters, lone surrogates and the two Unicode line ends, as `\uXXXX`: valid in JSON too. */
export function escaped(text: string): string {
  const unit = (code: string) => `\\u${code.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => sign.split('').map(unit).join(''));
}

/** Local, since it is read beside a clock on the wall; the journal and JSON carry time in their own ways. */
function localTime(wallMs: number): string {
  const at = new Date(wallMs);
  const pad = (value: number, width = 2) => String(value).padStart(width, '0');
  const day = `${pad(at.getFullYear(), 4)}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return `${day} ${time}.${pad(at.getMilliseconds(), 3)}`;
}
