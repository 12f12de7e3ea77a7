// A small fleet on the real loop and core against the model of a server: what must be true of any fleet, however small.
// How many come in the worst second is measured by `npm run bench:fleet`. FLEET_SEED=n runs another fleet.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { EventQueue } from '../bench/fleet/event-queue.ts';
import { play, policyWith, type Seen } from '../bench/fleet/fleet.ts';
import { SCENARIOS, SETTINGS } from '../bench/fleet/scenarios.ts';
import { fullest, judge, tableOf } from '../bench/fleet/verdict.ts';

const SEED = Number(process.env.FLEET_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const BOARDS = 200;

function played(scenarioName: string, settingName = 'default', seed = SEED): Seen {
  const scenario = SCENARIOS.find(({ name }) => name === scenarioName);
  const setting = SETTINGS.find(({ name }) => name === settingName);
  assert.ok(scenario !== undefined && setting !== undefined);
  return play(scenario, setting, policyWith(setting), { boards: BOARDS, seed });
}

/** What a run looks like in which everything is as it should be. */
const GOOD: Seen = {
  scenario: 'made up',
  setting: 'default',
  boards: 10,
  isPeakPromised: true,
  backGoalMs: 10_000,
  attemptedAtMs: [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000],
  acceptedAtMs: [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000],
  backAfterMs: [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000],
  attemptsOf: Array.from({ length: 10 }, (_, at) => [at * 1_000]),
  mostSocketsAway: 1,
};

function missed(seen: Seen): string[] {
  return judge(seen)
    .goals.filter(({ met }) => !met)
    .map(({ text }) => text);
}

describe('a fleet whose server goes and comes back', () => {
  for (const { name, about } of SCENARIOS)
    it(`is back to the last board, none of which hammers or holds two sockets: ${name}, ${about}`, (t) => {
      t.diagnostic(`FLEET_SEED=${SEED}`);
      for (const setting of SETTINGS) {
        const seen = played(name, setting.name);
        // Of two hundred boards these are chance.
        const measured = /accepted in any second|are back within/;
        assert.deepEqual(
          missed(seen).filter((text) => !measured.test(text)),
          [],
        );
        assert.equal(seen.backAfterMs.length, BOARDS);
      }
    });

  it('comes apart while it waits: no second of the return takes a third of it', (t) => {
    t.diagnostic(`FLEET_SEED=${SEED}`);
    // A ninth is expected; a third of two hundred boards is ten standard deviations away.
    assert.ok(judge(played('away-40s')).acceptedShare < 1 / 3);
  });

  it('knocks while the server is away, and each board is accepted once', () => {
    const seen = played('away-40s');
    assert.equal(seen.acceptedAtMs.length, BOARDS);
    assert.ok(Math.min(...seen.acceptedAtMs) >= 40_000, 'nobody is accepted by a server that is away');
    assert.ok(seen.attemptedAtMs.some((atMs) => atMs < 1_000));
    assert.ok(seen.attemptsOf.every((moments) => moments.length > 1));
  });

  it('repeats itself for a seed, and only for that one', () => {
    assert.deepEqual(played('away-3s', 'default', 7), played('away-3s', 'default', 7));
    assert.notDeepEqual(played('away-3s', 'default', 7), played('away-3s', 'default', 8));
  });
});

describe('the verdict on a fleet', () => {
  it('finds nothing missed where nothing is', () => {
    // One of ten boards a second is 10 %.
    assert.deepEqual(missed(GOOD), []);
    assert.doesNotMatch(tableOf([judge(GOOD)]), /NO|missed/);
  });

  it('names every goal that is missed, in the table too', () => {
    const crowded = { ...GOOD, acceptedAtMs: [0, 999, ...GOOD.acceptedAtMs.slice(2)] };
    assert.match(missed(crowded).join(), /^12 % at most/);
    assert.deepEqual(missed({ ...crowded, isPeakPromised: false }), []);
    assert.match(missed({ ...GOOD, backGoalMs: 5_000 }).join(), /^95 % are back/);
    // A model in which nothing ends must not pass.
    const idle = { ...GOOD, attemptedAtMs: [], acceptedAtMs: [], attemptsOf: GOOD.attemptsOf.map(() => []) };
    assert.match(missed(idle).join(), /^every board loses its connection/);
    assert.match(missed({ ...GOOD, backAfterMs: [-1, ...GOOD.backAfterMs.slice(1)] }).join(), /comes back/);
    assert.match(
      missed({ ...GOOD, backAfterMs: GOOD.backAfterMs.slice(1) }).join(),
      /^every board comes back/,
    );
    assert.match(missed({ ...GOOD, mostSocketsAway: 2 }).join(), /^never two sockets/);
    const hammering = Array.from({ length: 12 }, (_, at) => at * 900);
    assert.match(missed({ ...GOOD, attemptsOf: [hammering] }).join(), /^10 attempts at most/);
    assert.match(tableOf([judge(crowded)]), /20\.0 % .* NO .*\n.*missed: made up, default: 12 %/);
  });

  it('says when half, nearly all and all were back, and when they never were', () => {
    assert.deepEqual(judge(GOOD).backS, { half: 4, most: 9, all: 9 });
    const without = { ...GOOD, backAfterMs: GOOD.backAfterMs.slice(0, 8) };
    assert.deepEqual(judge(without).backS, { half: 4, most: null, all: null });
    assert.equal(judge(without).lost, 2);
  });

  it('finds the fullest second wherever it begins', () => {
    assert.equal(fullest([], 1_000), 0);
    assert.equal(fullest([0, 500, 900, 1_400, 1_499, 3_000], 1_000), 4);
    assert.equal(fullest([0, 1_000], 1_000), 1);
  });
});

describe('the fleet bench', () => {
  it('says in a sentence what is wrong with its arguments, and exits with 2', () => {
    const program = join(import.meta.dirname, '..', 'bench', 'fleet', 'run.js');
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [['--boards', '0'], /^--boards takes a whole number from 1 to/],
      [['--seed', 'x'], /^--seed and FLEET_SEED take a whole number/],
      [['--only', 'nothing'], /^there is no scenario "nothing"; there are:\n {2}away-0\.5s/],
      [['--fast'], /--fast/],
    ];
    for (const [args, sentence] of wrong) {
      const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...args], {
        encoding: 'utf8',
      });
      assert.equal(status, 2, stderr);
      assert.match(stderr, sentence);
      assert.equal(stdout, '');
    }
  });
});

describe('the event queue', () => {
  it('runs what is due in order of time, then of asking, and passes over what was called off', () => {
    const queue = new EventQueue();
    const ran: string[] = [];
    for (const [name, delayMs] of Object.entries({
      f: 60,
      b: 20,
      e: 50,
      c: 20,
      a: 10,
      d: 40,
      x: 30,
      z: 90,
    })) {
      const cancel = queue.after(delayMs, () => {
        ran.push(`${name} ${queue.nowMs}`);
        if (name === 'd') queue.after(5, () => ran.push(`g ${queue.nowMs}`));
      });
      if (name === 'x') cancel();
    }
    queue.runUntil(60);
    assert.deepEqual(ran, ['a 10', 'b 20', 'c 20', 'd 40', 'g 45', 'e 50', 'f 60']);
    assert.equal(queue.nowMs, 60);
  });
});
