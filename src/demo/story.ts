// The whole demo, step by step: a card that does not exist, a server and an agent as processes of their own, a
// conversation, an outage, another conversation. Whatever happens, it ends what it started.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../ports.ts';
import {
  type Environment,
  type RunningServer,
  runtimeDirectory,
  START_DEADLINE_MS,
  type Stage,
  startAgent,
  startServer,
  withoutSettings,
  writeSettings,
} from './actors.ts';
import type { Child, Children } from './children.ts';
import { type AgentControl, converse, type Question, type Room } from './conversation.ts';
import type { ConversationFigures, Figures } from './figures.ts';
import { startGuard } from './guard.ts';
import { Recording } from './recording.ts';
import { missingPrograms, SoundTools } from './sound-tools.ts';
import type { Step } from './steps.ts';
import { startVirtualCard, type VirtualCard } from './virtual-card.ts';
import { Waits } from './waits.ts';

export type StoryParts = {
  readonly clock: Clock;
  readonly children: Children;
  readonly step: Step;
  readonly interrupted: AbortSignal;
  readonly environment: Environment;
  readonly program: readonly [string, ...string[]];
  readonly keepIn: string;
  readonly agentIn: (runtimeDirectory: string) => AgentControl;
};

/** Two sentences that share as little as their words: their loudness correlates with 0.4. */
const SENTENCES = [
  'Hello box, what time is it in the kitchen?',
  'Please remind me to water the plants tomorrow morning.',
] as const;
const PROGRAMS = ['espeak-ng', 'sox', 'arecord', 'aplay'] as const;
const INSTALL = 'bash deploy/prerequisites.sh demo';
const KEPT = {
  heard: 'heard.wav',
  said: ['said-1.wav', 'said-2.wav'],
  logs: ['agent.log', 'server.log'],
} as const;

/** As long as a small server takes to restart; after a polite close the agent tries again 1 to 5 s later. */
const OUTAGE_MS = 3_000;
/** The pause between two attempts after a quick refusal is 12 s at most; then a connection and a hello. */
const RECONNECT_DEADLINE_MS = 30_000;

export async function tellStory(parts: StoryParts): Promise<Figures> {
  const { clock, children, step, interrupted } = parts;
  const beganAtMs = clock.now();
  const folder = await mkdtemp(join(tmpdir(), 'xiaozhi-demo-'));
  const guard = startGuard(folder);
  const environment = { ...parts.environment, ...guard.mark };
  let card: VirtualCard | undefined;
  try {
    const waits = new Waits({ clock, interrupted, trouble: () => children.fallen });
    waits.check();
    await step('programs', () => prepare(parts.keepIn, environment));
    const sound = await step('virtual sound card', async () => {
      card = await startVirtualCard(folder, environment);
      return card;
    });
    const stage = { ...parts, waits, folder, environment: withoutSettings(environment) };
    const figures = await play(stage, sound);
    return { ...figures, totalMs: clock.now() - beganAtMs };
  } finally {
    await children.close();
    await card?.stop();
    await rm(folder, { recursive: true, force: true });
    await guard.dismiss();
  }
}

async function prepare(keepIn: string, environment: Environment): Promise<void> {
  const missing = missingPrograms(PROGRAMS, environment);
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}. To install: ${INSTALL}`);
  await mkdir(keepIn, { recursive: true });
  // What an earlier run left must not be taken for this one's.
  for (const name of [KEPT.heard, ...KEPT.said, ...KEPT.logs]) await rm(join(keepIn, name), { force: true });
}

async function play(stage: Stage & StoryParts, card: VirtualCard): Promise<Omit<Figures, 'totalMs'>> {
  const { clock, children, waits, step, keepIn } = stage;
  const environment = { ...stage.environment, ...card.environment };
  const tools = new SoundTools({ children, waits, environment });
  const control = stage.agentIn(runtimeDirectory(stage.folder));
  const listenTo = (name: string, device: string) =>
    new Recording({ children, clock, environment, name, device });

  const questions = await step('two questions (espeak-ng)', async () => {
    const [one, two] = KEPT.said;
    return [
      await question(tools, SENTENCES[0], join(keepIn, one)),
      await question(tools, SENTENCES[1], join(keepIn, two)),
    ] as const;
  });
  const server = await step(
    'local server',
    () => openServer(stage),
    ({ url }) => url,
  );
  const agent = await step('agent connects', () => startAgent(stage, server.url, card, control));
  const microphone = listenTo("the microphone's recorder", card.microphone);
  const speaker = listenTo("the speaker's recorder", card.listenTo);
  // Also when interrupted, and when a program has died: whoever wants to know why may want to hear it.
  const calm = new Waits({ clock, interrupted: new AbortController().signal, trouble: () => undefined });
  const keep = () =>
    new SoundTools({ children, waits: calm, environment }).write(join(keepIn, KEPT.heard), speaker.pcm);
  const room = { clock, waits, tools, agent: control, speakInto: card.speakInto, microphone, speaker };
  try {
    await step('recorders', () =>
      waits.until('both record', START_DEADLINE_MS, () =>
        microphone.untilMs > 0 && speaker.untilMs > 0 ? true : undefined,
      ),
    );
    const first = await talk(step, 'first conversation', { ...room, server: server.child }, questions[0]);
    const goneAtMs = await step('server stopped for 3 s', () => outage(stage, server.child, control));
    const again = await step('server started again', () => startServer(stage, new URL(server.url).port));
    const connectedAtMs = await step('agent connects by itself', () => reconnected(waits, agent, goneAtMs));
    const second = await talk(step, 'second conversation', { ...room, server: again.child }, questions[1]);
    const status = await control.status();
    if (status === undefined) throw new Error('the agent does not answer any more');
    await step('the end', async () => {
      await keep();
      await end([agent, again.child]);
    });
    return {
      conversations: [first, second],
      outageMs: again.listeningAtMs - goneAtMs,
      reconnectMs: connectedAtMs - again.listeningAtMs,
      agentRssMb: status.process.rss_mb,
    };
  } catch (error) {
    await keep().catch(() => undefined);
    throw error;
  }
}

async function question(tools: SoundTools, sentence: string, wavFile: string): Promise<Question> {
  await tools.speak(sentence, wavFile);
  return { wavFile, pcm: await tools.read(wavFile) };
}

async function openServer(stage: Stage): Promise<RunningServer> {
  await writeSettings(stage.folder);
  return startServer(stage, '0');
}

function talk(step: Step, title: string, room: Room, asked: Question): Promise<ConversationFigures> {
  return step(
    title,
    () => converse(room, asked),
    ({ correlation }) => `the answer is what was said (correlation ${correlation.toFixed(3)})`,
  );
}

/** Gives the moment from which the server was gone. */
async function outage(
  { clock, waits }: StoryParts & Stage,
  server: Child,
  agent: AgentControl,
): Promise<number> {
  await server.stop();
  const goneAtMs = clock.now();
  await waits.until('the agent notices', START_DEADLINE_MS, async () =>
    (await agent.status())?.link.phase === 'ready' ? undefined : true,
  );
  await waits.pause(goneAtMs + OUTAGE_MS - clock.now());
  return goneAtMs;
}

async function reconnected(waits: Waits, agent: Child, sinceMs: number): Promise<number> {
  const ready = await waits.until('the agent is connected again', RECONNECT_DEADLINE_MS, () =>
    agent.lines.find(({ atMs, text }) => atMs > sinceMs && / link ready /.test(text)),
  );
  return ready.atMs;
}

async function end(children: readonly Child[]): Promise<void> {
  for (const child of children) {
    const ending = await child.stop();
    if (ending !== 'exit code 0') throw new Error(`${child.name} did not end well: ${ending}`);
  }
}
