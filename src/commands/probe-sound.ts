// The facts about microphone and speaker for `doctor`: by a second of recording where nobody has the devices, else by what
// the agent lends. Looks, and judges nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { findMixer } from '../adapters/linux/amixer.ts';
import { type Direction, listDevices } from '../adapters/linux/card-list.ts';
import { clock } from '../adapters/linux/clock.ts';
import { rateConverter } from '../adapters/linux/rate-converter.ts';
import type { Config } from '../config/schema.ts';
import type { MicrophoneFacts, SpeakerFacts } from '../doctor/sound.ts';
import type { Status } from '../status.ts';
import { sourceOf } from './audio-meter.ts';
import { chooseMicrophone, chooseSpeaker } from './card.ts';
import type { PlaceValues } from './places.ts';
import { content, names, said } from './probe-run.ts';
import { SILENT_LOG } from './silent-log.ts';

const BYTES_PER_MS = 32;
const FULL_SCALE = 32_768;
/** Of recording: enough to count, and nobody waits long. */
const LISTEN_MS = 1_000;
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
): Promise<MicrophoneFacts> {
  const { device, gainDb } = config.audio.input;
  const shared = await deviceFacts('capture', device, status?.audio.input ?? null);
  const mayTry = shared.program && !shared.isSimulated;
  return {
    ...shared,
    converter: rateConverter(),
    gainDb,
    heard: !mayTry ? null : status === null ? await recorded(config) : await lent(config, values),
    muted: await offControls(device, 'Capture'),
  };
}

export async function speakerFacts(config: Config, status: Status | null): Promise<SpeakerFacts> {
  const { device, volume, mixer: control } = config.audio.output;
  const output = status?.audio.output ?? null;
  const shared = await deviceFacts(
    'playback',
    device,
    output === null ? null : { ...output, constant: false },
  );
  const mixer = await findMixer({ device, environment: process.env, ...(control === '' ? {} : { control }) });
  const mayTry = status === null && shared.program && !shared.isSimulated;
  return {
    ...shared,
    volume: output?.volume ?? volume,
    mixer: 'absent' in mixer ? null : mixer.found,
    muted: await offControls(device, 'Playback'),
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
  return {
    device,
    isSimulated: device === 'null',
    program: (await said(direction === 'capture' ? 'arecord' : 'aplay', '--version')) !== null,
    listed: 'absent' in listed ? null : listed.map(({ name }) => name),
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

function recorded(config: Config): Promise<Heard> {
  const microphone = chooseMicrophone(config, SILENT_LOG);
  return new Promise((resolve) => {
    let [bytes, squares, peak, clipped] = [0, 0, 0, 0];
    let startedAt: number | null = null;
    const values = new Set<number>();
    const settle = (fault: string | null) => {
      cancel();
      microphone.stop();
      const samples = bytes / 2;
      const tookMs = startedAt === null ? 0 : clock.now() - startedAt;
      const db = (value: number) => (samples === 0 ? null : 20 * Math.log10(Math.max(1, value) / FULL_SCALE));
      resolve({
        fault: fault ?? (samples === 0 ? 'it opens, and nothing comes' : null),
        rate: fault !== null || tookMs === 0 ? null : bytes / BYTES_PER_MS / tookMs,
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

async function lent(config: Config, values: PlaceValues): Promise<Heard> {
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
