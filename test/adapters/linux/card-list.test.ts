// Which devices are listed, by stand-ins that print what arecord and aplay print on a Raspberry Pi with a hat.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { listDevices } from '../../../src/adapters/linux/card-list.ts';
import { type StandIn, standIn } from './stand-in.ts';

/** arecord -L of alsa-utils 1.2.8, shortened. */
const LISTED = `null
    Discard all samples (playback) or generate zero samples (capture)
default
    Default Audio Device
sysdefault
    Default Audio Device
speexrate
    Rate Converter Plugin Using Speex Resampler
hw:CARD=sndrpigooglevoi,DEV=0
    snd_rpi_googlevoicehat_soundcar, Google voiceHAT SoundCard HiFi voicehat-hifi-0
    Direct hardware device without any conversions
plughw:CARD=sndrpigooglevoi,DEV=0
    snd_rpi_googlevoicehat_soundcar, Google voiceHAT SoundCard HiFi voicehat-hifi-0
    Hardware device with all software conversions
dsnoop:CARD=sndrpigooglevoi,DEV=0
    snd_rpi_googlevoicehat_soundcar, Google voiceHAT SoundCard HiFi voicehat-hifi-0
    Direct sample snooping device
plughw:CARD=Device,DEV=0
    USB PnP Sound Device, USB Audio
    Hardware device with all software conversions
`;
/** What a voiceHAT has: one format, one rate, two channels. */
const HARDWARE = `HW Params of device "hw:CARD=sndrpigooglevoi,DEV=0":
--------------------
ACCESS:  MMAP_INTERLEAVED RW_INTERLEAVED
FORMAT:  S32_LE
SUBFORMAT:  STD
SAMPLE_BITS: 32
FRAME_BITS: 64
CHANNELS: 2
RATE: 48000
--------------------
arecord: set_params:1352: Sample format non available
Available formats:
- S32_LE
`;

describe('the list of devices', () => {
  let program: StandIn;
  afterEach(() => program.remove());

  async function pi(): Promise<StandIn> {
    program = await standIn(
      'arecord',
      `echo "$LC_ALL $*" >> "$FOLDER/asked"
      case "$*" in
        -L) cat "$FOLDER/listed" ;;
        *Device*) echo 'arecord: main:831: audio open error: Device or resource busy' >&2; exit 1 ;;
        *) cat "$FOLDER/hardware" >&2; exit 1 ;;
      esac`,
    );
    writeFileSync(join(program.folder, 'listed'), LISTED);
    writeFileSync(join(program.folder, 'hardware'), HARDWARE);
    return program;
  }

  it('has the names that one can use, and what the hardware behind them does', async () => {
    const { environment } = await pi();
    assert.deepEqual(await listDevices('capture', { environment }), [
      { name: 'default', description: 'Default Audio Device', hardware: null },
      { name: 'sysdefault', description: 'Default Audio Device', hardware: null },
      {
        name: 'plughw:CARD=sndrpigooglevoi,DEV=0',
        description:
          'snd_rpi_googlevoicehat_soundcar, Google voiceHAT SoundCard HiFi voicehat-hifi-0, Hardware device with all software conversions',
        hardware: 'S32_LE; 2 channels; 48000 Hz',
      },
      {
        name: 'plughw:CARD=Device,DEV=0',
        description: 'USB PnP Sound Device, USB Audio, Hardware device with all software conversions',
        hardware: 'in use',
      },
    ]);
  });

  it('has everything that ALSA has when all is asked for', async () => {
    const { environment } = await pi();
    const devices = await listDevices('capture', { all: true, environment });
    assert.ok(!('absent' in devices) && devices.length === 8);
  });

  it('says what to install without the programs', async () => {
    await pi();
    assert.deepEqual(await listDevices('playback', { environment: { PATH: '/nonexistent' } }), {
      absent: 'aplay is not installed: apt-get install alsa-utils',
    });
  });
});
