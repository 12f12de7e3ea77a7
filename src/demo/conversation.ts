// One question and its answer, from the person's side: press, wait until the box listens, speak, hear, compare. What the
// box and the server say serves to know when to look; whether it worked is judged by the sound alone.

import type { Clock, Pcm } from '../ports.ts';
import type { Child } from './children.ts';
import type { ConversationFigures } from './figures.ts';
import { judge, LEAST_CORRELATION, lengthOf } from './likeness.ts';
import type { Recording } from './recording.ts';
import type { SoundTools } from './sound-tools.ts';
import type { Waits } from './waits.ts';

/** What the demo reads of the documented status: as a person would, from outside. */
type Status = {
  readonly state: string;
  readonly link: { readonly phase: string };
  readonly audio: { readonly input: { readonly state: string } };
  readonly turn: {
    readonly number: number;
    readonly phase: string;
    readonly last: { readonly why: string } | null;
  };
  readonly process: { readonly rss_mb: number };
};

/** The running agent, over its control socket. */
export type AgentControl = {
  press(): Promise<void>;
  stop(): Promise<void>;
  /** Undefined while nobody answers. */
  status(): Promise<Status | undefined>;
};

export type Room = {
  readonly clock: Clock;
  readonly waits: Waits;
  readonly tools: SoundTools;
  readonly agent: AgentControl;
  readonly server: Child;
  /** Where the person speaks, and what is heard at both ends. */
  readonly speakInto: string;
  readonly microphone: Recording;
  readonly speaker: Recording;
};

export type Question = { readonly wavFile: string; readonly pcm: Pcm };

/** Both take milliseconds; a board that has other work gets a thousand times that. */
const LISTEN_DEADLINE_MS = 10_000;
/** The agent itself gives up after 15 s without a word. */
const ANSWER_DEADLINE_MS = 30_000;
/** What the card and the recorder hold back: a buffer of each. */
const TAIL_MS = 300;
const RECORDED_DEADLINE_MS = 10_000;

export async function converse(room: Room, question: Question): Promise<ConversationFigures> {
  const { clock, waits, tools, agent, server } = room;
  const earlier = server.lines.at(-1);
  const pressedAtMs = clock.now();
  await agent.press();
  const listening = await waits.until('the server hears that the box listens', LISTEN_DEADLINE_MS, () =>
    after(server, earlier).find(({ text }) => / listening .*mode=/.test(text)),
  );
  const asked = await waits.until('the microphone delivers', LISTEN_DEADLINE_MS, async () => {
    const status = await agent.status();
    return status?.audio.input.state === 'delivering' ? status : undefined;
  });
  await tools.play(question.wavFile, room.speakInto);
  await waits.until('the answer is over', ANSWER_DEADLINE_MS, async () => {
    const status = await agent.status();
    return status !== undefined && isAnswered(status, asked.turn.number) ? status : undefined;
  });
  const overAtMs = clock.now() + TAIL_MS;
  await waits.until('the recordings have caught up', RECORDED_DEADLINE_MS, () =>
    Math.min(room.microphone.untilMs, room.speaker.untilMs) >= overAtMs ? true : undefined,
  );
  await agent.stop();
  await waits.until('the box is idle', LISTEN_DEADLINE_MS, async () =>
    (await agent.status())?.state === 'idle' ? true : undefined,
  );
  return { pressToListenMs: listening.atMs - pressedAtMs, ...compared(room, question, pressedAtMs) };
}

/** The turn's number is the next one's when the box listens for more; without follow-up it is idle. */
function isAnswered({ turn }: Status, asked: number): boolean {
  if (turn.number > asked) return true;
  if (turn.phase !== 'idle') return false;
  if (turn.last?.why === 'answered') return true;
  throw new Error(`the turn ended without an answer: ${turn.last?.why ?? 'no reason given'}`);
}

function after(child: Child, line: Child['lines'][number] | undefined): Child['lines'] {
  return child.lines.slice(line === undefined ? 0 : child.lines.indexOf(line) + 1);
}

function compared(
  room: Room,
  question: Question,
  sinceMs: number,
): Omit<ConversationFigures, 'pressToListenMs'> {
  const asked = room.microphone.since(sinceMs);
  const answered = room.speaker.since(sinceMs);
  const spoken = judge(question.pcm, asked.pcm);
  if (spoken.heard === undefined || spoken.verdict !== 'the same')
    throw new Error(`the microphone did not hear what was said, but ${inWords(spoken)}`);
  const answer = judge(question.pcm, answered.pcm);
  if (answer.heard === undefined || answer.verdict !== 'the same')
    throw new Error(`what came out of the speaker is not what was said, but ${inWords(answer)}`);
  const questionOverAtMs = asked.beginsAtMs + spoken.heard.endMs;
  return {
    questionToAnswerMs: answered.beginsAtMs + answer.heard.beginMs - questionOverAtMs,
    saidMs: answer.saidMs,
    heardMs: lengthOf(answer.heard),
    correlation: answer.correlation,
  };
}

function inWords({ verdict, correlation, saidMs, heard }: ReturnType<typeof judge>): string {
  switch (verdict) {
    case 'silence':
      return 'silence';
    case 'a part is missing':
      return `only ${lengthOf(heard)} ms of its ${saidMs} ms`;
    default:
      return `something else (correlation ${correlation.toFixed(3)}, ${LEAST_CORRELATION.toFixed(2)} is needed)`;
  }
}
