// `xiaozhi-agent doctor`: gathers the facts of each area, has them judged, and shows what is wrong and what mends it. While
// the agent runs it is asked, and no device is opened behind its back.
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { askControl } from '../adapters/linux/control-socket.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { type Diagnosis, diagnose, worst } from '../doctor/check.ts';
import { clockChecks, configChecks, stateChecks } from '../doctor/files.ts';
import { networkChecks } from '../doctor/network.ts';
import { buttonChecks, lightChecks } from '../doctor/panel.ts';
import { serverChecks } from '../doctor/server.ts';
import { type ServiceFacts, serviceChecks } from '../doctor/service.ts';
import { microphoneChecks, speakerChecks } from '../doctor/sound.ts';
import { systemChecks } from '../doctor/system.ts';
import { escaped } from '../log/line.ts';
import type { Status } from '../status.ts';
import { throughTheAir } from './doctor-chirp.ts';
import { loopback } from './doctor-loopback.ts';
import { EXIT, Stop } from './exit.ts';
import { type Places, type PlaceValues, placeOptions, placesFrom } from './places.ts';
import { clockFacts, configFacts, serviceFacts, stateFacts, systemFacts } from './probe-machine.ts';
import { networkFacts, serverFacts } from './probe-network.ts';
import { buttonFacts, lightFacts } from './probe-panel.ts';
import { microphoneFacts, speakerFacts } from './probe-sound.ts';
import { AREAS, type Area } from './table.ts';

/** As every command; a busy agent answers within milliseconds. */
const DEADLINE_MS = 5_000;

export async function doctor(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...placeOptions,
      json: { type: 'boolean' },
      fix: { type: 'boolean' },
      yes: { type: 'boolean' },
      loopback: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  const areas = positionals.map(areaOf);
  const wanted = areas.length > 0 ? areas : values.loopback ? [] : AREAS;
  const found = [...(await examine(wanted, values)), ...(values.loopback ? await loops(values) : [])];
  if (values.json)
    process.stdout.write(`${JSON.stringify({ worst: worst(found), checks: found }, null, 2)}\n`);
  else process.stdout.write(`${doctorLines(found).map(escaped).join('\n')}\n`);
  // Beside the JSON, for whoever reads that reads nothing else.
  const talk = values.json ? process.stderr : process.stdout;
  if (values.fix) await mend(found, values.yes === true, talk);
  if (worst(found) !== 'ok') process.exitCode = EXIT.failed;
}

function areaOf(word: string): Area {
  const area = AREAS.find((one) => one === word);
  if (area === undefined)
    throw new Stop(EXIT.usage, `doctor takes any of: ${AREAS.join(', ')}; not "${word}"`);
  return area;
}

/** One area after the other: two of them want the same card. */
export async function examine(areas: readonly Area[], values: PlaceValues): Promise<readonly Diagnosis[]> {
  const places = placesFrom(values, process.env);
  const loaded = loadedFrom(places);
  const { agent, status } = await asked(places);
  const found: Diagnosis[] = [];
  for (const area of areas)
    found.push(...(await areaDiagnoses(area, { agent, status, loaded, places, values })));
  return found;
}

function loadedFrom({ configFile, configMustExist: mustExist }: Places): Loaded {
  return loadConfig({ configFile, mustExist, environment: process.env });
}

/** What goes out and comes in again: as packets, and as sound. */
async function loops(values: PlaceValues): Promise<readonly Diagnosis[]> {
  const places = placesFrom(values, process.env);
  const { agent } = await asked(places);
  return [await loopback(), await throughTheAir(loadedFrom(places).config, agent !== 'not-running')];
}

type Around = {
  readonly agent: ServiceFacts['agent'];
  readonly status: Status | null;
  readonly loaded: Loaded;
  readonly places: Places;
  readonly values: PlaceValues;
};

async function asked({ runtimeDirectory }: Places): Promise<Pick<Around, 'agent' | 'status'>> {
  const answer = await askControl(runtimeDirectory, { command: 'status' }, DEADLINE_MS);
  if (!('ok' in answer)) return { agent: answer.failure, status: null };
  return answer.ok
    ? { agent: 'answers', status: answer.status as Status }
    : { agent: 'silent', status: null };
}

async function areaDiagnoses(area: Area, around: Around): Promise<readonly Diagnosis[]> {
  const { agent, status, loaded, places, values } = around;
  const { config } = loaded;
  // Of one that hangs, or may not be asked, devices and identity are still its own.
  const isAlone = agent === 'not-running';
  switch (area) {
    case 'system':
      return diagnose(area, systemChecks, await systemFacts());
    case 'service':
      return diagnose(area, serviceChecks, await serviceFacts(agent, status, places));
    case 'config':
      return diagnose(area, configChecks, await configFacts(loaded));
    case 'state':
      return diagnose(area, stateChecks, stateFacts(places));
    case 'clock':
      return diagnose(area, clockChecks, clockFacts(config));
    case 'network':
      return diagnose(area, networkChecks, await networkFacts());
    case 'server':
      return diagnose(area, serverChecks, await serverFacts(config, status, places, isAlone));
    case 'microphone':
      return diagnose(area, microphoneChecks, await microphoneFacts(config, status, values, isAlone));
    case 'speaker':
      return diagnose(area, speakerChecks, await speakerFacts(config, status, isAlone));
    case 'button':
      return diagnose(area, buttonChecks, await buttonFacts(config, status));
    case 'light':
      return diagnose(area, lightChecks, lightFacts(config, status));
  }
}

const SIGNS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL', skipped: '-   ' } as const;
const AREA_WIDTH = Math.max(...AREAS.map((area) => area.length)) + 1;

export function doctorLines(found: readonly Diagnosis[]): readonly string[] {
  const lines = found.flatMap(({ result, area, title, says, mend: how }) => [
    `${SIGNS[result]} ${area.padEnd(AREA_WIDTH)} ${title}: ${says}`,
    ...(how === undefined ? [] : [`${' '.repeat(SIGNS.ok.length + AREA_WIDTH + 2)}-> ${how}`]),
  ]);
  const count = (result: Diagnosis['result']) => found.filter((one) => one.result === result).length;
  return [
    ...lines,
    '',
    `${found.length} checks: ${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} wrong, ${count('skipped')} not applicable here`,
  ];
}

/** Only what can do no harm, each after a question unless they were all answered beforehand. */
async function mend(found: readonly Diagnosis[], isSure: boolean, talk: NodeJS.WriteStream): Promise<void> {
  const fixes = found.flatMap(({ fix, says }) => (fix === undefined ? [] : [{ fix, says }]));
  if (fixes.length === 0) {
    talk.write('there is nothing that can be mended by itself\n');
    return;
  }
  if (!isSure && !process.stdin.isTTY)
    throw new Stop(EXIT.usage, 'nobody is there to be asked: doctor --fix --yes does without');
  for (const { fix, says } of fixes) {
    const [program = '', ...args] = fix;
    const command = fix.join(' ');
    if (!isSure && !(await agreed(`${says}\n  ${command} ? [y/N] `, talk))) continue;
    const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    const failure = error?.message ?? (status === 0 ? undefined : stderr.trim() || `exit code ${status}`);
    const end = failure === undefined ? `done: ${command}` : `failed: ${command}: ${failure}`;
    talk.write(`${escaped(end)}\n`);
  }
}

async function agreed(question: string, talk: NodeJS.WriteStream): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: talk });
  const answer = await reader.question(question);
  reader.close();
  return /^y(es)?$/i.test(answer.trim());
}
