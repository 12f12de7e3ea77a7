// What servers say, as literal text: each message of the wire once, what real servers vary, and what is written for
// the local server to send. Faults and limits are in codec-faults.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeServer, encodeServer } from '../../src/protocol/codec.ts';
import type { ServerMessage } from '../../src/protocol/messages.ts';

const bare = (fields: object): object => Object.assign(Object.create(null), fields);

function decoded(text: string): unknown {
  const result = decodeServer(text);
  assert.ok(result.ok, text);
  return result.message;
}

const HELLO =
  '{"type":"hello","version":1,"transport":"websocket","session_id":"2f892a04",' +
  '"audio_params":{"format":"opus","sample_rate":24000,"channels":1,"frame_duration":60}}';

test('a hello is read with its session id and its audio in our names', () => {
  assert.deepEqual(decodeServer(HELLO), {
    ok: true,
    sessionId: '2f892a04',
    message: {
      type: 'hello',
      transport: 'websocket',
      sessionId: '2f892a04',
      audio: { format: 'opus', sampleRateHz: 24000, channels: 1, frameMs: 60 },
    },
  });
});

test('a hello that says only its transport gets the firmware’s assumptions and no session id', () => {
  assert.deepEqual(decodeServer('{"type":"hello","transport":"udp"}'), {
    ok: true,
    message: {
      type: 'hello',
      transport: 'udp',
      audio: { format: 'opus', sampleRateHz: 24000, channels: 1, frameMs: 60 },
    },
  });
});

test('each audio parameter of a hello falls back on its own when it is absent or nonsense', () => {
  const assumed = { format: 'opus', sampleRateHz: 24000, channels: 1, frameMs: 60 };
  const rows: readonly (readonly [string, object])[] = [
    ['{}', {}],
    ['[16000,20]', {}],
    ['null', {}],
    ['{"sample_rate":16000}', { sampleRateHz: 16000 }],
    ['{"frame_duration":20,"sample_rate":"16000"}', { frameMs: 20 }],
    ['{"frame_duration":2.5}', { frameMs: 2.5 }],
    ['{"sample_rate":1}', { sampleRateHz: 1 }],
    ['{"frame_duration":0,"sample_rate":-1,"channels":1e999}', {}],
    ['{"format":"pcm","channels":2}', { format: 'pcm', channels: 2 }],
    ['{"format":7}', {}],
  ];
  for (const [params, differing] of rows) {
    const message = decoded(`{"type":"hello","transport":"websocket","audio_params":${params}}`);
    assert.deepEqual(
      message,
      { type: 'hello', transport: 'websocket', audio: { ...assumed, ...differing } },
      params,
    );
  }
});

test('every message a server may send is read, extra keys are ignored and optional fields may be missing or wrong', () => {
  const rows: readonly (readonly [string, object])[] = [
    ['{"type":"stt","text":"今天天气怎么样","session_id":"a"}', { type: 'stt', text: '今天天气怎么样' }],
    ['{"type":"stt","text":""}', { type: 'stt', text: '' }],
    ['{"type":"llm","emotion":"happy","text":"😀"}', { type: 'llm', emotion: 'happy', text: '😀' }],
    ['{"type":"llm"}', { type: 'llm' }],
    ['{"type":"llm","emotion":3,"text":null}', { type: 'llm' }],
    [
      '{"type":"tts","state":"start","text":"","index":0,"audio_codec":"opus"}',
      { type: 'tts', state: 'start' },
    ],
    ['{"type":"tts","state":"stop","text":"","version":0}', { type: 'tts', state: 'stop' }],
    [
      '{"type":"tts","state":"sentence_start","text":"好"}',
      { type: 'tts', state: 'sentence_start', text: '好' },
    ],
    ['{"type":"tts","state":"sentence_start"}', { type: 'tts', state: 'sentence_start' }],
    ['{"type":"tts","state":"sentence_end","text":["好"]}', { type: 'tts', state: 'sentence_end' }],
    ['{"type":"system","command":"reboot"}', { type: 'system', command: 'reboot' }],
    [
      '{"type":"alert","status":"s","message":"m","emotion":"sad"}',
      { type: 'alert', status: 's', message: 'm', emotion: 'sad' },
    ],
    ['{"type":"goodbye","session_id":null}', { type: 'goodbye' }],
    ['{"type":"error","message":"no"}', { type: 'error', message: 'no' }],
    ['{"type":"error"}', { type: 'error' }],
    [
      '{"type":"server","status":"success","message":"m","content":{"action":"restart"}}',
      { type: 'server', status: 'success', message: 'm', action: 'restart' },
    ],
    ['{"type":"server","content":"restart"}', { type: 'server' }],
    ['{"type":"pong","timestamp":"2026-11-22 18:00:00"}', { type: 'pong', timestamp: '2026-11-22 18:00:00' }],
    ['{"type":"pong"}', { type: 'pong' }],
    [
      '{"type":"iot","commands":[{"name":"Lamp","method":"TurnOn","parameters":{}}]}',
      { type: 'iot', commands: [bare({ name: 'Lamp', method: 'TurnOn', parameters: bare({}) })] },
    ],
    ['{"type":"abort","state":"success","session_id":"x"}', { type: 'abort', state: 'success' }],
    ['{"type":"abort"}', { type: 'abort' }],
    [
      '{"type":"mcp","payload":{"jsonrpc":"2.0","id":2,"method":"tools/list"}}',
      { type: 'mcp', payload: bare({ jsonrpc: '2.0', id: 2, method: 'tools/list' }) },
    ],
    [
      '{"type":"custom","payload":{"a":[1,null,true]}}',
      { type: 'custom', payload: bare({ a: [1, null, true] }) },
    ],
  ];
  for (const [text, message] of rows) assert.deepEqual(decoded(text), message, text);
});

test('the session id is reported when it is a string, the empty one included, and never demanded', () => {
  const withId = (id: string) => decodeServer(`{"session_id":${id},"type":"goodbye"}`);
  assert.deepEqual(withId('"a-1"'), { ok: true, message: { type: 'goodbye' }, sessionId: 'a-1' });
  assert.deepEqual(withId('""'), { ok: true, message: { type: 'goodbye' }, sessionId: '' });
  assert.deepEqual(withId('null'), { ok: true, message: { type: 'goodbye' } });
  assert.deepEqual(withId('12'), { ok: true, message: { type: 'goodbye' } });
});

test('of a key that occurs twice the last value counts', () => {
  assert.deepEqual(decoded('{"type":"tts","type":"stt","text":"a","text":"b"}'), { type: 'stt', text: 'b' });
});

test('NUL characters and lone surrogates in a text are kept as they are', () => {
  assert.deepEqual(decoded('{"type":"stt","text":"a\\u0000\\ud800b"}'), { type: 'stt', text: 'a\0\ud800b' });
  assert.deepEqual(decoded('{"type":"stt","text":"\ud800"}'), { type: 'stt', text: '\ud800' });
});

test('a payload cannot reach any prototype: it inherits nothing and has no __proto__ key at any depth', () => {
  const message = decoded(
    '{"__proto__":{"type":"tts"},"type":"mcp","payload":{"__proto__":{"polluted":1},' +
      '"constructor":{"prototype":{"polluted":1}},"list":[{"__proto__":{"polluted":1},"kept":1}]}}',
  );
  assert.deepEqual(message, {
    type: 'mcp',
    payload: bare({
      constructor: bare({ prototype: bare({ polluted: 1 }) }),
      list: [bare({ kept: 1 })],
    }),
  });
  const empty = decodeServer('{"type":"mcp","payload":{}}');
  assert.ok(empty.ok && empty.message.type === 'mcp');
  for (const name of ['constructor', 'toString', '__proto__']) {
    assert.equal(empty.message.payload[name], undefined);
  }
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});

test('the server’s messages are written with the session id first and the wire’s names', () => {
  const audio = { format: 'opus', sampleRateHz: 24000, channels: 1, frameMs: 60 };
  const rows: readonly (readonly [ServerMessage, string | undefined, string])[] = [
    [{ type: 'hello', transport: 'websocket', sessionId: '2f892a04', audio }, undefined, HELLO],
    [{ type: 'hello', transport: 'websocket', audio }, '2f892a04', HELLO],
    [{ type: 'hello', transport: 'websocket', sessionId: '2f892a04', audio }, 'other', HELLO],
    [
      { type: 'hello', transport: 'websocket', audio },
      undefined,
      HELLO.replace('"session_id":"2f892a04",', ''),
    ],
    [{ type: 'stt', text: 'a"b\n' }, 'x', '{"session_id":"x","type":"stt","text":"a\\"b\\n"}'],
    [{ type: 'tts', state: 'stop' }, undefined, '{"session_id":"","type":"tts","state":"stop"}'],
    [
      { type: 'server', status: 'success', action: 'restart' },
      'x',
      '{"session_id":"x","type":"server","status":"success","content":{"action":"restart"}}',
    ],
    [{ type: 'server', message: 'm' }, 'x', '{"session_id":"x","type":"server","message":"m"}'],
    [
      { type: 'mcp', payload: { jsonrpc: '2.0', id: 1, method: 'initialize' } },
      'x',
      '{"session_id":"x","type":"mcp","payload":{"jsonrpc":"2.0","id":1,"method":"initialize"}}',
    ],
  ];
  for (const [message, sessionId, text] of rows) assert.equal(encodeServer(message, sessionId), text);
});
