// Virtual time for many boards at once: one heap of what is due, earliest first, then in order of asking. Knows neither
// boards nor servers. It holds a few entries for each board, for every timer has an owner that holds few.
import type { Cancel } from '../../../src/ports.ts';

type Entry = { readonly atMs: number; readonly order: number; run: (() => void) | null };

export class EventQueue {
  #nowMs = 0;
  #asked = 0;
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    this.#asked += 1;
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#asked, run };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    // It stays in the heap until it is due: looking for it would cost more than passing over it.
    return () => {
      entry.run = null;
    };
  }

  /** Lets time go by up to and including that moment. */
  runUntil(atMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= atMs; next = this.#heap[0]) {
      this.#dropFirst();
      if (next.run === null) continue;
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  #dropFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!isEarlier(heap[at], heap[above])) return;
      swap(heap, at, above);
      at = above;
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      const below = isEarlier(heap[left + 1], heap[left]) ? left + 1 : left;
      if (!isEarlier(heap[below], heap[at])) return;
      swap(heap, at, below);
      at = below;
    }
  }
}

function isEarlier(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

function swap(heap: Entry[], at: number, with_: number): void {
  const [one, other] = [heap[at], heap[with_]];
  if (one === undefined || other === undefined) return;
  heap[at] = other;
  heap[with_] = one;
}
