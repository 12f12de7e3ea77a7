// From a press to `listen start` and to the first packet of speech at the server, and beside it what the sound card
// alone takes to deliver its first byte. The real daemon on the virtual card.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { startTestCard } from '../helpers/card.ts';
import { type Heard, messageOf } from '../helpers/scripted-server.ts';
import { killChild, startChild } from './child.ts';
import { meetDaemon } from './daemon.ts';
import { type Figure, median } from './figure.ts';
import type { Bench, Lab } from './lab.ts';

/** Half a minute's worth; every p95 then stands on two samples. */
const PRESSES = 40;
/** The first press loads code and fills caches, which happens once in the life of a box. */
const WARM_UP = 2;
/** What was decided for the wire. */
const LISTEN_GOAL_MS = 5;
/** One frame: what the first packet holds. */
const FRAME_MS = 60;
/** Until the killed arecord is gone and the loop is quiet. */
const REST_MS = 120;

type Environment = Readonly<Record<string, string | undefined>>;

export const pressBench: Bench = {
  name: 'press',
  about: 'press -> listen start, press -> first packet',
  async measure(lab) {
    const card = await lab.keep(startTestCard, (started) => started.stop());
    const { microphone, speaker, childEnvironment: environment } = card;
    const { daemon, session } = await meetDaemon(lab, { environment, microphone, speaker });
    const line = await daemon.openLine();
    const listen: number[] = [];
    const packet: number[] = [];
    const capture: number[] = [];
    const spawned: number[] = [];
    for (let round = -WARM_UP; round < PRESSES; round += 1) {
      await line.until('idle');
      await pause(REST_MS);
      const { sentAtMs, answered } = line.send({ command: 'press' });
      const started = await session.next(isListenStart);
      await answered;
      // The answer is written after everything that the press had started: its delay shows what blocks the loop.
      const answeredMs = performance.now() - sentAtMs;
      const first = await session.next((heard) => heard.kind === 'binary');
      line.send({ command: 'stop' });
      await session.next('abort');
      session.say({ type: 'tts', state: 'stop' });
      // In turn with the daemon's own, so that both meet the same neighbours.
      await pause(REST_MS);
      const alone = await firstByteMs(lab, microphone, environment);
      if (round < 0) continue;
      listen.push(started.atMs - sentAtMs);
      packet.push(first.atMs - sentAtMs);
      spawned.push(answeredMs);
      capture.push(alone);
    }
    const goalMs = FRAME_MS + median(capture);
    return figures({ listen, spawned, capture, packet }, goalMs);
  },
};

function figures(
  measured: { listen: number[]; spawned: number[]; capture: number[]; packet: number[] },
  goalMs: number,
): readonly Figure[] {
  const unit = 'ms';
  return [
    {
      name: 'press -> listen start',
      unit,
      samples: measured.listen,
      goal: { of: 'median', atMost: LISTEN_GOAL_MS },
    },
    {
      name: 'press -> control answer',
      unit,
      samples: measured.spawned,
      note: 'written after arecord was spawned: the difference to the line above is what spawning blocks',
    },
    { name: 'arecord alone -> first byte', unit, samples: measured.capture, note: 'same card, same flags' },
    {
      name: 'press -> first packet',
      unit,
      samples: measured.packet,
      goal: { of: 'median', atMost: goalMs },
      note: 'goal: 60 ms of sound + the median of arecord alone',
    },
  ];
}

function isListenStart(heard: Heard): boolean {
  const message = messageOf(heard);
  return message?.type === 'listen' && message.state === 'start';
}

/** With the flags of the agent's own recorder. */
async function firstByteMs(lab: Lab, device: string, environment: Environment): Promise<number> {
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', '16000', '-c', '1'];
  const timing = ['--period-time=20000', '--buffer-time=1000000'];
  const startMs = performance.now();
  const { process: child } = await startChild(
    lab,
    'arecord',
    ['-q', '-D', device, ...format, ...timing, '-'],
    {
      environment,
      sound: 'out',
    },
  );
  if (child.stdout === null) throw new Error('arecord has no output');
  await once(child.stdout, 'data');
  const elapsedMs = performance.now() - startMs;
  await killChild(child);
  return elapsedMs;
}
