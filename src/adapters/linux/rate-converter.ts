// With what ALSA converts rates on this machine: a card that only knows 48 kHz is brought to 16 kHz by it, and without its
// plug-in only by drawing lines between samples, which speech recognition hears.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** alsa-lib takes it by itself when it is there, and `linear`, its own, when it is not (its pcm_rate.c). */
const PLUGIN = 'libasound_module_rate_speexrate.so';

/** @param libraries where Debian has its libraries, a folder for each kind of machine in it */
export function rateConverter(libraries = '/usr/lib'): 'speexrate' | 'linear' {
  const folders = [libraries, ...list(libraries).map((name) => join(libraries, name))];
  return folders.some((folder) => list(join(folder, 'alsa-lib')).includes(PLUGIN)) ? 'speexrate' : 'linear';
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
