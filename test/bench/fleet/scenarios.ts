// What may become of a server that ten thousand boards are connected to, as data. Knows nothing of how it is played.
import type { Loss } from '../../../src/ports.ts';
import { closedBy, type Presence } from './server-model.ts';

export type Absence = {
  /** From the end of the one before; the first begins when every board has proved its connection. */
  readonly afterMs: number;
  /** How every connection ends at its beginning; null: nobody is told. */
  readonly loss: Loss | null;
  readonly as: Presence;
  /** 0: the server only closes everybody, and takes them back at once. */
  readonly forMs: number;
};

export type Scenario = {
  readonly name: string;
  readonly about: string;
  /** Of whom the goal for the peak (reconnect.md §4) speaks: of every setting, or of the calm one only. */
  readonly promised: 'always' | 'when calm' | 'never';
  /** With the default setting, for 95 % of the boards (reconnect.md §4: server back after 40 s, refusing meanwhile). */
  readonly backGoalMs?: number;
  readonly absences: readonly Absence[];
};

export type Setting = {
  readonly name: string;
  readonly calm: boolean;
  readonly overrides: Readonly<Record<string, string>>;
};

/** The configuration as it comes, and the one for large fleets (reconnect.md §4). */
export const SETTINGS: readonly Setting[] = [
  { name: 'default', calm: false, overrides: {} },
  { name: 'first_retry_ms = 10000', calm: true, overrides: { 'link.first_retry_ms': '10000' } },
];

/** A killed process: its kernel ends the connections, and there is no close frame. */
const CRASHED = closedBy(1006);
const GOING_AWAY = closedBy(1001);
const RESTARTING = closedBy(1012);
const ORDINARY = closedBy(1000);

/** The goal is for outages of at least that length; shorter ones are reported, and promised when calm. */
const LONG_MS = 40_000;

function away(name: string, about: string, forMs: number, loss: Loss | null, as: Presence): Scenario {
  // A machine that does not answer at all is found again by the kernel's own resends, 1, 3 and 7 s into an attempt: only
  // waits of 23 s and more would keep that under the goal, at the cost of everybody's being back within a few seconds.
  const promised = as === 'gone' ? 'never' : forMs >= LONG_MS ? 'always' : 'when calm';
  return { name, about, promised, absences: [{ afterMs: 0, loss, as, forMs }] };
}

/** The durations and the two closes are those of the goal (reconnect.md §4); the rest are their neighbours. */
export const SCENARIOS: readonly Scenario[] = [
  away('away-0.5s', 'a crash, refusing for half a second', 500, CRASHED, 'refusing'),
  away('away-3s', 'a crash, refusing for 3 s', 3_000, CRASHED, 'refusing'),
  { ...away('away-40s', 'a crash, refusing for 40 s', 40_000, CRASHED, 'refusing'), backGoalMs: 10_000 },
  // Of the lengths tried between 40 s and 2 min, one of those at which the herd was still most in step.
  away('away-45s', 'a crash, refusing for 45 s', 45_000, CRASHED, 'refusing'),
  away('away-10min', 'a crash, refusing for 10 min', 600_000, CRASHED, 'refusing'),
  away('restart-3s', 'an announced restart (1012), refusing for 3 s', 3_000, RESTARTING, 'refusing'),
  away('gone-40s', 'its machine goes down in order and does not answer for 40 s', 40_000, CRASHED, 'gone'),
  away(
    'gone-10min',
    'its machine goes down in order and does not answer for 10 min',
    600_000,
    CRASHED,
    'gone',
  ),
  away('dark-40s', 'its power fails: nobody is told, and it does not answer for 40 s', 40_000, null, 'gone'),
  {
    name: 'twice-40s',
    // Half of the fleet is dropped in one moment while the other half is on its way back: a neighbour of the goal.
    promised: 'never',
    about: 'refusing for 40 s, back for 5 s, which proves no connection, refusing for 40 s again',
    absences: [
      { afterMs: 0, loss: CRASHED, as: 'refusing', forMs: 40_000 },
      { afterMs: 5_000, loss: CRASHED, as: 'refusing', forMs: 40_000 },
    ],
  },
  away('close-1001', 'it says that it is going away to everybody at once, and stays', 0, GOING_AWAY, 'here'),
  away('close-1000', 'it ends every session at once in the ordinary way, and stays', 0, ORDINARY, 'here'),
];
