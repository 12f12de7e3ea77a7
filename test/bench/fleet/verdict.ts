// From what was seen of a run to its figures, and whether they are as promised. Pure; knows nothing of the core.
import { quantile } from '../figure.ts';
import type { Seen } from './fleet.ts';

export type Goal = { readonly text: string; readonly met: boolean };

export type Verdict = {
  readonly scenario: string;
  readonly setting: string;
  readonly boards: number;
  /** In the worst second: of all windows of 1,000 ms, wherever they begin, the fullest. */
  readonly attemptsPeak: number;
  readonly acceptedPeak: number;
  /** The same as a share of the boards. */
  readonly attemptsShare: number;
  readonly acceptedShare: number;
  /** Seconds from the server's return until so many of the boards were back; null: they never were. */
  readonly backS: { readonly half: number | null; readonly most: number | null; readonly all: number | null };
  readonly attemptsEach: { readonly median: number; readonly max: number };
  readonly lost: number;
  /** Of one board, in any 10 s, its first attempt aside. */
  readonly attemptsIn10s: number;
  readonly mostSocketsAway: number;
  /** Null: the peak is reported, nothing is promised of it. */
  readonly peakGoal: boolean | null;
  readonly goals: readonly Goal[];
};

/** reconnect.md §4: at most this share of the boards in any one second. */
const MOST_SHARE = 0.12;
/** One attempt a second is what a board may make for long (S12: base 1 s). */
const WATCHED_MS = 10_000;
const MOST_ATTEMPTS_WATCHED = 10;

/** The most of these ascending moments that lie in one window, wherever it begins. */
export function fullest(momentsMs: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  momentsMs.forEach((atMs, at) => {
    while (atMs - (momentsMs[first] ?? atMs) >= windowMs) first += 1;
    most = Math.max(most, at - first + 1);
  });
  return most;
}

export function judge(seen: Seen): Verdict {
  const { boards, attemptsOf, backAfterMs, mostSocketsAway } = seen;
  const attemptsPeak = fullest(seen.attemptedAtMs, 1_000);
  const acceptedPeak = fullest(seen.acceptedAtMs, 1_000);
  const acceptedShare = acceptedPeak / boards;
  const attempts = attemptsOf.map((moments) => moments.length);
  const lost = boards - backAfterMs.length;
  const attemptsIn10s = quantile(
    attemptsOf.map((moments) => fullest(moments.slice(1), WATCHED_MS)),
    1,
  );
  const peakGoal = seen.isPeakPromised ? acceptedShare <= MOST_SHARE : null;
  const backS = (share: number) => {
    const needed = Math.ceil(share * boards);
    return needed > backAfterMs.length ? null : quantile(backAfterMs, needed / backAfterMs.length) / 1_000;
  };
  return {
    scenario: seen.scenario,
    setting: seen.setting,
    boards,
    attemptsPeak,
    acceptedPeak,
    attemptsShare: attemptsPeak / boards,
    acceptedShare,
    backS: { half: backS(0.5), most: backS(0.99), all: backS(1) },
    attemptsEach: { median: quantile(attempts, 0.5), max: quantile(attempts, 1) },
    lost,
    attemptsIn10s,
    mostSocketsAway,
    peakGoal,
    goals: [
      ...(peakGoal === null
        ? []
        : [{ text: `${MOST_SHARE * 100} % at most accepted in any second`, met: peakGoal }]),
      // A run in which nothing happened to the boards would meet all the others.
      {
        text: 'every board loses its connection, tries, and is accepted',
        met: attempts.every((count) => count > 0) && seen.acceptedAtMs.length >= boards,
      },
      { text: 'every board comes back', met: lost === 0 && backAfterMs.every((ms) => ms >= 0) },
      ...(seen.backGoalMs === null
        ? []
        : [
            {
              text: `95 % are back within ${seen.backGoalMs / 1_000} s`,
              met: lost === 0 && quantile(backAfterMs, 0.95) <= seen.backGoalMs,
            },
          ]),
      {
        text: `${MOST_ATTEMPTS_WATCHED} attempts at most of a board in any ${WATCHED_MS / 1_000} s after its first`,
        met: attemptsIn10s <= MOST_ATTEMPTS_WATCHED,
      },
      { text: 'never two sockets of a board while it is away', met: mostSocketsAway <= 1 },
    ],
  };
}

const HEAD = [
  ['', 'scenario'],
  ['', 'setting'],
  ['attempts', 'worst second'],
  ['accepted', 'worst second'],
  ['12 %', 'met'],
  ['50 %', 'back s'],
  ['99 %', 'back s'],
  ['all', 'back s'],
  ['attempts', 'median'],
  ['each', 'max'],
  ['', 'lost'],
] as const;
const TEXT_COLUMNS = 2;

export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((one) => [
    one.scenario,
    one.setting,
    `${one.attemptsPeak} ${percent(one.attemptsShare)}`,
    `${one.acceptedPeak} ${percent(one.acceptedShare)}`,
    one.peakGoal === null ? 'not promised' : one.peakGoal ? 'yes' : 'NO',
    ...[one.backS.half, one.backS.most, one.backS.all].map((s) => s?.toFixed(1) ?? 'never'),
    ...[one.attemptsEach.median, one.attemptsEach.max, one.lost].map(String),
  ]);
  const lines = [HEAD.map(([over]) => over), HEAD.map(([, name]) => name), ...rows];
  const widths = HEAD.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  const pad = (cell: string, at: number) =>
    at < TEXT_COLUMNS ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  const missed = verdicts.flatMap(({ scenario, setting, goals }) =>
    goals.filter(({ met }) => !met).map(({ text }) => `missed: ${scenario}, ${setting}: ${text}`),
  );
  return [...lines.map((cells) => cells.map(pad).join('  ').trimEnd()), ...missed].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).padStart(5)} %`;
}
