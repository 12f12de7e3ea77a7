// The answer of `why` as text for a tired person: per outage the four questions, in plain words and local time. Gets
// values and gives lines; knows neither socket nor file.
import type { AttemptNote, LossNote, Outage, Reconnecting } from '../history/outage.ts';
import { type LinkNow, type Source, type ToldOutage, WHY_MOST, type Why } from '../why.ts';
import { NO_SERVER } from './next-step.ts';
import { counted, lasting, localTime } from './times.ts';

const CAUSES: Readonly<Record<string, string>> = {
  start: 'the start',
  retry: 'the retry timer',
  press: 'a press',
  'speech waits': 'speech that waited to be sent',
  command: 'the command reconnect',
  'clock set': "the machine's clock being set right",
  renewal: 'a renewal that was under way',
  network: 'the network',
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

export function fileLines({ at, clean }: Source & { from: 'file' }): readonly string[] {
  const how = clean ? 'it ended on request' : 'it broke off, or still runs elsewhere';
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
      return link.why ?? NO_SERVER;
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

function outageLines(outage: ToldOutage, link: LinkNow | null): readonly string[] {
  const { end, reconnecting, loss, attempts } = outage;
  const isOn = end === null;
  return [
    outageHead(outage),
    `  was reconnecting on?   ${switchWords(reconnecting)}`,
    ...lossLines(loss),
    `  what was tried?        ${attemptsWords(attempts, isOn ? link : null)}`,
    ...attemptLines(attempts),
    `  what brought it back?  ${isOn ? 'nothing so far' : endWords(end, attempts)}`,
  ];
}

export function outageHead({ id, at, end, ordinary }: ToldOutage): string {
  const calm = ordinary ? ', an ordinary end of a session: nothing is wrong' : '';
  return `outage ${id}, ${localTime(at)}, ${lengthWords(end)}${calm}`;
}

function lengthWords(end: ToldOutage['end']): string {
  if (end === null) return 'it goes on';
  return end.after_ms === null
    ? `how long is not known: the record breaks off after ${lasting(end.record_ends_after_ms ?? 0)}`
    : `over after ${lasting(end.after_ms)}`;
}

function switchWords({ enabled, mode, max_attempts }: Reconnecting): string {
  if (!enabled) return 'no, it was switched off';
  const limit = max_attempts === 0 ? 'without a limit' : `up to ${counted(max_attempts, 'attempt')} in a row`;
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
  const count = made === 0 ? 'nothing yet' : `${counted(made, 'attempt')}, ${failed} failed`;
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
  const head = `${numbers} ${momentWords(group)}, ${cause}: ${outcomeWords(outcome)}`;
  return failure === null ? [head] : [head, `  ${failure.reason} (${failure.kind}, ${failure.class})`];
}

function momentWords(group: readonly AttemptNote[]): string {
  const all = group.map(({ after_ms }) => after_ms);
  const later = all.flatMap((afterMs) => (afterMs === null || afterMs === 0 ? [] : [lasting(afterMs)]));
  return [
    ...(all.includes(null) ? ['under way already'] : []),
    ...(all.includes(0) ? ['at once'] : []),
    ...(later.length === 0 ? [] : [`after ${later.join(', ')}`]),
  ].join(', ');
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

function endWords(end: NonNullable<ToldOutage['end']>, { first, last }: Outage['attempts']): string {
  const { how, why, after_ms } = end;
  if (after_ms === null) return `nothing on record: ${why}`;
  const after = lasting(after_ms);
  switch (how) {
    case 'connected': {
      const number = (last.at(-1) ?? first.at(-1))?.number;
      return `${CAUSES[why] ?? why}${number === undefined ? '' : `, attempt ${number}`}, after ${after}`;
    }
    case 'rested':
      return `nothing: after ${after} nobody wanted a connection any more (${why})`;
    case 'left':
    // Of one that broke off nobody knows how long it was.
    case 'broken off':
      return `nothing: closed on purpose after ${after} (${why})`;
  }
}

function othersLines({ ordinary, earlier }: Why['others']): readonly string[] {
  const words = [
    ...(earlier === 0 ? [] : [`${earlier} earlier: xiaozhi-agent why ${WHY_MOST}`]),
    ...(ordinary === 0
      ? []
      : [
          `${counted(ordinary, 'ordinary end')} of a session besides, ${ordinary === 1 ? '' : 'each '}answered at once: nothing is wrong`,
        ]),
  ];
  return words.length === 0 ? [] : ['', ...words];
}
