// Everything that is wrong with a text, one kind of fault after the other, and what may then be written into a log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Decoded, decodeDevice, decodeServer, excerpt } from '../../src/protocol/codec.ts';

function fault(result: Decoded<unknown>): { kind: string; detail: string; excerpt: string } {
  assert.ok(!result.ok, 'expected a fault');
  return result.fault;
}

test('a text that is no JSON is not-json, with the text as excerpt', () => {
  const texts = [
    '认证失败',
    '端口正常',
    '',
    ' ',
    '{',
    '{"type":"stt"',
    "{'type':'stt'}",
    '\ufeff{}',
    'undefined',
  ];
  for (const text of [...texts, '[1,]', '{"a":"b\n"}', '"', '"\\', '{"a":"\\u00', ']]]]', '\ud800']) {
    const found = fault(decodeServer(text));
    assert.equal(found.kind, 'not-json', text);
    assert.equal(found.excerpt, excerpt(text));
    assert.match(found.detail, /^SyntaxError: ./);
  }
  assert.equal(fault(decodeServer('认证失败')).excerpt, '认证失败');
});

test('JSON that is no object is not-an-object, and says what it is', () => {
  const rows = [
    ['null', 'null'],
    ['[]', 'an array'],
    ['[{"type":"stt","text":"x"}]', 'an array'],
    ['7', '7'],
    ['true', 'true'],
    ['"stt"', '"stt"'],
  ] as const;
  for (const [text, what] of rows) {
    const { kind, detail } = fault(decodeServer(text));
    assert.deepEqual([kind, detail], ['not-an-object', `expected an object, got ${what}`]);
  }
});

test('an object whose type is missing or no string is no-type', () => {
  const rows = [
    ['{}', 'nothing'],
    ['{"type":7}', '7'],
    ['{"type":null}', 'null'],
    ['{"type":{}}', 'an object'],
    ['{"type":["stt"]}', 'an array'],
    ['{"__proto__":{"type":"stt","text":"x"}}', 'nothing'],
    ['{"Type":"stt"}', 'nothing'],
  ] as const;
  for (const [text, what] of rows) {
    const { kind, detail } = fault(decodeServer(text));
    assert.deepEqual([kind, detail], ['no-type', `type: expected a string, got ${what}`]);
  }
});

test('a type the sender does not use is unknown-type, names every object has included', () => {
  for (const type of ['', 'STT', 'toString', 'constructor', '__proto__', 'listen', 'ping']) {
    const { kind, detail } = fault(decodeServer(JSON.stringify({ type })));
    assert.deepEqual([kind, detail], ['unknown-type', `type: "${type}" is not known here`]);
  }
  for (const type of ['stt', 'tts', 'valueOf']) {
    assert.equal(fault(decodeDevice(JSON.stringify({ type }))).kind, 'unknown-type');
  }
});

test('a required field that is missing or of the wrong type is wrong-shape, and the detail says where', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['{"type":"hello"}', 'hello.transport: expected a string, got nothing'],
    ['{"type":"stt"}', 'stt.text: expected a string, got nothing'],
    ['{"type":"stt","text":null}', 'stt.text: expected a string, got null'],
    ['{"type":"tts","state":7}', 'tts.state: expected start|stop|sentence_start|sentence_end, got 7'],
    [
      '{"type":"tts","state":"begin"}',
      'tts.state: expected start|stop|sentence_start|sentence_end, got "begin"',
    ],
    ['{"type":"system","command":["reboot"]}', 'system.command: expected a string, got an array'],
    ['{"type":"alert","message":"m"}', 'alert.status: expected a string, got nothing'],
    [
      '{"type":"alert","status":"s","message":{},"emotion":1}',
      'alert.message: expected a string, got an object',
    ],
    ['{"type":"alert","status":"s","message":"m"}', 'alert.emotion: expected a string, got nothing'],
    ['{"type":"mcp"}', 'mcp.payload: expected an object, got nothing'],
    ['{"type":"mcp","payload":[]}', 'mcp.payload: expected an object, got an array'],
    ['{"type":"custom","payload":"{}"}', 'custom.payload: expected an object, got "{}"'],
    ['{"type":"iot","commands":{}}', 'iot.commands: expected an array, got an object'],
  ];
  for (const [text, detail] of rows) {
    const found = fault(decodeServer(text));
    assert.deepEqual([found.kind, found.detail, found.excerpt], ['wrong-shape', detail, text]);
  }
  const deviceRows: readonly (readonly [string, string])[] = [
    ['{"type":"hello","transport":1}', 'hello.transport: expected a string, got 1'],
    ['{"type":"listen"}', 'listen.state: expected start|stop|detect, got nothing'],
    ['{"type":"listen","state":"start"}', 'listen.mode: expected auto|manual|realtime, got nothing'],
    ['{"type":"listen","state":"detect"}', 'listen.text: expected a string, got nothing'],
    ['{"type":"mcp","payload":null}', 'mcp.payload: expected an object, got null'],
  ];
  for (const [text, detail] of deviceRows) {
    const found = fault(decodeDevice(text));
    assert.deepEqual([found.kind, found.detail], ['wrong-shape', detail]);
  }
});

test('a text of 1 MiB is read, one character more is too-long', () => {
  const padded = (length: number): string => `{"type":"goodbye"${' '.repeat(length - 18)}}`;
  assert.equal(decodeServer(padded(1_048_576)).ok, true);
  const found = fault(decodeServer(padded(1_048_577)));
  assert.deepEqual([found.kind, found.detail], ['too-long', '1048577 characters, at most 1048576 are read']);
  assert.equal(found.excerpt.length, 200);
});

test('a string of 16 KiB is read, one character more is too-long wherever it stands', () => {
  const most = 'x'.repeat(16_384);
  assert.equal(decodeServer(`{"type":"stt","text":"${most}","${most}":1}`).ok, true);
  const detail = 'a string of 16385 characters, at most 16384 are read';
  for (const text of [
    `{"type":"stt","text":"${most}x"}`,
    `{"type":"stt","text":"","extra":["${most}x"]}`,
    `{"type":"stt","text":"","${most}x":0}`,
  ]) {
    const found = fault(decodeServer(text));
    assert.deepEqual([found.kind, found.detail], ['too-long', detail]);
  }
});

test('an escaped character counts once towards the length of its string', () => {
  const most = `${'\\u4f60'.repeat(16_381)}\\"\\\\\\n`;
  assert.equal(decodeServer(`{"type":"stt","text":"${most}"}`).ok, true);
  assert.equal(fault(decodeServer(`{"type":"stt","text":"${most}\\t"}`)).kind, 'too-long');
});

test('a long stretch behind a stray quote in a text that is no JSON is still called not-json', () => {
  assert.equal(fault(decodeServer(`<html lang="${'x'.repeat(20_000)}`)).kind, 'not-json');
});

test('32 levels are read, 33 are too-deep, in payloads and in ignored keys', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  const object = (levels: number): string => `${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}`;
  assert.equal(decodeServer(`{"type":"mcp","payload":${object(31)}}`).ok, true);
  assert.equal(decodeServer(`{"type":"iot","commands":${nested(31)}}`).ok, true);
  for (const text of [
    `{"type":"mcp","payload":${object(32)}}`,
    `{"type":"goodbye","extra":${nested(32)}}`,
    `{"type":"goodbye","before":${nested(31)},"extra":${nested(32)}}`,
    `{"type":"goodbye","before":"\\n","extra":${nested(32)}}`,
    `{"type":"goodbye","before":"\\u0022","extra":${nested(32)}}`,
  ]) {
    const { kind, detail } = fault(decodeServer(text));
    assert.deepEqual([kind, detail], ['too-deep', 'nested 33 levels deep, at most 32 are read']);
  }
});

test('brackets one after the other, or inside strings, are not depth', () => {
  const row = '[{}],'.repeat(1_000);
  assert.equal(decodeServer(`{"type":"iot","commands":[${row}0]}`).ok, true);
  assert.equal(decodeServer(`{"type":"stt","text":"\\"${'[{'.repeat(1_000)}"}`).ok, true);
});

test('a mebibyte of brackets is too-deep and overflows nothing, closed or not', () => {
  assert.equal(fault(decodeServer('['.repeat(1_048_576))).kind, 'too-deep');
  assert.equal(fault(decodeServer('['.repeat(524_288) + ']'.repeat(524_288))).kind, 'too-deep');
  assert.equal(fault(decodeServer('{"a":'.repeat(200_000))).kind, 'too-deep');
});

test('what a fault says is safe for a log line, though the text is not', () => {
  const evil = '\u001b[31m\n\r\u0000\u0085\u2028\u202e\ud800';
  const texts = [
    evil,
    `{"type":"${evil}"}`,
    JSON.stringify({ type: evil }),
    JSON.stringify({ type: 'tts', state: evil }),
  ];
  for (const text of texts) {
    const { detail, excerpt: shown } = fault(decodeServer(text));
    assert.doesNotMatch(`${detail}${shown}`, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }
});

test('a long value is quoted short in the detail', () => {
  const { detail } = fault(decodeServer(JSON.stringify({ type: 'x'.repeat(5_000) })));
  assert.equal(detail, `type: "${'x'.repeat(38)}… is not known here`);
});
