// Checks of the microphone and the speaker. Judges facts; opens nothing.
import { type Check, fail, installing, ok, skipped, warn } from './check.ts';

/** Of the agent that runs and owns the devices; null: none does. */
type OfAgent = {
  readonly state: string;
  readonly trouble: string | null;
  readonly constant: boolean;
} | null;

/** Of either direction. */
type Device = {
  readonly device: string;
  /** The same as ALSA lists it: `listedName`. */
  readonly longName: string;
  readonly isSimulated: boolean;
  readonly program: boolean;
  /** What ALSA lists; null: it cannot list. */
  readonly listed: readonly string[] | null;
  /** What the hardware of the card does by itself; empty: it does not say; null: no card by that name, or in use. */
  readonly hardware: string | null;
  /** `arecord (1234)`: who holds a device of this direction. */
  readonly heldBy: readonly string[];
  readonly agent: OfAgent;
  /** Controls of the card that are off, or stand at 0. */
  readonly muted: readonly string[];
};

export type MicrophoneFacts = Device & {
  /** By its owner: nobody listens then, not even to try. */
  readonly isMuted: boolean;
  readonly converter: string;
  readonly gainDb: number;
  readonly channel: string;
  /** A second of it, recorded here or lent by the agent; null: not tried. */
  readonly heard: {
    readonly fault: string | null;
    /** Of what a second should have; null: lent, not counted. */
    readonly rate: number | null;
    readonly isConstant: boolean;
    readonly peakDb: number | null;
    readonly averageDb: number | null;
    readonly clipped: number;
  } | null;
  /** The loudest sample of each side, recorded in stereo; null: not tried. */
  readonly sides: { readonly left: number; readonly right: number } | null;
};

export type SpeakerFacts = Device & {
  /** 0 to 100; null: not known. */
  readonly volume: number | null;
  /** Of the card; null: it has none. */
  readonly mixer: number | null;
  /** A moment of silence, played here; null: not tried. */
  readonly played: { readonly fault: string | null } | null;
  readonly underruns: number | null;
};

/** ux.md 2.4: a card whose clock is off by more than the first is badly driven; by more than the second it is heard. */
const RATE_SHOULD = 0.01;
const RATE_MUST = 0.05;
/** Speech at 1 m is some 20 dB above this on a microphone that is loud enough. */
const FAINT_DB = -70;
const NOISY_DB = -30;
const MUCH_GAIN_DB = 40;
/** Two steps of 16 bits: a slot of an I2S frame in which there is no microphone. */
const DEAD_DB = -84;

const RUNS = 'the agent has it; what it says of it is below';

export const microphoneChecks: readonly Check<MicrophoneFacts>[] = [
  ...deviceChecks('arecord', 'alsamixer, F4 for capture'),
  {
    id: 'delivers',
    title: 'delivers',
    judge: ({ heard, isSimulated, isMuted }) => {
      if (isSimulated) return skipped('simulated');
      if (isMuted) return skipped('the box is muted: xiaozhi-agent mute off');
      if (heard === null) return skipped('not tried');
      return heard.fault === null ? ok('sound arrives') : fail(heard.fault, 'xiaozhi-agent audio list');
    },
  },
  {
    id: 'rate',
    title: 'at the right rate',
    judge: ({ heard }) => {
      if (heard === null || heard.rate === null || heard.fault !== null) return skipped('not measured');
      const percent = `${(heard.rate * 100).toFixed(1)} %`;
      const offBy = Math.abs(heard.rate - 1);
      if (offBy <= RATE_SHOULD) return ok(percent);
      const mend = 'dmesg | tail; another device in audio.input.device';
      return offBy <= RATE_MUST
        ? warn(`${percent}: is the board busy, or the clock of the card off?`, mend)
        : fail(`${percent}: speech sounds too fast or too slow`, mend);
    },
  },
  {
    id: 'alive',
    title: 'is alive',
    judge: ({ heard, agent }) => {
      if (agent?.constant === true || heard?.isConstant === true)
        return fail('delivers one and the same value', 'alsamixer, F4 for capture; is it connected?');
      return heard === null || heard.fault !== null ? skipped('not tried') : ok('its values change');
    },
  },
  {
    id: 'sides',
    title: 'sides',
    judge: ({ sides, channel, agent }) => {
      if (sides === null) return skipped(agent === null ? 'not measured' : RUNS);
      const alive = (['left', 'right'] as const).filter((side) => sides[side] > DEAD_DB);
      const [only, other] = alive;
      if (only === undefined) return skipped('there is sound on neither');
      if (other !== undefined) return ok('there is sound on both');
      if (channel === only) return ok(`there is sound on the ${only}, which is taken`);
      const mend = `audio.input.channel = "${only}"`;
      return channel === 'mix'
        ? warn(`there is sound on the ${only} only, and half of it is taken`, mend)
        : fail(`the microphone is on the ${only} side, and the ${channel} one is taken`, mend);
    },
  },
  {
    id: 'level',
    title: 'level',
    judge: ({ heard }) => {
      if (heard?.averageDb === undefined || heard.averageDb === null) return skipped('not measured');
      const says = `${Math.round(heard.averageDb)} dBFS on average`;
      if (heard.averageDb < FAINT_DB) return warn(`${says}: faint`, 'xiaozhi-agent audio meter, and speak');
      return heard.averageDb > NOISY_DB
        ? warn(`${says}: is it noisy here?`, 'xiaozhi-agent audio meter')
        : ok(says);
    },
  },
  {
    id: 'clipping',
    title: 'clipping',
    judge: ({ heard }) => {
      if (heard === null || heard.fault !== null) return skipped('not measured');
      return heard.clipped === 0 ? ok('none') : warn(`${heard.clipped} samples`, 'lower audio.input.gain_db');
    },
  },
  {
    id: 'gain',
    title: 'gain',
    judge: ({ gainDb }) =>
      gainDb <= MUCH_GAIN_DB
        ? ok(`${gainDb} dB`)
        : warn(`${gainDb} dB: noise is raised too`, 'alsamixer, F4 for capture'),
  },
  {
    id: 'converter',
    title: 'rate converter',
    judge: ({ converter }) =>
      converter === 'linear'
        ? warn('linear: speech is understood badly', installing('libasound2-plugins'))
        : ok(converter),
  },
];

export const speakerChecks: readonly Check<SpeakerFacts>[] = [
  ...deviceChecks('aplay', 'alsamixer: M switches on'),
  {
    id: 'plays',
    title: 'plays',
    judge: ({ played, isSimulated }) => {
      if (isSimulated) return skipped('simulated');
      if (played === null) return skipped('not tried; listen yourself: xiaozhi-agent audio tone');
      return played.fault === null ? ok('takes sound') : fail(played.fault, 'xiaozhi-agent audio list');
    },
  },
  {
    id: 'volume',
    title: 'volume',
    judge: ({ volume }) => {
      if (volume === null) return skipped('not known');
      return volume > 0 ? ok(`${volume}`) : warn('0: nothing is heard', 'xiaozhi-agent volume 60');
    },
  },
  {
    id: 'mixer',
    title: 'mixer of the card',
    judge: ({ mixer }) => {
      if (mixer === null) return skipped('it has none: the samples are turned');
      return mixer > 0 ? ok(`${mixer}`) : warn('0: nothing is heard', 'alsamixer');
    },
  },
  {
    id: 'underruns',
    title: 'holes in answers',
    judge: ({ underruns }) => {
      if (underruns === null) return skipped('no agent runs');
      return underruns < 10
        ? ok(`${underruns}`)
        : warn(`${underruns}`, 'xiaozhi-agent doctor network; audio.output.jitter_ms');
    },
  },
];

/** @param unmute the program in which its controls are, and what to do there */
function deviceChecks(name: string, unmute: string): readonly Check<Device>[] {
  return [
    {
      id: 'program',
      title: name,
      judge: ({ program }) =>
        program ? ok('installed') : fail('missing', 'sudo apt-get install alsa-utils'),
    },
    { id: 'device', title: 'device', judge: deviceVerdict },
    {
      id: 'hardware',
      title: 'does by itself',
      judge: ({ device, hardware }) => {
        if (hardware === null) return skipped('no card of its own, or in use');
        const hw = device.replace(/^plug/, '');
        return hardware === ''
          ? warn('does not say', `${name} --dump-hw-params -D ${hw} -s 1 /dev/null`)
          : ok(hardware);
      },
    },
    { id: 'free', title: 'is free', judge: freeVerdict },
    {
      id: 'agent',
      title: 'as the agent has it',
      judge: ({ agent }) => {
        if (agent === null) return skipped('no agent runs');
        return agent.trouble === null ? ok(agent.state) : fail(agent.trouble, 'xiaozhi-agent audio list');
      },
    },
    {
      id: 'muted',
      title: 'controls of the card',
      judge: ({ muted }) =>
        muted.length === 0 ? ok('none is off') : warn(`off or at 0: ${muted.join(', ')}`, unmute),
    },
  ];
}

/**
 * A card may be written by its number or its short name, and a first device be left out: `plughw:1`, `plughw:seeed,0`.
 * @param idOf the name of a card by its number
 * @returns `plughw:CARD=seeed,DEV=0`; what is written otherwise, as it is
 */
export function listedName(device: string, idOf: (card: string) => string | undefined): string {
  const [, pcm, card = '', number = '0'] =
    /^((?:plug)?hw|dmix|dsnoop):(?:CARD=)?([\w-]+)(?:,(?:DEV=)?(\d+)(?:,(?:SUBDEV=)?\d+)?)?$/.exec(device) ??
    [];
  if (pcm === undefined) return device;
  return `${pcm}:CARD=${/^\d+$/.test(card) ? (idOf(card) ?? card) : card},DEV=${number}`;
}

function deviceVerdict({ device, longName, isSimulated, listed }: Device) {
  if (isSimulated) return ok('null: simulated');
  if (listed === null) return skipped('ALSA lists nothing');
  if (listed.includes(longName)) return ok(device);
  if (listed.length === 0) return fail(`${device}, and there is no card`, 'dmesg | grep -i snd; config.txt');
  return warn(`${device} is not among what ALSA lists`, 'xiaozhi-agent audio list');
}

function freeVerdict({ heldBy, agent, isSimulated }: Device) {
  if (isSimulated) return skipped('simulated');
  if (agent !== null) return skipped(RUNS);
  return heldBy.length === 0
    ? ok('nobody has it')
    : warn(
        `${heldBy.join(', ')} has a device of this kind`,
        'end it, or use a shared name such as "default"',
      );
}
