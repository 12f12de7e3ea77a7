// `audio tone`: a tone from the speaker, by the running agent or from here.
import { PacedSpeaker, SLICE_MS } from '../audio/paced-speaker.ts';
import { tonePcm } from '../audio/tone.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../ports.ts';
import type { Status } from '../status.ts';
import { ask, NotRunning } from './ask.ts';
import { chooseSpeaker } from './card.ts';
import { EXIT, Stop } from './exit.ts';
import type { PlaceValues } from './places.ts';
import { SILENT_LOG } from './silent-log.ts';

/** A device that cannot be opened says so within this (paced-speaker.ts: half a second), twice over. */
const SETTLED_MS = 1_000;

type Options = PlaceValues & {
  readonly hz: number;
  readonly ms: number;
  readonly device?: string | undefined;
  readonly clock: Clock;
};

export async function tone(config: Config, options: Options): Promise<void> {
  const { hz, ms } = options;
  const told = (device: string, how: string) =>
    process.stdout.write(
      `${hz} Hz for ${ms} ms on ${device}, ${how}; nothing heard? xiaozhi-agent audio list, alsamixer\n`,
    );
  if (options.device === undefined) {
    try {
      const { device, volume } = await ask(options, { command: 'tone', hz, ms });
      await lasting(options.clock, ms + SETTLED_MS);
      const { status } = (await ask(options, { command: 'status' })) as unknown as {
        readonly status: Status;
      };
      const { last_trouble: trouble } = status.audio.output;
      if (trouble !== null && !trouble.over)
        throw new Stop(EXIT.failed, `the agent cannot play on ${String(device)}: ${trouble.reason}`);
      if (volume === 0) throw new Stop(EXIT.failed, 'nothing is heard at volume 0: xiaozhi-agent volume 50');
      told(String(device), `by the agent at volume ${String(volume)}`);
      return;
    } catch (error) {
      if (!(error instanceof NotRunning)) throw error;
    }
  }
  const { output } = config.audio;
  const device = options.device ?? output.device;
  const speaker = await chooseSpeaker(
    { ...config, audio: { ...config.audio, output: { ...output, device } } },
    SILENT_LOG,
  );
  const failure = await played(
    tonePcm(hz, ms, speaker.rateHz),
    new PacedSpeaker({ ...options, speaker, log: SILENT_LOG }),
  );
  if (failure !== undefined) throw new Stop(EXIT.failed, failure);
  told(device, 'as loud as the card is');
}

function lasting(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** To its end; what went wrong, if anything. */
function played(pcm: Uint8Array, speaker: PacedSpeaker): Promise<string | undefined> {
  const sliceBytes = ((speaker.rateHz * SLICE_MS) / 1_000) * 2;
  return new Promise((resolve) => {
    let at = 0;
    speaker.start({
      pull() {
        const slice = pcm.subarray(at, at + sliceBytes);
        at += slice.length;
        if (slice.length > 0) return slice;
        speaker.finish();
        return undefined;
      },
      finished: () => {
        const trouble = speaker.status().lastTrouble;
        resolve(trouble === null || trouble.over ? undefined : trouble.reason);
      },
      failed: resolve,
    });
  });
}
