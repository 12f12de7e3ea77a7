// A machine for deploy/prerequisites.sh made of one folder of programs: the shell's own ones are the real ones, all
// others are scripts that note their call. It must not know what is expected of the script.
// To extend: a program is a few lines of shell in `programs`; $CALLS is the notebook.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';

export const script = path.resolve(import.meta.dirname, '../../../deploy/prerequisites.sh');

const BORROWED =
  'sh dirname cat cksum mktemp rm tail head sed grep env flock mkdir find cp chmod mv true seq'.split(' ');

const INERT =
  'aplay arecord gpiomon make cc c++ python3 sox espeak-ng ip nft openssl script pulseaudio shellcheck systemd-analyze'.split(
    ' ',
  );

export function fakeNode(version: string, abi: number, prefix = '/nowhere'): string {
  const [major, minor] = version.split('.');
  return `[ "$1" = -p ] || exit 0\nprintf '%s\\n' '${major} ${minor}' ${version} ${abi}-x64 '${prefix}'`;
}

const programs: Record<string, string> = {
  node: fakeNode('20.20.2', 115),
  npm: 'echo "npm $*" >>"$CALLS"; mkdir -p node_modules',
  id: 'echo 1000',
  uname: 'echo x86_64',
  'apt-get': `echo "apt-get $*" >>"$CALLS"
case " $* " in
  *' -s '*' pulseaudio '*) echo 'Inst libpulse9 (16 Debian [amd64])'; echo 'Inst pulseaudio (16 Debian [amd64])' ;;
  *' download '*) shift; for p; do case $p in lib*|pulse*) : >"$p.deb" ;; esac; done ;;
esac`,
  // The package holds a program that answers, a library in /lib and one beside a module, as Debian 12's do.
  'dpkg-deb': `mkdir -p "$3/usr/bin" "$3/usr/lib/tri/pulseaudio" "$3/usr/lib/pulse-16/modules" "$3/lib/tri"
echo '[ "$1" = --version ]' >"$3/usr/bin/pulseaudio"; chmod 755 "$3/usr/bin/pulseaudio"
: >"$3/usr/lib/pulse-16/modules/libprotocol.so"; : >"$3/lib/tri/libcap.so"`,
};

type Outcome = { code: number | null; out: string; err: string; calls: string[] };

export type Machine = {
  readonly tree: string;
  readonly pulse: string;
  /** What the script is told besides; may be added to. */
  readonly environment: Record<string, string>;
  /** Adds or replaces a program. */
  give(name: string, body: string): void;
  /** Takes programs away. */
  take(...names: string[]): void;
  start(...words: string[]): { child: ChildProcess; outcome: Promise<Outcome> };
  /** Runs the script and tells what it said and whom it called meanwhile. */
  run(...words: string[]): Promise<Outcome>;
  /** Every file below the tree, the home and the temporary directory. */
  files(): string[];
  remove(): void;
};

function realPath(program: string): string {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/bin', '/bin', '/usr/sbin');
  const found = folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`this test needs ${program}`);
  return found;
}

export function fakeMachine(): Machine {
  const top = mkdtempSync(path.join(tmpdir(), 'prerequisites-'));
  const [bin, tree, home, temporary] = ['bin', 'a tree', 'home', 'tmp'].map((name) =>
    path.join(top, name),
  ) as [string, string, string, string];
  for (const folder of [bin, path.join(tree, 'deploy'), home, temporary])
    mkdirSync(folder, { recursive: true });
  copyFileSync(script, path.join(tree, 'deploy/prerequisites.sh'));
  writeFileSync(path.join(tree, 'package-lock.json'), '{}\n');
  const notebook = path.join(top, 'calls');
  const pulse = path.join(home, '.cache/xiaozhi-agent/pulse');

  const give = (name: string, body: string): void => {
    writeFileSync(path.join(bin, name), `#!${realPath('sh')}\n${body}\n`);
    chmodSync(path.join(bin, name), 0o755);
  };
  for (const name of BORROWED) symlinkSync(realPath(name), path.join(bin, name));
  for (const name of INERT) give(name, ':');
  for (const [name, body] of Object.entries(programs)) give(name, body);

  const environment: Record<string, string> = { PATH: bin, HOME: home, TMPDIR: temporary, CALLS: notebook };
  const start = (...words: string[]): { child: ChildProcess; outcome: Promise<Outcome> } => {
    const file = path.join(tree, 'deploy/prerequisites.sh');
    const child = spawn(realPath('sh'), [file, ...words], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const outcome = Promise.all([ended, text(child.stdout), text(child.stderr)]).then(([code, out, err]) => {
      const calls = existsSync(notebook) ? readFileSync(notebook, 'utf8').split('\n').slice(0, -1) : [];
      return { code, out, err, calls };
    });
    return { child, outcome };
  };

  return {
    tree,
    environment,
    pulse,
    give,
    take: (...names) => {
      for (const name of names) rmSync(path.join(bin, name), { force: true });
    },
    start,
    run: (...words) => {
      rmSync(notebook, { force: true });
      return start(...words).outcome;
    },
    files: () =>
      [tree, home, temporary].flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .map((name) => path.join(path.basename(folder), name))
          .sort(),
      ),
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}
