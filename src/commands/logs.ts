// `xiaozhi-agent logs`: the journal of the service, for people who do not want to know journalctl's options; where that has
// nothing, what the last run has left behind.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { askControl } from '../adapters/linux/control-socket.ts';
import { KEEPS_JOURNAL } from '../doctor/service.ts';
import { escaped } from '../log/line.ts';
import { isLevel, LEVELS } from './control-log.ts';
import { EXIT, Stop } from './exit.ts';
import { pastRun } from './last-run.ts';
import { type Places, placeOptions, placesFrom } from './places.ts';
import { said } from './probe-run.ts';
import { localTime } from './times.ts';

export const UNIT = 'xiaozhi-agent';
/** Two screens: enough for the last turn and the last outage. */
const LINES = '50';
/** As journalctl has them. */
const PRIORITY = { debug: 'debug', info: 'info', warn: 'warning', error: 'err' } as const;
const NO_PROGRAM = 'this machine keeps no journal (journalctl is missing)';
const DEADLINE_MS = 5_000;
const OF_UNIT = ['--unit', UNIT, '--lines'];

export async function logs(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      ...placeOptions,
      follow: { type: 'boolean', short: 'f' },
      lines: { type: 'string', short: 'n' },
      since: { type: 'string' },
      level: { type: 'string' },
    },
  });
  const { lines = values.since === undefined ? LINES : 'all', level } = values;
  if (!/^(all|[1-9]\d{0,5})$/.test(lines)) throw new Stop(EXIT.usage, `-n takes a number, not "${lines}"`);
  if (level !== undefined && !isLevel(level))
    throw new Stop(EXIT.usage, `--level takes one of: ${LEVELS.join(', ')}`);
  const empty = await whyEmpty();
  // What is still to come, only a program can show.
  if (empty !== null && (!values.follow || empty === NO_PROGRAM))
    return tellLastRun(placesFrom(values, process.env), empty);
  process.exitCode = await journal([
    ...OF_UNIT,
    lines,
    ...(values.follow ? ['--follow'] : []),
    ...(values.since === undefined ? [] : ['--since', values.since]),
    ...(level === undefined ? [] : ['--priority', PRIORITY[level]]),
  ]);
}

/** Why the journal has not a single line of the service, and what to do about it, for people; null: it has some, or says itself what is wrong. */
async function whyEmpty(): Promise<string | null> {
  const newest = await said('journalctl', ...OF_UNIT, '1', '--no-pager');
  if (newest === null) return NO_PROGRAM;
  const { code, out, err } = newest;
  // What journalctl says of itself begins like this: "-- No entries --".
  if (code !== 0 || /^(?!-- )./m.test(out)) return null;
  // Among it, that one may not see all of it.
  const words = err.trim() === '' ? '' : ` (${err.trim().replace(/\s*\n\s*/g, ' ')})`;
  return `the journal has no line of ${UNIT}${words}; so that it outlives a restart of the board from now on: ${KEEPS_JOURNAL}`;
}

async function tellLastRun({ stateDirectory, runtimeDirectory }: Places, empty: string): Promise<void> {
  const past = pastRun(stateDirectory);
  if (past === null)
    throw new Stop(EXIT.failed, `${empty}\nno earlier run has left anything in ${stateDirectory} either`);
  process.stdout.write(`${escaped(empty)}\n`);
  process.stdout.write(`the warnings of the last run, from ${stateDirectory}/last-run.json:\n`);
  for (const { at, level: word, text } of past.troubles)
    process.stdout.write(`${localTime(at)} ${word.padEnd(5)} ${escaped(text)}\n`);
  const running = await askControl(runtimeDirectory, { command: 'status' }, DEADLINE_MS);
  const end = 'ok' in running ? 'it still runs: xiaozhi-agent status' : past.ended;
  process.stdout.write(`${localTime(past.at)} ${escaped(end)}\n`);
}

/** @returns its exit code */
function journal(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('journalctl', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? EXIT.ok));
    // Ctrl-C ends journalctl, which belongs to the same terminal; we end after it.
    process.once('SIGINT', () => undefined);
  });
}
