// Addresses for names, for dials that must not wait for a dead name service: one look-up per name at a time, and the
// address that worked last when there is no answer. Knows no sockets and no policy.
import { type LookupAddress, lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { Cancel, Clock } from '../../ports.ts';

/** The system's resolver, with the shape of `dns.lookup(name, { all: true }, …)`. */
export type Resolve = (
  name: string,
  answer: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

export type Found =
  /** `doubt`: what the name service did instead of answering; then the address is the one that worked last. */
  { readonly addresses: readonly LookupAddress[]; readonly doubt?: string } | { readonly failed: Error };

/** An answer takes some 10 ms; the C library asks again after 5 s only, so what is not here by now was lost. It leaves
 * 8.5 s of the usual 10 s for the connection. */
const PATIENCE_MS = 1_500;
/** The longest delay between two attempts: long enough for the next dial, not for tomorrow's. */
const LATE_ANSWER_KEPT_MS = 60_000;
/** A box has one server, perhaps two, and may be given others by reloads. Victim: the name met first. */
const NAMES_KEPT = 8;

type Memory = {
  good?: LookupAddress;
  /** Came after everybody had stopped waiting for it. */
  late?: { readonly addresses: readonly LookupAddress[]; readonly atMs: number };
};

/** Cannot be cancelled and holds one of Node's four pool threads until the resolver gives up. */
const ask: Resolve = (name, answer) => lookup(name, { all: true }, answer);

export class NameLookup {
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #memories = new Map<string, Memory>();
  /** Who waits for the answer to the question that is out, by name. */
  readonly #asked = new Map<string, Set<(found: Found) => void>>();

  constructor(parts: { clock: Clock; resolve?: Resolve }) {
    this.#clock = parts.clock;
    this.#resolve = parts.resolve ?? ask;
  }

  /** Answers once, never before it returns, and not at all when cancelled. */
  find(name: string, answer: (found: Found) => void): Cancel {
    const memory = this.#memories.get(name);
    const late = this.#takeLate(memory);
    if (late !== undefined) return this.#clock.after(0, () => answer({ addresses: ordered(late, memory) }));
    const good = memory?.good;
    const leave = this.#join(name, (found) => {
      stopWaiting();
      if ('failed' in found && good !== undefined)
        answer({ addresses: [good], doubt: nameTrouble(name, found.failed) });
      else answer(found);
    });
    const stopWaiting =
      good === undefined
        ? () => {}
        : this.#clock.after(PATIENCE_MS, () => {
            leave();
            answer({ addresses: [good], doubt: nameTrouble(name) });
          });
    return () => {
      stopWaiting();
      leave();
    };
  }

  /** A connection to this address of that name has just opened. */
  worked(name: string, address: string): void {
    const family = isIP(address);
    if (family !== 0 && isIP(name) === 0) this.#memory(name).good = { address, family };
  }

  #join(name: string, waiter: (found: Found) => void): Cancel {
    const others = this.#asked.get(name);
    const waiters = others ?? new Set();
    waiters.add(waiter);
    if (others === undefined) {
      this.#asked.set(name, waiters);
      queueMicrotask(() => this.#resolve(name, (error, addresses) => this.#answered(name, error, addresses)));
    }
    return () => waiters.delete(waiter);
  }

  #answered(name: string, error: Error | null, addresses: readonly LookupAddress[]): void {
    const waiters = this.#asked.get(name) ?? new Set();
    this.#asked.delete(name);
    if (error !== null) {
      for (const tell of [...waiters]) tell({ failed: error });
      return;
    }
    if (waiters.size === 0) this.#memory(name).late = { addresses, atMs: this.#clock.now() };
    const found = { addresses: ordered(addresses, this.#memories.get(name)) };
    for (const tell of [...waiters]) tell(found);
  }

  #takeLate(memory: Memory | undefined): readonly LookupAddress[] | undefined {
    const late = memory?.late;
    if (memory === undefined || late === undefined) return undefined;
    delete memory.late;
    return this.#clock.now() - late.atMs <= LATE_ANSWER_KEPT_MS ? late.addresses : undefined;
  }

  #memory(name: string): Memory {
    const memory = this.#memories.get(name) ?? {};
    this.#memories.set(name, memory);
    const [oldest] = this.#memories.keys();
    if (this.#memories.size > NAMES_KEPT && oldest !== undefined) this.#memories.delete(oldest);
    return memory;
  }
}

export function nameTrouble(name: string, error?: Error): string {
  return error !== undefined && 'code' in error && error.code === 'ENOTFOUND'
    ? `the name ${name} cannot be found`
    : `no answer from the name service for ${name}`;
}

/** The address that worked last, then its family, then the rest as the resolver sorted them. */
function ordered(addresses: readonly LookupAddress[], memory: Memory | undefined): readonly LookupAddress[] {
  const good = memory?.good;
  if (good === undefined) return addresses;
  const rank = (one: LookupAddress) =>
    one.address === good.address ? 0 : one.family === good.family ? 1 : 2;
  return [...addresses].sort((a, b) => rank(a) - rank(b));
}
