// The TCP or TLS connection below one WebSocket, and how far it has come. Knows names, addresses and certificates;
// nothing of HTTP, WebSocket or what a failure means.
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Cancel, SocketEnds } from '../../ports.ts';
import type { Target } from './dial-target.ts';
import type { NameLookup } from './name-lookup.ts';
import type { TlsSessions, Trust } from './tls-sessions.ts';

/** `connected`: TCP stands; `secured`: and the server has proved who it is. */
export type Stage = 'looking up' | 'connecting' | 'connected' | 'secured';

/** Idle time before the kernel's own probes; 10 of them a second apart end a dead peer at 70 s, should all else fail. Not
 * sooner, for they would end what a cable that is out for a minute leaves alive. */
const KEEP_ALIVE_AFTER_MS = 60_000;
/** Node tries addresses one after the other and gives up on each but the last; 250 ms, its own figure, is less than a
 * round trip on a rural 4G link. */
const NEXT_ADDRESS_AFTER_MS = 1_000;

export class ServerConnection {
  readonly socket: Socket;
  readonly #names: NameLookup;
  readonly #sessions: TlsSessions;
  readonly #target: Target;
  /** What it is called where sessions are kept: a session belongs to one server and one set of authorities. */
  readonly #server: string;
  #stage: Stage;
  #doubt: string | undefined;
  #cancelLookup: Cancel = () => {};

  constructor(target: Target, parts: { names: NameLookup; sessions: TlsSessions }) {
    this.#target = target;
    this.#names = parts.names;
    this.#sessions = parts.sessions;
    this.#stage = isIP(target.host) === 0 ? 'looking up' : 'connecting';
    const { host, port, trust } = target;
    this.#server = `${host}:${port} ${trust?.mark ?? ''}`;
    const options = {
      host,
      port,
      lookup: this.#lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    };
    this.socket = trust === undefined ? connectTcp(options) : this.#secure(options, trust);
    this.socket.once('connect', () => {
      this.#stage = 'connected';
      // Only now: with several addresses there is one handle after another before.
      this.socket.setNoDelay(true);
      this.socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    });
    this.socket.once('close', () => this.#cancelLookup());
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** The addresses it stands between, once it stands. */
  get ends(): SocketEnds {
    const { localAddress = '', remoteAddress = '' } = this.socket;
    return { local: bare(localAddress), remote: bare(remoteAddress) };
  }

  /** What the name service did instead of answering, when an old address was used. */
  get doubt(): string | undefined {
    return this.#doubt;
  }

  /** Its certificate was in order earlier in this process. */
  get verifiedBefore(): boolean {
    return this.#sessions.wasVerified(this.#server);
  }

  /** Up to the end of the WebSocket upgrade: this address is worth remembering. */
  worked(): void {
    const { remoteAddress } = this.socket;
    if (remoteAddress !== undefined) this.#names.worked(this.#target.host, remoteAddress);
  }

  #secure(options: { host: string; port: number }, trust: Trust): Socket {
    const server = this.#server;
    const session = this.#sessions.session(server);
    const socket = connectTls({
      ...options,
      secureContext: trust.context,
      // Stated, for without it an environment variable could switch it off.
      rejectUnauthorized: true,
      servername: isIP(options.host) === 0 ? options.host : '',
      ...(session === undefined ? {} : { session }),
    });
    // With TLS 1.2 a session comes before the verdict, with 1.3 after it; one without a good verdict is not kept.
    let early: Buffer | undefined;
    socket.on('session', (fresh) => {
      if (this.#stage === 'secured') this.#sessions.verified(server, fresh);
      else early = fresh;
    });
    socket.once('secureConnect', () => {
      this.#stage = 'secured';
      this.#sessions.verified(server, early);
    });
    socket.once('close', () => {
      if (this.#stage === 'connected') this.#sessions.dropSession(server);
    });
    return socket;
  }

  /** Node asks for all addresses at once since it may have to try several. */
  readonly #lookup: LookupFunction = (name, _options, answer) => {
    this.#cancelLookup = this.#names.find(name, (found) => {
      if ('failed' in found) return answer(found.failed, []);
      this.#stage = 'connecting';
      this.#doubt = found.doubt;
      answer(null, [...found.addresses]);
    });
  };
}

/** Without its zone, and an IPv4 address as itself. */
function bare(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/, '');
}
