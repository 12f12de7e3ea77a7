// The failure tables against a second copy of what they must say, row by row, and against everything they do not name.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BY_ERROR_CODE,
  meaningOfClose,
  meaningOfError,
  meaningOfStatus,
} from '../../../src/adapters/linux/failure-class.ts';
import type { FailureClass, LossKind } from '../../../src/ports.ts';

const KINDS = {
  normal: 'normal close',
  abnormal: 'abnormal close',
  reset: 'connection reset',
  network: 'network error',
  other: 'other',
} as const satisfies Record<string, LossKind>;

type Row = readonly [
  codes: readonly string[],
  name: FailureClass,
  kind: keyof typeof KINDS,
  speed: 'quick' | 'slow',
];

const ERRORS: readonly Row[] = [
  [['EAI_AGAIN', 'EAI_FAIL', 'EAI_SOMETHINGNEW'], 'network', 'network', 'slow'],
  [['ENOTFOUND'], 'transient', 'network', 'slow'],
  [['ECONNREFUSED'], 'transient', 'network', 'quick'],
  [['ENETUNREACH', 'ENETDOWN', 'ENONET'], 'network', 'network', 'slow'],
  [['EHOSTUNREACH', 'EHOSTDOWN'], 'network', 'network', 'slow'],
  [['ETIMEDOUT', 'ERR_TLS_HANDSHAKE_TIMEOUT', 'EACCES', 'EPERM'], 'transient', 'network', 'slow'],
  [['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ENOTCONN'], 'transient', 'reset', 'quick'],
  [['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION', 'HPE_INVALID_STATUS'], 'protocol', 'abnormal', 'slow'],
  [['HPE_INVALID_HEADER_TOKEN', 'HPE_HEADER_OVERFLOW', 'HPE_NEW'], 'protocol', 'abnormal', 'slow'],
  [['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_HTTP_REQUEST'], 'configuration', 'network', 'slow'],
  [
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    'configuration',
    'network',
    'slow',
  ],
  // Alerts: a server that is being reloaded sends them too.
  [['EPROTO', 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'ERR_SSL_NEW'], 'transient', 'network', 'slow'],
  [['ERR_TLS_DH_PARAM_SIZE', 'ERR_TLS_NEW'], 'configuration', 'network', 'slow'],
  [['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'], 'configuration', 'network', 'slow'],
  [['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN'], 'configuration', 'network', 'slow'],
  [['DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_UNTRUSTED', 'INVALID_CA'], 'configuration', 'network', 'slow'],
  [['UNABLE_TO_GET_ISSUER_CERT', 'CERT_SIGNATURE_FAILURE'], 'configuration', 'network', 'slow'],
  [['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_REVOKED'], 'configuration', 'network', 'slow'],
  [['CERT_CHAIN_TOO_LONG', 'PATH_LENGTH_EXCEEDED', 'CERT_REJECTED'], 'configuration', 'network', 'slow'],
  [['INVALID_PURPOSE', 'ERROR_IN_CERT_NOT_BEFORE_FIELD'], 'configuration', 'network', 'slow'],
  [['ERROR_IN_CERT_NOT_AFTER_FIELD'], 'configuration', 'network', 'slow'],
  [['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'], 'portal', 'network', 'slow'],
  [['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EAI_MEMORY'], 'local', 'network', 'slow'],
  [['EADDRNOTAVAIL', 'EADDRINUSE'], 'local', 'network', 'slow'],
  [['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_NEW'], 'protocol', 'abnormal', 'slow'],
  [['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 'WS_ERR_EXPECTED_FIN'], 'protocol', 'abnormal', 'slow'],
  [['WS_ERR_INVALID_UTF8', 'WS_ERR_INVALID_OPCODE'], 'protocol', 'abnormal', 'slow'],
  [['WS_ERR_UNEXPECTED_RSV_1', 'WS_ERR_UNEXPECTED_RSV_2_3'], 'protocol', 'abnormal', 'slow'],
  [['WS_ERR_UNEXPECTED_MASK', 'WS_ERR_INVALID_CLOSE_CODE'], 'protocol', 'abnormal', 'slow'],
  [['WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'], 'protocol', 'abnormal', 'slow'],
  [['WS_ERR_TOO_MANY_BUFFERED_PARTS'], 'protocol', 'abnormal', 'slow'],
  [['ESOMETHINGNEW', '', 'constructor', '__proto__', 'ERR_INVALID_ARG'], 'transient', 'other', 'slow'],
];

describe('an error code', () => {
  for (const [codes, name, kind, speed] of ERRORS)
    it(`${codes.join(', ')} is ${name}, a ${KINDS[kind]}, ${speed}`, () => {
      for (const code of codes) {
        const expected = { class: name, kind: KINDS[kind], quick: speed === 'quick' };
        assert.deepEqual(meaningOfError(code), expected, code);
      }
    });

  it('of the table has a row here', () => {
    const here = new Set(ERRORS.flatMap(([codes]) => codes));
    assert.deepEqual(
      Object.keys(BY_ERROR_CODE).filter((code) => !here.has(code)),
      [],
    );
  });

  it('that is missing is transient and unlike anything', () => {
    assert.deepEqual(meaningOfError(undefined), { class: 'transient', kind: 'other', quick: false });
  });

  const usual = { clockIsSet: true, verifiedBefore: false, hadOpened: false };

  it('of a date means the clock while the clock is not set, whatever the host was before', () => {
    for (const code of ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'])
      for (const verifiedBefore of [false, true]) {
        assert.equal(meaningOfError(code, { ...usual, verifiedBefore, clockIsSet: false }).class, 'clock');
        assert.equal(meaningOfError(code, { ...usual, verifiedBefore }).class, 'configuration');
      }
  });

  it('of an unknown authority means a portal on a host that was verified before', () => {
    const codes = [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ];
    for (const code of codes) {
      assert.equal(meaningOfError(code, { ...usual, verifiedBefore: true }).class, 'portal');
      assert.equal(meaningOfError(code, { ...usual, clockIsSet: false }).class, 'configuration');
    }
  });

  it('of making a connection cannot be what ends one that was open', () => {
    for (const code of [
      'EPROTO',
      'ERR_SSL_BAD_RECORD_MAC',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'CERT_HAS_EXPIRED',
    ])
      assert.equal(
        meaningOfError(code, { clockIsSet: false, verifiedBefore: true, hadOpened: true }).class,
        'transient',
      );
    assert.equal(meaningOfError('ECONNRESET', { ...usual, hadOpened: true }).kind, 'connection reset');
    assert.equal(meaningOfError('WS_ERR_INVALID_UTF8', { ...usual, hadOpened: true }).class, 'protocol');
  });
});

describe('an HTTP status', () => {
  const ROWS: readonly (readonly [readonly number[], FailureClass, boolean])[] = [
    [[200, 201, 204, 100, 101, 103, 300, 301, 302, 303, 307, 308, 511], 'portal', false],
    [[400, 404, 405, 410, 426, 402, 418, 451, 499], 'configuration', false],
    [[401, 403], 'auth', false],
    [[408, 425, 429, 503], 'restarting', true],
    [[500, 501, 502, 504, 505, 520, 599], 'transient', true],
  ];
  for (const [statuses, name, quick] of ROWS)
    it(`${statuses.join(', ')} is ${name}, ${quick ? 'quick' : 'slow'}`, () => {
      for (const status of statuses)
        assert.deepEqual(
          meaningOfStatus(status),
          { class: name, kind: 'abnormal close', quick },
          `${status}`,
        );
    });

  it('that is none is transient', () => {
    for (const status of [0, -1, 600, 999, Number.NaN])
      assert.equal(meaningOfStatus(status).class, 'transient', `${status}`);
  });
});

describe('a close code (S10, D06, D12)', () => {
  const ROWS: readonly (readonly [readonly number[], FailureClass, LossKind])[] = [
    [[1000, 1005], 'normal', 'normal close'],
    [[1001], 'restarting', 'normal close'],
    [[1012, 1013], 'restarting', 'abnormal close'],
    [[1006, 1011, 1014], 'transient', 'abnormal close'],
    [[1002, 1003, 1007, 1009], 'protocol', 'abnormal close'],
    [[1008], 'auth', 'abnormal close'],
    [[1010], 'configuration', 'abnormal close'],
    [[3000, 3500, 3999, 4000, 4409, 4999], 'auth', 'abnormal close'],
    [[0, 999, 1004, 1015, 1016, 2000, 2999, 5000, 65_535, Number.NaN], 'transient', 'abnormal close'],
  ];
  for (const [codes, name, kind] of ROWS)
    it(`${codes.join(', ')} is ${name}, ${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`, () => {
      for (const code of codes)
        assert.deepEqual(meaningOfClose(code), { class: name, kind, quick: false }, `${code}`);
    });
});

describe('the tables together', () => {
  it('never stop for anything they do not name', () => {
    const named = new Set<FailureClass>(['configuration', 'auth', 'local', 'normal']);
    for (let code = 5000; code < 5100; code += 1) assert.ok(!named.has(meaningOfClose(code).class));
    for (const code of ['EXDEV', 'ERR_ASSERTION', 'X']) assert.ok(!named.has(meaningOfError(code).class));
  });
});
