// What the loudspeaker of a real daemon gives, recorded from the virtual card: cues as long and as loud as they should be,
// answers whole beside them, the volume, a tone; and what the microphone is lent for.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listen, startTestCard, type TestCard, until } from '../helpers/card.ts';
import { childrenOf } from '../helpers/children.ts';
import { command, type Daemon, type Folders, folders } from '../helpers/daemon.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { Room } from '../helpers/room.ts';
import { measure, rms, samples, tone } from '../helpers/tone.ts';

const RATE_HZ = 24_000;
/** A null sink is silent to the last bit; a resampler rings a little around each sound. */
const SILENT = 40;
const WINDOW_MS = 5;
/** What lies between two sounds; notes of one cue follow each other, its two buzzes with 70 ms between. */
const PAUSE_MS = 100;

type Heard = { readonly fromMs: number; readonly durationMs: number; readonly peakDb: number };

/** The sounds of a recording, one after the other. */
function soundsIn(pcm: Uint8Array): readonly Heard[] {
  const windowBytes = (RATE_HZ / 1_000) * WINDOW_MS * 2;
  const found: { from: number; to: number; peak: number }[] = [];
  for (let at = 0; (at + 1) * windowBytes <= pcm.length; at += 1) {
    const peak = samples(pcm.subarray(at * windowBytes, (at + 1) * windowBytes)).reduce(
      (most, value) => Math.max(most, Math.abs(value)),
      0,
    );
    if (peak <= SILENT) continue;
    const last = found.at(-1);
    if (last !== undefined && (at - last.to) * WINDOW_MS <= PAUSE_MS) {
      last.to = at;
      last.peak = Math.max(last.peak, peak);
    } else found.push({ from: at, to: at, peak });
  }
  return found.map(({ from, to, peak }) => ({
    fromMs: from * WINDOW_MS,
    durationMs: (to + 1 - from) * WINDOW_MS,
    peakDb: 20 * Math.log10(peak / 32_768),
  }));
}

describe('the sounds of a daemon', () => {
  let room: Room;
  let daemon: Daemon;
  const session = () => room.session;
  const start = (settings: Readonly<Record<string, string>> = {}) =>
    room.start({ 'sounds.volume': '100', ...settings });
  const status = async () => JSON.parse((await daemon.ask('status', '--json')).stdout);

  /** What is heard of it, once the box is silent again. */
  async function heardOf(act: () => Promise<unknown>, count = 1): Promise<readonly Heard[]> {
    const from = room.ear.heard().length;
    await act();
    const heard = () => room.ear.heard().subarray(from);
    await until(() => {
      const found = soundsIn(heard());
      const last = found.at(-1);
      const end = (heard().length / 2 / RATE_HZ) * 1_000;
      return found.length >= count && last !== undefined && end - last.fromMs - last.durationMs > 300;
    }, `${count} sounds and silence after them`);
    return soundsIn(heard());
  }

  before(async () => {
    room = await Room.open(RATE_HZ);
  });
  after(() => room.close());

  it('begin with the one that says that it is ready, once', async () => {
    const [ready, ...more] = await heardOf(async () => {
      daemon = start();
      await daemon.logged(/cue cue=ready/);
    });
    assert.ok(ready !== undefined && Math.abs(ready.durationMs - 390) <= 30, JSON.stringify(ready));
    assert.ok(Math.abs(ready.peakDb + 10) < 1.5, `${ready.peakDb} dB: neither clipped nor soft`);
    assert.deepEqual(more, []);
    await until(() => childrenOf(daemon.pid, 'aplay').length === 0, 'the device is closed');
  });
  it('answer a press within 120 ms of sound, softly, and the end of it', async () => {
    const [cue] = await heardOf(() => daemon.ask('press'));
    assert.ok(cue !== undefined && cue.durationMs <= 130, JSON.stringify(cue));
    assert.ok(cue.peakDb < -20, `${cue.peakDb} dB`);
    const [stop] = await heardOf(() => daemon.ask('stop'));
    session().say({ type: 'tts', state: 'stop' });
    await daemon.logged(/turn idle .*stopped/);
    assert.ok(stop !== undefined && stop.durationMs <= 95, JSON.stringify(stop));
  });

  it('are laid over an answer, of which nothing is lost', async () => {
    const from = room.ear.heard().length;
    session().say({ type: 'tts', state: 'start' });
    const sending = session().packets(tonePackets(2_000, 60));
    await until(() => measure(room.ear.heard().subarray(from), RATE_HZ).loudMs > 600, 'the answer');
    await daemon.ask('volume', '100');
    await sending;
    session().say({ type: 'tts', state: 'stop' });
    await daemon.logged(/turn idle .*answered/);
    const heard = () => measure(room.ear.heard().subarray(from), RATE_HZ);
    await until(() => heard().silentTailMs > 200, 'the end of the answer');
    assert.ok(Math.abs(heard().loudMs - 2_000) <= 60, `${heard().loudMs} ms`);
    assert.equal(heard().holes, 0);
    assert.ok(
      samples(room.ear.heard().subarray(from)).every((value) => Math.abs(value) < 32_767),
      'nothing is clipped',
    );
  });

  it('leave the volume to speech: half way up is 18 dB softer, 0 is silence', async () => {
    async function levelAt(volume: number): Promise<number> {
      if (volume === 0) await daemon.ask('volume', '0');
      else await heardOf(() => daemon.ask('volume', String(volume)));
      const idle = daemon.count(/turn idle .*answered/);
      const from = room.ear.heard().length;
      session().say({ type: 'tts', state: 'start' });
      await session().packets(tonePackets(600, 60));
      session().say({ type: 'tts', state: 'stop' });
      await until(() => daemon.count(/turn idle .*answered/) > idle, 'the end of the answer');
      const answer = soundsIn(room.ear.heard().subarray(from)).at(-1);
      return answer === undefined ? Number.NEGATIVE_INFINITY : answer.peakDb;
    }
    const loud = await levelAt(100);
    const half = await levelAt(50);
    assert.ok(Math.abs(loud - half - 18) < 1.5, `${loud} and ${half} dB`);
    assert.equal(await levelAt(0), Number.NEGATIVE_INFINITY);
  });

  it('are heard of a tone that is asked for, at its pitch', async () => {
    const from = room.ear.heard().length;
    await heardOf(() => daemon.ask('volume', '80'));
    await heardOf(() => daemon.ask('audio', 'tone', '--hz', '1000', '--ms', '500'));
    const heard = measure(room.ear.heard().subarray(from), RATE_HZ);
    assert.ok(Math.abs(heard.hz - 1_000) < 3, `${heard.hz} Hz`);
    assert.ok(heard.loudMs >= 450 && heard.loudMs <= 580, `${heard.loudMs} ms`);
  });

  it('do not keep the meter from showing what the microphone hears, while the daemon owns it', async () => {
    const child = spawn(
      'aplay',
      ['-q', '-D', room.card.speakInto, '-t', 'raw', '-f', 'S16_LE', '-r', '16000', '-c', '1', '-'],
      { stdio: ['pipe', 'inherit', 'inherit'], env: room.card.childEnvironment },
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(tone(440, 6_000, 16_000, 3_277));
    const { code, stdout } = await daemon.ask('audio', 'meter', '--seconds', '2');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /mic, gain 0 dB, lent by the agent/);
    assert.match(stdout, /\[#+-* *\] peak -20 dB, average -23 dB/);
    assert.match(stdout, /fits: -20 dB at the loudest/);
    child.kill();
    await once(child, 'close');
    await daemon.ask('mute', 'on');
    const refused = await daemon.ask('audio', 'meter', '--seconds', '1');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /the box is muted: xiaozhi-agent mute off/);
    await daemon.ask('mute', 'off');
  });

  it('end when somebody wants quiet: a tone too', async () => {
    const tone = daemon.ask('audio', 'tone', '--ms', '4000');
    await until(() => rms(room.ear.heard().subarray(-4_800)) > SILENT, 'the tone');
    await daemon.ask('stop');
    await until(() => rms(room.ear.heard().subarray(-9_600)) < SILENT, 'silence');
    await tone;
  });

  it('and the volume outlive a restart, 0 included', async () => {
    assert.equal((await daemon.ask('volume', '0')).stdout, '0\n');
    assert.equal(await daemon.stop(), 0);
    const kept = JSON.parse(readFileSync(join(room.places.root, 's', 'prefs.json'), 'utf8'));
    assert.deepEqual(kept, { volume: 0, muted: false });
    daemon = start();
    await daemon.logged(/link ready/);
    assert.equal((await status()).audio.output.volume, 0);
    assert.equal((await daemon.ask('volume', '+30')).stdout, '30\n');
  });

  it('that are switched off stay off, and a folder of the owner’s own is used', async () => {
    await daemon.stop();
    // The recorder is behind what was played: the last cue of the one that has left may still come.
    await until(() => rms(room.ear.heard().subarray(-9_600)) < SILENT, 'silence');
    const from = room.ear.heard().length;
    daemon = start({ 'sounds.off': 'ready, listen', 'sounds.dir': room.places.root });
    await daemon.logged(/link ready/);
    await daemon.ask('press');
    await daemon.ask('stop');
    await daemon.logged(/cue cue=stop/);
    assert.equal(daemon.count(/a sound cannot be read/), 1, 'one warning for all that are missing');
    assert.ok(rms(room.ear.heard().subarray(from)) < SILENT);
  });
});

describe('the audio commands without a daemon', () => {
  let card: TestCard;
  let places: Folders;
  before(async () => {
    card = await startTestCard();
    places = await folders();
  });
  after(async () => {
    await card.stop();
    await places.remove();
  });
  const audio = (...args: readonly string[]) =>
    command(['audio', ...args, ...places.options], {
      ...card.childEnvironment,
      XIAOZHI_AUDIO__INPUT__DEVICE: 'mic',
      XIAOZHI_AUDIO__OUTPUT__DEVICE: 'spk',
    });

  it('list what there is, and mark what is configured', async () => {
    const { code, stdout } = await audio('list');
    assert.equal(code, 0);
    const [microphones = '', speakers = ''] = stdout.split('speakers (audio.output.device)');
    assert.match(microphones, /^\* mic$/m);
    assert.match(speakers, /^\* spk$/m);
    assert.doesNotMatch(stdout, /speexrate/, 'parts of devices are none');
    const found = JSON.parse((await audio('list', '--json', '--all')).stdout);
    assert.ok(found.microphones.some(({ name }: { name: string }) => name === 'speexrate'));
  });

  it('play a tone to its end', async () => {
    const ear = await listen(card, card.listenTo, RATE_HZ);
    const { code, stdout } = await audio('tone', '--ms', '400');
    assert.equal(code, 0, stdout);
    await until(() => measure(ear.heard(), RATE_HZ).silentTailMs > 200, 'silence');
    const heard = measure(ear.heard(), RATE_HZ);
    assert.ok(
      Math.abs(heard.hz - 440) < 2 && heard.loudMs >= 370 && heard.loudMs <= 420,
      JSON.stringify(heard),
    );
    await ear.stop();
  });

  it('open the microphone themselves for a meter', async () => {
    const { code, stdout } = await audio('meter', '--seconds', '1', '--json');
    assert.equal(code, 0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines.length, 5);
    assert.ok(lines.at(-1).peak_db <= -80, 'nobody talks');
  });

  for (const [args, code, words] of [
    [['tone', '--device', 'nowhere'], 1, /Unknown PCM nowhere.*see arecord -L and aplay -L/],
    [['meter', '--device', 'nowhere', '--seconds', '1'], 1, /nothing comes from nowhere: .*see arecord -L/],
    [['tone', '--hz', '3'], 2, /--hz takes a number from 50 to 8000/],
    [['meter', '--seconds', 'x'], 2, /--seconds takes a number/],
    [['sing'], 2, /usage: xiaozhi-agent audio list/],
    [[], 2, /usage: xiaozhi-agent audio list/],
  ] as const)
    it(`say what is wrong with "${args.join(' ')}"`, async () => {
      const ended = await audio(...args);
      assert.equal(ended.code, code);
      assert.match(ended.stderr, words);
    });

  it('have a page of their own', async () => {
    const { code, stdout } = await audio('--help');
    assert.equal(code, 0);
    assert.match(stdout, /audio meter \[--seconds N\]/);
  });
});
