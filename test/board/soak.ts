// A board that is left to itself for hours while faults out of a seeded list happen to it, at rest or in the middle of a turn, and
// somebody talks to it every few minutes. After each: the service runs and was started anew by nothing but a kill, it has one
// connection, made in time, and is at rest, the next sentence arrives whole, no child is left, it weighs no more than this
// process did at first, and its token is in no log (reliability.md §4; timers cannot be seen from outside). What it weighs goes
// into a table (CSV) and a picture. Run by run.ts.
//   soak.js FOLDER DEB --hours N [--seed S]
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dice } from '../helpers/dice.ts';
import type { Line } from './journal.ts';
import { HOST } from './machine.ts';
import { Late } from './person.ts';
import { plot } from './plot.ts';
import { CONNECTED, parrot, SERVICE, Stage, seconds, TOKEN } from './stage.ts';

const { values, positionals } = parseArgs({
  options: { hours: { type: 'string' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const [FOLDER = '', DEB = ''] = positionals;
const HOURS = Number(values.hours);
const CSV = join(FOLDER, 'soak.csv');
/** A fault, what it leads to and a sentence take a minute of an emulated board. */
const MOST_QUIET_S = 60;
/** Everything that goes away at the end of a turn is gone after that. */
const SETTLED_S = 5;
/** The backoff's longest wait is 12 s, and an emulated start takes 10; where nobody watched the network it would be a minute. */
const BACK_S = 30;
/** After it no daemon is killed: one that grows does so in a process that lives. */
const LAST_KILL = 0.5;
/** Longer than any child of a box at rest takes, and shorter than one that nobody ends. */
const LEAVE_MS = 8_000;
const CHILDREN = `ps -o comm= --ppid "$(systemctl show ${SERVICE} -p MainPID --value)" | sort`;
/** Of what it weighs at first: a leak shows as more, a garbage collection that is yet to come does not. */
const MOST_GROWTH = 1.5;

const KILL = 'daemon killed';

const random = dice(Number(values.seed));
const stage = await Stage.open(FOLDER, DEB);
const { board, journal, person } = stage;
let server = await parrot();

/** Each leaves the world as it was; how the agent stands it is what is looked at. */
const FAULTS: Readonly<Record<string, () => Promise<unknown>>> = {
  async 'cable out for a moment'() {
    await board.cable('pull');
    await board.get('sleep 0.3');
    await board.cable('plug');
  },
  async 'cable out'() {
    await board.cable('pull');
    await board.get(`sleep ${5 + Math.floor(random() * 55)}`);
    await board.cable('plug');
  },
  async 'server killed'() {
    const { port } = server;
    await server.kill();
    await board.get(`sleep ${1 + Math.floor(random() * 20)}`);
    server = await parrot(port);
  },
  'recorder killed': () => board.get('pkill -9 -x -u xiaozhi arecord'),
  'player killed': () => board.get('pkill -9 -x -u xiaozhi aplay'),
  'network watch killed': () => board.get("pkill -9 -u xiaozhi -f '^ip .*monitor'"),
  'button watch killed': () => board.get('pkill -9 -x -u xiaozhi gpiomon'),
  [KILL]: () => {
    kills += 1;
    return board.get(`kill -9 "$(systemctl show ${SERVICE} -p MainPID --value)"`);
  },
  'daemon stopped for 10 s': () =>
    board.get(`p=$(systemctl show ${SERVICE} -p MainPID --value); kill -STOP $p; sleep 10; kill -CONT $p`),
  'clock an hour ahead': () => board.get("date -s '+1 hour'"),
  'clock a day back': () => board.get("date -s '-1 day'"),
  'press in the middle of it': () => person.click(),
};

type Moment = 'at rest' | 'while it listens' | 'while it speaks';
const MOMENTS: Readonly<Record<Moment, (fault: () => Promise<unknown>) => Promise<unknown>>> = {
  'at rest': (fault) => fault(),
  async 'while it listens'(fault) {
    await asked(async (said) => {
      await board.get('sleep 2');
      await fault();
      await said;
    });
  },
  async 'while it speaks'(fault) {
    const since = journal.mark();
    await asked((said) => said);
    await journal.until(/: turn speaking/, since);
    await board.get('sleep 2');
    await fault();
  },
};
/** What is there only then. */
const ONLY: Readonly<Record<string, Moment>> = {
  'recorder killed': 'while it listens',
  'player killed': 'while it speaks',
};

/** An emulator that is late for every fourth sentence shows nothing of the box. */
const MOST_LATE = 0.25;
/** Sockets and pipes of a turn that is just over. */
const MORE_DESCRIPTORS = 6;

const beganMs = performance.now();
let [faults, failed, late, kills] = [0, 0, 0, 0];
/** By process. */
const first = new Map<string, Weight>();
try {
  await lived();
} finally {
  journal.stop();
  await board.stop();
  await server.kill();
  plot(CSV, join(FOLDER, 'soak.png'));
  console.log(
    `${faults} faults: ${failed} not stood, ${late} not judged for an emulator that was late; ${CSV}`,
  );
}
await stage.server.stop();
process.exit(failed === 0 && late <= MOST_LATE * faults ? 0 : 1);

async function lived(): Promise<void> {
  writeFileSync(CSV, 'second,fault,moment,rss_kb,descriptors,children,restarts,ok,pid\n');
  await stage.configure(server.url);
  await board.cable('plug');
  await person.learn(stage.sentence);
  await stage.restarted();
  await weighed('none', 'at rest', async () => undefined);
  const untilMs = beganMs + HOURS * 3_600_000;
  const names = Object.keys(FAULTS);
  while (performance.now() < untilMs) {
    const isLate = untilMs - performance.now() < (1 - LAST_KILL) * HOURS * 3_600_000;
    const name = oneOf(isLate ? names.filter((one) => one !== KILL) : names);
    const moment = ONLY[name] ?? oneOf(Object.keys(MOMENTS) as Moment[]);
    await board.get(`sleep ${Math.floor(random() * MOST_QUIET_S)}`);
    await weighed(name, moment, FAULTS[name] ?? (async () => undefined));
  }
}

function oneOf<T>(list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** @param during with the promise of everything being said, whatever becomes of it */
async function asked(during: (said: Promise<unknown>) => Promise<unknown>): Promise<void> {
  const since = journal.mark();
  await person.holding(async () => {
    const said = person.speak().catch(() => undefined);
    await journal.until(/: turn (listening|recording)/, since);
    await during(said);
  });
}

async function weighed(name: string, moment: Moment, fault: () => Promise<unknown>): Promise<void> {
  const second = Math.round((performance.now() - beganMs) / 1_000);
  faults += 1;
  let ok: '1' | '0' | 'late' = '1';
  let now: Weight | undefined;
  try {
    let over: [mark: number, at: Line] = [journal.mark(), await stage.noted('true')];
    await MOMENTS[moment](async () => {
      await fault();
      over = [journal.mark(), await stage.noted('true')];
    });
    await recovered(...over);
    if (!(await talkedTo())) ok = 'late';
    await board.get(`sleep ${SETTLED_S}`);
    now = await weight();
    await leftNothing(now);
  } catch (error) {
    ok = '0';
    console.log(`${second} s, ${name} ${moment}: ${(error as Error).message}`);
  }
  if (ok === '0') failed += 1;
  if (ok === 'late') late += 1;
  const { pid, rssKb, descriptors, children, restarts } = now ?? {};
  const row = [second, name, moment, rssKb, descriptors, children?.length, restarts, ok, pid].join(',');
  appendFileSync(CSV, `${row}\n`);
  console.log(row);
}

/** @param over since when nothing is in its way any more */
async function recovered(since: number, over: Line): Promise<void> {
  await stage.rested();
  const changes = journal.all(/: link (lost|ready)/, since);
  const at = changes.findIndex(({ text }) => CONNECTED.test(text));
  // A connection that has died unnoticed is made anew from when that is noticed.
  const tookS = at < 0 ? 0 : seconds(changes[at - 1] ?? over, changes[at] ?? over);
  assert.ok(tookS < BACK_S, `connected ${tookS} s after it`);
  assert.equal(await board.get(`systemctl is-active ${SERVICE}`), 'active');
}

/** False: the emulator was late each time, so that nothing can be told. */
async function talkedTo(): Promise<boolean> {
  try {
    await stage.converse(() => stage.ask());
    return true;
  } catch (error) {
    if (error instanceof Late) return false;
    throw error;
  }
}

async function leftNothing(now: Weight): Promise<void> {
  // A sign of life every 10 s is a child's work too, and over in a moment.
  await board.says(CHILDREN, /^gpiomon\nip\n?$/, LEAVE_MS);
  assert.equal(now.restarts, kills, 'starts by systemd');
  const before = first.get(now.pid) ?? now;
  first.set(now.pid, before);
  assert.ok(now.rssKb < MOST_GROWTH * before.rssKb, `RSS of ${now.rssKb} kB, after ${before.rssKb} kB`);
  const most = before.descriptors + MORE_DESCRIPTORS;
  assert.ok(now.descriptors <= most, `${now.descriptors} descriptors, after ${before.descriptors}`);
  const sockets = await board.get(`ss -Htn state established dst ${HOST} | wc -l`);
  assert.equal(Number(sockets), 1, 'connections');
  assert.equal(journal.all(new RegExp(TOKEN), 0).length, 0, 'lines of the log with the token');
}

type Weight = {
  readonly pid: string;
  readonly rssKb: number;
  readonly descriptors: number;
  readonly children: readonly string[];
  readonly restarts: number;
};

async function weight(): Promise<Weight> {
  const text = await board.get(
    `p=$(systemctl show ${SERVICE} -p MainPID --value); echo $p; sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$p/status; ls /proc/$p/fd | wc -l; systemctl show ${SERVICE} -p NRestarts --value; ps -o comm= --ppid $p | sort`,
  );
  const [pid = '', rssKb, descriptors, restarts, ...children] = text.split('\n');
  return {
    pid,
    rssKb: Number(rssKb),
    descriptors: Number(descriptors),
    restarts: Number(restarts),
    children,
  };
}
