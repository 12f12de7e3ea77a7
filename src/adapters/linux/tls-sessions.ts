// What TLS carries from one dial to the next: the authorities that are trusted, which servers have proved who they are,
// and the session that makes the next handshake shorter. Knows no sockets; verification itself is never touched.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

export type Trust = {
  readonly context: SecureContext;
  /** Differs when other authorities are trusted: a session made under those proves nothing under these. */
  readonly mark: string;
};

/** A session is some 2 kB; a box has one server, perhaps two, and a few it was moved to. Victim: the oldest. */
const SERVERS_KEPT = 8;

/** What 2018's servers had already; older versions can be talked down by somebody in between. */
const MIN_VERSION = 'TLSv1.2';

export class TlsSessions {
  /** Servers that were verified in this process, with the session of the last connection. */
  readonly #servers = new Map<string, Buffer | undefined>();
  /** Building one with a hundred authorities takes some 20 ms on a desktop: made again only when the file changed. */
  #trust: Trust | undefined;

  /** The file is read at every dial, so that a replaced one counts at once. */
  trust(caFile: string | undefined): Trust | { readonly failed: string } {
    const own = caFile === undefined ? '' : readAuthorities(caFile);
    if (typeof own !== 'string') return own;
    const mark = createHash('sha256').update(own).digest('base64');
    if (this.#trust?.mark === mark) return this.#trust;
    const ca = own === '' ? {} : { ca: [...rootCertificates, own] };
    this.#trust = { context: createSecureContext({ minVersion: MIN_VERSION, ...ca }), mark };
    return this.#trust;
  }

  session(server: string): Buffer | undefined {
    return this.#servers.get(server);
  }

  wasVerified(server: string): boolean {
    return this.#servers.has(server);
  }

  verified(server: string, session?: Buffer): void {
    const newest = session ?? this.#servers.get(server);
    this.#servers.delete(server);
    this.#servers.set(server, newest);
    const [oldest] = this.#servers.keys();
    if (this.#servers.size > SERVERS_KEPT && oldest !== undefined) this.#servers.delete(oldest);
  }

  /** The handshake with it failed: it may be the session's fault, and the next one starts from nothing. */
  dropSession(server: string): void {
    if (this.#servers.has(server)) this.#servers.set(server, undefined);
  }
}

function readAuthorities(caFile: string): string | { readonly failed: string } {
  try {
    const text = readFileSync(caFile, 'utf8');
    // OpenSSL takes a text without any certificate and trusts nobody more; the person should hear of it.
    new X509Certificate(text);
    return text;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const why = code.startsWith('E') && !code.startsWith('ERR_') ? message : 'holds no certificate';
    return { failed: `server.ca_file ${caFile}: ${why}` };
  }
}
