// The facts about microphone and speaker for `doctor`: by a second of recording where nobody has the devices, else by what
// the agent lends. Looks, and judges nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { findMixer } from '../adapters/linux/amixer.ts';
import {
  type CardDevice,
  type Direction,
  IN_USE,
  listDevices,
  SAYS_NOTHING,
} from '../adapters/linux/card-list.ts';
import { clock } from '../adapters/linux/clock.ts';
import { rateConverter } from '../adapters/linux/rate-converter.ts';
import type { Config } from '../config/schema.ts';
import { listedName, type MicrophoneFacts, type SpeakerFacts } from '../doctor/sound.ts';
import type { Status } from '../status.ts';
import { sourceOf } from './audio-meter.ts';
import { chooseMicrophone, chooseSpeaker } from './card.ts';
import { Stop } from './exit.ts';
import type { PlaceValues } from './places.ts';
import { content, names, said, sampled } from './probe-run.ts';
import { SILENT_LOG } from './silent-log.ts';

const BYTES_PER_MS = 32;
const FULL_SCALE = 32_768;
/** Of recording: a slice that is late by 10 ms counts for half a percent. */
const LISTEN_MS = 2_000;
/** A sleeping USB card takes a second to wake. */
const OPENS_WITHIN_MS = 3_000;
const SILENCE_MS = 200;
/** The agent measures its last third of a second. */
const LENT_FOR_MS = 700;

type Heard = NonNullable<MicrophoneFacts['heard']>;

export async function microphoneFacts(
  config: Config,
  status: Status | null,
  values: PlaceValues,
  isAlone: boolean,
): Promise<MicrophoneFacts> {
  const { device, gainDb, channel } = config.audio.input;
  const shared = await deviceFacts('capture', device, status?.audio.input ?? null);
  // Whoever has muted the box relies on it.
  const isMuted = status?.muted === true;
  const mayTry = shared.program && !shared.isSimulated && !isMuted;
  return {
    ...shared,
    isMuted,
    converter: rateConverter(),
    gainDb,
    channel,
    heard: !mayTry
      ? null
      : isAlone
        ? await recorded(config)
        : status === null
          ? null
          : await lent(config, values),
    sides: mayTry && isAlone ? await sidesOf(device) : null,
  };
}

export async function speakerFacts(
  config: Config,
  status: Status | null,
  isAlone: boolean,
): Promise<SpeakerFacts> {
  const { device, volume, mixer: control } = config.audio.output;
  const output = status?.audio.output ?? null;
  const shared = await deviceFacts(
    'playback',
    device,
    output === null ? null : { ...output, constant: false },
  );
  const mixer = await findMixer({ device, environment: process.env, ...(control === '' ? {} : { control }) });
  const mayTry = isAlone && shared.program && !shared.isSimulated;
  return {
    ...shared,
    volume: output?.volume ?? volume,
    mixer: 'absent' in mixer ? null : mixer.found,
    played: mayTry ? await played(config) : null,
    underruns: output?.underruns ?? null,
  };
}

type OfAgent =
  | (Pick<Status['audio']['input'], 'last_trouble' | 'constant'> & { readonly state: string })
  | null;

async function deviceFacts(direction: Direction, device: string, agent: OfAgent) {
  const listed = await listDevices(direction, { all: true, environment: process.env });
  const trouble = agent?.last_trouble ?? null;
  const longName = listedName(device, (card) => content(`/proc/asound/card${card}/id`)?.trim());
  return {
    device,
    longName,
    isSimulated: device === 'null',
    program: (await said(direction === 'capture' ? 'arecord' : 'aplay', '--version')) !== null,
    listed: 'absent' in listed ? null : listed.map(({ name }) => name),
    hardware: 'absent' in listed ? null : hardwareOf(listed.find(({ name }) => name === longName)),
    muted: await offControls(longName, direction === 'capture' ? 'Capture' : 'Playback'),
    heldBy: holders(direction),
    agent:
      agent === null
        ? null
        : {
            state: agent.state,
            trouble: trouble === null || trouble.over ? null : trouble.reason,
            constant: agent.constant,
          },
  };
}

function hardwareOf(found: CardDevice | undefined): string | null {
  const does = found?.hardware ?? null;
  if (does === null || does === IN_USE) return null;
  return does === SAYS_NOTHING ? '' : does;
}

/** Of every card: the process that has a device of that direction open, by name. */
function holders(direction: Direction): readonly string[] {
  const letter = direction === 'capture' ? 'c' : 'p';
  const root = '/proc/asound';
  return names(root)
    .filter((card) => /^card\d+$/.test(card))
    .flatMap((card) => names(`${root}/${card}`).map((pcm) => `${root}/${card}/${pcm}`))
    .filter((pcm) => new RegExp(`/pcm\\d+${letter}$`).test(pcm))
    .flatMap((pcm) => names(pcm).map((sub) => content(`${pcm}/${sub}/status`) ?? ''))
    .flatMap((text) => {
      const [, pid] = /^owner_pid\s*:\s*(\d+)/m.exec(text) ?? [];
      return pid === undefined ? [] : [`${content(`/proc/${pid}/comm`)?.trim() ?? 'a process'} (${pid})`];
    });
}

/** `Capture` or `Playback` controls that are switched off or stand at 0. */
async function offControls(device: string, kind: 'Capture' | 'Playback'): Promise<readonly string[]> {
  const [, card] = /CARD=([^,]+)/.exec(device) ?? [];
  if (card === undefined) return [];
  const listed = await said('amixer', '-c', card, 'scontents');
  return (listed?.out ?? '').split(/^Simple mixer control /m).flatMap((block) => {
    const [, name] = /^'([^']+)'/.exec(block) ?? [];
    const lines = block.split('\n').filter((line) => line.includes(`${kind} `) && line.includes('['));
    const isOff = lines.length > 0 && lines.every((line) => /\[off\]|\[0%\]/.test(line));
    return name !== undefined && isOff ? [name] : [];
  });
}

/** A microphone on I2S is on one of them; of a card with a single one, ALSA makes two that are alike. */
async function sidesOf(device: string): Promise<MicrophoneFacts['sides']> {
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', '16000', '-c', '2', '-d', '1'];
  const pcm = await sampled('arecord', '-q', '-D', device, ...format);
  if (pcm === null || pcm.length === 0) return null;
  let [left, right] = [0, 0];
  for (let at = 0; at + 3 < pcm.length; at += 4) {
    left = Math.max(left, Math.abs(pcm.readInt16LE(at)));
    right = Math.max(right, Math.abs(pcm.readInt16LE(at + 2)));
  }
  return { left: dbOf(left), right: dbOf(right) };
}

const dbOf = (value: number) => 20 * Math.log10(Math.max(1, value) / FULL_SCALE);

function recorded(config: Config): Promise<Heard> {
  const microphone = chooseMicrophone(config, SILENT_LOG);
  return new Promise((resolve) => {
    let [bytes, squares, peak, clipped] = [0, 0, 0, 0];
    let [startedAt, lastAt]: [number | null, number] = [null, 0];
    const values = new Set<number>();
    const settle = (fault: string | null) => {
      cancel();
      microphone.stop();
      const samples = bytes / 2;
      // From slice to slice: what has not arrived yet is not missing.
      const tookMs = startedAt === null ? 0 : lastAt - startedAt;
      const db = (value: number) => (samples === 0 ? null : dbOf(value));
      resolve({
        fault: fault ?? (samples === 0 ? 'it opens, and nothing comes' : null),
        rate: fault !== null || tookMs <= 0 ? null : bytes / BYTES_PER_MS / tookMs,
        isConstant: samples > 0 && values.size === 1,
        peakDb: db(peak),
        averageDb: db(Math.sqrt(squares / Math.max(1, samples))),
        clipped,
      });
    };
    let cancel = clock.after(OPENS_WITHIN_MS, () => settle(null));
    microphone.start({
      pcm(pcm) {
        if (startedAt === null) {
          // What came at once had been waiting; it is counted from here.
          startedAt = clock.now();
          cancel();
          cancel = clock.after(LISTEN_MS, () => settle(null));
          return;
        }
        lastAt = clock.now();
        bytes += pcm.length;
        const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
        for (let at = 0; at + 1 < pcm.byteLength; at += 2) {
          const value = view.getInt16(at, true);
          if (values.size < 2) values.add(value);
          squares += value * value;
          peak = Math.max(peak, Math.abs(value));
          if (Math.abs(value) >= FULL_SCALE - 1) clipped += 1;
        }
      },
      ended: settle,
    });
  });
}

/** What becomes of the agent meanwhile is found out like anything else, and ends nothing. */
async function lent(config: Config, values: PlaceValues): Promise<Heard> {
  try {
    return await lentBy(config, values);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    const nothing = { rate: null, isConstant: false, peakDb: null, averageDb: null, clipped: 0 };
    return { fault: error.message, ...nothing };
  }
}

async function lentBy(config: Config, values: PlaceValues): Promise<Heard> {
  const source = await sourceOf(config, { ...values, seconds: 1, clock });
  const before = await source.read();
  await sleep(LENT_FOR_MS);
  const { peakDb, averageDb, clippedSamples, trouble } = await source.read();
  source.close();
  return {
    fault: peakDb === null ? (trouble ?? 'nothing comes') : null,
    rate: null,
    isConstant: false,
    peakDb,
    averageDb,
    clipped: clippedSamples - before.clippedSamples,
  };
}

async function played(config: Config): Promise<NonNullable<SpeakerFacts['played']>> {
  const speaker = await chooseSpeaker(config, SILENT_LOG);
  return new Promise((resolve) => {
    const settle = (fault: string | null) => {
      cancel();
      speaker.stop();
      resolve({ fault });
    };
    const cancel = clock.after(OPENS_WITHIN_MS, () => settle('takes sound and does not play it'));
    speaker.start({ finished: () => settle(null), ended: settle });
    speaker.write(new Uint8Array(((speaker.rateHz * SILENCE_MS) / 1_000) * 2));
    speaker.finish();
  });
}
