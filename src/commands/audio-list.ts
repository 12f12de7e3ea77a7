// `audio list`: microphones, speakers and the mixer, with the configured ones marked.
import { findMixer } from '../adapters/linux/amixer.ts';
import { type CardDevice, type Direction, listDevices } from '../adapters/linux/card-list.ts';
import type { Config } from '../config/schema.ts';
import { show } from './ask.ts';
import { EXIT, Stop } from './exit.ts';

type Found = readonly (CardDevice & { readonly configured: boolean })[];

export async function audioList(
  { audio }: Config,
  { all, json }: { readonly all: boolean; readonly json: boolean },
): Promise<void> {
  const microphones = await devices('capture', audio.input.device, all);
  const speakers = await devices('playback', audio.output.device, all);
  const control = audio.output.mixer;
  const mixer = await findMixer({
    device: audio.output.device,
    environment: process.env,
    ...(control === '' ? {} : { control }),
  });
  const found = {
    microphones,
    speakers,
    mixer: 'absent' in mixer ? null : { control: mixer.control, volume: mixer.found },
  };
  show(json, found, [
    'microphones (audio.input.device)',
    ...deviceLines(microphones),
    'speakers (audio.output.device)',
    ...deviceLines(speakers),
    'mixer (audio.output.mixer)',
    'absent' in mixer ? `  none: ${mixer.absent}` : `* ${mixer.control}  stands at ${mixer.found}`,
  ]);
}

async function devices(direction: Direction, configured: string, all: boolean): Promise<Found> {
  const listed = await listDevices(direction, { all, environment: process.env });
  if ('absent' in listed) throw new Stop(EXIT.failed, listed.absent);
  const found = listed.map((device) => ({ ...device, configured: device.name === configured }));
  if (found.some((device) => device.configured)) return found;
  // It may well be right: not every name that ALSA understands is listed by it.
  const unlisted = { name: configured, description: 'configured, and not listed by ALSA', hardware: null };
  return [...found, { ...unlisted, configured: true }];
}

function deviceLines(found: Found): readonly string[] {
  const width = Math.max(...found.map(({ name }) => name.length));
  return found.map(({ name, description, hardware, configured }) => {
    const about = [description, hardware].filter((text) => text !== null && text !== '').join(': ');
    return `${configured ? '*' : ' '} ${name.padEnd(width)}  ${about}`.trimEnd();
  });
}
