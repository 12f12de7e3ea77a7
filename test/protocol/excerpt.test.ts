// What is shown of a stranger's text in a log line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excerpt } from '../../src/protocol/excerpt.ts';

test('an ordinary text is shown as it is, up to the limit exactly', () => {
  assert.equal(excerpt(''), '');
  assert.equal(excerpt('认证失败 😀 "a\\b"'), '认证失败 😀 "a\\b"');
  assert.equal(excerpt('x'.repeat(200)), 'x'.repeat(200));
  assert.equal(excerpt('abc', 3), 'abc');
});

test('a longer text is cut and says so within the limit', () => {
  assert.equal(excerpt('x'.repeat(201)), `${'x'.repeat(199)}…`);
  assert.equal(excerpt('abcd', 3), 'ab…');
});

test('controls, directions, separators, zero-width and lone surrogates are escaped', () => {
  const rows = [
    ['\n', '\\u000a'],
    ['\u001b[2J', '\\u001b[2J'],
    ['\0', '\\u0000'],
    ['\u007f', '\\u007f'],
    ['\u009b', '\\u009b'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['\u202e', '\\u202e'],
    ['\u200b\ufeff', '\\u200b\\ufeff'],
    ['a\ud83d', 'a\\ud83d'],
    ['\ude00b', '\\ude00b'],
    ['\u{e0041}', '\\udb40\\udc41'],
  ] as const;
  for (const [text, shown] of rows) assert.equal(excerpt(text), shown);
});

test('neither an escape nor a pair of surrogates is cut in two', () => {
  assert.equal(excerpt('ab\nc', 8), 'ab…');
  assert.equal(excerpt('\nab', 3), '…');
  assert.equal(excerpt('ab\n', 8), 'ab\\u000a');
  assert.equal(excerpt('ab😀c', 4), 'ab…');
  assert.equal(excerpt('ab😀', 4), 'ab😀');
});
