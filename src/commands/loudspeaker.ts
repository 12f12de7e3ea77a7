// From the configuration to what is heard beside speech and how loud everything is: the sounds, the mixer, what was set
// before. Builds them and decides nothing.
import { findMixer } from '../adapters/linux/amixer.ts';
import { clock } from '../adapters/linux/clock.ts';
import { soundFiles } from '../adapters/linux/sound-files.ts';
import { stateFile } from '../adapters/linux/state-file.ts';
import type { AgentParts } from '../agent.ts';
import { gainOf } from '../audio/gain.ts';
import type { ChimePolicy } from '../chimes.ts';
import type { Config } from '../config/schema.ts';
import { UNTOUCHED } from '../core/state.ts';
import type { Log, Mixer } from '../ports.ts';
import { KeptPrefs, PREFS_FILE } from '../prefs.ts';

type Loudspeaker = Required<Pick<AgentParts, 'chimes' | 'prefs' | 'prefsChanged'>> &
  Pick<AgentParts, 'mixer'>;

/**
 * @param inForce what holds now, of what is asked for with each sound
 * @param keep is called with what must be done before the process leaves
 */
export async function loudspeaker(
  inForce: () => Config,
  stateDirectory: string,
  log: Log,
  keep: (close: () => void) => void,
): Promise<Loudspeaker> {
  const config = inForce();
  const mixer = await chooseMixer(config, log);
  const kept = new KeptPrefs({
    store: stateFile({ directory: stateDirectory, name: PREFS_FILE, log }),
    clock,
  });
  keep(() => kept.close());
  // What was turned at the box comes first, then what the card stands at: it may be somebody's setting.
  const before = kept.read();
  const volume = before.volume ?? mixer?.found ?? config.audio.output.volume;
  return {
    chimes: chimesOf(inForce, log),
    prefs: { ...UNTOUCHED, ...before, volume },
    prefsChanged: (prefs) => kept.changed(prefs),
    ...(mixer === undefined ? {} : { mixer }),
  };
}

export function chimesOf(inForce: () => Config, log: Log): Loudspeaker['chimes'] {
  const { sounds, audio, server } = inForce();
  return {
    sounds: soundFiles({
      ...(sounds.dir === '' ? {} : { folder: sounds.dir }),
      rateHz: audio.output.rateHz,
      log,
    }),
    policy: () => chimePolicyOf(inForce().sounds, server.language),
    cutOverlap: sounds.cutOverlap,
  };
}

function chimePolicyOf({ volume, off, language }: Config['sounds'], spoken: string): ChimePolicy {
  return {
    gain: gainOf(volume),
    off: off.split(',').map((name) => name.trim()),
    language: language === 'auto' ? (spoken === 'zh-CN' ? 'zh' : 'en') : language,
  };
}

async function chooseMixer(config: Config, log: Log): Promise<Mixer | undefined> {
  const { device, mixer: control, volumeControl } = config.audio.output;
  if (volumeControl === 'own') return undefined;
  const found = await findMixer({ device, ...(control === '' ? {} : { control }) });
  if (!('absent' in found)) return found;
  // Whoever asked for it by name wants to know.
  const level = volumeControl === 'mixer' || control !== '' ? 'warn' : 'debug';
  log[level]({ device, reason: found.absent }, 'no mixer: the volume is made of samples');
  return undefined;
}
