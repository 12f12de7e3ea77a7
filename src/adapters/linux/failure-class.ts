// What each way of failing means, as tables: errno and TLS codes, HTTP statuses, close codes -> one failure class.
// Decided here once, where the facts are; whatever is unknown is transient, for "stop" is never the answer to a surprise.
import type { FailureClass } from '../../ports.ts';

type Meaning = { readonly class: FailureClass; readonly quick: boolean };

const slow = (name: FailureClass): Meaning => ({ class: name, quick: false });
const quick = (name: FailureClass): Meaning => ({ class: name, quick: true });

const BY_ERROR_CODE: Readonly<Record<string, Meaning>> = {
  EAI_AGAIN: slow('network'),
  ENETUNREACH: slow('network'),
  ENETDOWN: slow('network'),
  EHOSTUNREACH: slow('network'),
  ENOTFOUND: slow('transient'),
  ETIMEDOUT: slow('transient'),
  ECONNREFUSED: quick('transient'),
  ECONNRESET: quick('transient'),
  EPIPE: quick('transient'),
  EPROTO: slow('configuration'),
  CERT_NOT_YET_VALID: slow('clock'),
  CERT_HAS_EXPIRED: slow('configuration'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: slow('configuration'),
  SELF_SIGNED_CERT_IN_CHAIN: slow('configuration'),
  DEPTH_ZERO_SELF_SIGNED_CERT: slow('configuration'),
  ERR_TLS_CERT_ALTNAME_INVALID: slow('portal'),
  HPE_INVALID_CONSTANT: slow('protocol'),
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: slow('protocol'),
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: slow('protocol'),
  WS_ERR_INVALID_UTF8: slow('protocol'),
  WS_ERR_INVALID_OPCODE: slow('protocol'),
  WS_ERR_INVALID_CLOSE_CODE: slow('protocol'),
  WS_ERR_UNEXPECTED_RSV_1: slow('protocol'),
  WS_ERR_UNEXPECTED_MASK: slow('protocol'),
};

export function meaningOfError(code: string | undefined): Meaning {
  return (code === undefined ? undefined : BY_ERROR_CODE[code]) ?? slow('transient');
}

export function meaningOfStatus(status: number): Meaning {
  if (status === 401 || status === 403) return slow('auth');
  if (status === 408 || status === 425 || status === 429 || status === 503) return quick('restarting');
  if (status >= 500 && status !== 511) return quick('transient');
  if (status >= 400 && status < 500) return slow('configuration');
  // A page or a redirect instead of an upgrade: somebody else answers for the server.
  return slow('portal');
}

export function meaningOfClose(code: number): Meaning {
  switch (code) {
    case 1000:
    case 1005:
      return slow('normal');
    case 1001:
    case 1012:
    case 1013:
      return slow('restarting');
    case 1002:
    case 1003:
    case 1007:
    case 1009:
      return slow('protocol');
    case 1008:
      return slow('auth');
    case 1010:
      return slow('configuration');
    default:
      return slow('transient');
  }
}
