// Measures a JSON text before anything parses it, so that no parser and no reader behind it can be made to recurse
// deeply. Does not judge whether the text is JSON, and must not recurse itself.

export type Measure = {
  /** The deepest nesting of arrays and objects, the outermost counted as 1. */
  readonly depth: number;
  /** The longest string or key in UTF-16 units after unescaping; meaningful only if the text turns out to be JSON. */
  readonly longestString: number;
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export function measure(text: string): Measure {
  let depth = 0;
  let deepest = 0;
  let longestString = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const string = skipString(text, at + 1);
        longestString = Math.max(longestString, string.length);
        at = string.end;
        break;
      }
      case OPEN_BRACKET:
      case OPEN_BRACE:
        depth += 1;
        deepest = Math.max(deepest, depth);
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth -= 1;
        break;
    }
  }
  return { depth: deepest, longestString };
}

/** From behind the opening quote to the closing one, or to the end of a text that lacks it. */
function skipString(text: string, start: number): { end: number; length: number } {
  let length = 0;
  let at = start;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) break;
    // Escapes count as the one unit they stand for: servers escape every Chinese character to six.
    if (unit === BACKSLASH) at += text.charCodeAt(at + 1) === LOWER_U ? 6 : 2;
    else at += 1;
    length += 1;
  }
  return { end: at, length };
}
