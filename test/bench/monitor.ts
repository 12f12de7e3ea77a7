// A recorder at the loudspeaker that can say when a sound ended or began, by the clock of this process. Knows nothing of
// who makes the sound.
import type { VirtualCard } from '../../src/demo/virtual-card.ts';
import { startChild } from './child.ts';
import type { Lab } from './lab.ts';

/** The card's own rate: any other would pass through a resampler and its delay. */
const RATE_PER_MS = 48;
const PERIOD_MS = 10;
/** Longer than anything that is looked for here. Victim: the oldest. */
const KEPT_MS = 6_000;
/** Far above a null sink's exact zero and a codec's ringing, far below the tones that are played here. */
const LOUD = 500;
/** A tone of 440 Hz is below `LOUD` for less than 0.1 ms at a time; a hole this long is its end. */
const HOLE_MS = 15;

type Chunk = { readonly samples: Int16Array; readonly endMs: number; readonly atMs: number };

/**
 * Every moment is the arrival of the chunk that holds the sample: never too early. Nothing better is to be had, as the
 * card renders a block ahead and hands it to the recorder at once, so that samples come before their time to be played.
 */
export type Monitor = {
  /** When the sound that came at `fromMs` ended; undefined when there is none, or no end of it yet. */
  endOfSound(fromMs: number): number | undefined;
  /** The first sound that came after `fromMs`. */
  beginOfSound(fromMs: number): number | undefined;
  /** How late each chunk kept came, by the card's clock, compared with the earliest. */
  lateness(): readonly number[];
};

export async function startMonitor(
  lab: Lab,
  card: VirtualCard,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Monitor> {
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', String(RATE_PER_MS * 1_000), '-c', '1'];
  const timing = [`--period-time=${PERIOD_MS * 1_000}`, '--buffer-time=500000'];
  const child = await startChild(lab, 'arecord', ['-q', '-D', card.listenTo, ...format, ...timing, '-'], {
    environment,
    sound: 'out',
  });
  const chunks: Chunk[] = [];
  let countedSamples = 0;
  let odd: Buffer = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    child.process.once('exit', () => reject(new Error(`the recorder ended: ${child.lastWords()}`)));
    child.process.stdout?.on('data', (data: Buffer) => {
      const atMs = performance.now();
      const bytes = Buffer.concat([odd, data]);
      const whole = bytes.length & ~1;
      odd = bytes.subarray(whole);
      const samples = Int16Array.from({ length: whole / 2 }, (_, n) => bytes.readInt16LE(n * 2));
      countedSamples += samples.length;
      chunks.push({ samples, endMs: countedSamples / RATE_PER_MS, atMs });
      while (countedSamples / RATE_PER_MS - (chunks[0]?.endMs ?? 0) > KEPT_MS) chunks.shift();
      resolve();
    });
  });

  /** Each sample that came after `fromMs`, until `look` has seen enough. */
  function scan(fromMs: number, look: (isLoud: boolean, atMs: number, sample: number) => 'go on' | 'enough') {
    if (child.lastWords() !== '') throw new Error(`the recorder lost sound: ${child.lastWords()}`);
    let count = 0;
    for (const { samples, atMs } of chunks) {
      if (atMs < fromMs) continue;
      for (const sample of samples) {
        count += 1;
        if (look(Math.abs(sample) >= LOUD, atMs, count) === 'enough') return;
      }
    }
  }

  return {
    endOfSound(fromMs) {
      let lastMs: number | undefined;
      let lastSample = 0;
      let isOver = false;
      scan(fromMs, (isLoud, atMs, sample) => {
        if (isLoud) {
          lastMs = atMs;
          lastSample = sample;
        } else isOver = sample - lastSample >= HOLE_MS * RATE_PER_MS;
        return isOver ? 'enough' : 'go on';
      });
      return isOver ? lastMs : undefined;
    },
    beginOfSound(fromMs) {
      let beginMs: number | undefined;
      scan(fromMs, (isLoud, atMs) => {
        if (isLoud) beginMs = atMs;
        return isLoud ? 'enough' : 'go on';
      });
      return beginMs;
    },
    lateness() {
      const all = chunks.map((chunk) => chunk.atMs - chunk.endMs);
      const least = Math.min(...all);
      return all.map((one) => one - least);
    },
  };
}
