// What each kind of server answers to the configuration call (protocol.md §1), with all that only some of them add.
import type { HomeKind } from './home-kinds.ts';

export const CODE = '738133';

type Known = { readonly url: string; readonly token: string; readonly isBound: boolean };

export function configurationOf(kind: HomeKind, { url, token, isBound }: Known): object {
  const activation = isBound
    ? {}
    : {
        activation: {
          code: CODE,
          message: `console of the ${kind} server\n${CODE}`,
          challenge: 'c',
          timeout_ms: 30_000,
        },
      };
  const common = { server_time: { timestamp: 1_745_995_478_882, timezone_offset: 480 }, ...activation };
  const websocket = { url, token, version: 1 };
  switch (kind) {
    case 'official':
      return {
        ...common,
        mqtt: { endpoint: 'mqtt.xiaozhi.me' },
        websocket,
        firmware: { version: '0.9.9', url: '' },
      };
    case 'python console':
      return {
        ...common,
        websocket,
        mqtt: { endpoint: 'gateway:1883' },
        firmware: {
          version: '9.9.9',
          url: 'http://x/NOT_ACTIVATED_FIRMWARE_THIS_IS_A_INVALID_URL',
          force: 1,
        },
      };
    case 'python alone':
      return { ...common, websocket: { url, token }, firmware: { version: '99.0.0', url: '' } };
    case 'go one':
    case 'go two':
    case 'java':
      return { ...common, websocket };
  }
}
