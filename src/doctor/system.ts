// Checks of the machine itself. Judges facts; looks at nothing.
import { type Check, fail, ok, skipped, warn } from './check.ts';

export type SystemFacts = {
  readonly model: string;
  readonly system: string;
  readonly kernel: string;
  readonly arch: string;
  readonly memoryMb: number;
  readonly availableMb: number | null;
  readonly temperatureC: number | null;
  /** Bits of the firmware of a Raspberry Pi. */
  readonly throttled: number | null;
  readonly node: readonly [major: number, minor: number];
  readonly codecs: readonly string[];
  readonly codecFaults: readonly string[];
  /** Of `config.txt`, without their parameters; null: there is no such file. */
  readonly overlays: readonly string[] | null;
  /** Ids of the sound cards that are neither HDMI, headphone socket nor USB: what an overlay makes; null: cannot be told. */
  readonly overlayCards: readonly string[] | null;
  /** What the kernel says of sound hardware that it cannot set up, the newest last; null: not to us. */
  readonly soundFaults: readonly string[] | null;
  readonly rebootPending: boolean;
  /** `config.txt` was written after the start; null: there is none. */
  readonly bootFileIsNewer: boolean | null;
  /** Null: no such user here. */
  readonly serviceGroups: readonly string[] | null;
};

/** design.md 3. */
const LEAST_NODE = [20, 19] as const;
/** design.md 1: it fits a board of 512 MB, of which the kernel takes some. */
const LEAST_MB = 400;
/** The agent needs some 65 MB, its children 10. */
const LEAST_AVAILABLE_MB = 60;
/** A Raspberry Pi slows down at 80 °C. */
const HOT_C = 75;
/** Documentation of `vcgencmd get_throttled`: now, and since the start. */
const UNDER_VOLTAGE = 0x1;
const SLOWED = 0x2 | 0x4 | 0x8;
const WAS_UNDER_VOLTAGE = 0x10000;

/** ux.md 1.3: those that take the I2S bus. */
const SOUND_OVERLAYS =
  /^(googlevoicehat|hifiberry|max98357a|wm8960|respeaker|adau7002|seeed|i-?sabre|iqaudio)/;

const soundOverlays = (overlays: readonly string[]) => overlays.filter((name) => SOUND_OVERLAYS.test(name));

export const systemChecks: readonly Check<SystemFacts>[] = [
  {
    id: 'model',
    title: 'board',
    judge: ({ model }) => (model === 'unknown' ? skipped('this machine does not say what it is') : ok(model)),
  },
  {
    id: 'release',
    title: 'operating system',
    judge: ({ system, kernel }) =>
      /\b(bookworm|trixie)\b/.test(system)
        ? ok(`${system}, Linux ${kernel}`)
        : warn(`${system}: tried are Debian 12 and 13`, 'cat /etc/os-release'),
  },
  {
    id: 'bits',
    title: 'processor',
    judge: ({ arch }) =>
      arch === 'arm64' || arch === 'x64'
        ? ok(arch)
        : warn(`${arch}: a 32-bit system gets no newer Node`, 'install the 64-bit Raspberry Pi OS Lite'),
  },
  {
    id: 'node',
    title: 'Node',
    judge: ({ node: [major, minor] }) => {
      const [needMajor, needMinor] = LEAST_NODE;
      const fits = major > needMajor || (major === needMajor && minor >= needMinor);
      const needed = `needed is ${needMajor}.${needMinor}`;
      return fits
        ? ok(`${major}.${minor}`)
        : fail(`${major}.${minor}, ${needed}`, 'install the .deb, which brings its own');
    },
  },
  {
    id: 'memory',
    title: 'memory',
    judge: ({ memoryMb }) =>
      memoryMb >= LEAST_MB
        ? ok(`${memoryMb} MB`)
        : warn(`${memoryMb} MB, made for boards of 512 MB`, 'free -m'),
  },
  {
    id: 'available',
    title: 'free memory',
    judge: ({ availableMb }) => {
      if (availableMb === null) return skipped('/proc/meminfo cannot be read');
      if (availableMb >= LEAST_AVAILABLE_MB) return ok(`${availableMb} MB`);
      return warn(`${availableMb} MB: something else takes it`, 'ps aux --sort=-rss | head');
    },
  },
  {
    id: 'temperature',
    title: 'temperature',
    judge: ({ temperatureC }) => {
      if (temperatureC === null) return skipped('no sensor');
      if (temperatureC < HOT_C) return ok(`${temperatureC} °C`);
      return warn(`${temperatureC} °C: it is slowed down from 80 °C`, 'give it air, or a heat sink');
    },
  },
  {
    id: 'power',
    title: 'power supply',
    judge: ({ throttled }) => {
      if (throttled === null) return skipped('no Raspberry Pi firmware to ask (vcgencmd)');
      if ((throttled & UNDER_VOLTAGE) !== 0)
        return fail(
          'the voltage is too low now',
          'another power supply or cable; the amplifier may take too much',
        );
      if ((throttled & SLOWED) !== 0)
        return warn('the processor is slowed down now', 'vcgencmd get_throttled');
      if ((throttled & WAS_UNDER_VOLTAGE) !== 0)
        return warn('the voltage was too low since the start', 'another power supply or cable');
      return ok('never too weak since the start');
    },
  },
  {
    id: 'overlay',
    title: 'sound overlays',
    judge: ({ overlays }) => {
      if (overlays === null) return skipped('there is no config.txt');
      const sound = soundOverlays(overlays);
      return sound.length <= 1
        ? ok(sound[0] ?? 'none; a USB card needs none')
        : warn(
            `${sound.join(', ')}: there is one I2S bus, and the last one wins`,
            'sudo nano /boot/firmware/config.txt',
          );
    },
  },
  {
    id: 'card',
    title: 'card of the overlay',
    judge: ({ overlays, overlayCards }) => {
      const [overlay] = soundOverlays(overlays ?? []);
      if (overlay === undefined || overlayCards === null) return skipped('no overlay asks for one');
      return overlayCards.length > 0
        ? ok(overlayCards.join(', '))
        : fail(
            `${overlay} is in config.txt, and there is no such card: restarted since? wired?`,
            'sudo dmesg | grep -iE "snd|asoc|i2s"',
          );
    },
  },
  {
    id: 'kernel',
    title: 'what the kernel says of sound',
    judge: ({ soundFaults }) => {
      if (soundFaults === null) return skipped('not to everybody: use sudo');
      const last = soundFaults.at(-1);
      return last === undefined
        ? ok('no trouble')
        : warn(
            last,
            'is the overlay the one for this revision of the board? /usr/share/doc/xiaozhi-agent/hardware.md.gz',
          );
    },
  },
  {
    id: 'boot-file',
    title: 'config.txt',
    judge: ({ bootFileIsNewer }) => {
      if (bootFileIsNewer === null) return skipped('there is none');
      return bootFileIsNewer
        ? warn('was changed since the start: it counts from the next one', 'sudo reboot')
        : ok('is what the board started with');
    },
  },
  {
    id: 'reboot',
    title: 'restart of the board',
    judge: ({ rebootPending }) =>
      rebootPending ? warn('is asked for by an update', 'sudo reboot') : ok('not asked for'),
  },
  {
    id: 'codec',
    title: 'Opus codec',
    judge: ({ codecs, codecFaults }) =>
      codecs.length > 0
        ? ok(codecs.join(', '))
        : fail(codecFaults.join('; '), 'install the package again; in a checkout: npm install @evan/opus'),
  },
  {
    id: 'user',
    title: 'user of the service',
    judge: ({ serviceGroups }) =>
      serviceGroups === null
        ? skipped('there is no user xiaozhi: not installed as a service')
        : ok('xiaozhi'),
  },
  groupCheck('audio', fail, 'no sound'),
  groupCheck('gpio', warn, 'no button on a pin'),
  groupCheck('input', warn, 'no key of an input device'),
];

/** @param without what it means that the service is not in it */
function groupCheck(group: string, find: typeof warn, without: string): Check<SystemFacts> {
  return {
    id: `${group}-group`,
    title: `group ${group}`,
    judge: ({ serviceGroups }) => {
      if (serviceGroups === null) return skipped('there is no user xiaozhi');
      return serviceGroups.includes(group)
        ? ok('xiaozhi is in it')
        : find(`the user xiaozhi is not in it: ${without}`, ['usermod', '-aG', group, 'xiaozhi']);
    },
  };
}
