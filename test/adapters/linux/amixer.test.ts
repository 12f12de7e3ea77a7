// The mixer by the real amixer on the virtual card, and by a stand-in that prints what amixer printed on real cards.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { findMixer } from '../../../src/adapters/linux/amixer.ts';
import type { MixingDesk } from '../../../src/audio/mixing-desk.ts';
import { Loudness } from '../../../src/loudness.ts';
import { keptLog, startTestCard, type TestCard, until } from '../../helpers/card.ts';
import { type StandIn, standIn } from './stand-in.ts';

/** alsa-utils 1.2.8 on a Raspberry Pi's own headphone jack. */
const HEADPHONE_JACK = `Simple mixer control 'PCM',0
  Capabilities: pvolume pvolume-joined pswitch pswitch-joined
  Playback channels: Mono
  Limits: Playback -10239 - 400
  Mono: Playback -2000 [40%] [-20.00dB] [on]
`;
/** A WM8960 hat, of whose thirty controls these are in the order that amixer has them. */
const HAT = `Simple mixer control 'Headphone',0
  Capabilities: pvolume
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 127
  Mono:
  Front Left: Playback 109 [71%] [-12.00dB]
  Front Right: Playback 109 [71%] [-12.00dB]
Simple mixer control 'Headphone Playback ZC',0
  Capabilities: pswitch
  Playback channels: Front Left - Front Right
  Mono:
  Front Left: Playback [off]
  Front Right: Playback [off]
Simple mixer control 'Speaker',0
  Capabilities: pvolume
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 127
  Mono:
  Front Left: Playback 121 [87%] [0.00dB]
  Front Right: Playback 121 [87%] [0.00dB]
Simple mixer control 'Capture',0
  Capabilities: cvolume cswitch
  Capture channels: Front Left - Front Right
  Limits: Capture 0 - 63
  Front Left: Capture 39 [62%] [12.00dB] [on]
  Front Right: Capture 39 [62%] [12.00dB] [on]
`;
/** A USB headset: both ways in one control beside the one that counts. */
const USB = `Simple mixer control 'Speaker',0
  Capabilities: pvolume pswitch pswitch-joined
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 151
  Mono:
  Front Left: Playback 44 [29%] [-20.13dB] [off]
  Front Right: Playback 44 [29%] [-20.13dB] [off]
Simple mixer control 'Mic',0
  Capabilities: pvolume pvolume-joined cvolume cvolume-joined pswitch pswitch-joined cswitch cswitch-joined
  Playback channels: Mono
  Capture channels: Mono
  Limits: Playback 0 - 32 Capture 0 - 30
  Mono: Playback 23 [72%] [34.36dB] [off] Capture 0 [0%] [0.00dB] [on]
`;
/** A sound server whose owner has turned it above its own full. */
const AMPLIFIED = `Simple mixer control 'Master',0
  Capabilities: pvolume pswitch pswitch-joined
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 65536
  Mono:
  Front Left: Playback 98304 [150%] [on]
  Front Right: Playback 98304 [150%] [on]
`;
/** An I2S amplifier has nothing to turn. */
const NOTHING = '';

describe('the mixer by a stand-in', () => {
  let program: StandIn;
  afterEach(() => program.remove());

  /** Prints this when it is asked what there is, and notes each setting. */
  async function card(contents: string, setting = 'exit 0'): Promise<void> {
    program = await standIn(
      'amixer',
      `case "$*" in
        *scontents*) echo "$*" >> "$FOLDER/asked"; cat "$FOLDER/contents" ;;
        *) echo "$*" >> "$FOLDER/set"; ${setting} ;;
      esac`,
    );
    writeFileSync(join(program.folder, 'contents'), contents);
  }
  const find = (device: string, control?: string) =>
    findMixer({ device, ...(control === undefined ? {} : { control }), environment: program.environment });
  const lines = (file: string) => readFileSync(join(program.folder, file), 'utf8').trim().split('\n');
  const noted = (count: number) =>
    until(() => {
      try {
        // Begun and empty, or half a line, is none.
        return readFileSync(join(program.folder, 'set'), 'utf8').split('\n').length > count;
      } catch {
        return false;
      }
    }, `${count} settings`);

  for (const [what, contents, device, control, volume, set] of [
    [
      'a headphone jack',
      HEADPHONE_JACK,
      'plughw:CARD=Headphones,DEV=0',
      'PCM',
      40,
      "-M -c Headphones -q sset 'PCM',0 55% unmute",
    ],
    ['a hat', HAT, 'hw:CARD=seeed2micvoicec', 'Speaker', 87, "-M -c seeed2micvoicec -q sset 'Speaker',0 55%"],
    [
      'a USB headset',
      USB,
      'sysdefault:CARD=Device',
      'Speaker',
      29,
      "-M -c Device -q sset 'Speaker',0 55% unmute",
    ],
    ['a card by its number', USB, 'plughw:1,0', 'Speaker', 29, "-M -c 1 -q sset 'Speaker',0 55% unmute"],
  ] as const)
    it(`of ${what} is ${control}`, async () => {
      await card(contents);
      const mixer = await find(device);
      assert.ok('control' in mixer, JSON.stringify(mixer));
      assert.deepEqual([mixer.control, mixer.found], [control, volume]);
      mixer.turn(55);
      await noted(1);
      assert.deepEqual(lines('set'), [set]);
    });

  it('of a card that is turned above its full stands at 100, and stays as it is until somebody turns it', async () => {
    await card(AMPLIFIED);
    const mixer = await find('pulse');
    assert.ok('control' in mixer, JSON.stringify(mixer));
    assert.equal(mixer.found, 100);
    const desk = { speechGain: 1 } as MixingDesk;
    const loudness = new Loudness({ desk, mixer, log: keptLog() });
    loudness.follow(mixer.found);
    loudness.follow(95);
    await noted(1);
    assert.deepEqual(lines('set'), ["-M -D pulse -q sset 'Master',0 95% unmute"]);
  });

  it('is the one that is asked for, and none when the card has no such', async () => {
    await card(HAT);
    const mixer = await find('hw:CARD=seeed2micvoicec', 'Headphone');
    assert.ok('control' in mixer && mixer.found === 71);
    const absent = await find('hw:CARD=seeed2micvoicec', 'Master');
    assert.deepEqual(absent, {
      absent: 'the card has no control "Master" for its volume (found: Headphone, Speaker)',
    });
  });

  it('is none where there is nothing to turn, no card, or no amixer', async () => {
    await card(NOTHING);
    assert.deepEqual(await find('hw:CARD=sndrpigooglevoi'), {
      absent: 'the card has no control for its volume (found: none)',
    });
    assert.deepEqual(await find('my_own_pcm'), {
      absent: 'my_own_pcm names no card, so it has no mixer',
    });
    assert.deepEqual(
      await findMixer({ device: 'hw:0', environment: { PATH: `${program.folder}/nowhere` } }),
      {
        absent: 'amixer is not installed: apt-get install alsa-utils',
      },
    );
  });

  it('turns to the newest of several, one child at a time', async () => {
    await card(HAT, 'sleep 0.1');
    const mixer = await find('hw:0');
    assert.ok('control' in mixer);
    for (const volume of [10, 20, 30, 40]) mixer.turn(volume);
    await noted(2);
    assert.deepEqual(
      lines('set').map((line) => line.split(' ').at(-1)),
      ['10%', '40%'],
    );
  });

  it('reports why it could not be turned, in one line', async () => {
    await card(HAT, 'echo "amixer: Mixer hw:0 load error: No such device" >&2; exit 1');
    const mixer = await find('hw:0');
    assert.ok('control' in mixer);
    const reasons: string[] = [];
    mixer.start({ failed: (reason) => reasons.push(reason) });
    mixer.turn(10);
    await until(() => reasons.length > 0, 'a reason');
    assert.deepEqual(reasons, ['amixer: Mixer hw:0 load error: No such device (exit code 1)']);
  });
});

describe('the mixer by the real amixer', () => {
  let card: TestCard;
  before(async () => {
    card = await startTestCard();
  });
  after(() => card.stop());

  it('is found on the virtual card, and turned', async () => {
    const mixer = await findMixer({ device: 'default', environment: card.childEnvironment });
    assert.ok('control' in mixer, JSON.stringify(mixer));
    assert.deepEqual([mixer.control, mixer.found], ['Master', 100]);
    mixer.turn(35);
    const standing = () =>
      execFileSync('amixer', ['-M', '-D', 'default', 'sget', 'Master'], {
        env: card.childEnvironment,
      }).toString();
    await until(() => standing().includes('[35%]'), 'the master at 35 %');
  });
});
