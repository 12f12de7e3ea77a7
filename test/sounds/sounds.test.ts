// The sounds of the package as files: they are what the script makes, as short and as loud as they should be, and whatever
// somebody puts in their place is read or left silent.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import wavefile from 'wavefile';
import { soundFiles } from '../../src/adapters/linux/sound-files.ts';
import { SCORES } from '../../src/sounds/scores.ts';
import { keptLog } from '../helpers/card.ts';
import { ROOT } from '../helpers/readme.ts';
import { measure, rms, samples, tone } from '../helpers/tone.ts';

const RATE_HZ = 24_000;
const OWN = join(ROOT, 'src', 'sounds');
const folder = mkdtempSync(join(tmpdir(), 'xz-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const own = (rateHz = RATE_HZ) => soundFiles({ rateHz, log: keptLog() });
const durationMs = (pcm: Uint8Array, rateHz = RATE_HZ) => (pcm.length / 2 / rateHz) * 1_000;
const peakOf = (pcm: Uint8Array) => samples(pcm).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const dB = (value: number) => 20 * Math.log10(value / 32_768);

function pcm(name: string, rateHz = RATE_HZ): Uint8Array {
  const found = own(rateHz).pcm(name);
  assert.ok(found !== undefined, name);
  return found;
}

/** ux.md 3.3. */
const LONGEST_MS: Readonly<Record<string, number>> = {
  ready: 400,
  listen: 120,
  heard: 100,
  thinking: 60,
  again: 100,
  stop: 80,
  offline: 300,
  back: 300,
  error: 300,
  muted: 150,
  unmuted: 150,
  volume: 60,
  code: 400,
};
const DIGITS = ['en', 'zh'].flatMap((language) =>
  Array.from({ length: 10 }, (_, digit) => `digit-${language}-${digit}`),
);

describe('the sounds of the package', () => {
  it('are all there and nothing else', () => {
    const files = readdirSync(OWN).filter((file) => file.endsWith('.wav'));
    const wanted = [...Object.keys(SCORES), ...DIGITS].map((name) => `${name}.wav`);
    assert.deepEqual(files.sort(), wanted.sort());
  });

  it('are what the script makes', () => {
    const script = join(import.meta.dirname, '../../src/sounds/make.js');
    execFileSync(process.execPath, [script, folder]);
    for (const name of Object.keys(SCORES))
      assert.ok(
        readFileSync(join(folder, `${name}.wav`)).equals(readFileSync(join(OWN, `${name}.wav`))),
        `${name}.wav: npm run sounds`,
      );
    // Another version of espeak-ng speaks a little otherwise, and is still the same voice saying the same word.
    const made = soundFiles({ folder, rateHz: RATE_HZ, log: keptLog() });
    for (const name of DIGITS) {
      const ratio = durationMs(made.pcm(name) ?? new Uint8Array(0)) / durationMs(pcm(name));
      assert.ok(ratio > 0.8 && ratio < 1.25, `${name} is ${ratio} times as long`);
    }
  });

  for (const [name, longestMs] of Object.entries(LONGEST_MS))
    it(`${name}: at most ${longestMs} ms, no click at either end, no clipping`, () => {
      const sound = pcm(name);
      const values = samples(sound);
      assert.ok(durationMs(sound) <= longestMs, `${durationMs(sound)} ms`);
      assert.ok(dB(peakOf(sound)) < -6, `${dB(peakOf(sound))} dB`);
      assert.ok(peakOf(sound) > 300, 'it is to be heard');
      assert.ok(Math.abs(values[0] ?? 0) <= 50 && Math.abs(values.at(-1) ?? 0) <= 50);
    });

  it('have the listening cues far below the others, for they sound into an open microphone', () => {
    for (const name of ['listen', 'again']) assert.ok(dB(peakOf(pcm(name))) <= -20, name);
    assert.ok(rms(pcm('again')) < rms(pcm('listen')), 'softer when nobody pressed');
    assert.ok(rms(pcm('thinking')) < rms(pcm('heard')));
  });

  it('speak each digit in two languages, none of them like another', () => {
    for (const name of DIGITS) {
      const sound = pcm(name);
      assert.ok(durationMs(sound) > 300 && durationMs(sound) < 900, `${name}: ${durationMs(sound)} ms`);
      assert.ok(dB(peakOf(sound)) < -6, `${name} does not clip`);
      assert.ok(rms(sound) > 800, `${name} is to be heard`);
    }
    assert.equal(new Set(DIGITS.map((name) => Buffer.from(pcm(name)).toString('base64'))).size, 20);
  });

  for (const rateHz of [8_000, 16_000, 48_000])
    it(`sound the same at ${rateHz} Hz`, () => {
      const [here, there] = [pcm('beep-long'), pcm('beep-long', rateHz)];
      assert.ok(Math.abs(durationMs(here) - durationMs(there, rateHz)) < 2);
      assert.ok(Math.abs(measure(there, rateHz).hz - measure(here, RATE_HZ).hz) < 4);
      assert.ok(Math.abs(dB(rms(here)) - dB(rms(there))) < 1);
    });
});

describe('sounds of a folder of the owner', () => {
  const log = keptLog();
  const theirs = soundFiles({ folder, rateHz: RATE_HZ, log });
  const write = (name: string, wav: wavefile.WaveFile) =>
    writeFileSync(join(folder, `${name}.wav`), wav.toBuffer());
  const beep = samples(tone(600, 200, 44_100));

  /** A tenth of a second whose header says that it has so many bytes. */
  function claiming(name: string, dataBytes: number): void {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(1, RATE_HZ, '16', samples(tone(600, 100, RATE_HZ)));
    const bytes = wav.toBuffer();
    new DataView(bytes.buffer).setUint32(40, dataBytes, true);
    writeFileSync(join(folder, `${name}.wav`), bytes);
  }

  it('may have another rate, two channels and more bits', () => {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(2, 44_100, '16', [beep, beep]);
    wav.toBitDepth('24');
    write('theirs', wav);
    const heard = measure(theirs.pcm('theirs') ?? new Uint8Array(0), RATE_HZ);
    assert.ok(
      Math.abs(heard.hz - 600) < 3 && heard.loudMs >= 180 && heard.loudMs <= 200,
      JSON.stringify(heard),
    );
  });

  it('end with their data, whatever their headers claim', () => {
    claiming('boastful', 0x7fff_ff00);
    const found = theirs.pcm('boastful');
    assert.ok(
      found === undefined || durationMs(found) <= 101,
      `${durationMs(found ?? new Uint8Array(0))} ms`,
    );
  });

  /** What the log says of the first one that cannot be played. */
  function refusal(name: string): string {
    const told = keptLog();
    assert.equal(soundFiles({ folder, rateHz: RATE_HZ, log: told }).pcm(name), undefined);
    assert.equal(told.lines.length, 1);
    return JSON.stringify(told.lines[0]?.fields);
  }
  function made(name: string, rateHz: number, frames: number, channels = 1): void {
    const wav = new wavefile.WaveFile();
    const frame = new Int16Array(frames).fill(1_000);
    wav.fromScratch(channels, rateHz, '16', channels === 1 ? frame : Array(channels).fill(frame));
    write(name, wav);
  }

  it('must be ordinary files: a pipe or a device is not even opened', () => {
    execFileSync('mkfifo', [join(folder, 'pipe.wav')]);
    symlinkSync('/dev/null', join(folder, 'device.wav'));
    // The pipe last: whoever opens it waits for ever.
    for (const name of ['device', 'pipe']) assert.match(refusal(name), /no ordinary file/, name);
  });

  it('have a rate, channels and a length that a sound can have, whatever it costs to find out', () => {
    made('slow', 1, 500);
    assert.match(refusal('slow'), /1 Hz is no rate between 8000 and 192000/);
    made('fast', 400_000, 500);
    assert.match(refusal('fast'), /400000 Hz is no rate/);
    made('surround', RATE_HZ, 500, 6);
    assert.match(refusal('surround'), /6 channels are not 1 to 2/);
    for (const rateHz of [8_000, RATE_HZ]) {
      made('music', rateHz, rateHz * 10.6);
      assert.match(refusal('music'), /11 seconds are too long/);
      made(`long-${rateHz}`, rateHz, rateHz * 10);
      const found = theirs.pcm(`long-${rateHz}`);
      assert.ok(found !== undefined && Math.abs(durationMs(found) - 10_000) < 5, `${rateHz} Hz`);
    }
  });

  it('are no larger than ten seconds at the usual best, however short', () => {
    made('big', 192_000, 192_000 * 3, 2);
    assert.match(refusal('big'), /2304044 bytes are too long/);
  });

  it('are told of when they hold no sound, also in the plainest of files', () => {
    claiming('unfinished', 0);
    assert.match(refusal('unfinished'), /there is no sound in it/);
  });

  it('are silent when missing, broken or empty: one warning, and a list for status', () => {
    writeFileSync(join(folder, 'broken.wav'), 'this is not a sound');
    const empty = new wavefile.WaveFile();
    empty.fromScratch(1, RATE_HZ, '16', new Int16Array(0));
    write('empty', empty);
    const before = theirs.missing.length;
    for (const name of ['nowhere', 'broken', 'empty', 'nowhere']) assert.equal(theirs.pcm(name), undefined);
    assert.deepEqual(theirs.missing.slice(before), ['nowhere', 'broken', 'empty']);
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1, 'one warning');
  });
});
