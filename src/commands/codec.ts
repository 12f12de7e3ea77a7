// Which Opus codec there is: the one asked for, or the first that loads.
import { discordjsCodec } from '../adapters/linux/discordjs-codec.ts';
import { evanCodec } from '../adapters/linux/evan-codec.ts';
import type { Codec, Log } from '../ports.ts';
import { EXIT, Stop } from './exit.ts';

const CODECS = { discordjs: discordjsCodec, evan: evanCodec } as const;

export async function chooseCodec(wanted: 'auto' | keyof typeof CODECS, log: Log): Promise<Codec> {
  const names = wanted === 'auto' ? (['discordjs', 'evan'] as const) : [wanted];
  const missing: string[] = [];
  for (const name of names) {
    const found = await CODECS[name]();
    if (!('missing' in found)) return found;
    missing.push(`${name}: ${found.missing}`);
    log.debug({ codec: name, reason: found.missing }, 'codec not available');
  }
  throw new Stop(
    EXIT.cannotRun,
    `no Opus codec loads (${missing.join('; ')}). The package brings one: install it again; in a checkout: npm install @evan/opus, or @discordjs/opus with build-essential`,
  );
}
