// The daemon's memory over fifty turns with real capture and playback: how much, and whether it grows.
import { startTestCard } from '../helpers/card.ts';
import { meetDaemon } from './daemon.ts';
import { type Figure, median } from './figure.ts';
import type { Bench, Lab } from './lab.ts';
import { memoryOf } from './processes.ts';
import { serverPackets, speech } from './speech.ts';
import { speakInto } from './spoken.ts';

const HOLD_MS = 600;
/** Of ten in 600 ms: opening the card takes some of them. */
const LEAST_PACKETS = 5;
const ANSWER_PACKETS = 6;
const PACKET_MS = 60;
const RATE_HZ = 24_000;
/** The promise: fits a board of 512 MB beside everything else. */
const RSS_GOAL_MB = 80;
const GROWTH_GOAL_MB = 2;
/** As long as all turns on a busy machine. */
const SPEECH_MS = 600_000;

/** Growth is looked for in the last `flatTurns`. */
type Course = { readonly turns: number; readonly flatTurns: number };

export const memoryBench: Bench = bench('memory', { turns: 50, flatTurns: 30 });
/**
 * V8 clears its old generation every 140 turns or so (--trace-gc: 9 MB of garbage by then), and 50 turns may be nothing
 * but the way up; only here is a leak told from that. Five minutes.
 */
export const longMemoryBench: Bench = bench('memory-long', { turns: 300, flatTurns: 120 });

function bench(name: string, course: Course): Bench {
  const about = `RSS of the daemon over ${course.turns} turns`;
  return { name, about, measure: (lab) => measure(lab, course) };
}

async function measure(lab: Lab, course: Course): Promise<readonly Figure[]> {
  const card = await lab.keep(startTestCard, (started) => started.stop());
  const { microphone, speaker, childEnvironment: environment } = card;
  const { daemon, session } = await meetDaemon(lab, { environment, microphone, speaker });
  const line = await daemon.openLine();
  await speakInto(lab, card, speech(SPEECH_MS, 16_000).pcm);
  const packets = serverPackets(speech(ANSWER_PACKETS * PACKET_MS, RATE_HZ).pcm, RATE_HZ);
  await line.until('idle');
  const rss = [memoryOf(daemon.pid).rssMb];
  const anonymous: number[] = [];
  for (let turn = 1; turn <= course.turns; turn += 1) {
    line.send({ command: 'press', hold_ms: HOLD_MS });
    await session.next((heard) => heard.kind === 'text' && heard.text.includes('"stop"'));
    session.say({ type: 'stt', text: 'a question' });
    session.say({ type: 'tts', state: 'start' });
    await session.packets(packets);
    session.say({ type: 'tts', state: 'stop' });
    await line.until('idle');
    const memory = memoryOf(daemon.pid);
    rss.push(memory.rssMb);
    anonymous.push(memory.anonymousMb);
  }
  const uplinkPackets = session.received.filter((heard) => heard.kind === 'binary').length;
  // Without sound this would have measured idling.
  if (uplinkPackets < course.turns * LEAST_PACKETS)
    throw new Error(`only ${uplinkPackets} packets in ${course.turns} turns`);
  return figures(rss, anonymous, course);
}

function figures(
  rss: readonly number[],
  anonymous: readonly number[],
  { turns: count, flatTurns }: Course,
): readonly Figure[] {
  const [atStart = Number.NaN, ...turns] = rss;
  const last = turns.slice(-flatTurns);
  // Medians of a third each, as the heap goes up and down from turn to turn.
  const third = flatTurns / 3;
  return [
    {
      name: `RSS after each of ${count} turns`,
      unit: 'MB',
      samples: turns,
      goal: { of: 'max', atMost: RSS_GOAL_MB },
      note: `${atStart.toFixed(1)} MB before the first turn, ${(turns.at(-1) ?? Number.NaN).toFixed(1)} MB after the last`,
    },
    {
      name: `RSS growth over the last ${flatTurns} turns`,
      unit: 'MB',
      samples: [median(last.slice(-third)) - median(last.slice(0, third))],
      goal: { of: 'max', atMost: GROWTH_GOAL_MB },
      note: `median of the last ${third} turns less that of the first ${third} of them`,
    },
    {
      name: 'RSS without mapped files',
      unit: 'MB',
      samples: anonymous,
      note: "RssAnon: the rest is mostly node's own binary, shared and discardable",
    },
  ];
}
