// Whatever a record holds: nothing in it can forge a line, leak a secret, grow without bound or throw.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type LogOptions } from '../../src/log.ts';

// 20:13:09.123 on 2026-11-22, in whatever zone the test runs.
const wallMs = () => new Date(2026, 10, 22, 20, 13, 9, 123).getTime();

function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    format: 'text',
    wallMs,
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

/** The fields of one record as text, without the sentence. */
function fieldsOf(fields: object): string {
  const { log, lines } = recorded({ format: 'journal' });
  log.info(fields, '');
  assert.equal(lines.length, 1);
  return lines[0]?.replace(/^<6> ?/, '') ?? '';
}

test('values that could be misread are quoted, all others are bare', () => {
  const values: readonly (readonly [unknown, string])[] = [
    ['plughw:CARD=x', '"plughw:CARD=x"'],
    ['wss://h:1/a-b_c.d%20', 'wss://h:1/a-b_c.d%20'],
    ['', '""'],
    ['say "hi"', '"say \\"hi\\""'],
    ['back\\slash', '"back\\\\slash"'],
    ['你好', '你好'],
    [{ a: [1, 'x y'], b: { c: null } }, '{"a":[1,"x y"],"b":{"c":null}}'],
    [Number.NaN, 'NaN'],
    [12n, '12'],
    [new Uint8Array(1920), '"[1920 bytes]"'],
    [Buffer.from('abc'), '"[3 bytes]"'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date(Number.NaN), '"no date"'],
    [new Map([['a', 1]]), '{"a":1}'],
    [new Set([1, 2]), '[1,2]'],
    [() => 1, '[function]'],
    [new URL('ws://h/'), 'ws://h/'],
  ];
  for (const [value, shown] of values) assert.equal(fieldsOf({ v: value }), `v=${shown}`);
});

test('no text becomes a second line, a terminal escape or hidden characters', () => {
  const evil = 'a\n<3>b\r\nc\u001B[2J\u0085\u009B\u2028\u2029\u202Ed\u200B\0\uD800\u007F';
  for (const format of ['text', 'journal', 'json'] as const) {
    const { log, lines } = recorded({ format });
    log.info({ [evil]: evil, list: [evil], error: new Error(evil), __proto__x: { [evil]: evil } }, evil);
    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines[0] ?? '', /[\p{C}\p{Zl}\p{Zp}]/u);
  }
  assert.equal(fieldsOf({ v: 'a\n<3>b\u001B\u009B\u2028' }), 'v="a\\n<3>b\\u001b\\u009b\\u2028"');
});

test('long texts, long lists and deep objects are cut and marked', () => {
  assert.equal(fieldsOf({ v: 'x'.repeat(200) }), `v=${'x'.repeat(200)}`);
  assert.equal(fieldsOf({ v: 'x'.repeat(201) }), `v=${'x'.repeat(200)}…`);
  assert.equal(fieldsOf({ v: `${'x'.repeat(199)}🦀` }), `v=${'x'.repeat(199)}…`);
  assert.ok(fieldsOf({ v: Array(100_000).fill('x') }).length < 250);
  assert.equal(fieldsOf({ v: { a: { b: { c: { d: {} } } } } }), 'v={"a":{"b":{"c":{"d":"[…]"}}}}');
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 1]));
  assert.match(fieldsOf(wide), /^k0=1 .* k99=1 …=cut$/);
  const { log, lines } = recorded({ format: 'json' });
  log.info({ wide, list: Array(1000).fill({ wide }), huge: 'x'.repeat(1e6) }, 'y'.repeat(1e6));
  assert.ok((lines[0]?.length ?? 0) < 10_000);
});

test('secrets are blanked by the name of their field, at any depth and in every format', () => {
  const fields = {
    token: 'hush',
    accessToken: 'hush',
    headers: { Authorization: 'Bearer hush', 'proxy-authorization': ['hush'] },
    list: [{ wifi_password: 'hush' }, new Map([['client_secret', { inner: 'hush' }]])],
    token_file: '/etc/token',
    hasToken: true,
    url: 'wss://owner:hush@host/?v=1&token=hush&x=2',
    text: 'sent Bearer hush, refused',
    error: new Error('GET https://u:hush@h/?access_token=hush'),
  };
  for (const format of ['text', 'journal', 'json'] as const) {
    const { log, lines } = recorded({ format, level: 'debug' });
    log.info(fields, 'dialled wss://hush@host/?secret=hush');
    log.info({ text: `${'x'.repeat(180)} wss://owner:hush-${'h'.repeat(300)}@host` }, 'cut in the middle');
    assert.equal(lines.length, 2);
    assert.doesNotMatch(lines.join(), /hush/);
    assert.match(lines.join(), /\/etc\/token/);
    assert.match(lines.join(), /hasToken"?[=:]true/);
    assert.match(lines.join(), /v=1&token=\[redacted\]&x=2/);
  }
});

test('an error is its message and code, and its stack appears only at debug or when given', () => {
  const error = Object.assign(new Error('cannot connect'), { code: 'ECONNREFUSED' });
  assert.equal(fieldsOf({ error }), 'error="cannot connect (ECONNREFUSED)"');
  assert.equal(
    fieldsOf({ error: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }) }),
    'error="read ECONNRESET"',
  );
  assert.equal(fieldsOf({ error: new RangeError('') }), 'error=RangeError');
  assert.match(
    fieldsOf({ stack: error.stack }),
    /^stack="Error: cannot connect\\n {4}at .*fields\.test\.js.*"$/,
  );
  assert.ok(fieldsOf({ stack: 'x'.repeat(3000) }).length > 3000, 'a stack is longer than other texts');
  const { log, lines } = recorded({ format: 'journal', level: 'debug' });
  log.warn({ error }, 'x');
  log.warn({ n: 1 }, 'y');
  assert.match(
    lines[0] ?? '',
    /^<4>x error="cannot connect \(ECONNREFUSED\)" stack="Error: .*fields\.test\.js.*"$/,
  );
  assert.equal(lines[1], '<4>y n=1');
});

test('no value makes a log call throw', () => {
  const cycle: Record<string, unknown> = { name: 'cycle' };
  cycle.self = cycle;
  const hostile: readonly object[] = [
    cycle,
    { cycle, list: [cycle] },
    {
      get broken() {
        throw new Error('getter');
      },
    },
    {
      v: {
        get broken() {
          throw new Error('getter');
        },
      },
    },
    {
      v: new Proxy(
        {},
        {
          get() {
            throw new Error('proxy');
          },
        },
      ),
    },
    {
      v: {
        toJSON() {
          throw new Error('toJSON');
        },
      },
    },
    { v: Object.create(null), symbol: Symbol('s') },
    JSON.parse('{"__proto__": {"x": 1}, "constructor": 2, "hasOwnProperty": 3}'),
    { v: Object.assign(new Error('x'), { cause: cycle, code: { not: 'text' } }) },
    { method: 'GET', headers: {}, socket: {} },
    { err: new Error('x'), msg: 'm', setHeader: () => 1 },
    [],
    new Error('as fields'),
  ];
  for (const format of ['text', 'journal', 'json'] as const) {
    const { log, lines } = recorded({ format, level: 'debug' });
    for (const fields of hostile) log.info(fields, 'still here');
    assert.equal(lines.length, hostile.length);
    for (const line of lines) assert.match(line, /still here/);
  }
  assert.equal(fieldsOf(JSON.parse('{"__proto__": {"x": 1}}')), '__proto__={"x":1}');
  assert.equal(
    fieldsOf({
      v: {
        get broken() {
          throw new Error('getter');
        },
      },
    }),
    'v={"broken":"[unreadable]"}',
  );
});
