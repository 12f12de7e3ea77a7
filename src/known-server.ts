// The server the box talks to: what the owner wrote down, else what the last good answer said, which outlives the process.
// Knows the shape of what is kept and no file.
import type { Log, Store } from './ports.ts';
import type { Endpoint } from './protocol/configuration.ts';
import { isObject } from './protocol/fields.ts';
import { moveBy, moveRefusal, urlDoubt } from './protocol/server-url.ts';

/** What the owner has written down, and is stronger than any answer. */
export type Written = {
  /** Empty: not. */
  readonly writtenUrl: string;
  /** Of the owner's server; that of an answer may also say how it is to be spoken to. */
  readonly framing: Endpoint['framing'];
  /** The token is in a file of the owner's: that of an answer is not used. */
  readonly hasToken: boolean;
};

export type KnownServerParts = Written & {
  readonly store: Store;
  readonly log: Log;
  /** Whom the box asks; what another one had answered does not count. Empty: nobody. */
  readonly asked: string;
  /** An answer that came over plain http may send the box to another server. */
  readonly mayMoveByHttp: boolean;
};

const NOT_FOLLOWED = {
  elsewhere:
    'an answer over plain http names another server: not followed (use https, or set server.allow_http_move)',
  uncovered: 'an answer over plain http names an address without encryption: not followed (use https)',
} as const;

const SECTION = 'configuration';

export class KnownServer {
  readonly #parts: KnownServerParts;
  /** A reload may change it. */
  #written: Written;
  #answered: Endpoint | null;
  #doubt: string | null = null;
  /** The last answer came over plain http and named another server, which is not followed. */
  #refused: string | null = null;

  constructor(parts: KnownServerParts) {
    this.#parts = parts;
    this.#written = parts;
    this.#answered = parts.asked === '' ? null : keptIn(parts.store.read(), parts.asked);
  }

  /** Empty: none is known. */
  get url(): string {
    const { writtenUrl } = this.#written;
    return writtenUrl === '' ? (this.#answered?.url ?? '') : writtenUrl;
  }

  /** Of the last answer; empty: none, or another is used. */
  get token(): string {
    return this.#written.hasToken ? '' : (this.#answered?.token ?? '');
  }

  get framing(): Endpoint['framing'] {
    const { framing } = this.#written;
    return framing === 1 ? (this.#answered?.framing ?? framing) : framing;
  }

  /** Why the last answer's address is not used, or may lead nowhere, for people; null: no reason. */
  get doubt(): string | null {
    return this.#refused ?? this.#doubt;
  }

  rewrite(written: Written): void {
    this.#written = written;
  }

  /** Whether anything that the box makes use of is different now. */
  take(answer: Endpoint): boolean {
    const { store, log, asked } = this.#parts;
    const used = this.#used();
    const before = this.#answered;
    const doubt = urlDoubt(answer.url, asked);
    if (doubt !== null && doubt !== this.#doubt) log.warn({ url: answer.url }, doubt);
    this.#doubt = doubt;
    const move = moveBy(asked, before?.url ?? null, answer.url, this.#parts.mayMoveByHttp);
    const refused = move === 'followed' ? null : moveRefusal(answer.url, move);
    if (move !== 'followed' && refused !== this.#refused)
      log.warn({ url: answer.url, kept: before?.url }, NOT_FOLLOWED[move]);
    this.#refused = refused;
    // The token goes with the address: it is another server's, and nothing that the old one may see.
    const next = refused === null || before === null ? answer : before;
    if (before !== null && same(before, next)) return false;
    this.#answered = next;
    const kept = store.read();
    store.write({ ...(isObject(kept) ? kept : {}), [SECTION]: { asked, ...next } });
    return !same(used, this.#used());
  }

  #used(): Endpoint {
    return { url: this.url, token: this.token, framing: this.framing };
  }
}

function same(one: Endpoint, other: Endpoint): boolean {
  return one.url === other.url && one.token === other.token && one.framing === other.framing;
}

function keptIn(file: unknown, asked: string): Endpoint | null {
  const kept = isObject(file) ? file[SECTION] : undefined;
  if (!isObject(kept) || kept.asked !== asked) return null;
  const { url, token, framing } = kept;
  if (typeof url !== 'string' || !/^wss?:/.test(url) || typeof token !== 'string') return null;
  return { url, token, framing: framing === 2 || framing === 3 ? framing : 1 };
}
