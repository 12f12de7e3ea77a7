// Where this machine has PulseAudio: installed, or only unpacked by the set-up script; for tests that rebuild the one or
// the other in a folder of their own.
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

export function installedPulse(): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'pulseaudio'))
    .find((path) => existsSync(path));
}

/** Makes `cache` look like a cache folder into which PulseAudio has been unpacked; returns where. */
export async function unpackPulse(cache: string): Promise<string> {
  const root = join(cache, 'xiaozhi-agent', 'pulse');
  const installed = installedPulse();
  if (installed === undefined) {
    const real = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'xiaozhi-agent', 'pulse');
    await mkdir(dirname(root), { recursive: true });
    await symlink(process.env.XIAOZHI_PULSE_ROOT ?? real, root);
    return root;
  }
  // The installed one, seen as if it had been unpacked: the folders are the same.
  await mkdir(join(root, 'usr', 'bin'), { recursive: true });
  await symlink(installed, join(root, 'usr', 'bin', 'pulseaudio'));
  await symlink('/usr/lib', join(root, 'usr', 'lib'));
  return root;
}
