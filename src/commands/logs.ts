// `xiaozhi-agent logs`: the journal of the service, for people who do not want to know journalctl's options.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { escaped } from '../log/line.ts';
import { isLevel, LEVELS } from './control-log.ts';
import { EXIT, Stop } from './exit.ts';
import { pastRun } from './last-run.ts';
import { placeOptions, placesFrom } from './places.ts';
import { localTime } from './times.ts';

export const UNIT = 'xiaozhi-agent';
/** Two screens: enough for the last turn and the last outage. */
const LINES = '50';
/** As journalctl has them. */
const PRIORITY = { debug: 'debug', info: 'info', warn: 'warning', error: 'err' } as const;

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
  const found = await journal([
    '--unit',
    UNIT,
    '--lines',
    lines,
    ...(values.follow ? ['--follow'] : []),
    ...(values.since === undefined ? [] : ['--since', values.since]),
    ...(level === undefined ? [] : ['--priority', PRIORITY[level]]),
  ]);
  if (found !== 'no journal') {
    process.exitCode = found;
    return;
  }
  const { stateDirectory } = placesFrom(values, process.env);
  const past = pastRun(stateDirectory);
  if (past === null)
    throw new Stop(
      EXIT.failed,
      `this machine keeps no journal (journalctl is missing), and no earlier run has left anything in ${stateDirectory}`,
    );
  process.stdout.write(
    `this machine keeps no journal; the warnings of the last run, from ${stateDirectory}/last-run.json:\n`,
  );
  for (const { at, level: word, text } of past.troubles)
    process.stdout.write(`${localTime(at)} ${word.padEnd(5)} ${escaped(text)}\n`);
  process.stdout.write(`${localTime(past.at)} ${escaped(past.ended)}\n`);
}

/** @returns its exit code */
function journal(args: readonly string[]): Promise<number | 'no journal'> {
  return new Promise((resolve) => {
    const child = spawn('journalctl', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', () => resolve('no journal'));
    child.once('close', (code) => resolve(code ?? EXIT.ok));
    // Ctrl-C ends journalctl, which belongs to the same terminal; we end after it.
    process.once('SIGINT', () => undefined);
  });
}
