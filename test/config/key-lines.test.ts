// On which line a key stands, in every way in which TOML lets one write it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { keyLines } from '../../src/config/key-lines.ts';
import { showPath } from '../../src/config/problem.ts';

// In every value `1`, `2`, … is the number of the line its key stands on.
const every = `top = 1
dotted . inner = 2 # = [not.a.section]
"quoted \\" = #" = 3
'literal "' = 4
long = """
[fake]
fake = 0 \\"""
"""""
after_long = 9
lit = '''
fake = 0 \\'''
after_lit = 12
inline = { a = 13, b.c = 13, "d,}" = { e = 13 } }
list = [
  "]", # ]
  { x = 0 }, [1, 2],
]
after_list = 18
date = 1979-05-27 07:32:00
after_date = 20

[section.'deep er']
	key = 23
[[rows]]
cell = 25
[last]# comment
a="#"
b=28`;

function numbers(node: object, path: readonly string[]): [string, number][] {
  return Object.entries(node).flatMap(([name, value]): [string, number][] => {
    const inner = [...path, name];
    if (typeof value === 'number') return [[showPath(inner), value]];
    if (name === 'rows') return [['rows.cell', value[0].cell]];
    return typeof value === 'object' && !Array.isArray(value) ? numbers(value, inner) : [];
  });
}

for (const [name, text] of [
  ['LF', every],
  ['CR LF', every.replaceAll('\n', '\r\n')],
] as const) {
  test(`every key is found on its line, with ${name} line ends`, () => {
    const lines = keyLines(text);
    const wanted = numbers(parse(text), []);
    assert.equal(wanted.length, 14);
    for (const [key, line] of wanted) assert.equal(lines.get(key), line, key);
    const others = {
      long: 5,
      lit: 10,
      inline: 13,
      list: 14,
      date: 19,
      section: 22,
      'section."deep er"': 22,
      rows: 24,
      last: 26,
      'last.a': 27,
    };
    for (const [key, line] of Object.entries(others)) assert.equal(lines.get(key), line, key);
    assert.ok(![...lines.keys()].some((key) => key.includes('fake')), 'what stands in a string is no key');
  });
}

test('text that is no TOML, however long or deep, neither throws nor hangs', () => {
  const size = 200_000;
  for (const piece of [
    '[',
    '{',
    'a={',
    'a=[',
    '"',
    "'",
    '"""',
    '\\',
    'a="\\"',
    'a.',
    '=',
    ',',
    ']',
    '\n',
    '#',
    '\u2028',
    '🦀',
  ]) {
    keyLines(piece.repeat(size / piece.length));
    keyLines(`a = "${piece.repeat(size / piece.length)}`);
  }
});
