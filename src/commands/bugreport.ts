// `xiaozhi-agent bugreport`: one text file with all that somebody who helps wants to know, and nothing that is nobody's
// business. It is written here and sent nowhere.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { askControl } from '../adapters/linux/control-socket.ts';
import { machine } from '../adapters/linux/machine.ts';
import { loadConfig } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import { valueAt } from '../config/schema.ts';
import { LAST_RUN_FILE } from '../history/post-mortem.ts';
import type { Status } from '../status.ts';
import { WHY_MOST, type Why } from '../why.ts';
import { doctorLines, examine } from './doctor.ts';
import { EXIT, Stop } from './exit.ts';
import { STATE_FILE } from './known-server.ts';
import { UNIT } from './logs.ts';
import { type Places, packageVersion, placeOptions, placesFrom } from './places.ts';
import { content, json, said } from './probe-run.ts';
import { redacted } from './redaction.ts';
import { statusLines } from './status-words.ts';
import { AREAS } from './table.ts';
import { whyLines } from './why-words.ts';

/** Only its owner: what is left in it is still about somebody's home. */
const FILE_MODE = 0o600;
const DEADLINE_MS = 5_000;
/** An evening of an ordinary box, or an hour of a troubled one. */
const LOG_LINES = '500';

type Section = readonly [title: string, text: string];

export async function bugreport(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { ...placeOptions, out: { type: 'string' } } });
  const places = placesFrom(values, process.env);
  const { config, origins, problems, files } = loadConfig({
    configFile: places.configFile,
    mustExist: places.configMustExist,
    environment: process.env,
  });
  const { model, system, kernel, arch, memoryMb } = machine();
  const sections: Section[] = [
    [
      'versions',
      `xiaozhi-agent ${packageVersion()}\nNode ${process.version}\n${model}\n${system}\nLinux ${kernel}, ${arch}, ${memoryMb} MB`,
    ],
    ['status', await answered(places, 'status', (answer) => statusLines(answer.status as Status))],
    ['why', await answered(places, 'why', (answer) => whyLines(answer.why as Why))],
    ['doctor', doctorLines(await examine(AREAS, values)).join('\n')],
    ['configuration files', files.join('\n') || 'none'],
    ['configuration problems', problems.map(describeProblem).join('\n') || 'none'],
    [
      'configuration',
      Object.entries(origins)
        .map(([key, origin]) => `${key} = ${JSON.stringify(valueAt(config, key))}  # ${origin}`)
        .join('\n'),
    ],
    ['last run', content(join(places.stateDirectory, LAST_RUN_FILE)) ?? 'nothing can be read'],
    ['log', await output('journalctl', '--unit', UNIT, '--lines', LOG_LINES, '--no-pager')],
    ['microphones', await output('arecord', '-l')],
    ['speakers', await output('aplay', '-l')],
    ['mixer', await output('amixer', 'scontents')],
    ['GPIO', await output('gpioinfo')],
    ['addresses', await output('ip', 'address')],
    ['routes', await output('ip', 'route')],
  ];
  const text = sections.map(([title, body]) => `== ${title} ==\n${body.trimEnd()}\n`).join('\n');
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const path = resolve(values.out ?? `xiaozhi-agent-report-${at}.txt`);
  try {
    writeFileSync(path, `${redacted(text, secretsOf(config.server.tokenFile, places))}\n`, {
      mode: FILE_MODE,
      flag: 'wx',
    });
  } catch (error) {
    throw new Stop(EXIT.failed, `the report cannot be written: ${(error as Error).message}; give --out FILE`);
  }
  process.stdout.write(
    `${path}\nRead it before you pass it on: token, passwords and addresses of hardware are left out, names of your network are not.\n`,
  );
}

type Answer = { readonly [key: string]: unknown };

async function answered(
  { runtimeDirectory }: Places,
  name: 'status' | 'why',
  words: (answer: Answer) => readonly string[],
): Promise<string> {
  const request = name === 'why' ? { command: name, count: WHY_MOST } : { command: name };
  const answer = await askControl(runtimeDirectory, request, DEADLINE_MS);
  if (!('ok' in answer)) return `${answer.failure}: ${answer.detail}`;
  return answer.ok ? words(answer).join('\n') : answer.error;
}

async function output(program: string, ...args: readonly string[]): Promise<string> {
  const answer = await said(program, ...args);
  if (answer === null) return `${program} is not installed`;
  return `${answer.out}${answer.err}`.trim() || 'nothing';
}

/** Whatever is secret here, wherever it may have got to. */
function secretsOf(tokenFile: string, { stateDirectory }: Places): readonly string[] {
  const token = tokenFile === '' ? '' : (content(tokenFile) ?? '').trim();
  const kept = secretsIn(json(content(join(stateDirectory, STATE_FILE))));
  // Of one with its scheme before it, `Bearer` is no secret.
  return [token, ...kept].flatMap((secret) => [secret, secret.split(' ').at(-1) ?? '']);
}

/** By the names of fields, at any depth: what a server has answered lies in a part of its own. */
function secretsIn(found: unknown, name = ''): readonly string[] {
  if (typeof found === 'string') return /token|secret|key/i.test(name) ? [found] : [];
  if (typeof found !== 'object' || found === null) return [];
  return Object.entries(found).flatMap(([inner, value]) => secretsIn(value, inner));
}
