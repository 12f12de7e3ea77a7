// `press`, `stop`, `reconnect` and `status`: one question to the running daemon over its control socket.
import { parseArgs } from 'node:util';
import { askControl, type ControlRequest } from '../adapters/linux/control-socket.ts';
import type { Status } from '../status.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions, placesFrom } from './places.ts';

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

export async function status(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { ...placeOptions, json: { type: 'boolean' } } });
  const answer = await ask(values, { command: 'status' });
  const found = answer.status as Status;
  process.stdout.write(values.json ? `${JSON.stringify(found, null, 2)}\n` : screen(found));
  if (found.link.phase !== 'ready') process.exitCode = EXIT.failed;
}

export async function reconnect(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: placeOptions });
  const { doing } = await ask(values, { command: 'reconnect' });
  process.stdout.write(`${String(doing)}\n`);
}

/** Nobody answers; whoever has another source may ask that. */
export class NotRunning extends Stop {}

export async function ask(
  values: { 'runtime-dir'?: string | undefined },
  request: ControlRequest,
): Promise<{ ok: true; [key: string]: unknown }> {
  const { runtimeDirectory } = placesFrom(values, process.env);
  const answer = await askControl(runtimeDirectory, request, DEADLINE_MS);
  if (!('ok' in answer)) {
    switch (answer.failure) {
      case 'not-running':
        throw new NotRunning(
          EXIT.notRunning,
          `no agent is running here (${answer.detail}). Start it: sudo systemctl start xiaozhi-agent, or xiaozhi-agent run`,
        );
      case 'denied':
        throw new Stop(
          EXIT.noPermission,
          `no permission (${answer.detail}). Use sudo, or join its group: sudo usermod -aG xiaozhi $USER, then log in again`,
        );
      case 'silent':
        throw new Stop(
          EXIT.failed,
          `${answer.detail}: the agent hangs or is overrun; look at its log, restart it`,
        );
    }
  }
  if (!answer.ok) throw new Stop(EXIT.failed, answer.error);
  return answer;
}

function screen(found: Status): string {
  const { link, audio, turn, process: running } = found;
  const lines = [
    `xiaozhi-agent ${found.version}, up ${running.uptime_s} s, ${running.rss_mb} MB, Node ${running.node}`,
    `state       ${found.state}${found.muted ? ', muted' : ''} (${turn.count} turns, last: ${turn.last?.why ?? 'none'})`,
    `server      ${link.phase} since ${link.since}  ${link.url || '(none configured)'}`,
    ...detailWords(link).map((words) => `            ${words}`),
    ...(link.last_loss === null ? [] : [`last loss   ${pastWords(link.last_loss)}`]),
    ...(link.quality.sessions === 0 ? [] : [`quality     ${qualityWords(link.quality)}`]),
    `microphone  ${audio.input.device}: ${audio.input.state}` +
      (audio.input.constant ? ', delivers one constant value (muted? not connected?)' : '') +
      troubleWords(audio.input.last_trouble),
    `speaker     ${audio.output.device}: ${audio.output.state}${troubleWords(audio.output.last_trouble)}`,
    ...found.problems.map((problem) => `problem     ${problem}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** What is the matter, and what comes next. */
function detailWords({ trouble, why, next_attempt_in_ms: nextMs, attempt, outage }: Status['link']) {
  return [
    ...(why === null ? [] : [why]),
    ...(trouble === null ? [] : [`${trouble.class}: ${trouble.reason}`]),
    ...(nextMs === null ? [] : [`attempt ${attempt + 1} in ${nextMs} ms`]),
    ...(outage === null ? [] : [`outage ${outage} goes on: xiaozhi-agent why`]),
  ];
}

function pastWords(loss: NonNullable<Status['link']['last_loss']>): string {
  const what = `${loss.at}  ${loss.class}: ${loss.reason}`;
  if (loss.recovered_after_ms !== null) return `${what}, back after ${loss.recovered_after_ms} ms`;
  return `${what}, ${loss.unanswered === null ? 'not recovered yet' : `not answered: ${loss.unanswered}`}`;
}

function qualityWords({
  sessions,
  median_lasted_s,
  silent_deaths,
  rtt_ms,
}: Status['link']['quality']): string {
  const rtt = rtt_ms === null ? '' : `, round trip ${rtt_ms} ms`;
  return `sessions ended: ${sessions}, median ${median_lasted_s} s, by silence: ${silent_deaths}${rtt}`;
}

function troubleWords(trouble: Status['audio']['input']['last_trouble']): string {
  if (trouble === null) return '';
  return `, ${trouble.over ? 'last' : 'in'} trouble at ${trouble.at}: ${trouble.reason}`;
}
