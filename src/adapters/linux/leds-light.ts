// The light on LEDs that the kernel knows (/sys/class/leds): rhythms by its own triggers where it has them, so that they cost
// nothing and go on whatever this process does; by a clock where it has not. One LED, three of one colour each, or one
// that mixes them. Knows no state of the box.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cancel, Clock, Light, LightEvents, Log, Look, Rhythm } from '../../ports.ts';
import { playRhythm } from './rhythm.ts';

const ROOT = '/sys/class/leds';
/** Those that we set ourselves, so one that is found was left by a run of ours that was killed. */
const OURS: readonly string[] = ['timer', 'pattern'];

export type LedsOptions = {
  /** One, or the red, the green and the blue one. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly root?: string;
};

type Led = {
  readonly name: string;
  readonly highest: number;
  readonly triggers: readonly string[];
  /** What it did before; it does so again in the end. */
  readonly before: string;
  /** Which of red, green and blue it shows; undefined: any light there is. */
  readonly part: 0 | 1 | 2 | undefined;
  /** In the order of its own colours. */
  readonly mixes: readonly string[] | undefined;
};

export function ledsLight({ names, clock, log, root = ROOT }: LedsOptions): Light {
  let on: LightEvents | undefined;
  let leds: readonly Led[] | undefined;
  let playing: Cancel | undefined;
  /** Names of LEDs whose triggers have been tried, and cannot be set by us. */
  const untriggered = new Set<string>();

  const read = (name: string, file: string) => readFileSync(join(root, name, file), 'utf8').trim();
  const write = (led: Led, file: string, text: string) => writeFileSync(join(root, led.name, file), text);

  function attempt(what: () => void): void {
    try {
      what();
      on?.works();
    } catch (error) {
      on?.failed(reasonOf(error, root));
    }
  }

  function found(name: string, at: number): Led {
    const triggers = read(name, 'trigger').split(/\s+/);
    const chosen = triggers.find((one) => one.startsWith('['))?.slice(1, -1) ?? 'none';
    return {
      name,
      highest: Number(read(name, 'max_brightness')) || 1,
      triggers: triggers.map((one) => one.replace(/[[\]]/g, '')),
      before: OURS.includes(chosen) ? 'none' : chosen,
      part: names.length === 3 ? (at as 0 | 1 | 2) : undefined,
      mixes: colours(name),
    };
  }

  function colours(name: string): readonly string[] | undefined {
    try {
      return read(name, 'multi_index').split(/\s+/);
    } catch {
      return undefined;
    }
  }

  function show({ rhythm, colour, brightness }: Look, all: readonly Led[]): void {
    playing?.();
    playing = undefined;
    const byClock: ((level: number) => void)[] = [];
    for (const led of all) {
      if (led.mixes !== undefined) write(led, 'multi_intensity', intensities(led.mixes, colour));
      const share = brightness * (led.part === undefined ? 1 : colour[led.part] / 255);
      // However dim, what is lit is lit.
      const glow = (level: number) => Math.ceil(level * share * led.highest);
      write(led, 'trigger', 'none');
      if (!byKernel(led, rhythm, glow))
        byClock.push((level) => write(led, 'brightness', String(glow(level))));
    }
    if (byClock.length === 0) return;
    // One clock for all of them, or colours would drift apart.
    playing = playRhythm(rhythm, clock, (level) => {
      try {
        for (const set of byClock) set(level);
        return true;
      } catch (error) {
        on?.failed(reasonOf(error, root));
        return false;
      }
    });
  }

  function byKernel(led: Led, rhythm: Rhythm, glow: (level: number) => number): boolean {
    const [first, second] = rhythm;
    if (first === undefined || second === undefined) {
      write(led, 'brightness', String(glow(first?.level ?? 0)));
      return true;
    }
    if (untriggered.has(led.name)) return false;
    try {
      return byTrigger(led, rhythm, glow);
    } catch (error) {
      // The kernel makes a trigger's own files when the trigger is chosen, for root alone: no udev rule comes before us.
      write(led, 'trigger', 'none');
      untriggered.add(led.name);
      const { message } = error as Error;
      log.info(
        { led: led.name, reason: message },
        'the LED cannot be set to blink by itself: a clock does it',
      );
      return false;
    }
  }

  function byTrigger(led: Led, rhythm: Rhythm, glow: (level: number) => number): boolean {
    const [first, second, third] = rhythm;
    if (first === undefined || second === undefined) return false;
    const blinks = third === undefined && second.level === 0 && !first.fade && !second.fade;
    if (blinks && led.triggers.includes('timer') && glow(first.level) > 0) {
      // It blinks as brightly as the LED is when the trigger comes.
      write(led, 'brightness', String(glow(first.level)));
      write(led, 'trigger', 'timer');
      write(led, 'delay_on', String(first.ms));
      write(led, 'delay_off', String(second.ms));
      return true;
    }
    if (!led.triggers.includes('pattern')) return false;
    write(led, 'trigger', 'pattern');
    write(led, 'pattern', patternOf(rhythm, glow));
    return true;
  }

  function restore(led: Led): void {
    write(led, 'trigger', 'none');
    write(led, 'brightness', '0');
    if (led.before !== 'none') write(led, 'trigger', led.before);
  }

  return {
    means: `leds ${names.join(', ')}`,
    start(events) {
      on ??= events;
    },
    show(look) {
      if (on === undefined) return;
      attempt(() => {
        leds ??= names.map(found);
        show(look, leds);
      });
    },
    stop() {
      playing?.();
      playing = undefined;
      const lit = leds ?? [];
      leds = undefined;
      on = undefined;
      attempt(() => lit.forEach(restore));
    },
  };
}

/** Brightness and the time until the next one is reached; a jump takes 0 ms (ledtrig-pattern of the kernel). */
function patternOf(rhythm: Rhythm, glow: (level: number) => number): string {
  return rhythm
    .flatMap((beat) => {
      const value = glow(beat.level);
      return beat.fade ? [value, beat.ms] : [value, beat.ms, value, 0];
    })
    .join(' ');
}

function intensities(mixes: readonly string[], [red, green, blue]: Look['colour']): string {
  const parts: Readonly<Record<string, number>> = { red, green, blue, white: Math.min(red, green, blue) };
  return mixes.map((name) => parts[name] ?? 0).join(' ');
}

function reasonOf(error: unknown, root: string): string {
  const { code, message, path = '' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `${path} does not exist; there are: ${namesIn(root)}`;
  if (code === 'EACCES' || code === 'EPERM')
    return `no permission to write ${path}: a udev rule must give it to the group of the service`;
  return message;
}

function namesIn(root: string): string {
  try {
    return readdirSync(root).join(', ') || 'no LEDs';
  } catch {
    return 'no LEDs';
  }
}
