// `audio meter`: what the microphone hears, as a bar on a terminal or a line a second, and at the end what to do about it.
import { Preamp } from '../audio/preamp.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../ports.ts';
import { ask, NotRunning } from './ask.ts';
import { chooseMicrophone } from './card.ts';
import { EXIT, Stop } from './exit.ts';
import type { PlaceValues } from './places.ts';
import { SILENT_LOG } from './silent-log.ts';

/** An eye sees five a second as a movement. */
const EVERY_MS = 200;
const LINE_EVERY = 5;
/** The bar goes from a quiet room to full scale. */
const [BOTTOM_DB, BAR_CHARS] = [-60, 40] as const;
/** Speech of -20 dB at its loudest leaves room for a shout and is far above the noise of any microphone. */
const [SOFT_DB, WANTED_DB] = [-30, -14] as const;
/** Steps of what may be configured. */
const MOST_GAIN_DB = 40;

type Reading = {
  readonly device: string;
  readonly gainDb: number;
  readonly peakDb: number | null;
  readonly averageDb: number | null;
  readonly clippedSamples: number;
  readonly trouble: string | null;
};

type Options = PlaceValues & {
  readonly seconds: number;
  readonly json?: boolean | undefined;
  readonly device?: string | undefined;
  readonly clock: Clock;
};

export async function meter(config: Config, options: Options): Promise<void> {
  const source = await sourceOf(config, options);
  const { clock } = options;
  const count = Math.round((options.seconds * 1_000) / EVERY_MS);
  const first = await source.read();
  let [loudest, last] = [Number.NEGATIVE_INFINITY, first];
  say(options, `${first.device}, gain ${first.gainDb} dB${source.lent ? ', lent by the agent' : ''}`);
  for (let at = 1; at <= count; at += 1) {
    await new Promise<void>((resolve) => void clock.after(EVERY_MS, resolve));
    last = await source.read();
    loudest = Math.max(loudest, last.peakDb ?? Number.NEGATIVE_INFINITY);
    draw(last, options, at % LINE_EVERY === 0 || at === count);
  }
  source.close();
  if (process.stdout.isTTY && !options.json) process.stdout.write('\n');
  const clipped = last.clippedSamples - first.clippedSamples;
  if (loudest === Number.NEGATIVE_INFINITY)
    throw new Stop(EXIT.failed, `nothing comes from ${last.device}: ${last.trouble ?? 'no sound at all'}`);
  say(options, verdict(loudest, clipped, last.gainDb));
}

type Source = { readonly lent: boolean; read(): Promise<Reading>; close(): void };

export async function sourceOf(config: Config, options: Options): Promise<Source> {
  const lent = async (): Promise<Reading> => {
    const answer = await ask(options, { command: 'meter' });
    const { device, gain_db, peak_db, average_db, clipped_samples, trouble } = answer;
    return {
      device: String(device),
      gainDb: Number(gain_db),
      peakDb: peak_db === null ? null : Number(peak_db),
      averageDb: average_db === null ? null : Number(average_db),
      clippedSamples: Number(clipped_samples),
      trouble: trouble === null ? null : String(trouble),
    };
  };
  try {
    await lent();
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    return opened(config, options);
  }
  if (options.device !== undefined)
    throw new Stop(
      EXIT.failed,
      'the agent runs and holds its own microphone: stop it first (sudo systemctl stop xiaozhi-agent), or leave --device out',
    );
  return { lent: true, read: lent, close: () => undefined };
}

function opened(config: Config, { device, clock }: Options): Source {
  const { input } = config.audio;
  const wanted = {
    ...config,
    audio: { ...config.audio, input: { ...input, device: device ?? input.device } },
  };
  const preamp = new Preamp({
    microphone: chooseMicrophone(wanted, SILENT_LOG),
    clock,
    log: SILENT_LOG,
    gainDb: () => input.gainDb,
  });
  return {
    lent: false,
    async read() {
      preamp.meter(true);
      return { device: preamp.device, gainDb: preamp.gainDb, ...preamp.level };
    },
    close: () => preamp.meter(false),
  };
}

function draw(reading: Reading, { json }: Options, isLine: boolean): void {
  const { peakDb, averageDb, clippedSamples, trouble } = reading;
  if (json) {
    const line = { peak_db: peakDb, average_db: averageDb, clipped_samples: clippedSamples, trouble };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const text = trouble === null ? levelText(peakDb, averageDb, clippedSamples) : `no sound: ${trouble}`;
  // A terminal shows one line that moves; whatever reads a pipe gets one a second.
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`);
  else if (isLine) process.stdout.write(`${text}\n`);
}

function levelText(peakDb: number | null, averageDb: number | null, clippedSamples: number): string {
  if (peakDb === null || averageDb === null) return 'no sound yet';
  const chars = (db: number) => Math.round((BAR_CHARS * Math.max(0, db - BOTTOM_DB)) / -BOTTOM_DB);
  const bar = '#'.repeat(chars(averageDb)).padEnd(chars(peakDb), '-').padEnd(BAR_CHARS);
  const clipped = clippedSamples === 0 ? '' : `  ${clippedSamples} clipped`;
  return `[${bar}] peak ${peakDb.toFixed(0)} dB, average ${averageDb.toFixed(0)} dB${clipped}`;
}

function verdict(loudestDb: number, clipped: number, gainDb: number): string {
  const told = (words: string, changeDb: number) =>
    `${words}: set audio.input.gain_db = ${Math.max(-20, Math.min(MOST_GAIN_DB, Math.round(gainDb + changeDb)))}`;
  if (clipped > 0) return told(`too loud, ${clipped} samples were clipped`, -6);
  if (loudestDb < SOFT_DB)
    return `${told(`soft, ${loudestDb.toFixed(0)} dB at the loudest; if you spoke as usual`, WANTED_DB - loudestDb)}`;
  return `fits: ${loudestDb.toFixed(0)} dB at the loudest, nothing clipped`;
}

function say({ json }: Options, text: string): void {
  if (!json) process.stdout.write(`${text}\n`);
}
