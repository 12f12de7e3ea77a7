// What the network bench has measured as figures: the kernel's word with its goals, and beside it what each slower way of
// knowing costs, as a multiple. Measures nothing.
import { type Figure, type Goal, median, quantile } from './figure.ts';
import type { AutoCourse, Course, PollCourse } from './network-acts.ts';
import type { RestCost, StormCost } from './network-cost.ts';

/** The table (reconnect.md 4). */
const BACK_GOAL: Goal = { of: 'p95', atMost: 100 };
const GONE_GOAL: Goal = { of: 'p95', atMost: 100 };
const BOOT_GOAL: Goal = { of: 'p95', atMost: 1_000 };
/** reliability.md 4, network 1: no session is lost. */
const FLAP_GOAL: Goal = { of: 'max', atMost: 0 };

type Courses = { readonly auto: AutoCourse; readonly poll: PollCourse; readonly off: Course };

type Side = { readonly samples: readonly number[]; readonly note?: string };

type Row = {
  readonly name: string;
  readonly unit?: string;
  readonly goal?: Goal;
  readonly auto: Side;
  readonly poll?: Side;
  readonly off?: Side;
};

export function networkFigures(courses: Courses): readonly Figure[] {
  return [...eventFigures(courses), ...holeFigures(courses.auto), ...costFigures(courses)];
}

function eventFigures({ auto, poll, off }: Courses): readonly Figure[] {
  const rows: readonly Row[] = [
    {
      name: 'address and route back -> new hello',
      goal: BACK_GOAL,
      auto: { samples: auto.back, note: 'one box at a time, out for 2 s and more; a wait is pending' },
      poll: { samples: poll.back, note: 'looks once a second within a minute of a change, later every 5 s' },
      off: { samples: off.back, note: 'out for 40 s; the rest of the wait that is pending then' },
    },
    {
      name: 'own address replaced -> old socket closed',
      goal: GONE_GOAL,
      auto: {
        samples: auto.closed,
        note: 'one box at a time; until the kernel no longer lists it among what the daemon has open, looked for every ms',
      },
      poll: { samples: poll.closed, note: 'after a quiet minute, when it looks every 5 s' },
      off: { samples: off.closed, note: 'at every moment of the heartbeat' },
    },
    {
      name: 'own address replaced -> hello from the new one',
      auto: { samples: auto.greeted },
      poll: { samples: poll.greeted },
      off: { samples: off.greeted },
    },
    {
      name: 'booted without network, it comes -> hello',
      goal: BOOT_GOAL,
      auto: { samples: auto.comes, note: 'link up, address and route at once; one box at a time' },
      poll: { samples: poll.comes },
      off: { samples: off.comes, note: 'it comes 20 s and more after the first attempt has failed' },
    },
    {
      name: 'better way, idle -> hello over it',
      auto: { samples: auto.better, note: 'a default route of lower metric over a second interface' },
      poll: { samples: poll.better, note: 'off: never, as nothing fails; the old way stays in use' },
    },
    {
      name: 'carrier out for 0.3 s: sessions lost',
      unit: '',
      goal: FLAP_GOAL,
      auto: { samples: auto.lost },
      poll: { samples: poll.lost },
      off: { samples: off.lost },
    },
    {
      name: 'carrier back -> ping at the server',
      auto: { samples: auto.pinged, note: 'its answer leaves at once' },
      poll: { samples: poll.pinged },
      off: { samples: off.pinged, note: 'the heartbeat, which knows nothing of the carrier' },
    },
  ];
  return rows.flatMap(sides);
}

function sides({ name, unit = 'ms', goal, auto, poll, off }: Row): readonly Figure[] {
  const beside = (watch: string, side: Side | undefined): readonly Figure[] => {
    if (side === undefined) return [];
    const notes = [timesOf(side.samples, auto.samples), side.note].filter((note) => note !== undefined);
    return [{ name: `${name}, ${watch}`, unit, samples: side.samples, note: notes.join('; ') }];
  };
  const first = { name: `${name}, auto`, unit, samples: auto.samples, note: auto.note ?? '' };
  return [goal === undefined ? first : { ...first, goal }, ...beside('poll', poll), ...beside('off', off)];
}

/** How much longer than with the kernel's word; undefined where that is nothing to compare with. */
function timesOf(samples: readonly number[], auto: readonly number[]): string | undefined {
  const shares = [0.5, 0.95].map((share) => quantile(samples, share) / quantile(auto, share));
  if (shares.some((one) => !Number.isFinite(one))) return undefined;
  const [middle = '', high = ''] = shares.map((one) => Number(one.toPrecision(2)).toString());
  return `median ${middle} times that of auto, p95 ${high} times`;
}

function holeFigures({ healed: { greeted, survived } }: AutoCourse): readonly Figure[] {
  const total = greeted.length + survived;
  const note = `at every moment of the heartbeat; link up, so the watch has nothing to tell: it is when the kernel knocks again (each second from Linux 6.5 on, earlier after 1, 2, 4 s); ${survived} of ${total} sessions survived it`;
  return [{ name: 'hole of 10 s beyond the router healed -> new hello', unit: 'ms', samples: greeted, note }];
}

function costFigures({ auto, poll, off }: Courses): readonly Figure[] {
  const cpu = (watch: string, { daemonCpu: samples }: RestCost) => {
    const note = `mean ${meanOf(samples)}; seconds an hour, extrapolated from a minute, in which a tick is 0.6`;
    return { name: `connected, at rest: CPU of daemon, ${watch}`, unit: 's/h', samples, note };
  };
  const rss = (watch: string, samples: readonly number[]) => {
    return { name: `connected, at rest: RSS of daemon, ${watch}`, unit: 'MB', samples };
  };
  const child = { samples: auto.rest.childCpu, note: `mean ${meanOf(auto.rest.childCpu)}` };
  return [
    cpu('auto', auto.rest),
    cpu('poll', poll.rest),
    cpu('off', off.rest),
    { name: 'connected, at rest: CPU of ip, auto', unit: 's/h', ...child },
    rss('auto', auto.rest.daemonMb),
    rss('off', off.rest.daemonMb),
    { name: 'connected, at rest: RSS of ip, auto', unit: 'MB', samples: auto.rest.childMb },
    ...stormFigures(auto.storm),
  ];
}

function meanOf(samples: readonly number[]): string {
  return (samples.reduce((sum, one) => sum + one, 0) / samples.length).toFixed(1);
}

function stormFigures(storm: StormCost): readonly Figure[] {
  const name = (what: string) => `30,000 routes: ${what}`;
  const growth = storm.afterMb.map((mb, at) => mb - (storm.beforeMb[at] ?? Number.NaN));
  const lasted = `\`ip -batch\` was at it for ${Math.round(median(storm.lastedMs))} ms (median)`;
  return [
    { name: name('CPU of daemon'), unit: 'ms', samples: storm.daemonMs, note: lasted },
    { name: name('CPU of its ip'), unit: 'ms', samples: storm.childMs },
    { name: name('RSS of daemon before'), unit: 'MB', samples: storm.beforeMb },
    { name: name('RSS of daemon, most'), unit: 'MB', samples: storm.mostMb },
    { name: name('RSS of daemon, growth'), unit: 'MB', samples: growth, note: '5 s after the last route' },
    {
      name: name('then address replaced -> said in the log'),
      unit: 'ms',
      samples: storm.reactedMs,
      note: 'with all 30,000 routes still there; read from its output, which costs a millisecond',
    },
    { name: name('then address replaced -> new hello'), unit: 'ms', samples: storm.greetedMs },
  ];
}
