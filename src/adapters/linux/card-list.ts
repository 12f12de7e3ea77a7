// Which sound devices ALSA offers, by the names that stay the same when cards are numbered anew, and what their hardware can
// do; read from what arecord and aplay print. Opens nothing longer than it takes to ask.
import { execFile } from 'node:child_process';

export type Direction = 'capture' | 'playback';

export type CardDevice = {
  readonly name: string;
  readonly description: string;
  /** Of a card: what the hardware itself does, or why that cannot be told. */
  readonly hardware: string | null;
};

/** A card that is asked what it can do answers in some 20 ms. */
const DEADLINE_MS = 3_000;
const PROGRAM = { capture: 'arecord', playback: 'aplay' } as const;
/** Ways to the same card that take away its formats, its rate or the other programs' share: nobody needs them here. */
const SIDEWAYS = /^(hw|front|surround\d+|iec958|hdmi|dmix|dsnoop|sysdefault|usbstream|side|center_lfe|rear):/;
/** Parts that a device may be made of. */
const PARTS = /^(null|lavrate|samplerate|speexrate|speex|jack|oss|upmix|vdownmix|usbstream)$/;

/** In the place of what the hardware does. */
export const IN_USE = 'in use';
export const SAYS_NOTHING = 'does not say what it can do';

type Environment = Readonly<Record<string, string | undefined>>;

export async function listDevices(
  direction: Direction,
  { all = false, environment }: { readonly all?: boolean; readonly environment?: Environment } = {},
): Promise<readonly CardDevice[] | { readonly absent: string }> {
  const program = PROGRAM[direction];
  const listed = await run(program, ['-L'], environment);
  if (listed.absent) return { absent: `${program} is not installed: apt-get install alsa-utils` };
  const named = devicesIn(listed.said).filter(
    ({ name }) => all || !(SIDEWAYS.test(name) || PARTS.test(name)),
  );
  const devices: CardDevice[] = [];
  // One after the other: a card may be both, and is asked by one at a time.
  for (const { name, description } of named)
    devices.push({ name, description, hardware: await hardwareOf(name, direction, environment) });
  return devices;
}

/** A name at the beginning of a line, what it is in the indented ones after it. */
function devicesIn(text: string): readonly { readonly name: string; readonly description: string }[] {
  return text
    .split(/\n(?=\S)/)
    .map((block) => block.trim().split('\n'))
    .flatMap(([name = '', ...lines]) =>
      name === '' ? [] : [{ name, description: lines.map((line) => line.trim()).join(', ') }],
    );
}

async function hardwareOf(
  name: string,
  direction: Direction,
  environment: Environment | undefined,
): Promise<string | null> {
  const [, card] = /^plughw:(.+)$/.exec(name) ?? [];
  if (card === undefined) return null;
  // It describes the device before it finds out that a single sample of a format it may not have is wanted.
  const args = [
    '--dump-hw-params',
    '-D',
    `hw:${card}`,
    '-s',
    '1',
    direction === 'capture' ? '/dev/null' : '/dev/zero',
  ];
  const { said } = await run(PROGRAM[direction], args, environment);
  if (/resource busy/i.test(said)) return IN_USE;
  const field = (key: string) => new RegExp(`^${key}: +(.*)$`, 'm').exec(said)?.[1]?.trim();
  const [format, channels, rate] = [field('FORMAT'), field('CHANNELS'), field('RATE')];
  if (format === undefined || channels === undefined || rate === undefined) return SAYS_NOTHING;
  return `${format}; ${channels} channel${channels === '1' ? '' : 's'}; ${rate} Hz`;
}

function run(
  program: string,
  args: readonly string[],
  environment: Environment | undefined,
): Promise<{ readonly said: string; readonly absent: boolean }> {
  return new Promise((resolve) => {
    const options = {
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL' as const,
      // Its words are read: they must not be translated.
      env: { ...(environment ?? {}), LC_ALL: 'C' },
    };
    execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ said: `${stdout}\n${stderr}`, absent: error?.code === 'ENOENT' }),
    );
  });
}
