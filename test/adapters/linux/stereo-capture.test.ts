// A card that has nothing but 48 kHz, 32 bit and two channels, with a microphone in one of them: the agent's own capture
// makes the same speech of it at 16 kHz. The card is the virtual one behind such a description, so that every converter
// that a real card needs is at work.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { arecordMicrophone } from '../../../src/adapters/linux/arecord-microphone.ts';
import { sideOf } from '../../../src/adapters/linux/stereo-slots.ts';
import { Preamp } from '../../../src/audio/preamp.ts';
import {
  childrenNamed,
  keptLog,
  realClock,
  startTestCard,
  type TestCard,
  until,
} from '../../helpers/card.ts';
import { likeness48 } from '../../helpers/resampled.ts';
import { rms } from '../../helpers/tone.ts';

/** `mmap_emul` gives PulseAudio's plug-in what a driver has and ALSA's converters need. */
const HAT = `
pcm.hat {
  type plug
  slave {
    pcm { type mmap_emul slave.pcm "spkmon" }
    format S32_LE
    rate 48000
    channels 2
  }
}
`;
const SPEECH = ['-t', 'raw', '-r', '48000', '-e', 'signed', '-b', '16'];
const SILENCE_RMS = 3;

let card: TestCard;
/** 48 kHz, 16 bit, mono: what was said. */
let said: Buffer;

before(async () => {
  card = await startTestCard();
  appendFileSync(card.environment.ALSA_CONFIG_PATH ?? '', HAT);
  const folder = mkdtempSync(join(tmpdir(), 'xz-'));
  const spoken = join(folder, 'spoken.wav');
  execFileSync('espeak-ng', ['-v', 'en', '-w', spoken, 'She sells sea shells, seventy six.']);
  // Silence at both ends: the box hears it before anything is said, and after.
  said = execFileSync('sox', ['-D', spoken, ...SPEECH, '-c', '1', '-', 'gain', '-6', 'pad', '0.2', '0.2']);
  rmSync(folder, { recursive: true });
});
after(async () => {
  await until(() => childrenNamed('arecord', 'aplay').length === 0, 'no child is left');
  await card.stop();
});

/** Says it into one slot of the card. */
async function say(slot: 'left' | 'right'): Promise<void> {
  const sides = slot === 'left' ? ['1', '0'] : ['0', '1'];
  const stereo = execFileSync(
    'sox',
    [...SPEECH, '-c', '1', '-', ...SPEECH, '-c', '2', '-', 'remix', ...sides],
    {
      input: said,
    },
  );
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', '48000', '-c', '2'];
  const player = spawn('aplay', ['-q', '-D', card.speaker, ...format, '-'], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: card.childEnvironment,
  });
  player.stdin.end(stereo);
  await once(player, 'close');
}

async function captured(
  slot: 'left' | 'right',
  channel: 'mix' | 'left' | 'right',
  gainDb = 0,
): Promise<Buffer> {
  const log = keptLog();
  const environment = card.childEnvironment;
  const microphone = new Preamp({
    microphone: arecordMicrophone({ device: 'hat', channel, clock: realClock, log, environment }),
    clock: realClock,
    log,
    gainDb: () => gainDb,
  });
  const chunks: Uint8Array[] = [];
  let trouble = '';
  microphone.start({
    pcm: (pcm) => chunks.push(Uint8Array.from(pcm)),
    ended: (reason) => {
      trouble = reason;
    },
  });
  await until(() => chunks.length > 0 || trouble !== '', 'sound');
  assert.equal(trouble, '');
  await say(slot);
  const then = chunks.length;
  await until(() => chunks.length >= then + 10, 'the last of it');
  microphone.stop();
  return Buffer.concat(chunks);
}

describe('speech from a card of 48 kHz, S32 and two channels', () => {
  for (const [slot, channel, gainDb, wantedDb] of [
    ['left', 'left', 0, 0],
    ['right', 'right', 6, 6],
    ['left', 'mix', 0, -6],
  ] as const)
    it(`in its ${slot} slot is the same at 16 kHz, taken as ${channel} with ${gainDb} dB: SNR of 30 dB and more`, async (test) => {
      const found = likeness48(await captured(slot, channel, gainDb), said, 1_500);
      test.diagnostic(JSON.stringify(found));
      assert.ok(found.windows >= 5 && found.snrDb >= 30, JSON.stringify(found));
      assert.ok(Math.abs(found.gainDb - wantedDb) < 0.3, `${found.gainDb} dB`);
    });

  it('is not there in the other slot', async () => {
    assert.ok(rms(await captured('left', 'right')) < SILENCE_RMS);
  });
});

describe('one side of a frame', () => {
  it('is every other sample, to the last', () => {
    const frames = new Uint8Array(new Int16Array([1, -2, 3, -4, 32_767, -32_768]).buffer);
    const values = (pcm: Uint8Array) => [...new Int16Array(Uint8Array.from(pcm).buffer)];
    assert.deepEqual(values(sideOf(frames, 'left')), [1, 3, 32_767]);
    assert.deepEqual(values(sideOf(frames, 'right')), [-2, -4, -32_768]);
    assert.equal(sideOf(frames, 'mix'), frames);
  });
});
