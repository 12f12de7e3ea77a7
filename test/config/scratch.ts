// A directory of configuration files for one test, gone afterwards. Knows nothing of what is in them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

export type Scratch = {
  readonly path: (name: string) => string;
  readonly write: (name: string, text: string | Uint8Array) => string;
};

export function scratch(t: TestContext): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'xiaozhi-config-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = (name: string) => join(directory, name);
  return {
    path,
    write(name, text) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
      return path(name);
    },
  };
}
