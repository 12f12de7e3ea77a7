// The configuration call as text: what is sent, and what each known kind of answer means, the wrong ones included.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { activateBody, activateUrl, readActivation } from '../../src/protocol/activation.ts';
import { type Caller, callBody, callHeaders, readConfiguration } from '../../src/protocol/configuration.ts';
import { mayMove, urlDoubt } from '../../src/protocol/server-url.ts';

const CALLER: Caller = {
  deviceId: 'd8:3a:dd:00:00:01',
  clientId: '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10',
  language: 'zh-CN',
  version: '1.2.3',
  serial: null,
  ip: '192.168.1.7',
};
const OFFICIAL = 'https://api.tenclass.net/xiaozhi/ota/';
const OWN = 'http://192.168.1.20:8003/xiaozhi/ota/';
const WEBSOCKET = { url: 'ws://192.168.1.20:8000/xiaozhi/v1/', token: 'abc', version: 1 };

const read = (answer: unknown, asked = OWN, status = 200) =>
  readConfiguration(status, typeof answer === 'string' ? answer : JSON.stringify(answer), asked);
const why = (...given: Parameters<typeof read>) => {
  const answer = read(...given);
  assert.equal(answer.ok, false);
  return answer.ok ? '' : answer.why;
};

describe('the configuration call', () => {
  it('carries the identity in header and body, byte for byte', () => {
    const headers = callHeaders(CALLER);
    const body = JSON.parse(callBody(CALLER));
    assert.equal(headers['Device-Id'], CALLER.deviceId);
    assert.equal(headers['Client-Id'], CALLER.clientId);
    assert.equal(headers['Activation-Version'], '1');
    assert.equal(headers['Accept-Language'], 'zh-CN');
    assert.equal('Serial-Number' in headers, false);
    assert.deepEqual(
      [body.mac_address, body.uuid, body.board.mac],
      [CALLER.deviceId, CALLER.clientId, CALLER.deviceId],
    );
    assert.equal(typeof body.application.version, 'string');
    assert.match(headers['User-Agent'] ?? '', /^[a-z0-9.-]+\/1\.2\.3$/);
  });

  it('says version 2 for a board with a serial number', () => {
    const serial = '0123456789abcdef0123456789ABCDEF';
    const headers = callHeaders({ ...CALLER, serial });
    assert.deepEqual([headers['Activation-Version'], headers['Serial-Number']], ['2', serial]);
  });
});

describe('an answer to it', () => {
  it('names the server, and MQTT beside it is passed over', () => {
    assert.deepEqual(read({ websocket: WEBSOCKET, mqtt: { endpoint: 'mqtt.xiaozhi.me' } }), {
      ok: true,
      configuration: { endpoint: { url: WEBSOCKET.url, token: 'abc', framing: 1 }, activation: null },
    });
  });

  it('of the official service may name MQTT alone, or no token', () => {
    const known = { url: 'wss://api.tenclass.net/xiaozhi/v1/', token: 'test-token', framing: 1 };
    for (const answer of [{ mqtt: {} }, { websocket: { url: known.url, token: '' } }]) {
      const found = read(answer, OFFICIAL);
      assert.deepEqual(found.ok && found.configuration.endpoint, known);
    }
  });

  it('asks for activation, with or without a server', () => {
    const activation = { code: '738133', message: 'xiaozhi.me\n738133', challenge: 'ee2af2f0' };
    const found = read({ activation, websocket: { url: '' } });
    assert.deepEqual(found.ok && found.configuration, {
      endpoint: null,
      activation: { ...activation, message: 'xiaozhi.me\\u000a738133' },
    });
    const numbered = read({ activation: { code: 738133 }, websocket: WEBSOCKET });
    assert.equal(numbered.ok && numbered.configuration.activation?.code, '738133');
    const empty = read({ activation: {}, websocket: WEBSOCKET });
    assert.equal(empty.ok && empty.configuration.activation, null);
  });

  it('speaks of framing 2 and 3, and of nothing else', () => {
    for (const [version, framing] of [
      [2, 2],
      [3, 3],
      [0, 1],
      [7, 1],
      ['3', 1],
    ] as const) {
      const found = read({ websocket: { ...WEBSOCKET, version } });
      assert.equal(found.ok && found.configuration.endpoint?.framing, framing);
    }
  });

  const WRONG: readonly (readonly [string, unknown, RegExp, number?])[] = [
    ['with HTTP 200 and no success', { success: false, message: 'request error.' }, /request error/],
    ['with HTTP 200 and an error', { error: 'Invalid device ID' }, /Invalid device ID/],
    ['of HTTP 400', { success: false, message: 'no such device' }, /HTTP 400: no such device/, 400],
    ['of HTTP 500 in HTML', '<html>oops</html>', /HTTP 500: <html>/, 500],
    ['that sends elsewhere', '', /not followed: set server\.ota_url/, 301],
    ['with an empty address', { websocket: { url: '' } }, /it is empty/],
    ['with a web address', { websocket: { url: 'http://x.example/ws' } }, /must begin with ws:\/\//],
    ['with no address at all', { websocket: { url: 'somewhere' } }, /no WebSocket address/],
    ['with a password', { websocket: { url: 'ws://a:b@x.example/' } }, /password/],
    ['with a token that breaks a header', { websocket: { ...WEBSOCKET, token: 'a\nb' } }, /token/],
    ['with MQTT alone', { mqtt: { endpoint: 'x' } }, /MQTT only/],
    ['with nothing', {}, /names no WebSocket server/],
    ['that is text', 'OTA interface is running', /no JSON object: "OTA interface/],
    ['that is a list', [], /no JSON object/],
    ['that is nested without end', '['.repeat(100_000), /no JSON object/],
  ];
  for (const [name, answer, words, status] of WRONG)
    it(`${name} is a failure, and says so`, () => assert.match(why(answer, OWN, status), words));
});

describe('an address in an answer', () => {
  it('that only works inside Docker is doubted, unless the box called that very name', () => {
    for (const host of [
      'localhost',
      '127.0.0.1',
      '172.18.0.3',
      'xiaozhi-server',
      'host.docker.internal',
      '0.0.0.0',
    ])
      assert.match(urlDoubt(`ws://${host}:8000/`, OWN) ?? '', /inside Docker/, host);
    assert.equal(urlDoubt('ws://127.0.0.1:8000/', 'http://127.0.0.1:8003/'), null);
    assert.equal(urlDoubt('ws://192.168.1.20:8000/', OWN), null);
  });

  it('moves the box over https, at first, to the same host, or when it may', () => {
    const [here, there] = ['ws://192.168.1.20:8000/', 'ws://6.6.6.6:8000/'];
    assert.equal(mayMove(OWN, here, there, false), false);
    assert.equal(mayMove(OWN, here, there, true), true);
    assert.equal(mayMove(OWN, null, there, false), true);
    assert.equal(mayMove(OWN, here, `${here}v2`, false), true);
    assert.equal(mayMove(OFFICIAL, here, there, false), true);
  });
});

describe('asking about the code', () => {
  it('goes to the same place, with or without a slash', () => {
    assert.equal(activateUrl(OWN), `${OWN}activate`);
    assert.equal(
      activateUrl('https://x.example/api/device/ota'),
      'https://x.example/api/device/ota/activate',
    );
  });

  it('proves the board by the test vector of the protocol', () => {
    const challenge = 'ee2af2f0-0ca0-45f2-8b8c-6f34edd62156';
    const hmac = createHmac('sha256', '0123456789abcdef0123456789abcdef').update(challenge).digest('hex');
    assert.equal(hmac, 'e50c7fb382591e289952e8f8e2488248259cd89d5ff756fc44c426b3a8658519');
    assert.equal(activateBody(null), '{}');
    assert.deepEqual(JSON.parse(activateBody({ serial: 's', challenge, hmac })), {
      algorithm: 'hmac-sha256',
      serial_number: 's',
      challenge,
      hmac,
    });
  });

  it('is understood by the status alone', () => {
    const words = [200, 202, 404, 405, 502, 401, 400].map(readActivation);
    assert.deepEqual(words, [
      'bound',
      'pending',
      'unsupported',
      'unsupported',
      'unsupported',
      'failed',
      'failed',
    ]);
  });
});
