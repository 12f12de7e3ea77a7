// The agent's log: one line per record, in the format that suits whoever reads it. Built on pino without transports,
// which would cost a worker. Holds no instance of its own and reads no environment.

import { writeSync } from 'node:fs';
import { pino } from 'pino';
import { codeOf } from './log/codes.ts';
import { escaped, journalLine, type Level, plainLine, shownSentence, textLine } from './log/line.ts';
import { type LineOutput, lineOutput } from './log/output.ts';
import type { Secrets } from './log/secrets.ts';
import { type ShownFields, shownFields } from './log/shown.ts';
import type { Log } from './ports.ts';

export type LogOptions = {
  readonly level: Level;
  readonly format: 'text' | 'json' | 'journal';
  /** Takes each line, without its line end; standard output when absent. */
  readonly write?: (line: string) => void;
  /** Colours the level, in the format `text` only. */
  readonly colour?: boolean;
  /** Milliseconds since 1970; the machine's clock when absent. */
  readonly wallMs?: () => number;
  /** Blanked in every line. */
  readonly secrets?: Secrets;
  /** Gets what is written as a warning or an error, already fit to be shown. */
  readonly trouble?: (trouble: LoggedTrouble) => void;
};

export type LoggedTrouble = {
  readonly level: 'warn' | 'error';
  readonly code: string | null;
  /** The line as people read it. */
  readonly text: string;
};

export type AgentLog = Log & {
  /** The same log; its lines begin with that name, and have a level of their own once one is set. */
  of(component: string): Log;
  /** Of that component only, or of everything, those that had one of their own too. */
  setLevel(level: Level, component?: string): void;
  /** The names that were handed out, and the least severity that each writes. */
  levels(): Readonly<Record<string, Level>>;
  /** Gives waiting lines a last chance, for at most 200 ms. */
  flush(): void;
};

const STDOUT = 1;
// The names under which pino writes its own parts of a JSON record; a field of that name gets a trailing underscore.
const pinoNames = ['level', 'time', 'msg'];
const levels: Readonly<Record<string, Level>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };
const severity: Readonly<Record<Level, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

export function createLog(options: LogOptions): AgentLog {
  const { format, colour = false, wallMs } = options;
  const output = options.write === undefined ? stdoutOutput() : direct(options.write);
  const { isoTime, epochTime } = pino.stdTimeFunctions;
  const clock = {
    json: wallMs === undefined ? isoTime : () => `,"time":"${new Date(wallMs()).toISOString()}"`,
    text: wallMs === undefined ? epochTime : () => `,"time":${wallMs()}`,
    journal: () => '',
  };
  const root = pino(
    // Process id and host name are known to whoever collects the lines. What is written is decided here, per component.
    { level: 'debug', base: null, timestamp: clock[format] },
    format === 'json'
      ? { write: (line: string) => output.write(escaped(line.trimEnd())) }
      : peopleStream(format, colour, output),
  );
  let common = options.level;
  const own = new Map<string, Level>();
  const names = new Set<string>();

  function record(component: string | undefined, level: Level, fields: object, sentence: string): void {
    const least = (component === undefined ? undefined : own.get(component)) ?? common;
    if (severity[level] < severity[least]) return;
    const lost = output.takeLost();
    if (lost > 0) root.warn({ lines: lost }, 'log: lines were lost because nobody took them');
    const code = codeOf(level, component, sentence, fields);
    const known = shownFields(fields, least === 'debug', options.secrets?.blanked);
    const shown = code === undefined ? known : { ...known, code };
    const text = shownSentence(sentence, options.secrets?.blanked);
    if (format === 'json')
      root[level]({ ...(component === undefined ? {} : { component }), ...besidePino(shown) }, text);
    else root[level](shown, component === undefined ? text : `${component}: ${text}`);
    if (level === 'warn' || level === 'error')
      options.trouble?.({ level, code: code ?? null, text: plainLine(text, shown) });
  }

  const named = (component?: string): Log => ({
    debug: (fields, text) => record(component, 'debug', fields, text),
    info: (fields, text) => record(component, 'info', fields, text),
    warn: (fields, text) => record(component, 'warn', fields, text),
    error: (fields, text) => record(component, 'error', fields, text),
  });

  return {
    ...named(),
    of(component) {
      names.add(component);
      return named(component);
    },
    setLevel(level, component) {
      if (component !== undefined) {
        own.set(component, level);
        return;
      }
      common = level;
      own.clear();
    },
    levels: () => Object.fromEntries([...names].sort().map((name) => [name, own.get(name) ?? common])),
    flush: () => output.flush(),
  };
}

/** What `log.format = "auto"` means here. On a terminal people read, whatever service started the shell. */
export function autoFormat(
  environment: Readonly<Record<string, string | undefined>>,
  isTty: boolean,
): 'journal' | 'text' {
  const underSystemd = Boolean(environment.JOURNAL_STREAM) || Boolean(environment.INVOCATION_ID);
  return underSystemd && !isTty ? 'journal' : 'text';
}

/** Gets the parts of a record from pino instead of its JSON. */
function peopleStream(format: 'text' | 'journal', colour: boolean, output: LineOutput) {
  return {
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    lastObj: {} as ShownFields,
    lastMsg: '',
    lastTime: '',
    write() {
      const level = levels[this.lastLevel] ?? 'info';
      output.write(
        format === 'journal'
          ? journalLine(level, this.lastMsg, this.lastObj)
          : textLine(level, Number(this.lastTime), this.lastMsg, this.lastObj, colour),
      );
    },
  };
}

function besidePino(fields: ShownFields): ShownFields {
  if (!pinoNames.some((name) => name in fields)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [pinoNames.includes(name) ? `${name}_` : name, value]),
  );
}

function direct(write: (line: string) => void): LineOutput {
  return { write, flush: () => undefined, takeLost: () => 0 };
}

function stdoutOutput(): LineOutput {
  // Touching it makes a pipe or the journal's socket non-blocking. Without this a reader that stops (SIGSTOP to
  // journald) stops the whole agent at 64 kB in a pipe and 176 kB in a socket: measured on Node 20.
  void process.stdout;
  const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  return lineOutput({
    writeSome: (bytes) => writeSync(STDOUT, bytes),
    pause: (pauseMs) => Atomics.wait(sleeper, 0, 0, pauseMs),
  });
}
