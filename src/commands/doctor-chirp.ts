// `doctor --loopback`, through the air: a chirp out of the speaker, looked for in what the microphone hears meanwhile. Both devices
// are opened here, so no agent may have them.
import { setTimeout as sleep } from 'node:timers/promises';
import { chirpIn, chirpPcm } from '../audio/chirp.ts';
import type { Config } from '../config/schema.ts';
import { type Diagnosis, fail, ok, skipped, type Verdict, warn } from '../doctor/check.ts';
import { chooseMicrophone, chooseSpeaker } from './card.ts';
import { SILENT_LOG } from './silent-log.ts';

/** A sleeping USB card takes a second to wake. */
const OPENS_WITHIN_MS = 3_000;
/** The longest way that is still heard as an answer, and the chirp. */
const LISTEN_MS = 2_000;
const PER_MS = 32;
/** Of a chirp in a noisy room, from a speaker across the table; the loudest 2 s of white noise come to 0.1. */
const LEAST_LIKENESS = 0.3;
/** design.md: playback is at most 100 ms ahead, and a card has a buffer of its own. */
const SLOW_MS = 500;

export async function throughTheAir(config: Config, isAgentThere: boolean): Promise<Diagnosis> {
  const verdict = await heardAgain(config, isAgentThere);
  return { area: 'loopback', id: 'loopback.air', title: 'the box hears itself', ...verdict };
}

async function heardAgain(config: Config, isAgentThere: boolean): Promise<Verdict> {
  if (isAgentThere) return skipped('the agent has the devices: sudo systemctl stop xiaozhi-agent');
  const { input, output } = config.audio;
  if (input.device === 'null' || output.device === 'null') return skipped('simulated');
  const chunks: Uint8Array[] = [];
  let [trouble, played]: [string | null, boolean] = [null, false];
  const ended = (reason: string) => {
    trouble ??= reason;
  };
  const microphone = chooseMicrophone(config, SILENT_LOG);
  const speaker = await chooseSpeaker(config, SILENT_LOG);
  await new Promise<void>((resolve) => {
    const late = setTimeout(resolve, OPENS_WITHIN_MS);
    const opened = () => {
      clearTimeout(late);
      resolve();
    };
    microphone.start({
      pcm(pcm) {
        chunks.push(pcm);
        opened();
      },
      ended(reason) {
        ended(reason);
        opened();
      },
    });
  });
  const before = chunks.reduce((sum, pcm) => sum + pcm.length, 0) / PER_MS;
  if (before > 0 && trouble === null) {
    speaker.start({
      finished() {
        played = true;
      },
      ended,
    });
    speaker.write(chirpPcm(speaker.rateHz));
    speaker.finish();
    await sleep(LISTEN_MS);
  }
  speaker.stop();
  microphone.stop();
  if (trouble !== null) return fail(trouble, 'xiaozhi-agent doctor microphone speaker');
  if (!played) return fail('nothing comes, or nothing is played', 'xiaozhi-agent doctor microphone speaker');
  const { likeness, atMs } = chirpIn(Buffer.concat(chunks));
  if (likeness < LEAST_LIKENESS)
    return fail('it plays, and does not hear it', 'xiaozhi-agent audio tone; xiaozhi-agent audio meter');
  const delay = `${Math.round(atMs - before)} ms after it is told to play`;
  return atMs - before < SLOW_MS
    ? ok(delay)
    : warn(delay, 'a card with a smaller buffer; audio.output.device');
}
