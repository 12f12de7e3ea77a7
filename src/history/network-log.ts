// One log line for each change of the network that mattered, and one warning instead of many when it flaps. Watches the
// states go by; decides nothing.
import { type Network, wayOf } from '../core/network.ts';
import type { Clock, Log } from '../ports.ts';

/** reliability.md 2.5: more than six changes within a minute, until a minute without one. */
const FLAPPING = { changes: 6, withinMs: 60_000 };

export class NetworkLog {
  readonly #clock: Clock;
  readonly #log: Log;
  /** How often it came back of late, and how often a carrier came or went, whatever was noticed of that. */
  #recent: readonly { readonly at: number; readonly backs: number; readonly edges: number }[] = [];
  /** Interfaces that packets to the server have taken. What others do is no matter. */
  readonly #ways = new Set<string>();
  #isFlapping = false;

  constructor(parts: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  observe(before: Network, after: Network): void {
    if (before.seen === null && after.seen !== null) this.#log.info(wayWords(after), 'network');
    const isTold = before.changed !== after.changed;
    const changes = this.#counted(before.back === after.back ? 0 : 1, this.#carrierChanges(before, after));
    const words = { ...wayWords(after), reasons: after.changed.reasons.join('; ') };
    if (isTold) this.#log[this.#isFlapping ? 'debug' : 'info'](words, 'network changed');
    if (this.#isFlapping || changes <= FLAPPING.changes) return;
    this.#isFlapping = true;
    this.#log.warn(
      { changes, withinS: FLAPPING.withinMs / 1_000 },
      'the network is flapping (a loose plug, a weak radio signal?): attempts for its sake are made rarely, changes are not logged any more',
    );
  }

  /** Since the last look. */
  #carrierChanges(before: Network, after: Network): number {
    const way = after.seen === null ? null : wayOf(after.seen);
    if (way !== null) this.#ways.add(way.interface);
    const used = after.seen?.interfaces.filter(({ name }) => this.#ways.has(name)) ?? [];
    return used.reduce((sum, { name, carrierChanges: now }) => {
      const then = before.seen?.interfaces.find((one) => one.name === name)?.carrierChanges ?? now;
      return sum + Math.max(0, now - then);
    }, 0);
  }

  /** @returns how often it was gone and back within a minute */
  #counted(backs: number, edges: number): number {
    const now = this.#clock.now();
    this.#recent = this.#recent.filter(({ at }) => now - at < FLAPPING.withinMs);
    if (this.#recent.length === 0) this.#isFlapping = false;
    if (backs + edges > 0) this.#recent = [...this.#recent, { at: now, backs, edges }];
    const sum = (what: 'backs' | 'edges') => this.#recent.reduce((total, one) => total + one[what], 0);
    return Math.max(sum('backs'), Math.floor(sum('edges') / 2));
  }
}

function wayWords({ seen }: Network): object {
  const way = seen === null ? null : wayOf(seen);
  return way === null ? { usable: false } : { usable: true, interface: way.interface, source: way.source };
}
