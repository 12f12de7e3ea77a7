// What a frame costs each codec: encoding speech as the agent does, decoding what servers send.
import { discordjsCodec } from '../../src/adapters/linux/discordjs-codec.ts';
import { evanCodec } from '../../src/adapters/linux/evan-codec.ts';
import type { Codec } from '../../src/ports.ts';
import type { Figure } from './figure.ts';
import type { Bench } from './lab.ts';
import { serverPackets, speech } from './speech.ts';

const FRAMES = 2_000;
/** Compiled and cached by then; more changes nothing. */
const WARM_UP_FRAMES = 100;
const FRAME_MS = 60;
const UPLINK_HZ = 16_000;
const DOWNLINK_HZ = 24_000;
/** The configured defaults, for which the goal was set. */
const ENCODER = { bitrateBps: 24_000, complexity: 5 } as const;
const ENCODE_GOAL_US = 500;
/** Other work must get at the event loop: 2,000 frames in one go are a second. */
const FRAMES_AT_ONCE = 50;

export const opusBench: Bench = {
  name: 'opus',
  about: 'encoding and decoding a frame, both codecs',
  async measure() {
    const { pcm, source } = speech((FRAMES + WARM_UP_FRAMES) * FRAME_MS, UPLINK_HZ);
    const frameBytes = ((UPLINK_HZ * FRAME_MS) / 1_000) * 2;
    const frames = Array.from({ length: FRAMES + WARM_UP_FRAMES }, (_, n) =>
      pcm.subarray(n * frameBytes, (n + 1) * frameBytes),
    );
    const packets = serverPackets(speech((FRAMES + WARM_UP_FRAMES) * FRAME_MS, DOWNLINK_HZ).pcm, DOWNLINK_HZ);
    const figures: Figure[] = [];
    for (const codec of [discordjsCodec(), evanCodec()]) {
      if ('missing' in codec) continue;
      figures.push(...(await ofCodec(codec, frames, packets, source)));
    }
    return figures;
  },
};

async function ofCodec(
  codec: Codec,
  frames: readonly Uint8Array[],
  packets: readonly Uint8Array[],
  source: string,
): Promise<readonly Figure[]> {
  const encoder = codec.encoder(ENCODER);
  const decoder = codec.decoder(DOWNLINK_HZ);
  const unit = 'us';
  return [
    {
      name: `encode, ${codec.name}`,
      unit,
      samples: await timed(frames, (frame) => encoder.encode(frame)),
      goal: { of: 'median', atMost: ENCODE_GOAL_US },
      note: `60 ms at 16 kHz, complexity ${ENCODER.complexity}, ${ENCODER.bitrateBps} bit/s, ${source}`,
    },
    {
      name: `decode, ${codec.name}`,
      unit,
      samples: await timed(packets, (packet) => decoder.decode(packet)),
      note: '60 ms at 24 kHz, packets of a 24 kHz encoder',
    },
  ];
}

async function timed(
  inputs: readonly Uint8Array[],
  work: (input: Uint8Array) => Uint8Array | undefined,
): Promise<readonly number[]> {
  const samples: number[] = [];
  for (const [n, input] of inputs.entries()) {
    if (n % FRAMES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    const startMs = performance.now();
    const output = work(input);
    const elapsedUs = (performance.now() - startMs) * 1_000;
    if (output === undefined || output.length === 0) throw new Error('a frame of the bench was refused');
    if (n >= WARM_UP_FRAMES) samples.push(elapsedUs);
  }
  return samples;
}
