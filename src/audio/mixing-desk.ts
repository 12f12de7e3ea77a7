// Speech and short sounds on one speaker, which has one owner: a sound is laid over speech and never cuts it, speech is
// silenced without the sound, and the device is open while there is either. Knows no turn and no meaning of a sound.
import type { Pcm } from '../ports.ts';
import { amplified, mixed } from './gain.ts';
import {
  AHEAD_MS,
  type PacedEvents,
  type PacedOutput,
  type PacedSpeaker,
  SLICE_MS,
} from './paced-speaker.ts';

/** A sound, and the factor it is played with. */
export type Sound = { readonly pcm: Pcm; readonly gain: number };

/** After the last sound the device stays open for so long: the next one, or the answer, then starts without opening it. */
const LINGER_MS = 500;
/** Silence is written only as far ahead as a late loop needs: what comes next must not wait behind it. */
const SILENCE_AHEAD_MS = 20;
/** Of a sound no more than a late loop needs too: an answer that begins under it would otherwise begin after it. */
const SOUND_AHEAD_MS = 40;

/** Short enough to be at once, long enough not to crackle. */
const FADE_MS = 10;
const NONE: Sound = { pcm: new Uint8Array(0), gain: 1 };

type Speech =
  | { readonly name: 'silent' }
  | { readonly name: 'feeding'; readonly on: PacedEvents }
  /** All of it is written. */
  | { readonly name: 'finishing'; readonly on: PacedEvents };

type Device =
  | { readonly name: 'closed' }
  /** `hasSpeech`: some has been written since it was opened. `lingeredMs`: since the last sound; null before the first. */
  | { readonly name: 'open'; readonly hasSpeech: boolean; readonly lingeredMs: number | null }
  | { readonly name: 'closing' };

type Playing = Sound & { at: number };

export class MixingDesk {
  /** What the way of speech ends in. */
  readonly speech: PacedOutput;
  readonly #speaker: PacedSpeaker;
  /** The first is playing. */
  #sounds: Playing[] = [];
  readonly #soundsFailed: () => void;
  #speech: Speech = { name: 'silent' };
  #device: Device = { name: 'closed' };
  #wantedGain = 1;
  #usedGain = 1;

  /** @param failed a sound could not be heard: whoever waits for it is to be told in another way */
  constructor(speaker: PacedSpeaker, failed: () => void = () => undefined) {
    this.#speaker = speaker;
    this.#soundsFailed = failed;
    this.speech = {
      rateHz: speaker.rateHz,
      status: () => speaker.status(),
      start: (on) => this.#begin(on),
      wake: () => this.#wake(),
      finish: () => this.#finish(),
      stop: () => this.#silence(),
    };
  }

  get rateHz(): number {
    return this.#speaker.rateHz;
  }

  /** The factor for speech, from the next slice on. */
  set speechGain(gain: number) {
    this.#wantedGain = gain;
    if (this.#speech.name === 'silent') this.#usedGain = gain;
  }

  /** One after the other, and now: victims are those that are playing or have not begun, which say what was before. */
  play(sounds: readonly Sound[]): void {
    const [first, ...more] = sounds;
    if (first === undefined) return;
    const [before] = this.#sounds;
    const next = before === undefined || before.at === 0 ? first : faded(before, first, this.#fadeBytes());
    // What was asked for in the same moment has not begun, and is heard first.
    const kept = before?.at === 0 ? [before] : [];
    this.#sounds = [...kept, ...[next, ...more].map((sound) => ({ ...sound, at: 0 }))];
    if (this.#device.name === 'open') this.#wake();
    // After speech: its last words come first. After sounds, nothing but silence is left to be played out.
    else if (this.#speech.name !== 'finishing') this.#open();
  }

  #open(): void {
    this.#device = { name: 'open', hasSpeech: false, lingeredMs: null };
    this.#speaker.start({
      pull: (aheadMs) => this.#pull(aheadMs),
      finished: () => this.#finished(),
      failed: (reason) => this.#failed(reason),
    });
  }

  #begin(on: PacedEvents): void {
    if (this.#speech.name !== 'silent') this.#silence();
    this.#speech = { name: 'feeding', on };
    this.#usedGain = this.#wantedGain;
    if (this.#device.name === 'open') this.#wake();
    else this.#open();
  }

  /** Of the sounds; speech goes on. */
  cut(): void {
    const [playing] = this.#sounds;
    const rest = playing === undefined || playing.at === 0 ? null : faded(playing, NONE, this.#fadeBytes());
    this.#sounds = rest === null ? [] : [{ ...rest, at: 0 }];
  }

  #fadeBytes(): number {
    return ((this.#speaker.rateHz * FADE_MS) / 1_000) * 2;
  }

  #wake(): void {
    if (this.#device.name === 'open') this.#speaker.wake();
  }

  #finish(): void {
    if (this.#speech.name !== 'feeding') return;
    this.#speech = { name: 'finishing', on: this.#speech.on };
    if (this.#sounds.length === 0) this.#close();
  }

  /** Silence, of everything: the box leaves. */
  stop(): void {
    this.#speech = { name: 'silent' };
    this.#sounds = [];
    this.#device = { name: 'closed' };
    this.#speaker.stop();
  }

  #close(): void {
    this.#device = { name: 'closing' };
    this.#speaker.finish();
  }

  /** What the device still holds cannot be told apart: the sound's part of it is played again. */
  #silence(): void {
    if (this.#speech.name === 'silent') return;
    this.#speech = { name: 'silent' };
    const device = this.#device;
    if (
      device.name === 'open' &&
      !device.hasSpeech &&
      (this.#sounds.length > 0 || device.lingeredMs !== null)
    )
      return;
    this.#speaker.stop();
    this.#device = { name: 'closed' };
    const [first] = this.#sounds;
    if (first === undefined) return;
    first.at = Math.max(0, first.at - this.#sliceBytes() * (AHEAD_MS / SLICE_MS));
    this.#open();
  }

  #pull(aheadMs: number): Pcm | undefined {
    const speech = this.#speech.name === 'feeding' ? this.#speech.on.pull(aheadMs) : undefined;
    // It may have ended itself meanwhile, and the device with it.
    const device = this.#device;
    if (device.name !== 'open') return undefined;
    if (speech === undefined && this.#sounds.length > 0 && aheadMs >= SOUND_AHEAD_MS) return undefined;
    const sound = this.#nextOf(speech?.length ?? this.#sliceBytes());
    if (speech === undefined && sound === undefined) return this.#pause(device, aheadMs);
    this.#device = {
      name: 'open',
      hasSpeech: device.hasSpeech || speech !== undefined,
      lingeredMs: sound === undefined ? device.lingeredMs : 0,
    };
    if (speech === undefined) return sound;
    const voice = amplified(speech, this.#usedGain, this.#wantedGain);
    this.#usedGain = this.#wantedGain;
    return sound === undefined ? voice : mixed(voice, sound);
  }

  #nextOf(bytes: number): Pcm | undefined {
    const [sound] = this.#sounds;
    if (sound === undefined) return undefined;
    const part = sound.pcm.subarray(sound.at, sound.at + bytes);
    sound.at += part.length;
    if (sound.at >= sound.pcm.length) this.#sounds.shift();
    return amplified(part, sound.gain);
  }

  /** Nothing to play for now. */
  #pause(device: Device & { name: 'open' }, aheadMs: number): Pcm | undefined {
    if (this.#speech.name === 'finishing') {
      this.#close();
      return undefined;
    }
    const { lingeredMs } = device;
    // Speech gathers its reserve, and nothing has been heard yet.
    if (lingeredMs === null || aheadMs >= SILENCE_AHEAD_MS) return undefined;
    if (this.#speech.name === 'silent' && lingeredMs >= LINGER_MS) {
      this.#close();
      return undefined;
    }
    this.#device = { ...device, lingeredMs: lingeredMs + SLICE_MS };
    return new Uint8Array(this.#sliceBytes());
  }

  #sliceBytes(): number {
    return ((this.#speaker.rateHz * SLICE_MS) / 1_000) * 2;
  }

  #finished(): void {
    const speech = this.#speech;
    this.#speech = { name: 'silent' };
    this.#device = { name: 'closed' };
    if (this.#sounds.length > 0) this.#open();
    if (speech.name !== 'silent') speech.on.finished();
  }

  /** A sound that is seconds late says nothing any more. */
  #failed(reason: string): void {
    const speech = this.#speech;
    this.#speech = { name: 'silent' };
    const device = this.#device;
    const hadSounds = this.#sounds.length > 0 || (device.name === 'open' && device.lingeredMs !== null);
    this.#device = { name: 'closed' };
    this.#sounds = [];
    if (speech.name !== 'silent') speech.on.failed(reason);
    else if (hadSounds) this.#soundsFailed();
  }
}

/** A sound with the end of the one that it cuts off laid under its beginning. */
function faded(before: Playing, next: Sound, bytes: number): Sound {
  const end = amplified(before.pcm.subarray(before.at, before.at + bytes), before.gain, 0);
  return { pcm: mixed(amplified(next.pcm, next.gain), end), gain: 1 };
}
