// What was measured, as a table for people and as JSON for programs. Every figure comes from time stamps or samples.

import { LEAST_CORRELATION } from './likeness.ts';

export type ConversationFigures = {
  /** From the request on the control socket to the server's log line about `listen start`. */
  readonly pressToListenMs: number;
  /** By signal, on the same clock: the last loud moment at the microphone, the first at the speaker. */
  readonly questionToAnswerMs: number;
  readonly saidMs: number;
  readonly heardMs: number;
  readonly correlation: number;
};

export type Figures = {
  readonly conversations: readonly [ConversationFigures, ConversationFigures];
  /** From the server's end to its next `listening`. */
  readonly outageMs: number;
  /** From there to the agent's `link ready`. */
  readonly reconnectMs: number;
  readonly agentRssMb: number;
  readonly totalMs: number;
};

const NAME_CHARS = 38;
const CELL_CHARS = 10;

export function table(figures: Figures): string {
  const [first, second] = figures.conversations;
  const row = (name: string, ...cells: string[]) =>
    `${name.padEnd(NAME_CHARS)}${cells.map((cell) => cell.padStart(CELL_CHARS)).join('')}`;
  const both = (name: string, show: (one: ConversationFigures) => string) =>
    row(name, show(first), show(second));
  return [
    row('conversation', '1', '2'),
    '-'.repeat(NAME_CHARS + 2 * CELL_CHARS),
    both('press -> server has listen start', (one) => milliseconds(one.pressToListenMs)),
    both('end of question -> first sound', (one) => milliseconds(one.questionToAnswerMs)),
    both('question, as said', (one) => seconds(one.saidMs)),
    both('answer, as heard', (one) => seconds(one.heardMs)),
    both(`likeness (correlation >= ${LEAST_CORRELATION.toFixed(2)})`, (one) => one.correlation.toFixed(3)),
    '',
    row('server was gone for', seconds(figures.outageMs)),
    row('server back -> connected again', milliseconds(figures.reconnectMs)),
    row("agent's memory (RSS)", `${figures.agentRssMb.toFixed(1)} MB`),
    row('whole demo', seconds(figures.totalMs)),
    '',
  ].join('\n');
}

export function json(figures: Figures): string {
  return JSON.stringify({
    conversations: figures.conversations.map((one) => ({
      press_to_listen_ms: Math.round(one.pressToListenMs),
      question_to_answer_ms: Math.round(one.questionToAnswerMs),
      said_ms: one.saidMs,
      heard_ms: one.heardMs,
      correlation: Number(one.correlation.toFixed(3)),
    })),
    outage_ms: Math.round(figures.outageMs),
    reconnect_ms: Math.round(figures.reconnectMs),
    agent_rss_mb: figures.agentRssMb,
    total_ms: Math.round(figures.totalMs),
  });
}

function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
