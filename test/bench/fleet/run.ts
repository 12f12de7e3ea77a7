// Many boards and one server: `node dist/test/bench/fleet/run.js [--boards N] [--seed N] [--only SCENARIO]... [--json]`.
// Shows a table, keeps what was seen in bench/fleet-*.json, exits with 1 when a goal is missed. Must not know how a
// scenario is played, nor what is promised.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Fleet, play, policyWith, type Seen } from './fleet.ts';
import { SCENARIOS, type Scenario, SETTINGS } from './scenarios.ts';
import { judge, tableOf, type Verdict } from './verdict.ts';

const EXIT_MISSED = 1;
const EXIT_USAGE = 2;
const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
/** The goal's fleet (reconnect.md §4). */
const BOARDS = 10_000;
/** Ten times the goal's: about a gigabyte. */
const MOST_BOARDS = 100_000;
/** Always the same unless asked otherwise, so that two versions of the code can be compared. */
const SEED = 20_261_122;

type Asked = Fleet & { readonly scenarios: readonly Scenario[]; readonly json: boolean };
type Refused = { readonly wrong: string };

function asked(args: readonly string[], environment: NodeJS.ProcessEnv): Asked | Refused {
  let values: { boards?: string; seed?: string; only?: string[]; json?: boolean };
  try {
    const options = {
      boards: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string', multiple: true },
      json: { type: 'boolean' },
    } as const;
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
  const boards = wholeNumber(values.boards ?? String(BOARDS), 1, MOST_BOARDS);
  if (boards === undefined) return { wrong: `--boards takes a whole number from 1 to ${MOST_BOARDS}` };
  const seed = wholeNumber(values.seed ?? environment.FLEET_SEED ?? String(SEED), 0, 2 ** 32 - 1);
  if (seed === undefined) return { wrong: '--seed and FLEET_SEED take a whole number below 2^32' };
  const { only = [], json = false } = values;
  const unknown = only.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) return { wrong: `there is no scenario "${unknown}"; there are:\n${list()}` };
  const scenarios = only.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => only.includes(name));
  return { boards, seed, scenarios, json };
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

function list(): string {
  return SCENARIOS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Every sample; on one line, for they are many. */
function keep(fleet: Fleet, results: readonly { seen: Seen; verdict: Verdict }[]): string {
  const folder = join(ROOT, 'bench');
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = join(folder, `fleet-${at.replaceAll(':', '-')}.json`);
  const runs = results.map(({ seen, verdict }) => ({
    ...verdict,
    attemptedAtMs: seen.attemptedAtMs.map(Math.round),
    acceptedAtMs: seen.acceptedAtMs.map(Math.round),
    backAfterMs: seen.backAfterMs.map(Math.round),
  }));
  writeFileSync(file, `${JSON.stringify({ at, node: process.version, ...fleet, runs })}\n`);
  return file;
}

function main({ boards, seed, scenarios, json }: Asked): void {
  const fleet = { boards, seed };
  say(`${boards} boards, FLEET_SEED=${seed}`);
  const results = SETTINGS.flatMap((setting) => {
    const policy = policyWith(setting);
    return scenarios.map((scenario) => {
      say(`${scenario.name}, ${setting.name}: ${scenario.about} …`);
      const seen = play(scenario, setting, policy, fleet);
      return { seen, verdict: judge(seen) };
    });
  });
  const verdicts = results.map(({ verdict }) => verdict);
  process.stdout.write(
    `${json ? JSON.stringify({ ...fleet, runs: verdicts }, null, 2) : tableOf(verdicts)}\n`,
  );
  say(`every sample: ${keep(fleet, results)}`);
  if (verdicts.some(({ goals }) => goals.some(({ met }) => !met))) process.exitCode = EXIT_MISSED;
}

const wanted = asked(process.argv.slice(2), process.env);
if ('wrong' in wanted) {
  say(wanted.wrong);
  process.exitCode = EXIT_USAGE;
} else {
  main(wanted);
}
