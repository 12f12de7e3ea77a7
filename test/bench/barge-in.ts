// From a press over a running answer to silence at the loudspeaker, with the real aplay on the virtual card; and what
// of that is the card's and the recorder's own, from an aplay that is killed by hand.
import { setTimeout as pause } from 'node:timers/promises';
import { startTestCard, type TestCard } from '../helpers/card.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import type { Session } from '../helpers/scripted-server.ts';
import { tone } from '../helpers/tone.ts';
import { killChild, startChild } from './child.ts';
import { type ControlLine, meetDaemon } from './daemon.ts';
import { type Figure, quantile } from './figure.ts';
import type { Bench, Lab } from './lab.ts';
import { type Monitor, startMonitor } from './monitor.ts';

const ROUNDS = 30;
const GOAL_MS = 30;
const RATE_HZ = 24_000;
const TONE_HZ = 440;
/** Longer than any round takes: it is always cut off. */
const TONE_MS = 4_000;
/** Played before the press: the reserve is in use, the pacing settled. */
const PLAY_MS = 500;
/** Presses must not fall at the same place of the card's period every time: a share of 61 ms, a prime. */
const SHIFT_MS = 61;
/** For the end of the sound to pass the recorder, and the hole after it that makes it an end. */
const HEAR_OUT_MS = 150;
/** The sound is followed from here on: its last chunk may come before the press takes effect. */
const BEFORE_MS = 100;
/** An end this long before the press was a hole: the recorder's chunk, and a block that the card renders ahead. */
const HOLE_BEFORE_MS = 20;
const SOUND_DEADLINE_MS = 10_000;

type Cut = {
  readonly silentMs: number;
  readonly abortMs: number;
  readonly heardMs: number;
};

export const bargeInBench: Bench = {
  name: 'barge-in',
  about: 'press over an answer -> silence; first packet -> audible',
  async measure(lab) {
    const card = await lab.keep(startTestCard, (started) => started.stop());
    const { microphone, speaker, childEnvironment: environment } = card;
    const monitor = await startMonitor(lab, card, environment);
    const { daemon, session } = await meetDaemon(lab, { environment, microphone, speaker });
    const line = await daemon.openLine();
    const packets = tonePackets(TONE_MS, 60, RATE_HZ);
    const sound = tone(TONE_HZ, TONE_MS, RATE_HZ);
    const cuts: Cut[] = [];
    const floor: number[] = [];
    const lateness: number[] = [];
    // A hole just before the press makes the round worthless; more than a few of them mean something else is wrong.
    for (let round = 0; cuts.length < ROUNDS && round < 2 * ROUNDS; round += 1) {
      const cut = await bargeIn(line, session, monitor, packets);
      const killed = await killByHand(lab, card, monitor, sound);
      lateness.push(quantile(monitor.lateness(), 0.5));
      if (round === 0 || cut === undefined || killed === undefined) continue;
      cuts.push(cut);
      floor.push(killed);
    }
    if (cuts.length < ROUNDS)
      throw new Error(`only ${cuts.length} of ${2 * ROUNDS} answers played without a hole`);
    return figures(cuts, floor, lateness);
  },
};

function figures(
  cuts: readonly Cut[],
  floor: readonly number[],
  lateness: readonly number[],
): readonly Figure[] {
  const unit = 'ms';
  return [
    {
      name: 'barge-in -> silence',
      unit,
      samples: cuts.map((cut) => cut.silentMs),
      goal: { of: 'median', atMost: GOAL_MS },
      note: 'from the request to the arrival of the last chunk with sound in it; the line below is part of it',
    },
    {
      name: 'SIGKILL by hand -> silence',
      unit,
      samples: floor,
      note: "card and recorder without the agent, same flags: an upper bound of the recorder's own latency",
    },
    { name: 'barge-in -> abort at server', unit, samples: cuts.map((cut) => cut.abortMs) },
    {
      name: 'recorder: chunk later than earliest',
      unit,
      samples: lateness,
      note: "medians of the last 6 s, by the card's clock: how much of the above is waiting for a chunk",
    },
    {
      name: 'first packet -> audible',
      unit,
      samples: cuts.map((cut) => cut.heardMs),
      note: 'five packets at once: spawning aplay and opening the card included',
    },
  ];
}

async function bargeIn(
  line: ControlLine,
  session: Session,
  monitor: Monitor,
  packets: readonly Uint8Array[],
): Promise<Cut | undefined> {
  await line.until('idle');
  await pause(HEAR_OUT_MS);
  line.send({ command: 'press' });
  await session.next('listen');
  session.say({ type: 'stt', text: 'a question' });
  session.say({ type: 'tts', state: 'start' });
  const firstMs = performance.now();
  const played = session.packets(packets, {}, (heard) => heard.kind === 'text');
  // It is looked at after the press; a connection that breaks before that is told by what is awaited then.
  played.catch(() => undefined);
  await soundFrom(monitor, firstMs);
  await pause(PLAY_MS + Math.random() * SHIFT_MS);
  const { sentAtMs } = line.send({ command: 'press' });
  const abort = await played;
  session.say({ type: 'tts', state: 'stop' });
  await pause(HEAR_OUT_MS);
  const begin = monitor.beginOfSound(firstMs);
  const silentMs = silenceAfter(monitor, sentAtMs);
  line.send({ command: 'stop' });
  await session.next('abort');
  session.say({ type: 'tts', state: 'stop' });
  if (abort === undefined || begin === undefined || silentMs === undefined) return undefined;
  return { silentMs, abortMs: abort.atMs - sentAtMs, heardMs: begin - firstMs };
}

/** With the flags of the agent's own speaker. */
async function killByHand(
  lab: Lab,
  card: TestCard,
  monitor: Monitor,
  sound: Uint8Array,
): Promise<number | undefined> {
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', String(RATE_HZ), '-c', '1'];
  const timing = ['--start-delay=1', '--period-time=20000', '--buffer-time=200000'];
  const startMs = performance.now();
  const { process: player } = await startChild(
    lab,
    'aplay',
    ['-q', '-D', card.speaker, ...format, ...timing, '-'],
    {
      environment: card.childEnvironment,
      sound: 'in',
    },
  );
  player.stdin?.write(sound);
  await soundFrom(monitor, startMs);
  await pause(PLAY_MS + Math.random() * SHIFT_MS);
  const killedMs = performance.now();
  await killChild(player);
  await pause(HEAR_OUT_MS);
  return silenceAfter(monitor, killedMs);
}

function silenceAfter(monitor: Monitor, cutMs: number): number | undefined {
  const end = monitor.endOfSound(cutMs - BEFORE_MS);
  return end === undefined || end < cutMs - HOLE_BEFORE_MS ? undefined : end - cutMs;
}

/** When it began. */
export async function soundFrom(monitor: Monitor, fromMs: number): Promise<number> {
  const deadline = AbortSignal.timeout(SOUND_DEADLINE_MS);
  for (;;) {
    const beginMs = monitor.beginOfSound(fromMs);
    if (beginMs !== undefined) return beginMs;
    if (deadline.aborted) throw new Error(`nothing was heard within ${SOUND_DEADLINE_MS} ms`);
    await pause(10);
  }
}
