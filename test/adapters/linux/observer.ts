// A process in a network namespace that runs an adapter and tells what it sees: each line it prints is a JSON value, each
// line it is sent is one for its script. The script has the adapters of its choice as `adapter`, and `tell` and `told`.

import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Inbox } from '../../helpers/inbox.ts';
import type { Namespaces } from '../../helpers/netns.ts';

export type Observer = {
  readonly process: ChildProcess;
  readonly seen: Inbox<unknown>;
  tell(value: unknown): void;
};

const adapters = new URL('../../../src/adapters/linux/', import.meta.url);

/** `around`: a program that is to start the process, such as a shell that hides something first. */
export function observer(
  net: Namespaces,
  ns: string,
  files: readonly string[],
  script: string,
  around: readonly string[] = [],
): Observer {
  const imports = files.map((file) => `...(await import('${new URL(`${file}.js`, adapters)}'))`);
  const main = `
    import { createInterface } from 'node:readline';
    const adapter = { ${imports.join(', ')} };
    const tell = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
    const told = (hear) => createInterface({ input: process.stdin }).on('line', (line) => hear(JSON.parse(line)));
    ${script}`;
  const argv = [...around, process.execPath, '--input-type=module', '-e', main];
  const child = net.spawn(ns, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const seen = new Inbox<unknown>();
  if (child.stdout === null) throw new Error('the observer has no voice');
  createInterface({ input: child.stdout }).on('line', (line) => seen.push(JSON.parse(line)));
  child.once('exit', () => seen.end('the observer has ended'));
  return {
    process: child,
    seen,
    tell: (value) => child.stdin?.write(`${JSON.stringify(value)}\n`),
  };
}
