// From the first packet of an answer to the first sound written to the speaker: the real downlink, pacing, codec and
// clock, with a speaker that only notes when it was written to.
import { clock } from '../../src/adapters/linux/clock.ts';
import { Downlink } from '../../src/audio/downlink.ts';
import { PacedSpeaker } from '../../src/audio/paced-speaker.ts';
import { chooseCodec } from '../../src/commands/codec.ts';
import type { Codec, Log, Speaker } from '../../src/ports.ts';
import type { Figure } from './figure.ts';
import type { Bench } from './lab.ts';
import { serverPackets, speech } from './speech.ts';

const ANSWERS = 30;
const RATE_HZ = 24_000;
const PACKET_MS = 60;
/** The configured default of `audio.output.jitter_ms`. */
const JITTER_MS = 160;
/** What was decided to be allowed on top of the reserve. */
const GOAL_MS = JITTER_MS + 10;
/** The open server's head start. */
const BURST = 5;
/** Enough to pass the reserve when they trickle. */
const PACKETS = 6;

const quiet: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export const firstSoundBench: Bench = {
  name: 'first-sound',
  about: 'first packet of an answer -> first sound written',
  async measure() {
    const codec = await chooseCodec('auto', quiet);
    const packets = serverPackets(speech(PACKETS * PACKET_MS, RATE_HZ).pcm, RATE_HZ);
    const answers = (burst: number) => measured(() => answer(codec, packets, burst));
    return [
      figure(`first packet -> sound, ${BURST} at once`, await answers(BURST), codec),
      figure('first packet -> sound, trickling', await answers(1), codec),
    ];
  },
};

function figure(name: string, samples: readonly number[], codec: Codec): Figure {
  const note = `in this process, reserve ${JITTER_MS} ms, ${codec.name}`;
  return { name, unit: 'ms', samples, goal: { of: 'median', atMost: GOAL_MS }, note };
}

async function measured(once: () => Promise<number>): Promise<readonly number[]> {
  const samples: number[] = [];
  // The first one compiles.
  await once();
  for (let n = 0; n < ANSWERS; n += 1) samples.push(await once());
  return samples;
}

function answer(codec: Codec, packets: readonly Uint8Array[], burst: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const startMs = clock.now();
    const cancels: (() => void)[] = [];
    const over = (settle: () => void) => {
      for (const cancel of cancels) cancel();
      settle();
      downlink.follow(null);
    };
    const speaker: Speaker = {
      device: 'notes',
      rateHz: RATE_HZ,
      start: ignore,
      write: () => {
        const elapsedMs = clock.now() - startMs;
        over(() => resolve(elapsedMs));
      },
      finish: ignore,
      stop: ignore,
    };
    const failed = (reason: string) => over(() => reject(new Error(reason)));
    const downlink = new Downlink({
      speaker: new PacedSpeaker({ speaker, clock, log: quiet }),
      codec,
      clock,
      log: quiet,
      jitterMs: JITTER_MS,
      on: {
        started: ignore,
        heard: ignore,
        played: ignore,
        drained: ignore,
        failed: (_turn, reason) => failed(reason),
      },
    });
    downlink.follow({ turn: 1, ending: false });
    for (const [n, packet] of packets.entries()) {
      const dueMs = Math.max(0, n + 1 - burst) * PACKET_MS;
      if (dueMs === 0) downlink.push(packet);
      else cancels.push(clock.after(dueMs, () => downlink.push(packet)));
    }
    // Far beyond the last packet: a downlink that never plays must not hang the bench.
    cancels.push(clock.after(5_000, () => failed('nothing was played')));
  });
}

function ignore(): void {}
