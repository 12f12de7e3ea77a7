// The package that a board gets: made of this tree when none is newer than it, and the same under a higher version number, which is
// what an upgrade is tried with.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
/** All that is in it, or says what is. */
const PARTS = ['src', 'deploy', 'systemd', 'package.json', 'package-lock.json', 'README.md', 'CHANGELOG.md'];

/** @returns its file */
export function packageOfThisTree(folder: string, arch: string): string {
  const out = join(folder, 'deb');
  const found = () => {
    const name = readdirSync(out).find((one) => one.endsWith(`_${arch}.deb`));
    return name === undefined ? undefined : join(out, name);
  };
  mkdirSync(out, { recursive: true });
  const kept = found();
  if (kept !== undefined && statSync(kept).mtimeMs > Math.max(...PARTS.map(newest))) return kept;
  rmSync(out, { recursive: true });
  mkdirSync(out);
  sh(join(ROOT, 'deploy/build-deb.sh'), '--arch', arch, '--out', out);
  const made = found();
  if (made === undefined) throw new Error(`no package in ${out}`);
  return made;
}

export function newerOf(deb: string, folder: string): string {
  const [tree, newer] = [join(folder, 'newer'), join(folder, 'newer.deb')];
  rmSync(tree, { recursive: true, force: true });
  sh('dpkg-deb', '-R', deb, tree);
  edit(join(tree, 'DEBIAN/control'), /^Version: .*$/m, (line) => `${line}+newer`);
  edit(join(tree, 'usr/lib/xiaozhi-agent/package.json'), /"version": "[^"]*/, (text) => `${text}+newer`);
  sh('dpkg-deb', '--root-owner-group', '-Zxz', '-z1', '--build', tree, newer);
  rmSync(tree, { recursive: true, force: true });
  return newer;
}

function newest(part: string): number {
  const place = join(ROOT, part);
  const here = statSync(place);
  if (!here.isDirectory()) return here.mtimeMs;
  const inside = readdirSync(place, { recursive: true, withFileTypes: true });
  return Math.max(
    here.mtimeMs,
    ...inside.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs),
  );
}

function edit(file: string, what: RegExp, to: (found: string) => string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(what, to));
}

function sh(command: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `ended with ${status}`}`);
}
