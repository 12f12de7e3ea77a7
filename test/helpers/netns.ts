// Networks of their own for tests: kernel network namespaces joined by veth pairs. It touches no interface of the host:
// both ends of a pair are made inside the namespaces. Knows nothing of what runs in them.

import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Generous: a loaded machine must not fail a test, and a passing test never waits this long. */
const DEADLINE_MS = 20_000;

const execute = promisify(execFile);

/** Options for `describe` or `test`. Where namespaces cannot be made it throws, unless told to skip. */
export function needsNamespaces(): { readonly skip: string | false } {
  const trouble = whyNot();
  if (trouble === undefined) return { skip: false };
  return { skip: toSkipFor(trouble, 'run it as root with iproute2') };
}

/** Why tests are left out; it throws unless told to skip. @param mend what else can be done about it */
export function toSkipFor(trouble: string, mend: string): string {
  if (process.env.XIAOZHI_SKIP_NETNS === '1') return trouble;
  throw new Error(`${trouble}; ${mend}, or set XIAOZHI_SKIP_NETNS=1 to go without`);
}

/** One end of a cable: an interface and its addresses with their prefix lengths (`10.7.0.1/24`, `fd07::1/64`). */
export type CableEnd = {
  readonly ns: string;
  readonly name: string;
  readonly addresses?: readonly string[];
};

export type Namespaces = {
  /** As `ip netns` knows them. */
  readonly names: readonly string[];
  /** A cable between two of them, or within one: both ends up, addresses usable at once. */
  link(a: CableEnd, b: CableEnd): Promise<void>;
  /** To its end; what it wrote. Fails when the program fails. */
  run(ns: string, argv: readonly string[]): Promise<string>;
  /** The child is the program itself; `remove` kills it if it is still there. */
  spawn(ns: string, argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Files that programs started in it from now on find in /etc instead of the host's; the host has to have them too. */
  etc(ns: string, files: Readonly<Record<string, string>>): void;
  /** For what a program in it writes; with a short path. Goes with the namespace. */
  folder(ns: string): string;
  /** Everything that runs in them, the cables, and the namespaces; harmless twice. */
  remove(): Promise<void>;
};

/** Those not removed yet, for the end of this process. */
const standing = new Set<string>();
let made = 0;

export async function namespaces(count: number): Promise<Namespaces> {
  sweep();
  const names = Array.from({ length: count }, () => {
    made += 1;
    return `xz${process.pid}n${made}`;
  });
  const children = new Set<ChildProcess>();
  for (const name of names) {
    standing.add(name);
    await ip('netns', 'add', name);
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  const inside = (ns: string, argv: readonly string[]) => ['netns', 'exec', ns, ...argv];
  return {
    names,
    async link(a, b) {
      const pair = ['type', 'veth', 'peer', 'name', b.name, 'netns', b.ns];
      await ip('-n', a.ns, 'link', 'add', 'name', a.name, ...pair);
      for (const end of [a, b]) {
        for (const address of end.addresses ?? []) {
          // Duplicate address detection would keep an IPv6 address from being used for a second or two.
          const nodad = address.includes(':') ? ['nodad'] : [];
          await ip('-n', end.ns, 'address', 'add', address, 'dev', end.name, ...nodad);
        }
        await ip('-n', end.ns, 'link', 'set', end.name, 'up');
      }
      for (const end of [a, b]) await isUp(end);
    },
    run: async (ns, argv) => (await execute('ip', inside(ns, argv))).stdout,
    spawn(ns, argv, options = {}) {
      const child = spawn('ip', inside(ns, argv), options);
      children.add(child);
      child.once('exit', () => children.delete(child));
      return child;
    },
    etc(ns, files) {
      mkdirSync(etcOf(ns), { recursive: true });
      for (const [name, text] of Object.entries(files)) writeFileSync(join(etcOf(ns), name), text);
    },
    folder(ns) {
      mkdirSync(folderOf(ns), { recursive: true });
      return folderOf(ns);
    },
    async remove() {
      await Promise.all([...children].map(killed));
      for (const name of names) drop(name);
    },
  };
}

/** ip-netns(8): `exec` lays what is in here over /etc. */
function etcOf(ns: string): string {
  return join('/etc/netns', ns);
}

function folderOf(ns: string): string {
  return join(tmpdir(), ns);
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const probe = `xz${process.pid}n0`;
  try {
    execFileSync('ip', ['netns', 'add', probe], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'del', probe], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

async function ip(...words: readonly string[]): Promise<string> {
  return (await execute('ip', [...words])).stdout;
}

/** The kernel says so a moment after it is true. */
async function isUp({ ns, name }: CableEnd): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!(await ip('-n', ns, '-o', 'link', 'show', 'dev', name)).includes('state UP')) {
    if (deadline.aborted) throw new Error(`${name} did not come up within ${DEADLINE_MS} ms`);
  }
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** At once, so that it can also be done while the process exits. */
function drop(name: string): void {
  standing.delete(name);
  for (const folder of [etcOf(name), folderOf(name)]) rmSync(folder, { recursive: true, force: true });
  if (!existsSync(`/run/netns/${name}`)) return;
  const inside = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  for (const pid of inside.split('\n').filter((line) => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
}

/** What a test run left behind that was killed before it could tidy up. */
function sweep(): void {
  // It complains aloud about one that another process removes meanwhile.
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const known = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8', stdio: [...stdio] });
  for (const [, name, pid] of known.matchAll(/^(xz(\d+)n\d+)\b/gm)) {
    if (name !== undefined && !existsSync(`/proc/${pid}`)) drop(name);
  }
}

process.once('exit', () => {
  for (const name of [...standing]) drop(name);
});
// Whoever ends a test run with Ctrl-C wants nothing left of it either; 128 and the signal's number is how shells say so.
for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const)
  process.once(signal, () => process.exit(128 + number));
