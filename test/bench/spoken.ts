// Somebody who speaks into the virtual microphone. Knows nothing of who listens.
import { once } from 'node:events';
import type { Pcm } from '../../src/ports.ts';
import type { TestCard } from '../helpers/card.ts';
import { startChild } from './child.ts';
import type { Lab } from './lab.ts';

export type Spoken = {
  /** Resolves when all of it has been said. */
  readonly over: Promise<void>;
};

/** 16 kHz mono, at the speed of speech: the card takes no more. */
export async function speakInto(lab: Lab, card: TestCard, pcm: Pcm): Promise<Spoken> {
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', '16000', '-c', '1'];
  const timing = ['--start-delay=1', '--buffer-time=200000'];
  const { process: player } = await startChild(
    lab,
    'aplay',
    ['-q', '-D', card.speakInto, ...format, ...timing, '-'],
    {
      environment: card.childEnvironment,
      sound: 'in',
    },
  );
  const over = once(player, 'exit').then(() => undefined);
  player.stdin?.end(pcm);
  return { over };
}
