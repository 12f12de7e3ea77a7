// The answer of `status` as text for a tired person: how things stand, or how they stood when nothing runs. Gets values
// and gives lines; knows neither socket nor file.
import { activationWords, heedingWords, type Status } from '../status.ts';
import type { WrittenStatus } from '../why.ts';
import { nextStep } from './next-step.ts';
import { counted, lasting, localTime } from './times.ts';
import { fileLines, outageHead } from './why-words.ts';

export function statusLines(found: Status): readonly string[] {
  const { link, audio, turn, process: running } = found;
  const activation = setupWords(found.setup);
  return [
    `xiaozhi-agent ${found.version}, up ${lasting(running.uptime_s * 1_000)}, ${running.rss_mb} MB, Node ${running.node}`,
    `state       ${found.state}${found.muted ? ', muted' : ''} (${counted(turn.count, 'turn')}, last: ${turn.last?.why ?? 'none'})`,
    `server      ${link.phase} since ${localTime(link.since)}  ${link.url || '(none configured)'}`,
    ...activation.map((words) => `activation  ${words}`),
    // The code that is to be entered is also why there is no connection.
    ...without(detailWords(link), activation).map((words) => `            ${words}`),
    ...(link.last_loss === null ? [] : [`last loss   ${pastWords(link.last_loss)}`]),
    ...(link.quality.sessions === 0 ? [] : [`quality     ${qualityWords(link.quality)}`]),
    `network     ${networkWords(found.network)}`,
    `microphone  ${audio.input.device}: ${audio.input.state}` +
      (audio.input.clipped_samples > 0 ? `, ${audio.input.clipped_samples} samples clipped` : '') +
      (audio.input.constant ? ', delivers one constant value (muted? not connected?)' : '') +
      troubleWords(audio.input.last_trouble),
    `speaker     ${audio.output.device}: ${audio.output.state}, volume ${audio.output.volume}${troubleWords(audio.output.last_trouble)}`,
    `button      ${buttonWords(found.button)}`,
    ...found.button.keys.map((key) => `${key.role.padEnd(11)} ${buttonWords(key)}`),
    ...found.problems.map((problem) => `problem     ${problem}`),
    ...lastRunLines(found.last_run),
    `next        ${nextStep(found)}`,
  ];
}

const without = (lines: readonly string[], told: readonly string[]) =>
  lines.filter((line) => !told.includes(line));

type LastRun = NonNullable<Status['last_run']>;

export function lastRunLines(run: LastRun | null): readonly string[] {
  if (run === null) return ['last run    none is known of'];
  const { ended, at, uptime_s, clean, broke_off: brokeOff, last_troubles: troubles } = run;
  const age = uptime_s === 0 ? 'less than 1 s' : lasting(uptime_s * 1_000);
  const when = brokeOff
    ? `; last written ${localTime(at)}, ${age} after its start`
    : `, ${localTime(at)}, after ${age}`;
  return [
    `last run    ${ended}${when}`,
    // Of an end that was asked for, what went before it is no news.
    ...(clean ? [] : troubles.map((one) => `            ${localTime(one.at)} ${one.text}`)),
  ];
}

export function writtenLines({ source, outages, total }: WrittenStatus): readonly string[] {
  const [outage] = outages;
  const { attempts, failed_attempts, connections, losses, reconnects, renewals } = total;
  const made = `${counted(attempts, 'attempt')}, ${failed_attempts} failed; ${counted(connections, 'connection')}`;
  const lost = `${counted(losses, 'loss', 'losses')}, ${reconnects} made good; ${counted(renewals, 'renewal')}`;
  return [
    ...fileLines(source),
    ...(outage === undefined ? [] : [`last        ${outageHead(outage)}: xiaozhi-agent why`]),
    `counted     ${made}; ${lost}`,
  ];
}

export function setupWords({ phase, code, message, trouble }: Status['setup']): readonly string[] {
  const troubled = trouble === null ? [] : [`trouble with the configuration call: ${trouble}`];
  if (phase === 'activating') return [activationWords({ code, message }), ...troubled];
  if (phase === 'heeding') return [heedingWords(message)];
  if (trouble !== null) return troubled;
  return phase === 'asking' ? ['the server is being asked'] : [];
}

function networkWords({ usable, interface: name, source, last_change: change }: Status['network']): string {
  const way =
    usable === null ? 'not known' : usable ? [name, source].join(' ').trim() : 'no way to the server';
  return change === null ? way : `${way}, since ${localTime(change.at)}: ${change.reasons.join('; ')}`;
}

/** What is the matter, and what comes next. */
function detailWords({ trouble, why, next_attempt_in_ms: nextMs, attempt, outage }: Status['link']) {
  return [
    ...(why === null ? [] : [why]),
    ...(trouble === null ? [] : [`${trouble.class}: ${trouble.reason}`]),
    ...(nextMs === null ? [] : [`attempt ${attempt + 1} in ${lasting(nextMs)}`]),
    ...(outage === null ? [] : [`outage ${outage} goes on: xiaozhi-agent why`]),
  ];
}

function pastWords(loss: NonNullable<Status['link']['last_loss']>): string {
  const what = `${localTime(loss.at)}  ${loss.class}: ${loss.reason}`;
  if (loss.recovered_after_ms !== null) return `${what}, back after ${lasting(loss.recovered_after_ms)}`;
  return `${what}, ${loss.unanswered === null ? 'not recovered yet' : `not answered: ${loss.unanswered}`}`;
}

function qualityWords(quality: Status['link']['quality']): string {
  const { sessions, median_lasted_s: medianS, silent_deaths, rtt_ms: rttMs } = quality;
  const median = medianS === null ? '' : `, median ${lasting(medianS * 1_000)}`;
  const rtt = rttMs === null ? '' : `, round trip ${lasting(rttMs)}`;
  return `sessions ended: ${sessions}${median}, by silence: ${silent_deaths}${rtt}`;
}

/** `gpiod: BCM 17 = header pin 11 on gpiochip0, working` */
export function buttonWords(button: Omit<Status['button'], 'keys'>): string {
  if (button.state === 'closed') return 'none';
  if (button.state !== 'working') return `${button.line}: not heard${troubleWords(button.last_trouble)}`;
  const refused = button.others.map(({ backend, reason }) => `${backend}: ${reason}`).join('; ');
  const others = refused === '' ? '' : ` (not ${refused})`;
  return `${button.backend}: ${button.line}${button.is_down ? ', down' : ''}${troubleWords(button.last_trouble)}${others}`;
}

function troubleWords(trouble: Status['audio']['input']['last_trouble']): string {
  if (trouble === null) return '';
  return `, ${trouble.over ? 'last' : 'in'} trouble at ${localTime(trouble.at)}: ${trouble.reason}`;
}
