// Makes a stranger's text fit for one log line: short, and without characters that break a line, hide text or steer
// a terminal. Knows nothing of what the text means.

import { EXCERPT_LIMIT_CHARS } from './limits.ts';

// Controls (C0, DEL, C1), format characters (text direction, zero width), lone surrogates, line and paragraph separators.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function escaped(character: string): string {
  let out = '';
  for (let at = 0; at < character.length; at += 1) {
    out += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return out;
}

/**
 * The beginning of `text`, at most `limit` characters long *after* escaping. What was cut ends in `…`; neither an
 * escape nor a surrogate pair is ever cut in two. Reads no further than it has to.
 */
export function excerpt(text: string, limit: number = EXCERPT_LIMIT_CHARS): string {
  let out = '';
  let cutAt = 0;
  for (const character of text) {
    const longer = out + (UNSAFE.test(character) ? escaped(character) : character);
    if (longer.length > limit) return `${out.slice(0, cutAt)}…`;
    out = longer;
    // Wherever one character is still free, the ellipsis has room.
    if (out.length < limit) cutAt = out.length;
  }
  return out;
}
