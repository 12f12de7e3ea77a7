// What a minute of conversation costs the processor: the real daemon on the virtual card, talking to the parrot in a
// process of its own. The daemon and its arecord and aplay count; card and parrot don't.
import { setTimeout as pause } from 'node:timers/promises';
import { startTestCard } from '../helpers/card.ts';
import { startChild } from './child.ts';
import { COMMAND, startDaemon } from './daemon.ts';
import type { Figure } from './figure.ts';
import type { Bench } from './lab.ts';
import { cpuTime } from './processes.ts';
import { speech } from './speech.ts';
import { speakInto } from './spoken.ts';

const CONVERSATION_MS = 60_000;
/** One sentence; with the parrot's echo of it a turn takes about 8 s. */
const SENTENCE_MS = 3_000;
/** What a minute is divided into, to show how it varies; about one turn each. */
const WINDOW_MS = 10_000;
/** Fewer would not be a conversation. */
const LEAST_TURNS = 4;
const PARROT_DEADLINE_MS = 10_000;

type Usage = { readonly own: number[]; readonly children: number[] };

export const cpuBench: Bench = {
  name: 'cpu',
  about: 'a minute of conversation, in % of a core',
  async measure(lab) {
    const card = await lab.keep(startTestCard, (started) => started.stop());
    const { microphone, speaker, childEnvironment: environment } = card;
    const parrot = await startChild(lab, process.execPath, [COMMAND, 'serve', '--port', '0']);
    const url = await said(() => /ws:\/\/[^\s"]+/.exec(parrot.lastWords())?.[0]);
    const daemon = await startDaemon(lab, { url, environment, microphone, speaker });
    const line = await said(() => daemon.openLine().catch(() => undefined));
    await line.until('idle');
    const { pcm } = speech(SENTENCE_MS, 16_000);
    const usage: Usage = { own: [], children: [] };
    const endMs = performance.now() + CONVERSATION_MS;
    const watching = watch(daemon.pid, usage);
    let turns = 0;
    line.send({ command: 'press' });
    while (performance.now() < endMs) {
      // From here on each answer is followed by listening again, without a press.
      await line.until('listening');
      const sentence = await speakInto(lab, card, pcm);
      await sentence.over;
      await line.until('speaking');
      turns += 1;
    }
    await watching;
    if (turns < LEAST_TURNS) throw new Error(`only ${turns} turns in a minute`);
    return figures(usage, turns);
  },
};

/** In % of a core, window by window. */
async function watch(pid: number, usage: Usage): Promise<void> {
  let before = cpuTime(pid);
  let beforeMs = performance.now();
  for (let n = 0; n < CONVERSATION_MS / WINDOW_MS; n += 1) {
    await pause(WINDOW_MS);
    const now = cpuTime(pid);
    const nowMs = performance.now();
    const percent = (spentMs: number) => (100 * spentMs) / (nowMs - beforeMs);
    usage.own.push(percent(now.ownMs - before.ownMs));
    usage.children.push(percent(now.childrenMs - before.childrenMs));
    before = now;
    beforeMs = nowMs;
  }
}

function figures({ own, children }: Usage, turns: number): readonly Figure[] {
  const both = own.map((one, n) => one + (children[n] ?? 0));
  const mean = both.reduce((sum, one) => sum + one, 0) / both.length;
  const unit = '% core';
  return [
    {
      name: 'conversation, daemon and children',
      unit,
      samples: both,
      note: `${mean.toFixed(1)} % over the whole minute, ${turns} turns; samples are windows of 10 s`,
    },
    { name: 'conversation, daemon alone', unit, samples: own },
    { name: 'conversation, arecord and aplay', unit, samples: children },
  ];
}

async function said<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = AbortSignal.timeout(PARROT_DEADLINE_MS);
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (deadline.aborted) throw new Error(`a process was not ready in ${PARROT_DEADLINE_MS} ms`);
    await pause(20);
  }
}
