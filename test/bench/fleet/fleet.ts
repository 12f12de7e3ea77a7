// Plays one scenario with a fleet of boards in virtual time, and hands over what was seen. Judges nothing.
import { policyOf } from '../../../src/commands/policy.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { PROVEN_AFTER_MS } from '../../../src/core/link.ts';
import type { Policy } from '../../../src/core/state.ts';
import { quantile } from '../figure.ts';
import { Board } from './board.ts';
import { EventQueue } from './event-queue.ts';
import type { Scenario, Setting } from './scenarios.ts';
import { ServerModel } from './server-model.ts';

export type Fleet = { readonly boards: number; readonly seed: number };

export type Seen = {
  readonly scenario: string;
  readonly setting: string;
  readonly boards: number;
  /** Whether the goal for the peak speaks of this run. */
  readonly isPeakPromised: boolean;
  /** Within which 95 % are to be back; null: reported, not promised. */
  readonly backGoalMs: number | null;
  /** Moments after the first end of all connections. */
  readonly attemptedAtMs: readonly number[];
  readonly acceptedAtMs: readonly number[];
  /** Of each board that came back: from the server's last return to the hello it kept. */
  readonly backAfterMs: readonly number[];
  /** Of each board: the moments of its attempts. */
  readonly attemptsOf: readonly (readonly number[])[];
  readonly mostSocketsAway: number;
};

/** Two heartbeat intervals (15 s), so that boards stand at every point of theirs when the first end comes. */
const STARTS_WITHIN_MS = 30_000;
/** Then the last one has proved its connection, slow handshake included. */
const FIRST_END_AT_MS = STARTS_WITHIN_MS + PROVEN_AFTER_MS + 5_000;
/** From a server in the same town to one on another coast. */
const RTT_MS = { from: 1, to: 50 };
/** Five times the longest wait between attempts (60 s): who is not back by then will not come. */
const PATIENCE_MS = 300_000;
/** How often it is asked whether everybody is back; affects only when a run stops. */
const LOOK_EVERY_MS = 1_000;

export function policyWith(setting: Setting): Policy {
  const { config, problems } = loadConfig({
    environment: {},
    overrides: { 'server.websocket_url': 'ws://fleet.invalid/', ...setting.overrides },
  });
  const [problem] = problems;
  if (problem !== undefined) throw new Error(`setting "${setting.name}": ${JSON.stringify(problem)}`);
  return policyOf(config);
}

export function play(scenario: Scenario, setting: Setting, policy: Policy, fleet: Fleet): Seen {
  const queue = new EventQueue();
  const server = new ServerModel(queue);
  let ready = 0;
  let changedAtMs = 0;
  const changed = (isReady: boolean) => {
    ready += isReady ? 1 : -1;
    changedAtMs = queue.nowMs;
  };
  const boards = Array.from({ length: fleet.boards }, (_, number) => {
    const dice = diceOf(fleet.seed, number);
    const rttMs = RTT_MS.from + dice() * (RTT_MS.to - RTT_MS.from);
    const startMs = dice() * STARTS_WITHIN_MS;
    const board = new Board({ queue, server, policy, rttMs, dice, changed });
    queue.after(startMs, () => board.start());
    return board;
  });
  queue.runUntil(FIRST_END_AT_MS);
  if (ready !== fleet.boards) throw new Error(`${ready} of ${fleet.boards} boards connected at the start`);
  for (const { afterMs, loss, as, forMs } of scenario.absences) {
    queue.runUntil(queue.nowMs + afterMs);
    server.endAll(loss, as);
    queue.runUntil(queue.nowMs + forMs);
    server.comeBack();
  }
  const backAtMs = queue.nowMs;
  while (queue.nowMs < backAtMs + PATIENCE_MS) {
    queue.runUntil(queue.nowMs + LOOK_EVERY_MS);
    // One that is lost again was not back.
    if (ready === fleet.boards && queue.nowMs - changedAtMs > PROVEN_AFTER_MS) break;
  }
  const sinceEnd = (moments: readonly number[]) =>
    moments.filter((atMs) => atMs >= FIRST_END_AT_MS).map((atMs) => atMs - FIRST_END_AT_MS);
  return {
    scenario: scenario.name,
    setting: setting.name,
    boards: fleet.boards,
    isPeakPromised: scenario.promised === 'always' || (scenario.promised === 'when calm' && setting.calm),
    backGoalMs: setting.calm ? null : (scenario.backGoalMs ?? null),
    attemptedAtMs: sinceEnd(server.attemptedAtMs),
    acceptedAtMs: sinceEnd(server.acceptedAtMs),
    backAfterMs: boards.flatMap(({ readyAtMs }) => (readyAtMs === null ? [] : [readyAtMs - backAtMs])),
    attemptsOf: boards.map(({ attemptedAtMs }) => sinceEnd(attemptedAtMs)),
    mostSocketsAway: quantile(
      boards.map((board) => board.mostSocketsAway),
      1,
    ),
  };
}

/** mulberry32, from a start of each board's own: neighbours must not draw alike. */
function diceOf(seed: number, board: number): () => number {
  // Knuth's multiplicative constant (2^32 by the golden ratio) scatters the numbers of the boards over all starts.
  let state = (seed + Math.imul(board + 1, 0x9e3779b1)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
