// `button test`: shows what the button does and the gestures that makes. Of the running daemon, which has the line, else
// of the line itself.
import { parseArgs } from 'node:util';
import { clock } from '../adapters/linux/clock.ts';
import { type ControlAnswer, type ControlFailure, followControl } from '../adapters/linux/control-socket.ts';
import { loadConfig } from '../config/load.ts';
import type { GesturePolicy, Sign } from '../core/gesture.ts';
import { GestureReader } from '../gesture-reader.ts';
import { escaped } from '../log/line.ts';
import { type Edge, Panel } from '../panel.ts';
import type { Log } from '../ports.ts';
import type { Status } from '../status.ts';
import { refusalOf } from './ask.ts';
import { EXIT, Stop } from './exit.ts';
import { panelLines } from './panel.ts';
import { type Places, placeOptions, placesFrom } from './places.ts';
import { buttonWords } from './status-words.ts';

/** Enough to walk over to the box. */
const USUAL_SECONDS = 20;
const MOST_SECONDS = 3_600;

/** A press by itself is no gesture yet. */
const SIGN_WORDS: Readonly<Record<Sign, string | undefined>> = {
  pressed: undefined,
  clicked: 'click',
  held: 'hold',
  released: 'end of the hold',
  doubled: 'double click',
  tripled: 'triple click',
  stuck: 'stuck: counts as released',
};

export async function button(args: string[]): Promise<void> {
  const options = { ...placeOptions, seconds: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (positionals.length !== 1 || positionals[0] !== 'test')
    throw new Stop(EXIT.usage, 'button takes one of: test');
  const seconds = Number(values.seconds ?? USUAL_SECONDS);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MOST_SECONDS)
    throw new Stop(
      EXIT.usage,
      `--seconds takes a whole number from 1 to ${MOST_SECONDS}, not "${values.seconds}"`,
    );
  const shown = new Shown(seconds);
  const places = placesFrom(values, process.env);
  const failure = await ofDaemon(places, shown);
  if (failure !== undefined) {
    if (failure.failure !== 'not-running') throw refusalOf(failure);
    await ofLine(places, shown);
  }
  if (shown.presses === 0) process.exitCode = EXIT.failed;
}

/** What has been seen, as lines; and the end of the time. */
class Shown {
  readonly #seconds: number;
  #fromMs = clock.now();
  #reader: GestureReader | undefined;
  presses = 0;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** Resolves when the time is over or somebody has had enough. */
  begin(heading: string, policy: GesturePolicy): Promise<void> {
    this.#fromMs = clock.now();
    this.say(`${heading}\npress it; ${this.#seconds} s, or Ctrl-C`);
    const read = (sign: Sign) => {
      const words = SIGN_WORDS[sign];
      if (words !== undefined) this.#at(`  = ${words}`);
    };
    const reader = new GestureReader({ clock, policy, read });
    this.#reader = reader;
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        reader.stop();
        process.removeListener('SIGINT', end);
        this.say(this.presses === 0 ? 'nothing was pressed' : `pressed ${this.presses} times`);
        resolve();
      };
      const cancel = clock.after(this.#seconds * 1_000, end);
      process.once('SIGINT', end);
    });
  }

  edge({ role, edge }: Pick<Edge, 'role' | 'edge'>): void {
    if (edge === 'pressed') this.presses += 1;
    this.#at(`${role} ${edge}`);
    if (role === 'button') this.#reader?.take(edge);
  }

  say(text: string): void {
    process.stdout.write(`${text.split('\n').map(escaped).join('\n')}\n`);
  }

  #at(words: string): void {
    this.say(`${((clock.now() - this.#fromMs) / 1_000).toFixed(3).padStart(8)} s  ${words}`);
  }
}

/** Why it could not be had; undefined when it was shown. */
function ofDaemon(places: Places, shown: Shown): Promise<ControlFailure | undefined> {
  return new Promise((resolve) => {
    const following = followControl(
      places.runtimeDirectory,
      { command: 'button' },
      {
        said(answer: ControlAnswer) {
          if (!answer.ok) {
            resolve({ failure: 'silent', detail: answer.error });
          } else if ('gesture' in answer) {
            const heading = `the running agent's button  ${buttonWords(answer.button as Status['button'])}`;
            void shown.begin(heading, answer.gesture as GesturePolicy).then(() => {
              following.stop();
              resolve(undefined);
            });
          } else {
            shown.edge(answer as unknown as Edge);
          }
        },
        over: resolve,
      },
    );
  });
}

async function ofLine(places: Places, shown: Shown): Promise<void> {
  const { config } = loadConfig({
    configFile: places.configFile,
    mustExist: places.configMustExist,
    environment: process.env,
  });
  const log = shownLog(shown);
  const lines = panelLines(config, { clock, log });
  if (lines.length === 0) throw new Stop(EXIT.failed, 'button.backend is "none", and no key has a line');
  const panel = new Panel({ lines, clock, log: { ...log, info() {} }, dispatch() {} });
  panel.watch((edge) => shown.edge(edge));
  panel.start();
  const { mode, holdAfterMs, doubleMs } = config.button;
  await shown.begin('no agent is running: the line itself', { mode, holdAfterMs, doubleMs });
  panel.stop();
}

/** Which backend was taken, and what is wrong. */
function shownLog(shown: Shown): Log {
  const line = (fields: object, text: string) => {
    const more = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
    shown.say([text, ...more].join('  '));
  };
  return { debug() {}, info: line, warn: line, error: line };
}
