// Which microphone and speaker stand behind the configured names.
import { aplaySpeaker } from '../adapters/linux/aplay-speaker.ts';
import { arecordMicrophone } from '../adapters/linux/arecord-microphone.ts';
import { clock } from '../adapters/linux/clock.ts';
import { nodeSpeaker } from '../adapters/linux/node-speaker.ts';
import { simMicrophone } from '../adapters/sim/sim-microphone.ts';
import { simSpeaker } from '../adapters/sim/sim-speaker.ts';
import type { Config } from '../config/schema.ts';
import type { Log, Microphone, Speaker } from '../ports.ts';

/** ALSA's own `null` is not paced: it delivers gigabytes of silence a second. Ours is. */
const NULL_DEVICE = 'null';

export function chooseMicrophone(config: Config, log: Log): Microphone {
  const { device, channel } = config.audio.input;
  if (device === NULL_DEVICE) return simMicrophone(clock);
  return arecordMicrophone({ device, channel, log, clock, environment: process.env });
}

export async function chooseSpeaker(config: Config, log: Log): Promise<Speaker> {
  const { device, rateHz, backend } = config.audio.output;
  if (device === NULL_DEVICE) return simSpeaker(clock, { rateHz });
  if (backend === 'speaker') {
    const speaker = await nodeSpeaker({ device, rateHz, log, clock });
    if (!('refused' in speaker)) return speaker;
    log.error({ reason: speaker.refused }, 'audio.output.backend "speaker" cannot be used; "aplay" is');
  }
  return aplaySpeaker({ device, rateHz, log, clock, environment: process.env });
}
