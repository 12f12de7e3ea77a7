// Which sound says what: cues, spoken digits, and the ticking while an answer is waited for. Plays over the mixing desk and
// decides nothing about when a cue is due.
import type { MixingDesk, Sound } from './audio/mixing-desk.ts';
import type { Cue } from './core/events.ts';
import type { Cancel, Clock, Sounds } from './ports.ts';

export type ChimePolicy = {
  /** The factor for every sound but the pip of the volume. */
  readonly gain: number;
  /** Sounds that are not to be heard. */
  readonly off: readonly string[];
  /** Of spoken digits; `beeps`: none. */
  readonly language: 'en' | 'zh' | 'beeps';
};

/** What is asked for as "status" has become the cue that says it by then. */
export type Heard = Exclude<Cue, 'status'>;

/** One sound may say several things; the log and the light tell them apart. */
const SOUND_OF = {
  ready: 'ready',
  listen: 'listen',
  heard: 'heard',
  thinking: 'thinking',
  again: 'again',
  stop: 'stop',
  offline: 'offline',
  lost: 'offline',
  back: 'back',
  error: 'error',
  'no-answer': 'error',
  muted: 'muted',
  unmuted: 'unmuted',
  volume: 'volume',
  code: 'code',
} as const satisfies Readonly<Record<Heard, string>>;

export const SOUND_NAMES: readonly string[] = [...new Set(Object.values(SOUND_OF))];

/** ux.md 3.3: the first tick when silence begins to be strange, and no more of them when it is past helping. */
const TICK_EVERY_MS = 1_500;
const TICKS = 10;

/** ux.md 3.3: somebody who walks to a computer to type it in hears it again, an empty house not all night. */
const CODE_EVERY_MS = 60_000;
const CODES = 11;

/** What sounds again and again, and how often still. */
type Repeated<T> = { readonly what: T; next: Cancel };

export class Chimes {
  readonly #sounds: Sounds;
  readonly #desk: MixingDesk;
  readonly #clock: Clock;
  readonly #policy: () => ChimePolicy;
  #ticking: Repeated<number> | null = null;
  #saying: Repeated<string> | null = null;

  /** Cues are read now, so that none waits for a slow card; digits when they are first wanted. */
  constructor(parts: { sounds: Sounds; desk: MixingDesk; clock: Clock; policy: () => ChimePolicy }) {
    this.#sounds = parts.sounds;
    this.#desk = parts.desk;
    this.#clock = parts.clock;
    this.#policy = parts.policy;
    for (const name of SOUND_NAMES) if (this.#isOn(name)) this.#sounds.pcm(name);
  }

  /** How long it sounds; 0 when it does not. `loudness`: the factor of speech. */
  cue(cue: Heard, now: { readonly code: string | null; readonly loudness: number }): number {
    const name = SOUND_OF[cue];
    if (!this.#isOn(name)) return 0;
    const digits = name === 'code' ? [...(now.code ?? '')].flatMap((digit) => this.#digit(digit)) : [];
    const names = [name, ...digits];
    const gain = name === 'volume' ? now.loudness : this.#policy().gain;
    const sounds = names.flatMap((one) => this.#sound(one, gain));
    this.#desk.play(sounds);
    const bytes = sounds.reduce((sum, { pcm }) => sum + pcm.length, 0);
    return (bytes / 2 / this.#desk.rateHz) * 1_000;
  }

  /** Makes it so: ticks while the answer of this turn is waited for, and says this code. */
  follow({ awaited, code }: { readonly awaited: number | null; readonly code: string | null }): void {
    if ((this.#ticking?.what ?? null) !== awaited) {
      this.#ticking?.next();
      const ticking = awaited === null ? null : { what: awaited, next: nothing };
      this.#ticking = ticking;
      if (ticking !== null) this.#repeat(ticking, TICK_EVERY_MS, TICKS, () => this.#tick());
    }
    if ((this.#saying?.what ?? null) === code) return;
    this.#saying?.next();
    const saying = code === null ? null : { what: code, next: nothing };
    this.#saying = saying;
    if (saying === null) return;
    const say = () => void this.cue('code', { code, loudness: 0 });
    say();
    this.#repeat(saying, CODE_EVERY_MS, CODES - 1, say);
  }

  #tick(): void {
    this.cue('thinking', { code: null, loudness: 0 });
  }

  #repeat(repeated: Repeated<unknown>, everyMs: number, left: number, sound: () => void): void {
    repeated.next = this.#clock.after(everyMs, () => {
      sound();
      if (left > 1) this.#repeat(repeated, everyMs, left - 1, sound);
    });
  }

  #digit(digit: string): readonly string[] {
    if (!/^\d$/.test(digit)) return [];
    const { language } = this.#policy();
    const spoken = `digit-${language}-${digit}`;
    if (language !== 'beeps' && this.#sounds.pcm(spoken) !== undefined) return [spoken];
    // A pause after each, or nobody could count them.
    const count = Number(digit);
    return [...(count === 0 ? ['beep-long'] : Array.from({ length: count }, () => 'beep')), 'pause'];
  }

  #sound(name: string, gain: number): readonly Sound[] {
    const pcm = name === 'pause' ? this.#pause() : this.#sounds.pcm(name);
    // What nobody can hear need not open the device.
    return pcm === undefined || gain === 0 ? [] : [{ pcm, gain }];
  }

  /** Half a second of nothing. */
  #pause(): Uint8Array {
    return new Uint8Array(this.#desk.rateHz & ~1);
  }

  #isOn(name: string): boolean {
    return !this.#policy().off.includes(name);
  }
}

function nothing(): void {}
