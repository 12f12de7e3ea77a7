// `press`, `stop`, `mute`, `reconnect` and `status`: one question to the running daemon over its control socket.
import { parseArgs } from 'node:util';
import { askControl, type ControlFailure, type ControlRequest } from '../adapters/linux/control-socket.ts';
import type { Written } from '../history/remembered.ts';
import { escaped } from '../log/line.ts';
import { isWell, lastRunStatus, type Status } from '../status.ts';
import { statusWritten } from '../why.ts';
import { EXIT, type ExitCode, Stop } from './exit.ts';
import { lastRun, pastRun } from './last-run.ts';
import { mendingStep } from './next-step.ts';
import { type PlaceValues, placeOptions, placesFrom } from './places.ts';
import { lastRunLines, statusLines, writtenLines } from './status-words.ts';

/** A daemon that is busy starting a child answers within milliseconds; one that hangs never does. */
const DEADLINE_MS = 5_000;
/** Ten minutes: longer than any utterance can be. */
const HOLD_LIMIT_MS = 600_000;

export async function press(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { ...placeOptions, hold: { type: 'string' } } });
  if (values.hold === undefined) {
    await ask(values, { command: 'press' });
    return;
  }
  const holdMs = Number(values.hold);
  if (!Number.isInteger(holdMs) || holdMs < 1 || holdMs > HOLD_LIMIT_MS)
    throw new Stop(
      EXIT.usage,
      `--hold takes whole milliseconds from 1 to ${HOLD_LIMIT_MS}, not "${values.hold}"`,
    );
  await ask(values, { command: 'press', hold_ms: holdMs });
}

export async function stop(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: placeOptions });
  await ask(values, { command: 'stop' });
}

const MUTE_WORDS: Readonly<Record<string, boolean | 'toggle'>> = { on: true, off: false, toggle: 'toggle' };

export async function mute(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: placeOptions, allowPositionals: true });
  const [word = '', ...more] = positionals;
  const wanted = Object.hasOwn(MUTE_WORDS, word) ? MUTE_WORDS[word] : undefined;
  if (wanted === undefined || more.length > 0)
    throw new Stop(EXIT.usage, 'mute takes one of: on, off, toggle');
  const { muted } = await ask(values, { command: 'mute', muted: wanted });
  process.stdout.write(muted === true ? 'muted\n' : 'not muted\n');
}

export async function status(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { ...placeOptions, json: { type: 'boolean' } } });
  let found: Status;
  try {
    found = (await ask(values, { command: 'status' })).status as Status;
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    showLeftBehind(values, error);
    throw error;
  }
  show(values.json, found, statusLines(found));
  if (!isWell(found.link) || mendingStep(found) !== null) process.exitCode = EXIT.failed;
}

/** As much of the last run as it has left: how it fared, how it ended, or both. */
function showLeftBehind(values: PlaceValues & { json?: boolean | undefined }, notRunning: NotRunning): void {
  const { stateDirectory } = placesFrom(values, process.env);
  const run = lastRunStatus(pastRun(stateDirectory));
  const next = 'next        sudo systemctl start xiaozhi-agent; if it does not stay: xiaozhi-agent logs';
  const end = [...lastRunLines(run), next];
  const link = lastRun(stateDirectory);
  if (run !== null && 'missing' in link && link.missing === 'none') {
    show(values.json, { last_run: run }, ['no agent is running', ...end]);
    return;
  }
  const last = statusWritten(leftBehind(values, notRunning, EXIT.notRunning));
  show(values.json, { ...last, last_run: run }, [...writtenLines(last), ...end]);
}

/** What servers and files say must not speak to the terminal. */
export function show(asJson: boolean | undefined, found: object, lines: readonly string[]): void {
  process.stdout.write(asJson ? `${JSON.stringify(found, null, 2)}\n` : `${lines.map(escaped).join('\n')}\n`);
}

export async function reconnect(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: placeOptions });
  const { doing } = await ask(values, { command: 'reconnect' });
  process.stdout.write(`${String(doing)}\n`);
}

/** Nobody answers; whoever has another source may ask that. */
export class NotRunning extends Stop {}

/** @param ifDenied how a command ends that may not read it */
export function leftBehind(values: PlaceValues, notRunning: NotRunning, ifDenied: ExitCode): Written {
  const last = lastRun(placesFrom(values, process.env).stateDirectory);
  if ('found' in last) return last.found;
  const code = last.missing === 'denied' ? ifDenied : EXIT.notRunning;
  throw new Stop(code, `${notRunning.message}; and ${last.because}`);
}

export async function ask(
  values: { 'runtime-dir'?: string | undefined },
  request: ControlRequest,
): Promise<{ ok: true; [key: string]: unknown }> {
  const { runtimeDirectory } = placesFrom(values, process.env);
  const answer = await askControl(runtimeDirectory, request, DEADLINE_MS);
  if (!('ok' in answer)) throw refusalOf(answer);
  if (!answer.ok) throw new Stop(EXIT.failed, answer.error);
  return answer;
}

/** How a command ends that nobody answers. */
export function refusalOf({ failure, detail }: ControlFailure): Stop {
  switch (failure) {
    case 'not-running':
      return new NotRunning(
        EXIT.notRunning,
        `no agent is running here (${detail}). Start it: sudo systemctl start xiaozhi-agent, or xiaozhi-agent run`,
      );
    case 'denied':
      return new Stop(
        EXIT.noPermission,
        `no permission (${detail}). Use sudo, or join its group: sudo usermod -aG xiaozhi $USER, then log in again`,
      );
    case 'silent':
      return new Stop(EXIT.failed, `${detail}: the agent hangs or is overrun; look at its log, restart it`);
  }
}
