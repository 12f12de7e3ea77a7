// Debian trees for the machines of these tests: made once with mmdebstrap and kept, unpacked anew for each run, and given the
// package. Knows nothing of what is tested on them.
//   SYSTEM_FOLDER: where they are kept; ~/.cache/xiaozhi-agent/system without it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const FOLDER = process.env.SYSTEM_FOLDER ?? join(homedir(), '.cache/xiaozhi-agent/system');

/** What the package depends on and recommends, and what the tests look with. */
const PACKAGES = [
  ...['systemd-sysv', 'dbus', 'iproute2', 'procps'],
  ...['alsa-utils', 'libasound2-plugins', 'gpiod'],
];
const NEEDS = {
  mmdebstrap: 'mmdebstrap',
  'systemd-nspawn': 'systemd-container',
  tar: 'tar',
  nsenter: 'util-linux',
};

export function sh(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
  return stdout;
}

/** What is missing here, as the line that mends it; undefined: nothing is. */
export function lacking(): string | undefined {
  const missing = Object.entries(NEEDS)
    .filter(([program]) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
    .map(([, name]) => name);
  return missing.length === 0 ? undefined : `apt-get install --no-install-recommends ${missing.join(' ')}`;
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
  sh('cp', join(import.meta.dirname, '../../../deploy/install.sh'), join(root, 'root/install.sh'));
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

/** The one that this machine's own apt uses, in either format of its sources. */
function mirror(): string {
  const files = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'].filter((file) =>
    existsSync(file),
  );
  const addresses = files
    .flatMap((file) => readFileSync(file, 'utf8').match(/^(?:URIs:|deb )[^\n]*?https?:\/\/[^\s]+/gm) ?? [])
    .map((line) => line.slice(line.indexOf('http')));
  return addresses.find((address) => !address.includes('security')) ?? 'http://deb.debian.org/debian';
}
