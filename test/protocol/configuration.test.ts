// The configuration call as text: what is sent, and what each known kind of answer means, the wrong ones included.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { activateBody, activateUrl, readActivation } from '../../src/protocol/activation.ts';
import { type Caller, callBody, callHeaders, readConfiguration } from '../../src/protocol/configuration.ts';
import { moveBy, urlDoubt } from '../../src/protocol/server-url.ts';

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

  it('says all that some server needs, and what is no number where one is parsed is a number in words', () => {
    const board = { type: 'xiaozhi-agent', name: 'xiaozhi-agent', ip: CALLER.ip, mac: CALLER.deviceId };
    const { application, ...body } = JSON.parse(callBody(CALLER));
    // XS: integers, those in words included; a board of a type, an application with a version.
    assert.deepEqual(body, {
      version: 2,
      language: 'zh-CN',
      flash_size: 16_777_216,
      minimum_free_heap_size: '8318916',
      mac_address: CALLER.deviceId,
      uuid: CALLER.clientId,
      chip_model_name: 'esp32s3',
      chip_info: { model: 9, cores: 2, revision: 2, features: 18 },
      ota: { label: 'ota_0' },
      board,
    });
    const keys = ['name', 'version', 'compile_time', 'idf_version', 'elf_sha256'];
    assert.deepEqual(Object.keys(application), keys);
    // Whatever firmware is offered for the reference board is older: 2.4.2 at the time of writing.
    assert.ok(Number.parseInt(application.version, 10) >= 99, application.version);
    assert.match(application.elf_sha256, /^[0-9a-f]{64}$/);
    assert.equal(callHeaders(CALLER)['Content-Type'], 'application/json');
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
      activation: { ...activation, message: 'xiaozhi.me 738133' },
    });
    const numbered = read({ activation: { code: 738133 }, websocket: WEBSOCKET });
    assert.equal(numbered.ok && numbered.configuration.activation?.code, '738133');
    const empty = read({ activation: {}, websocket: WEBSOCKET });
    assert.equal(empty.ok && empty.configuration.activation, null);
  });

  it('with an error that says nothing is no refusal where it names a server', () => {
    for (const error of [null, '', 0, false])
      assert.equal(read({ error, websocket: WEBSOCKET }).ok, true, JSON.stringify(error));
    for (const error of ['no', 1, {}, true])
      assert.match(why({ error, websocket: WEBSOCKET }), /the server refuses/, JSON.stringify(error));
  });

  it('of a server without tokens names none', () => {
    for (const token of ['', undefined, 7, null]) {
      const found = read({ websocket: { url: WEBSOCKET.url, token } });
      assert.equal(found.ok && found.configuration.endpoint?.token, '', String(token));
    }
  });

  it('has no code but one that people can enter, and no challenge but one that can be signed', () => {
    const codeOf = (activation: object) => {
      const found = read({ activation, websocket: WEBSOCKET });
      const { code, challenge } = (found.ok && found.configuration.activation) || {};
      return [code, challenge];
    };
    assert.deepEqual(codeOf({ code: '7'.repeat(32), challenge: '' }), ['7'.repeat(32), null]);
    assert.deepEqual(codeOf({ code: '7'.repeat(33), challenge: 'c' }), [null, 'c']);
    assert.deepEqual(codeOf({ code: '', challenge: '' }), [undefined, undefined]);
    assert.deepEqual(codeOf({ code: {}, challenge: 7 }), [undefined, undefined]);
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
    ['that offers a choice', '', /not followed: set server\.ota_url/, 300],
    ['that sends elsewhere in an unknown way', '', /HTTP 399\), which is not followed/, 399],
    ['of HTTP 400 that says why under msg', { msg: 'too old' }, /HTTP 400: too old/, 400],
    ['with an empty address', { websocket: { url: '' } }, /it is empty/],
    ['with a blank address', { websocket: { url: '  ' } }, /it is empty/],
    ['with a number for an address', { websocket: { url: 7 } }, /it is empty/],
    ['with a name to log in', { websocket: { url: 'ws://a@x.example/' } }, /password/],
    ['with a web address', { websocket: { url: 'http://x.example/ws' } }, /must begin with ws:\/\//],
    ['with no address at all', { websocket: { url: 'somewhere' } }, /no WebSocket address/],
    ['with a password', { websocket: { url: 'ws://a:b@x.example/' } }, /password/],
    ['with a token that breaks a header', { websocket: { ...WEBSOCKET, token: 'a\nb' } }, /token/],
    ['with MQTT alone', { mqtt: { endpoint: 'x' } }, /MQTT only/],
    ['with an empty error and nothing else', { error: null }, /names no WebSocket server$/],
    [
      'with a code of its own',
      { code: 500, msg: 'no such device' },
      /names no WebSocket server: no such device/,
    ],
    ['with nothing', {}, /names no WebSocket server/],
    ['that is text', 'OTA interface is running', /no JSON object: "OTA interface/],
    ['that is broken, and gives a token', 'Notice: {"token": "abc"}', /"Notice: {"token": "\[redacted\]"}"/],
    ['that is a list', [], /no JSON object/],
    ['that is nested without end', '['.repeat(100_000), /no JSON object/],
  ];
  it('is quoted without what may be a secret, and in few words', () => {
    const secret = why({ websocket: { url: 'http://x.example/ws?token=abc#def' } });
    assert.match(secret, /"http:\/\/x\.example\/ws"/);
    const long = why({ websocket: { url: `http://x.example/\u0007${'y'.repeat(500)}` } });
    assert.ok(long.length < 250 && !long.includes('\u0007'), long);
  });

  for (const [name, answer, words, status] of WRONG)
    it(`${name} is a failure, and says so`, () => assert.match(why(answer, OWN, status), words));
});

describe('an address in an answer', () => {
  it('that only works inside Docker is doubted, unless the box called that very name', () => {
    for (const host of [
      'localhost',
      '127.0.0.1',
      '172.17.0.3',
      '172.18.0.3',
      '172.19.0.3',
      '[::1]',
      '[::]',
      'xiaozhi-server',
      'host.docker.internal',
      '0.0.0.0',
    ])
      assert.match(urlDoubt(`ws://${host}:8000/`, OWN) ?? '', /inside Docker/, host);
    assert.equal(urlDoubt('ws://127.0.0.1:8000/', 'http://127.0.0.1:8003/'), null);
    for (const host of ['192.168.1.20', '172.16.0.3', '172.20.0.3', 'server.example', '[fd00::1]'])
      assert.equal(urlDoubt(`ws://${host}:8000/`, OWN), null, host);
  });

  it('moves the box over https, at first, to the same host, or when it may', () => {
    const [here, there] = ['ws://192.168.1.20:8000/', 'ws://6.6.6.6:8000/'];
    assert.equal(moveBy(OWN, here, there, false), 'elsewhere');
    assert.equal(moveBy(OWN, here, there, true), 'followed');
    assert.equal(moveBy(OWN, null, there, false), 'followed');
    assert.equal(moveBy(OWN, here, `${here}v2`, false), 'followed');
    assert.equal(moveBy(OFFICIAL, here, there, false), 'followed');
    assert.equal(moveBy(OFFICIAL.toUpperCase(), here, there, false), 'followed');
    assert.equal(
      moveBy(OWN, here, 'ws://192.168.1.20:9999/', false),
      'elsewhere',
      'another port is another server',
    );
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
