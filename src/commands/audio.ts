// `audio list`, `meter` and `tone`: what there is, what is heard and what can be heard. While the agent runs it owns the
// devices and does it for us; without it they are opened here.
import { parseArgs } from 'node:util';
import { clock } from '../adapters/linux/clock.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { audioList } from './audio-list.ts';
import { meter } from './audio-meter.ts';
import { tone } from './audio-tone.ts';
import { EXIT, Stop } from './exit.ts';
import { type PlaceValues, placeOptions, placesFrom } from './places.ts';
import { TONE } from './tone-bounds.ts';

const USAGE = `xiaozhi-agent audio: the sound cards of this box, tried out over SSH; a running agent lends its devices

usage: xiaozhi-agent audio list [--all] [--json]
         the microphones and speakers, by names that outlive a reboot; * is the configured one
       xiaozhi-agent audio meter [--seconds N] [--json]
         what the microphone hears (10 s), how much of it is clipped, and whether audio.input.gain_db fits
       xiaozhi-agent audio tone [--hz N] [--ms N]
         a tone from the speaker: ${TONE.hz.usual} Hz, ${TONE.ms.usual} ms

  --device NAME       another device than the configured one (meter: only while no agent runs)
  --config FILE  --state-dir DIR  --runtime-dir DIR   as for the agent

examples: xiaozhi-agent audio list
          xiaozhi-agent audio meter --seconds 30
          xiaozhi-agent audio tone --hz 1000 --device plughw:CARD=Headphones,DEV=0
`;

const options = {
  ...placeOptions,
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  seconds: { type: 'string' },
  hz: { type: 'string' },
  ms: { type: 'string' },
  device: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export async function audio(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const [what, ...more] = positionals;
  if (more.length > 0)
    throw new Stop(EXIT.usage, `audio takes one of list, meter, tone, and no "${more[0]}"`);
  const config = configFor(values);
  switch (what) {
    case 'list':
      return audioList(config, { all: values.all === true, json: values.json === true });
    case 'meter':
      return meter(config, {
        ...values,
        seconds: numberIn('--seconds', values.seconds, 10, { least: 1, most: 3_600 }),
        clock,
      });
    case 'tone':
      return tone(config, {
        ...values,
        hz: numberIn('--hz', values.hz, TONE.hz.usual, TONE.hz),
        ms: numberIn('--ms', values.ms, TONE.ms.usual, TONE.ms),
        clock,
      });
    default:
      throw new Stop(EXIT.usage, USAGE.trimEnd());
  }
}

/** The daemon's; what is wrong with it, `config check` says. */
function configFor(values: PlaceValues): Config {
  const places = placesFrom(values, process.env);
  return loadConfig({
    configFile: places.configFile,
    mustExist: places.configMustExist,
    environment: process.env,
  }).config;
}

function numberIn(
  option: string,
  text: string | undefined,
  usual: number,
  { least, most }: { least: number; most: number },
): number {
  if (text === undefined) return usual;
  const number = Number(text);
  if (!(number >= least && number <= most))
    throw new Stop(EXIT.usage, `${option} takes a number from ${least} to ${most}, not "${text}"`);
  return number;
}
