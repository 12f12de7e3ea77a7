// On which line of a TOML text each key stands, since the parser keeps no positions. Works on text that has already
// been parsed without error; on anything else it may find little, but it always ends and never throws.

import { showPath } from './problem.ts';

// The reader of files refuses deeper nesting before this is asked; the bound keeps any other text off the call stack.
const DEEPEST = 64;

/** Dotted name, as `showPath` writes it, to line number from 1; the first mention of a section counts. */
export function keyLines(toml: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let at = 0;
  let line = 1;

  function advance(count: number): void {
    const end = Math.min(at + count, toml.length);
    for (; at < end; at += 1) if (toml[at] === '\n') line += 1;
  }

  /** Moves over what `pattern` matches here and returns it; the pattern is sticky. */
  function take(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(toml)?.[0] ?? '';
    advance(found.length);
    return found;
  }

  const skipBlanks = () => take(/[ \t]*/y);
  const skipVoid = () => take(/(?:[ \t\r\n]+|#[^\n]*)*/y);

  function skipString(): string {
    for (const fence of ['"""', "'''"]) {
      if (!toml.startsWith(fence, at)) continue;
      advance(fence.length);
      while (at < toml.length && !toml.startsWith(fence, at))
        advance(toml[at] === '\\' && fence === '"""' ? 2 : 1);
      // Up to two more quotes may belong to the text; the last three close it.
      return take(fence === '"""' ? /"{0,5}/y : /'{0,5}/y);
    }
    return take(/"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?/y);
  }

  function readKey(): string[] {
    const path: string[] = [];
    do {
      skipBlanks();
      const quoted = toml[at] === '"' || toml[at] === "'";
      path.push(quoted ? unquoted(skipString()) : take(/[\w-]*/y));
      skipBlanks();
    } while (take(/\./y) !== '');
    return path;
  }

  /** `a.b.c = 1` and `[a.b.c]` mention the sections a and a.b as well. */
  function mention(path: readonly string[], start: number): void {
    for (let depth = 1; depth <= Math.min(path.length, DEEPEST); depth += 1) {
      const name = showPath(path.slice(0, depth));
      if (!lines.has(name)) lines.set(name, start);
    }
  }

  function readPair(prefix: readonly string[]): void {
    const start = line;
    const path = [...prefix, ...readKey()];
    mention(path, start);
    take(/[ \t]*=[ \t]*/y);
    skipValue(path);
  }

  function skipValue(path: readonly string[]): void {
    const open = toml[at];
    if (open === '"' || open === "'") {
      skipString();
    } else if ((open === '{' || open === '[') && path.length < DEEPEST) {
      const close = open === '{' ? '}' : ']';
      advance(1);
      for (let before = -1; before !== at; ) {
        before = at;
        skipVoid();
        if (at >= toml.length || toml[at] === close) break;
        if (open === '{') readPair(path);
        else skipValue([...path, '[]']);
        skipVoid();
        take(/,/y);
      }
      advance(1);
    } else {
      take(/[^\n,\]}#]*/y);
    }
  }

  let section: string[] = [];
  for (let before = -1; before !== at && at < toml.length; ) {
    before = at;
    skipVoid();
    if (toml[at] === '[') {
      const start = line;
      take(/\[\[?/y);
      section = readKey();
      mention(section, start);
      take(/\]\]?/y);
    } else if (at < toml.length) {
      readPair(section);
    }
  }
  return lines;
}

function unquoted(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1);
  try {
    return String(JSON.parse(key));
  } catch {
    // An escape that TOML has and JSON lacks: the name stays as it was written and merely finds no line.
    return key;
  }
}
