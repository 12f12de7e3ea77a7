// `xiaozhi-agent doctor`: gathers the facts of each area, has them judged, and shows what is wrong and what mends it. While
// the agent runs it is asked, and no device is opened behind its back.
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { askControl } from '../adapters/linux/control-socket.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { type Diagnosis, diagnose, worst } from '../doctor/check.ts';
import { clockChecks, configChecks, stateChecks } from '../doctor/files.ts';
import { networkChecks, serverChecks } from '../doctor/network.ts';
import { buttonChecks, lightChecks } from '../doctor/panel.ts';
import { type ServiceFacts, serviceChecks } from '../doctor/service.ts';
import { microphoneChecks, speakerChecks } from '../doctor/sound.ts';
import { systemChecks } from '../doctor/system.ts';
import { escaped } from '../log/line.ts';
import type { Status } from '../status.ts';
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
  const found = [...(await examine(wanted, values)), ...(values.loopback ? [await loopback()] : [])];
  if (values.json)
    process.stdout.write(`${JSON.stringify({ worst: worst(found), checks: found }, null, 2)}\n`);
  else process.stdout.write(`${doctorLines(found).map(escaped).join('\n')}\n`);
  if (values.fix) await mend(found, values.yes === true);
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
  const loaded = loadConfig({
    configFile: places.configFile,
    mustExist: places.configMustExist,
    environment: process.env,
  });
  const { agent, status } = await asked(places);
  const found: Diagnosis[] = [];
  for (const area of areas)
    found.push(...(await areaDiagnoses(area, { agent, status, loaded, places, values })));
  return found;
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
      return diagnose(area, clockChecks, clockFacts());
    case 'network':
      return diagnose(area, networkChecks, await networkFacts());
    case 'server':
      return diagnose(area, serverChecks, await serverFacts(config, status, places));
    case 'microphone':
      return diagnose(area, microphoneChecks, await microphoneFacts(config, status, values));
    case 'speaker':
      return diagnose(area, speakerChecks, await speakerFacts(config, status));
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
async function mend(found: readonly Diagnosis[], isSure: boolean): Promise<void> {
  const fixes = found.flatMap(({ fix, says }) => (fix === undefined ? [] : [{ fix, says }]));
  if (fixes.length === 0) {
    process.stdout.write('there is nothing that can be mended by itself\n');
    return;
  }
  if (!isSure && !process.stdin.isTTY)
    throw new Stop(EXIT.usage, 'nobody is there to be asked: doctor --fix --yes does without');
  for (const { fix, says } of fixes) {
    const [program = '', ...args] = fix;
    const command = fix.join(' ');
    if (!isSure && !(await agreed(`${says}\n  ${command} ? [y/N] `))) continue;
    const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    const failure = error?.message ?? (status === 0 ? undefined : stderr.trim() || `exit code ${status}`);
    process.stdout.write(
      escaped(failure === undefined ? `done: ${command}` : `failed: ${command}: ${failure}`),
    );
    process.stdout.write('\n');
  }
}

async function agreed(question: string): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await reader.question(question);
  reader.close();
  return /^y(es)?$/i.test(answer.trim());
}
