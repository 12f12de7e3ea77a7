// A board that is left to itself for hours while faults out of a seeded list happen to it, at rest or in the middle of a turn, and
// somebody talks to it every few minutes. After each: the service runs and was started anew by nothing but a kill, it has one
// connection and is at rest, the next sentence arrives whole, no child is left, it weighs no more than it did, and its token
// is in no log (reliability.md §4). What it weighs goes into a table (CSV) and a picture. Run by run.ts.
//   soak.js FOLDER DEB NEWER_DEB --hours N [--seed S]
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dice } from '../helpers/dice.ts';
import { HOST } from './machine.ts';
import { Late } from './person.ts';
import { plot } from './plot.ts';
import { parrot, SERVICE, Stage, TOKEN } from './stage.ts';

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
/** Of what it weighs at first: a leak shows as more, a garbage collection that is yet to come does not. */
const MOST_GROWTH = 1.5;

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
  'daemon killed': () => {
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
/** A sentence that it was late for is said again, so often at the most. */
const SAYINGS = 3;
/** Sockets and pipes of a turn that is just over. */
const MORE_DESCRIPTORS = 6;

const beganMs = performance.now();
let [faults, failed, late, kills] = [0, 0, 0, 0];
let first: Weight | undefined;
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
  writeFileSync(CSV, 'second,fault,moment,rss_kb,descriptors,children,restarts,ok\n');
  await stage.configure(server.url);
  await board.cable('plug');
  await person.learn(stage.sentence);
  await stage.restarted();
  await weighed('none', 'at rest', async () => undefined);
  const untilMs = beganMs + HOURS * 3_600_000;
  while (performance.now() < untilMs) {
    const name = oneOf(Object.keys(FAULTS));
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
  let [ok, now]: ['1' | '0' | 'late', Weight | undefined] = ['1', undefined];
  try {
    await MOMENTS[moment](fault);
    await recovered();
    if (!(await wasTalkedTo())) ok = 'late';
    await board.get(`sleep ${SETTLED_S}`);
    now = await weight();
    await leftNothing(now);
  } catch (error) {
    ok = '0';
    console.log(`${second} s, ${name} ${moment}: ${(error as Error).message}`);
  }
  if (ok === '0') failed += 1;
  if (ok === 'late') late += 1;
  const { rssKb, descriptors, children, restarts } = now ?? {};
  const row = [second, name, moment, rssKb, descriptors, children?.length, restarts, ok].join(',');
  appendFileSync(CSV, `${row}\n`);
  console.log(row);
}

/** It says so itself. */
async function recovered(): Promise<void> {
  await board.says('xiaozhi-agent status', /^state\s+idle[\s\S]*^server\s+ready/m);
  assert.equal(await board.get(`systemctl is-active ${SERVICE}`), 'active');
}

/** False: the emulator was late each time, so that nothing can be told. */
async function wasTalkedTo(): Promise<boolean> {
  for (let said = 0; said < SAYINGS; said += 1) {
    try {
      await person.listen();
      // What is wrong with the question is not hidden by what is wrong with the ear.
      const wrong = await stage.ask().then(
        () => undefined,
        (error: unknown) => error,
      );
      const heard = await person.heard().catch((error: unknown) => error);
      if (wrong !== undefined) throw wrong;
      if (!(heard instanceof Uint8Array)) throw heard;
      stage.assertPlayed(heard);
      return true;
    } catch (error) {
      if (!(error instanceof Late)) throw error;
      await recovered();
    }
  }
  return false;
}

async function leftNothing(now: Weight): Promise<void> {
  assert.deepEqual(now.children, ['gpiomon', 'ip'], 'children of a box at rest');
  assert.equal(now.restarts, kills, 'starts by systemd');
  first ??= now;
  assert.ok(now.rssKb < MOST_GROWTH * first.rssKb, `RSS of ${now.rssKb} kB, after ${first.rssKb} kB`);
  const most = first.descriptors + MORE_DESCRIPTORS;
  assert.ok(now.descriptors <= most, `${now.descriptors} descriptors, after ${first.descriptors}`);
  const sockets = await board.get(`ss -Htn state established dst ${HOST} | wc -l`);
  assert.equal(Number(sockets), 1, 'connections');
  assert.equal(journal.all(new RegExp(TOKEN), 0).length, 0, 'lines of the log with the token');
}

type Weight = {
  readonly rssKb: number;
  readonly descriptors: number;
  readonly children: readonly string[];
  readonly restarts: number;
};

async function weight(): Promise<Weight> {
  const text = await board.get(
    `p=$(systemctl show ${SERVICE} -p MainPID --value); sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$p/status; ls /proc/$p/fd | wc -l; systemctl show ${SERVICE} -p NRestarts --value; ps -o comm= --ppid $p | sort`,
  );
  const [rssKb, descriptors, restarts, ...children] = text.split('\n');
  return { rssKb: Number(rssKb), descriptors: Number(descriptors), restarts: Number(restarts), children };
}
