// Checks of the microphone and the speaker. Judges facts; opens nothing.
import { type Check, fail, ok, skipped, warn } from './check.ts';

/** Of the agent that runs and owns the devices; null: none does. */
type OfAgent = {
  readonly state: string;
  readonly trouble: string | null;
  readonly constant: boolean;
} | null;

export type MicrophoneFacts = {
  readonly device: string;
  readonly isSimulated: boolean;
  readonly program: boolean;
  /** What ALSA lists; null: it cannot list. */
  readonly listed: readonly string[] | null;
  /** `arecord (1234)`: who holds a capture device. */
  readonly heldBy: readonly string[];
  readonly agent: OfAgent;
  readonly converter: string;
  readonly gainDb: number;
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
  /** Of the card: `Capture` is off, or stands at 0. */
  readonly muted: readonly string[];
};

export type SpeakerFacts = {
  readonly device: string;
  readonly isSimulated: boolean;
  readonly program: boolean;
  readonly listed: readonly string[] | null;
  readonly heldBy: readonly string[];
  readonly agent: OfAgent;
  /** 0 to 100; null: not known. */
  readonly volume: number | null;
  /** Of the card; null: it has none. */
  readonly mixer: number | null;
  readonly muted: readonly string[];
  /** A moment of silence, played here; null: not tried. */
  readonly played: { readonly fault: string | null } | null;
  readonly underruns: number | null;
};

/** ux.md 2.4: the card's clock may be off by this much before echo and rate suffer. */
const RATE_TOLERANCE = 0.05;
/** Speech at 1 m is some 20 dB above this on a microphone that is loud enough. */
const FAINT_DB = -70;
const NOISY_DB = -30;
const MUCH_GAIN_DB = 40;

const RUNS = 'the agent has it; what it says of it is below';

export const microphoneChecks: readonly Check<MicrophoneFacts>[] = [
  ...deviceChecks('arecord'),
  {
    id: 'delivers',
    title: 'delivers',
    judge: ({ heard, isSimulated }) => {
      if (isSimulated) return skipped('simulated');
      if (heard === null) return skipped('not tried');
      return heard.fault === null ? ok('sound arrives') : fail(heard.fault, 'xiaozhi-agent audio list');
    },
  },
  {
    id: 'rate',
    title: 'at the right rate',
    judge: ({ heard }) => {
      if (heard === null || heard.rate === null || heard.fault !== null) return skipped('not measured');
      const percent = Math.round(heard.rate * 100);
      return Math.abs(heard.rate - 1) <= RATE_TOLERANCE
        ? ok(`${percent} %`)
        : fail(
            `${percent} %: speech sounds too fast or too slow`,
            'dmesg | tail; another device in audio.input.device',
          );
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
    id: 'muted',
    title: 'controls of the card',
    judge: ({ muted }) =>
      muted.length === 0
        ? ok('none is off')
        : warn(`off or at 0: ${muted.join(', ')}`, 'alsamixer, F4 for capture'),
  },
  {
    id: 'converter',
    title: 'rate converter',
    judge: ({ converter }) =>
      converter === 'linear'
        ? warn('linear: speech is understood badly', 'sudo apt-get install libasound2-plugins', [
            'apt-get',
            'install',
            '--no-remove',
            '-y',
            'libasound2-plugins',
          ])
        : ok(converter),
  },
];

export const speakerChecks: readonly Check<SpeakerFacts>[] = [
  ...deviceChecks('aplay'),
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
    id: 'muted',
    title: 'controls of the card',
    judge: ({ muted }) =>
      muted.length === 0
        ? ok('none is off')
        : warn(`off or at 0: ${muted.join(', ')}`, 'alsamixer: M switches on'),
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

type Device = Pick<MicrophoneFacts, 'device' | 'isSimulated' | 'program' | 'listed' | 'heldBy' | 'agent'>;

/** Of either direction. */
function deviceChecks(name: string): readonly Check<Device>[] {
  return [
    {
      id: 'program',
      title: name,
      judge: ({ program }) =>
        program ? ok('installed') : fail('missing', 'sudo apt-get install alsa-utils'),
    },
    { id: 'device', title: 'device', judge: deviceVerdict },
    { id: 'free', title: 'is free', judge: freeVerdict },
    {
      id: 'agent',
      title: 'as the agent has it',
      judge: ({ agent }) => {
        if (agent === null) return skipped('no agent runs');
        return agent.trouble === null ? ok(agent.state) : fail(agent.trouble, 'xiaozhi-agent audio list');
      },
    },
  ];
}

function deviceVerdict({ device, isSimulated, listed }: Device) {
  if (isSimulated) return ok('null: simulated');
  if (listed === null) return skipped('ALSA lists nothing');
  if (listed.includes(device)) return ok(device);
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
