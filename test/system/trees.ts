// Debian trees for the machines of these tests: made once with mmdebstrap and kept, unpacked anew for each run, and given the
// package. Knows nothing of what is tested on them.
//   SYSTEM_FOLDER: where they are kept; ~/.cache/xiaozhi-agent/system without it.
//   SYSTEM_MIRROR: where Debian is fetched from; without it, from where this machine's apt has it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const FOLDER = process.env.SYSTEM_FOLDER ?? join(homedir(), '.cache/xiaozhi-agent/system');

/** What the package depends on and recommends, and what the tests look with. */
const PACKAGES = [
  ...['systemd-sysv', 'dbus', 'iproute2', 'procps'],
  ...['alsa-utils', 'libasound2-plugins', 'gpiod'],
];

export function sh(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
  return stdout;
}

/** @returns the folder of a fresh tree with the package in it */
export function freshTree(suite: string, deb: string): string {
  const archive = join(FOLDER, `${suite}.tar`);
  if (!existsSync(archive)) makeTree(suite, archive);
  const root = join(FOLDER, `${suite}.root`);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  sh('tar', 'xf', archive, '-C', root);
  sh('cp', deb, join(root, 'root/agent.deb'));
  for (const name of ['install.sh', 'journald.conf'])
    sh('cp', join(import.meta.dirname, '../../../deploy', name), join(root, 'root', name));
  const nspawn = ['-q', '-D', root, '--register=no', '--keep-unit', '--pipe'];
  sh('systemd-nspawn', ...nspawn, 'dpkg', '-i', '/root/agent.deb');
  return root;
}

function makeTree(suite: string, archive: string): void {
  mkdirSync(FOLDER, { recursive: true });
  console.log(`a tree of Debian ${suite} is made, once`);
  const without = ['man', 'doc', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const made = `${archive}.part.tar`;
  const options = ['--quiet', '--mode=root', '--variant=minbase', `--include=${PACKAGES.join(',')}`];
  sh('mmdebstrap', ...options, ...without, suite, made, mirror());
  renameSync(made, archive);
}

/** Debian's own, as this machine's apt has it from its lists; no address of one stands here. */
function mirror(): string {
  const { SYSTEM_MIRROR: set } = process.env;
  if (set) return set;
  const targets = ['--format', '$(REPO_URI)', 'Created-By: Packages', 'Label: Debian'];
  const [first] = sh('apt-get', 'indextargets', ...targets).split('\n');
  if (first) return first;
  throw new Error(
    "this machine's apt has no lists of Debian: apt-get update, or set SYSTEM_MIRROR to the address of a mirror",
  );
}
