// The server the box talks to: what the owner wrote down, else what the last good answer said, which outlives the process.
// Knows the shape of what is kept and no file.
import type { Log, Store } from './ports.ts';
import type { Endpoint } from './protocol/configuration.ts';
import { mayMove, urlDoubt } from './protocol/server-url.ts';

export type KnownServerParts = {
  readonly store: Store;
  readonly log: Log;
  /** Whom the box asks; what another one had answered does not count. Empty: nobody. */
  readonly asked: string;
  /** Written down by the owner, and stronger than any answer; empty: not. */
  readonly writtenUrl: string;
  /** Of the owner's server; that of an answer may also say how it is to be spoken to. */
  readonly framing: Endpoint['framing'];
  /** An answer that came over plain http may send the box to another server. */
  readonly mayMoveByHttp: boolean;
};

const SECTION = 'configuration';

export class KnownServer {
  readonly #parts: KnownServerParts;
  /** What the owner has written down, which a reload may change. */
  #written: Pick<KnownServerParts, 'writtenUrl' | 'framing'>;
  #answered: Endpoint | null;
  #doubt: string | null = null;

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

  /** Of the last answer; empty: none. */
  get token(): string {
    return this.#answered?.token ?? '';
  }

  get framing(): Endpoint['framing'] {
    const { framing } = this.#written;
    return framing === 1 ? (this.#answered?.framing ?? framing) : framing;
  }

  /** Why the last answer's address may lead nowhere, for people; null: no reason. */
  get doubt(): string | null {
    return this.#doubt;
  }

  rewrite(written: Pick<KnownServerParts, 'writtenUrl' | 'framing'>): void {
    this.#written = written;
  }

  /** Whether anything is different now. */
  take(answer: Endpoint): boolean {
    const { store, log, asked } = this.#parts;
    const before = this.#answered;
    const doubt = urlDoubt(answer.url, asked);
    if (doubt !== null && doubt !== this.#doubt) log.warn({ url: answer.url }, doubt);
    this.#doubt = doubt;
    const isFollowed = mayMove(asked, before?.url ?? null, answer.url, this.#parts.mayMoveByHttp);
    if (!isFollowed)
      log.warn(
        { url: answer.url, kept: before?.url },
        'an answer over plain http names another server: not followed (use https, or set server.allow_http_move)',
      );
    const next = isFollowed || before === null ? answer : before;
    if (before !== null && same(before, next)) return false;
    this.#answered = next;
    const kept = store.read();
    store.write({ ...(isRecord(kept) ? kept : {}), [SECTION]: { asked, ...next } });
    return true;
  }
}

function same(one: Endpoint, other: Endpoint): boolean {
  return one.url === other.url && one.token === other.token && one.framing === other.framing;
}

function keptIn(file: unknown, asked: string): Endpoint | null {
  const kept = isRecord(file) ? file[SECTION] : undefined;
  if (!isRecord(kept) || kept.asked !== asked) return null;
  const { url, token, framing } = kept;
  if (typeof url !== 'string' || !/^wss?:/.test(url) || typeof token !== 'string') return null;
  return { url, token, framing: framing === 2 || framing === 3 ? framing : 1 };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
