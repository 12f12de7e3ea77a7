// What the device says, as literal text: the strings the firmware puts on the wire, and how the local server reads them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeDevice, encodeDevice } from '../../src/protocol/codec.ts';
import type { DeviceMessage } from '../../src/protocol/messages.ts';

const bare = (fields: object): object => Object.assign(Object.create(null), fields);

const AUDIO = { format: 'opus', sampleRateHz: 16000, channels: 1, frameMs: 60 };

test('the hello is written as the firmware writes it, without a session id even when one is given', () => {
  const hello: DeviceMessage = {
    type: 'hello',
    version: 1,
    transport: 'websocket',
    features: { mcp: true },
    audio: AUDIO,
  };
  const text =
    '{"type":"hello","version":1,"features":{"mcp":true},"transport":"websocket",' +
    '"audio_params":{"format":"opus","sample_rate":16000,"channels":1,"frame_duration":60}}';
  assert.equal(encodeDevice(hello), text);
  assert.equal(encodeDevice(hello, 'left-over'), text);
  assert.deepEqual(decodeDevice(text), { ok: true, message: hello });
});

test('every other message begins with the session id, empty while none has been assigned', () => {
  const rows: readonly (readonly [DeviceMessage, string])[] = [
    [{ type: 'listen', state: 'start', mode: 'auto' }, '"type":"listen","state":"start","mode":"auto"'],
    [{ type: 'listen', state: 'start', mode: 'manual' }, '"type":"listen","state":"start","mode":"manual"'],
    [{ type: 'listen', state: 'stop' }, '"type":"listen","state":"stop"'],
    [{ type: 'listen', state: 'detect', text: '小智' }, '"type":"listen","state":"detect","text":"小智"'],
    [{ type: 'abort' }, '"type":"abort"'],
    [{ type: 'abort', reason: 'wake_word_detected' }, '"type":"abort","reason":"wake_word_detected"'],
    [{ type: 'goodbye' }, '"type":"goodbye"'],
    [{ type: 'ping' }, '"type":"ping"'],
    [{ type: 'iot', states: [] }, '"type":"iot","states":[]'],
    [{ type: 'mcp', payload: { jsonrpc: '2.0', id: 1 } }, '"type":"mcp","payload":{"jsonrpc":"2.0","id":1}'],
  ];
  for (const [message, rest] of rows) {
    assert.equal(encodeDevice(message, '2f892a04'), `{"session_id":"2f892a04",${rest}}`);
    assert.equal(encodeDevice(message), `{"session_id":"",${rest}}`);
  }
});

test('the wake word is escaped, whatever it contains', () => {
  const text = '"},"type":"abort\\\n\u2028\ud800';
  const written = encodeDevice({ type: 'listen', state: 'detect', text }, 's');
  assert.equal(
    written,
    '{"session_id":"s","type":"listen","state":"detect","text":"\\"},\\"type\\":\\"abort\\\\\\n\u2028\\ud800"}',
  );
  assert.deepEqual(decodeDevice(written), {
    ok: true,
    sessionId: 's',
    message: { type: 'listen', state: 'detect', text },
  });
});

test('every message a device may send is read, with what older and other clients leave out', () => {
  const rows: readonly (readonly [string, object])[] = [
    [
      '{"type":"hello","transport":"websocket"}',
      { type: 'hello', version: 1, transport: 'websocket', features: {}, audio: AUDIO },
    ],
    [
      '{"type":"hello","version":3,"transport":"udp","features":{"mcp":true,"aec":false,"emoji":false,"glyph_push":true},' +
        '"audio_params":{"sample_rate":24000,"frame_duration":20}}',
      {
        type: 'hello',
        version: 3,
        transport: 'udp',
        features: { mcp: true, aec: false, emoji: false },
        audio: { ...AUDIO, sampleRateHz: 24000, frameMs: 20 },
      },
    ],
    [
      '{"type":"hello","version":"2","transport":"websocket","features":{"mcp":"yes"}}',
      { type: 'hello', version: 1, transport: 'websocket', features: {}, audio: AUDIO },
    ],
    [
      '{"type":"listen","state":"start","mode":"realtime"}',
      { type: 'listen', state: 'start', mode: 'realtime' },
    ],
    ['{"type":"listen","state":"stop","mode":"manual"}', { type: 'listen', state: 'stop' }],
    ['{"type":"abort","reason":null}', { type: 'abort' }],
    ['{"type":"abort","reason":"wake_word_detected"}', { type: 'abort', reason: 'wake_word_detected' }],
    ['{"type":"goodbye"}', { type: 'goodbye' }],
    ['{"type":"ping"}', { type: 'ping' }],
    ['{"type":"iot","states":[1]}', { type: 'iot', states: [1] }],
    [
      '{"type":"iot","update":true,"descriptors":[{"name":"Lamp"}]}',
      { type: 'iot', descriptors: [bare({ name: 'Lamp' })] },
    ],
    ['{"type":"iot","states":{}}', { type: 'iot' }],
    [
      '{"type":"mcp","payload":{"id":1,"result":{}}}',
      { type: 'mcp', payload: bare({ id: 1, result: bare({}) }) },
    ],
  ];
  for (const [text, message] of rows) assert.deepEqual(decodeDevice(text), { ok: true, message }, text);
});
