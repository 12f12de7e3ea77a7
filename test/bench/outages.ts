// Outages that last seconds, met by many agents in this process at once: the server refuses for 40 s, or is there and
// answers nothing. Second-scale figures: what the agents share of one processor does not show in them.
import { setTimeout as pause } from 'node:timers/promises';
import { HEARTBEAT_MS } from '../../src/core/lessons.ts';
import { PROVEN_AFTER_MS } from '../../src/core/link.ts';
import { isListenStart } from '../helpers/good-conversation.ts';
import type { Heard } from '../helpers/scripted-session.ts';
import { numberOf, silentBoard, startBoards, talkingBoard } from './boards.ts';
import type { Figure } from './figure.ts';
import type { Lab } from './lab.ts';

/** The table (reconnect.md §4). */
const OUTAGE_MS = 40_000;
const BACK_GOAL_MS = 10_000;
const IDLE_GOAL_MS = 20_000;
export const PRESS_GOAL_MS = 2_000;
/** Past the 10 s, as the server sees it. */
export const PROVEN_MS = PROVEN_AFTER_MS + 250;
/**
 * The goal lies near the edge of what the backoff draws (steady waits of 6 to 12 s: 3.7 % of boards above 10 s), so that
 * of thirty boards' p95s every third would miss it by chance; of so many, one in thirty.
 */
const REFUSED_BOARDS = 600;
const IDLE_BOARDS = 60;
const PRESSED_BOARDS = 30;
/** The bench's table asks for 6 s of silence: longer than the 5 s within which a connection counts as fresh. */
export const SILENT_MS = 6_000;
/** Cuts up to here: the last presses then come while a heartbeat's ping (15 s, for 5 s) waits for its answer. */
const CUTS_UNTIL_MS = 13_500;
/** 3 s of speech: the 1.5 s that had to wait and as much after them. */
const COUNTED_PACKETS = 50;

export async function refusedFigures(lab: Lab): Promise<readonly Figure[]> {
  const { door, boards } = await startBoards(lab, REFUSED_BOARDS, silentBoard);
  await pause(PROVEN_MS);
  const attemptsBefore = boards.map(({ state }) => state.link.attempt);
  door.shut();
  await pause(OUTAGE_MS);
  if (boards.some(({ state }) => state.link.phase === 'ready')) throw new Error('a refused board is ready');
  const attempts = boards.map(({ state }, at) => state.link.attempt - (attemptsBefore[at] ?? 0));
  const openedMs = await door.open();
  const back = await Promise.all(boards.map((board) => board.greeted()));
  return [
    {
      name: 'back after 40 s of refusals -> hello',
      unit: 'ms',
      samples: back.map(({ helloAtMs }) => helloAtMs - openedMs),
      goal: { of: 'p95', atMost: BACK_GOAL_MS },
      note: `${REFUSED_BOARDS} agents in one process, real sockets and refusals, one outage in real time`,
    },
    { name: 'attempts in 40 s of refusals', unit: '', samples: attempts },
  ];
}

/** The whole heartbeat is covered evenly: which moment it is decides over most of the figure. */
export async function halfOpenFigures(lab: Lab): Promise<readonly Figure[]> {
  const { boards } = await startBoards(lab, IDLE_BOARDS, silentBoard);
  const samples = boards.map(async (board, at) => {
    const { session, helloAtMs } = board.first;
    const momentMs = helloAtMs + PROVEN_MS + (HEARTBEAT_MS.start * at) / IDLE_BOARDS;
    await pause(momentMs - performance.now());
    session.blackHole();
    const cutAtMs = performance.now();
    return (await board.greeted()).helloAtMs - cutAtMs;
  });
  return [
    {
      name: 'half-open, idle -> new hello',
      unit: 'ms',
      samples: await Promise.all(samples),
      goal: { of: 'p95', atMost: IDLE_GOAL_MS },
      note: `${IDLE_BOARDS} agents in one process; cut at every moment of the heartbeat`,
    },
  ];
}

export async function pressedFigures(lab: Lab): Promise<readonly Figure[]> {
  const { boards } = await startBoards(lab, PRESSED_BOARDS, talkingBoard);
  const presses = boards.map(async (board, at) => {
    const cutAtMs = board.first.helloAtMs + (CUTS_UNTIL_MS * at) / PRESSED_BOARDS;
    await pause(cutAtMs - performance.now());
    board.first.session.blackHole();
    await pause(SILENT_MS);
    const pressedAtMs = performance.now();
    board.dispatch({ type: 'press.asked' });
    const { session } = await board.greeted();
    await session.next(isListenStart);
    const first = await session.next(isPacket);
    await session.next((heard) => heard.kind === 'binary' && numberOf(heard.bytes) >= COUNTED_PACKETS - 1);
    return { delayMs: first.atMs - pressedAtMs, wrong: wrongPackets(session.received) };
  });
  const measured = await Promise.all(presses);
  return [
    {
      name: 'half-open, press -> speech (in one process)',
      unit: 'ms',
      samples: measured.map(({ delayMs }) => delayMs),
      goal: { of: 'p95', atMost: PRESS_GOAL_MS },
      note: `${PRESSED_BOARDS} agents; packets are numbered from the press on`,
    },
    {
      name: 'of its first 3 s not heard in order',
      unit: 'packets',
      samples: measured.map(({ wrong }) => wrong),
      goal: { of: 'max', atMost: 0 },
    },
  ];
}

export function isPacket(heard: Heard): boolean {
  return heard.kind === 'binary';
}

/** Those of the first ones that are not where they belong. */
function wrongPackets(received: readonly Heard[]): number {
  const numbers = received.flatMap((heard) => (heard.kind === 'binary' ? [numberOf(heard.bytes)] : []));
  return Array.from({ length: COUNTED_PACKETS }, (_, at) => at).filter((at) => numbers[at] !== at).length;
}
