// The agent, put together of the parts that the configuration asks for on the real machine. Starts nothing and decides nothing.
import { clock } from '../adapters/linux/clock.ts';
import { clockSync } from '../adapters/linux/clock-sync.ts';
import { rateConverter } from '../adapters/linux/rate-converter.ts';
import { Agent, type AgentParts } from '../agent.ts';
import type { Config } from '../config/schema.ts';
import type { AgentLog } from '../log.ts';
import type { NetworkWatch } from '../ports.ts';
import { chooseMicrophone, chooseSpeaker } from './card.ts';
import { chooseCodec } from './codec.ts';
import { policyOf } from './policy.ts';

type World = Pick<
  AgentParts,
  | 'server'
  | 'setup'
  | 'tools'
  | 'dialer'
  | 'history'
  | 'lessons'
  | 'chimes'
  | 'mixer'
  | 'prefs'
  | 'prefsChanged'
  | 'lamp'
  | 'gainDb'
  | 'stepped'
> & {
  readonly network: NetworkWatch | undefined;
  readonly url: string;
};

export async function agentOf(
  config: Config,
  log: AgentLog,
  { network, url, ...world }: World,
): Promise<Agent> {
  const codec = await chooseCodec(config.audio.codec.backend, log.of('codec'));
  const audioLog = log.of('audio');
  const { input, output } = config.audio;
  const converter = rateConverter();
  audioLog.info({ codec: codec.name, input: input.device, output: output.device, converter }, 'audio');
  if (converter === 'linear')
    audioLog.warn(
      {},
      'ALSA has no good rate converter: apt-get install libasound2-plugins, or speech is understood badly',
    );
  return new Agent({
    policy: policyOf(config, url),
    ...world,
    clock,
    log,
    logOf: log.of,
    clockSync: clockSync({ clock }),
    ...(network === undefined ? {} : { network }),
    microphone: chooseMicrophone(config, log.of('microphone')),
    speaker: await chooseSpeaker(config, log.of('speaker')),
    codec,
    encoder: { bitrateBps: config.audio.codec.bitrateBps, complexity: config.audio.codec.complexity },
    jitterMs: config.audio.output.jitterMs,
    prerollMs: config.audio.input.prerollMs,
    cue: (cue) => log.of('cue').info({ cue }, 'cue'),
  });
}
