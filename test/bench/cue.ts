// From a press to the cue that answers it, at the loudspeaker of the virtual card: with the device closed, as after a long
// silence, and open, as shortly after another sound. The real daemon and the real aplay.
import { setTimeout as pause } from 'node:timers/promises';
import { startTestCard } from '../helpers/card.ts';
import { soundFrom } from './barge-in.ts';
import { meetDaemon } from './daemon.ts';
import type { Bench } from './lab.ts';
import { startMonitor } from './monitor.ts';

const ROUNDS = 30;
/** The first press loads code, which happens once in the life of a box. */
const WARM_UP = 2;
/** design.md 1: a press is always answered within it. */
const GOAL_MS = 100;
/** The device has been closed by then: half a second of silence after a sound, and aplay's leaving. */
const CLOSED_AFTER_MS = 1_200;
/** The stop cue of 80 ms is over, and the device is still open. */
const OPEN_AFTER_MS = 250;

export const cueBench: Bench = {
  name: 'cue',
  about: 'press -> the cue is heard',
  async measure(lab) {
    const card = await lab.keep(startTestCard, (started) => started.stop());
    const { microphone, speaker, childEnvironment: environment } = card;
    const monitor = await startMonitor(lab, card, environment);
    const { daemon, session } = await meetDaemon(lab, {
      environment,
      microphone,
      speaker,
      soundsVolume: 100,
    });
    const line = await daemon.openLine();
    const closed: number[] = [];
    const open: number[] = [];

    async function pressed(): Promise<number> {
      const { sentAtMs } = line.send({ command: 'press' });
      const delayMs = (await soundFrom(monitor, sentAtMs)) - sentAtMs;
      await session.next('listen');
      // The cue is over, and its end is none of the next sound.
      await pause(OPEN_AFTER_MS);
      line.send({ command: 'stop' });
      await session.next('abort');
      session.say({ type: 'tts', state: 'stop' });
      await line.until('idle');
      return delayMs;
    }

    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      await pause(CLOSED_AFTER_MS);
      const first = await pressed();
      await pause(OPEN_AFTER_MS);
      const second = await pressed();
      if (round < 0) continue;
      closed.push(first);
      open.push(second);
    }
    const goal = { of: 'median', atMost: GOAL_MS } as const;
    return [
      { name: 'press -> cue heard, device closed', unit: 'ms', samples: closed, goal },
      { name: 'press -> cue heard, device open', unit: 'ms', samples: open, goal },
    ];
  },
};
