// The card's own volume through the amixer program: which control there is, where it stands, and turning it, one child at a
// time. Knows nothing of why.
import { execFile } from 'node:child_process';
import type { Mixer, MixerEvents } from '../../ports.ts';

/** It answers in 10 ms; a card whose driver hangs must not hold up the start. */
const DEADLINE_MS = 2_000;
/** What drivers call the way to the loudspeaker, the most general first. */
const USUAL = [
  'Master',
  'Speaker',
  'Headphone',
  'Headphones',
  'PCM',
  'Digital',
  'DAC',
  'Lineout',
  'Playback',
];
const MAX_REASON_CHARS = 200;
/** A sound server amplifies up to 150 %; our scale ends where the card's own does. */
const FULL = 100;

export type AmixerOptions = {
  /** As aplay knows it. */
  readonly device: string;
  /** The control's name; the first of the usual ones without it. */
  readonly control?: string;
  /** The child's whole environment; without it the child inherits this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

type Control = { readonly name: string; readonly volume: number; readonly hasSwitch: boolean };

export async function findMixer(options: AmixerOptions): Promise<Mixer | { readonly absent: string }> {
  const card = cardOf(options.device);
  if (card === undefined) return { absent: `${options.device} names no card, so it has no mixer` };
  const listed = await amixer([...card, 'scontents'], options);
  if ('failed' in listed) return { absent: listed.failed };
  const controls = controlsIn(listed.said);
  const wanted = options.control === undefined ? USUAL : [options.control];
  const name = wanted.find((one) => controls.some((control) => control.name === one));
  const control = controls.find((one) => one.name === name);
  if (control === undefined) return { absent: absence(options.control, controls) };
  return mixer(control, card, options);
}

function mixer({ name, volume, hasSwitch }: Control, card: readonly string[], options: AmixerOptions): Mixer {
  let on: MixerEvents | undefined;
  /** Of several asked for meanwhile, the newest. */
  let wanted: number | undefined;
  let phase: 'at rest' | 'turning' = 'at rest';

  async function turnAll(): Promise<void> {
    while (wanted !== undefined) {
      const volumeNow = wanted;
      wanted = undefined;
      const unmuted = hasSwitch ? ['unmute'] : [];
      const turned = await amixer(
        [...card, '-q', 'sset', `'${name}',0`, `${volumeNow}%`, ...unmuted],
        options,
      );
      if ('failed' in turned) on?.failed(turned.failed);
    }
    phase = 'at rest';
  }

  return {
    control: name,
    found: volume,
    start(events) {
      on = events;
    },
    turn(to) {
      wanted = to;
      if (phase === 'turning') return;
      phase = 'turning';
      void turnAll();
    },
    stop() {
      on = undefined;
      wanted = undefined;
    },
  };
}

/** How amixer is told which card; -M: percentages as an ear has them, not as the chip. */
function cardOf(device: string): readonly string[] | undefined {
  if (device === 'default' || device === 'pulse') return ['-M', '-D', device];
  const [, id] =
    /^(?:plug)?(?:hw|dmix|sysdefault|default|front|iec958|hdmi):(?:CARD=)?([\w-]+)/.exec(device) ?? [];
  return id === undefined ? undefined : ['-M', '-c', id];
}

/** Playback volumes only. Of several sides, the first: they are set together. */
function controlsIn(text: string): readonly Control[] {
  return text.split(/^(?=Simple mixer control )/m).flatMap((block) => {
    const [, name] = /^Simple mixer control '(.*)',0$/m.exec(block) ?? [];
    const capabilities = /^ +Capabilities:(.*)$/m.exec(block)?.[1]?.trim().split(/ +/) ?? [];
    const can = (what: string) => capabilities.some((one) => one === what || one.startsWith(`${what}-`));
    // `volume` is the control's both ways at once.
    if (name === undefined || !(can('pvolume') || can('volume'))) return [];
    const [, percent] = /Playback -?\d+ \[(\d+)%\]/.exec(block) ?? /: -?\d+ \[(\d+)%\]/.exec(block) ?? [];
    if (percent === undefined) return [];
    return [{ name, volume: Math.min(FULL, Number(percent)), hasSwitch: can('pswitch') || can('switch') }];
  });
}

function absence(wanted: string | undefined, controls: readonly Control[]): string {
  const names = controls.map(({ name }) => name).join(', ') || 'none';
  return wanted === undefined
    ? `the card has no control for its volume (found: ${names})`
    : `the card has no control "${wanted}" for its volume (found: ${names})`;
}

function amixer(
  args: readonly string[],
  { environment }: AmixerOptions,
): Promise<{ readonly said: string } | { readonly failed: string }> {
  return new Promise((resolve) => {
    const options = {
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL' as const,
      ...(environment === undefined ? {} : { env: environment }),
    };
    execFile('amixer', args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ said: stdout });
      if (error.code === 'ENOENT')
        return resolve({ failed: 'amixer is not installed: apt-get install alsa-utils' });
      const how =
        error.signal === undefined || error.signal === null ? `exit code ${error.code}` : error.signal;
      const words =
        stderr
          .trim()
          .split('\n')
          .at(-1)
          ?.replace(/\p{Cc}/gu, ' ') ?? '';
      resolve({ failed: `${words === '' ? 'amixer failed' : words} (${how})`.slice(0, MAX_REASON_CHARS) });
    });
  });
}
