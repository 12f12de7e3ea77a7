// Where a dial goes, out of an address and a certificate file; says so when they are none. Opens nothing.
import type { DialRequest } from '../../ports.ts';
import type { TlsSessions, Trust } from './tls-sessions.ts';

export type Target = {
  readonly host: string;
  readonly port: number;
  /** Present when it is to be TLS. */
  readonly trust?: Trust;
};

/** IANA's. */
const PORTS: Readonly<Record<string, number>> = { 'ws:': 80, 'wss:': 443 };

/** The address is not repeated in the reason: people put tokens into addresses. */
export function targetOf(request: DialRequest, sessions: TlsSessions): Target | { readonly failed: string } {
  const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
  const usualPort = PORTS[url?.protocol ?? ''];
  if (url === undefined || usualPort === undefined || url.hash !== '')
    return { failed: 'the address of the server must look like wss://name/path' };
  const target = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? usualPort : Number(url.port),
  };
  if (url.protocol === 'ws:') return target;
  const trust = sessions.trust(request.caFile);
  return 'failed' in trust ? trust : { ...target, trust };
}
