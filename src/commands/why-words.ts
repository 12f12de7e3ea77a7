// The answer of `why` as text for a tired person: per outage the four questions, in plain words and local time. Gets
// values and gives lines; knows neither socket nor file.
import type { AttemptNote, EndNote, LossNote, Outage, Reconnecting } from '../history/outage.ts';
import { type LinkNow, type Source, WHY_MOST, type Why } from '../why.ts';

const CAUSES: Readonly<Record<string, string>> = {
  start: 'the start',
  retry: 'the retry timer',
  press: 'a press',
  'speech waits': 'speech that waited to be sent',
  command: 'the command reconnect',
  'clock set': "the machine's clock being set right",
  renewal: 'a renewal that was under way',
  doubt: 'a press that got no answer on the old connection',
};

const HINT = 'a press or xiaozhi-agent reconnect tries again';

export function whyLines({ source, link, outages, others }: Why): readonly string[] {
  return [
    ...(source.from === 'file' ? fileLines(source) : []),
    ...(link === null ? [] : linkLines(link, source.at)),
    ...outages.flatMap((outage) => ['', ...outageLines(outage, link)]),
    ...(outages.length === 0 ? ['no outage yet: nothing to explain'] : []),
    ...othersLines(others),
  ];
}

function fileLines({ at, clean }: Source & { from: 'file' }): readonly string[] {
  const how = clean ? 'it ended on request' : 'it broke off without a word, or still runs elsewhere';
  return [
    'no agent is running; this is what the last run has left behind',
    `written ${localTime(at)}: ${how}`,
  ];
}

function linkLines(link: LinkNow, now: string): readonly string[] {
  const where = link.url === '' ? '' : `  ${link.url}`;
  const since = `${localTime(link.since)} (${lasting(Date.parse(now) - Date.parse(link.since))})`;
  if (link.phase === 'ready') return [`connected since ${since}${where}`];
  const { trouble } = link;
  return [
    `not connected: ${planOf(link)}${where}`,
    ...(trouble === null ? [] : [`because of ${trouble.class}: ${trouble.reason}`]),
  ];
}

/** What comes next. */
function planOf(link: LinkNow): string {
  switch (link.phase) {
    case 'waiting':
      return `attempt ${link.attempt + 1} in ${lasting(link.next_attempt_in_ms ?? 0)}`;
    case 'dialing':
    case 'greeting':
      return `attempt ${link.attempt} is under way`;
    case 'unconfigured':
      return 'no server is configured: set server.websocket_url';
    case 'resting':
      return `resting (${link.why ?? ''}); a press connects`;
    case 'closed':
      return `closed on purpose (${link.why ?? ''}); ${HINT}`;
    case 'stopped':
      return `stopped: ${link.why ?? ''}; ${HINT}`;
    case 'ready':
    case 'ended':
      return 'shutting down';
  }
}

function outageLines(outage: Outage, link: LinkNow | null): readonly string[] {
  const { id, at, end, ordinary, reconnecting, loss, attempts } = outage;
  const isOn = end === null;
  const how = isOn ? 'it goes on' : `over after ${lasting(end.after_ms)}`;
  const calm = ordinary ? ', an ordinary end of a session: nothing is wrong' : '';
  return [
    `outage ${id}, ${localTime(at)}, ${how}${calm}`,
    `  was reconnecting on?   ${switchWords(reconnecting)}`,
    ...lossLines(loss),
    `  what was tried?        ${attemptsWords(attempts, isOn ? link : null)}`,
    ...attemptLines(attempts),
    `  what brought it back?  ${isOn ? 'nothing so far' : endWords(end, attempts)}`,
  ];
}

function switchWords({ enabled, mode, max_attempts }: Reconnecting): string {
  if (!enabled) return 'no, it was switched off';
  const limit = max_attempts === 0 ? 'without a limit' : `up to ${max_attempts} attempts in a row`;
  return mode === 'on-demand' ? `only while somebody talks (link.mode), ${limit}` : `yes, ${limit}`;
}

function lossLines(loss: LossNote | null): readonly string[] {
  const question = '  was the loss noticed?  ';
  if (loss === null) return [`${question}there had been no connection`];
  const { class: name, kind, reason, detected_by, noticed_within_ms: lateMs, lasted_ms: lastedMs } = loss;
  const late = lateMs === null ? '' : `, at most ${lasting(lateMs)} after the last sign of life`;
  const lasted = lastedMs === null ? '' : `; it had lasted ${lasting(lastedMs)}`;
  return [
    `${question}yes, by ${detected_by}${late}`,
    `${' '.repeat(question.length)}${reason} (${kind}, ${name})${lasted}`,
  ];
}

function attemptsWords({ made, failed }: Outage['attempts'], link: LinkNow | null): string {
  const count = made === 0 ? 'nothing yet' : `${made} attempt${made === 1 ? '' : 's'}, ${failed} failed`;
  return link === null ? count : `${count}; next: ${planOf(link)}`;
}

function attemptLines({ first, left_out, last }: Outage['attempts']): readonly string[] {
  const lines = [
    ...grouped(first).flatMap(groupLines),
    ...(left_out === 0 ? [] : [`… ${left_out} more …`]),
    ...grouped(last).flatMap(groupLines),
  ];
  return lines.map((line) => `    ${line}`);
}

/** Attempts in a row that went alike. */
function grouped(attempts: readonly AttemptNote[]): readonly (readonly AttemptNote[])[] {
  const groups: AttemptNote[][] = [];
  for (const attempt of attempts) {
    const group = groups.at(-1);
    const [like] = group ?? [];
    if (group !== undefined && like !== undefined && alike(like, attempt)) group.push(attempt);
    else groups.push([attempt]);
  }
  return groups;
}

function alike(a: AttemptNote, b: AttemptNote): boolean {
  return a.outcome === b.outcome && a.cause === b.cause && a.failure?.reason === b.failure?.reason;
}

function groupLines(group: readonly AttemptNote[]): readonly string[] {
  const [first] = group;
  if (first === undefined) return [];
  const { cause, outcome, failure } = first;
  const numbers = group.length === 1 ? `${first.number}` : `${first.number}-${group.at(-1)?.number}`;
  const times = group.map(({ after_ms }) => lasting(after_ms)).join(', ');
  const head = `${numbers} after ${times}, ${cause}: ${outcomeWords(outcome)}`;
  return failure === null ? [head] : [head, `  ${failure.reason} (${failure.kind}, ${failure.class})`];
}

function outcomeWords(outcome: AttemptNote['outcome']): string {
  switch (outcome) {
    case 'worked':
      return 'it worked';
    case 'failed':
      return 'failed';
    case 'dropped':
      return 'given up for another';
    case 'short-lived':
      return 'connected, and lost again at once';
  }
}

function endWords({ how, why, after_ms }: EndNote, { first, last }: Outage['attempts']): string {
  const after = lasting(after_ms);
  switch (how) {
    case 'connected': {
      const number = (last.at(-1) ?? first.at(-1))?.number;
      return `${CAUSES[why] ?? why}${number === undefined ? '' : `, attempt ${number}`}, after ${after}`;
    }
    case 'rested':
      return `nothing: after ${after} nobody wanted a connection any more (${why})`;
    case 'left':
      return `nothing: closed on purpose after ${after} (${why})`;
    case 'broken off':
      return `nothing: ${why}, ${after} into the outage or later`;
  }
}

function othersLines({ ordinary, earlier }: Why['others']): readonly string[] {
  const words = [
    ...(earlier === 0 ? [] : [`${earlier} earlier: xiaozhi-agent why ${WHY_MOST}`]),
    ...(ordinary === 0
      ? []
      : [`${ordinary} ordinary ends of a session besides, each answered at once: nothing is wrong`]),
  ];
  return words.length === 0 ? [] : ['', ...words];
}

/** Local, since it is read beside a clock on the wall. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  const pad = (value: number) => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** In the two largest units that matter. */
export function lasting(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.max(0, Math.round(durationMs))} ms`;
  if (durationMs < 60_000) return `${Math.round(durationMs / 100) / 10} s`;
  const minutes = Math.floor(durationMs / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((durationMs % 60_000) / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
