// A store without a file: what it was given, for tests of those who write. Knows nothing of what the value means.
import type { Store } from '../../src/ports.ts';

/** What a store was given, as JSON would carry it. */
export class KeptStore implements Store {
  value: unknown;
  writes = 0;
  writesNow = 0;
  readonly aside: string[] = [];

  constructor(value?: unknown) {
    this.value = value;
  }

  read(): unknown {
    return this.value;
  }

  setAside(reason: string): void {
    this.aside.push(reason);
  }

  write(value: object): void {
    this.writes += 1;
    this.value = JSON.parse(JSON.stringify(value));
  }

  writeNow(value: object): void {
    this.writesNow += 1;
    this.value = JSON.parse(JSON.stringify(value));
  }
}
