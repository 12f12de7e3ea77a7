// The facts about the machine, the service, the files and the clock for `doctor`. Looks, and judges nothing.
import { lookup } from 'node:dns/promises';
import { existsSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { clockIsSet } from '../adapters/linux/clock-sync.ts';
import { discordjsCodec } from '../adapters/linux/discordjs-codec.ts';
import { evanCodec } from '../adapters/linux/evan-codec.ts';
import { machine, machineMark } from '../adapters/linux/machine.ts';
import type { Loaded } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import type { ClockFacts, ConfigFacts, StateFacts } from '../doctor/files.ts';
import type { ServiceFacts } from '../doctor/service.ts';
import type { SystemFacts } from '../doctor/system.ts';
import type { Status } from '../status.ts';
import { Stop } from './exit.ts';
import { pastRun } from './last-run.ts';
import { UNIT } from './logs.ts';
import { type Places, packageVersion } from './places.ts';
import { content, json, may, modeOf, names, said } from './probe-run.ts';
import { readToken } from './token.ts';

const MB = 1024 * 1024;
const USER = 'xiaozhi';
const ANYBODY_WRITES = 0o002;
/** What `stat -f` calls them; here by the numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  2240043254: 'ramfs',
  2035054128: 'overlay',
  2435016766: 'btrfs',
  4076150800: 'f2fs',
  1481003842: 'xfs',
};

export async function systemFacts(): Promise<SystemFacts> {
  const { model, system, kernel, arch, memoryMb } = machine();
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const codecs = { '@discordjs/opus': await discordjsCodec(), '@evan/opus': evanCodec() };
  const entries = Object.entries(codecs);
  return {
    model,
    system,
    kernel,
    arch,
    memoryMb,
    availableMb: kilobytes(/^MemAvailable:\s+(\d+)/m.exec(content('/proc/meminfo') ?? '')?.[1]),
    temperatureC: temperature(),
    throttled: await throttled(),
    node: [major, minor],
    codecs: entries.filter(([, one]) => !('missing' in one)).map(([name]) => name),
    codecFaults: entries.flatMap(([name, one]) => ('missing' in one ? [`${name}: ${one.missing}`] : [])),
    overlays: overlays(),
    rebootPending: existsSync('/run/reboot-required'),
    serviceGroups: await groupsOf(USER),
  };
}

/** Raspberry Pi OS moved the file with its release of 2023. */
function overlays(): readonly string[] | null {
  const text = content('/boot/firmware/config.txt') ?? content('/boot/config.txt');
  if (text === null) return null;
  return [...text.matchAll(/^\s*dtoverlay=([\w-]+)/gm)].map(([, name = '']) => name);
}

const kilobytes = (text: string | undefined) => (text === undefined ? null : Math.round(Number(text) / 1024));

function temperature(): number | null {
  const text = content('/sys/class/thermal/thermal_zone0/temp');
  return text === null ? null : Math.round(Number(text) / 1_000);
}

async function throttled(): Promise<number | null> {
  const answer = await said('vcgencmd', 'get_throttled');
  const [, bits] = /throttled=(0x[0-9a-f]+)/i.exec(answer?.out ?? '') ?? [];
  return bits === undefined ? null : Number(bits);
}

async function groupsOf(user: string): Promise<readonly string[] | null> {
  const answer = await said('id', '-nG', user);
  return answer === null || answer.code !== 0 ? null : answer.out.trim().split(' ');
}

export async function serviceFacts(
  agent: ServiceFacts['agent'],
  status: Status | null,
  { stateDirectory }: Places,
): Promise<ServiceFacts> {
  const systemd = existsSync('/run/systemd/system');
  const run = pastRun(stateDirectory);
  const journal = existsSync('/run/log/journal') || existsSync('/var/log/journal');
  return {
    systemd,
    unit: systemd ? await unitOf() : null,
    journalVolatile: journal ? !existsSync('/var/log/journal') : null,
    agent,
    agentVersion: status?.version ?? null,
    version: packageVersion(),
    rssMb: status?.process.rss_mb ?? null,
    // While one runs, the file is its own.
    lastRun: status === null ? run : status.last_run,
  };
}

async function unitOf(): Promise<ServiceFacts['unit']> {
  const wanted = 'LoadState,UnitFileState,ActiveState,NRestarts,Result,WatchdogUSec';
  const answer = await said('systemctl', 'show', UNIT, '--property', wanted);
  if (answer === null) return null;
  const found = new Map(answer.out.split('\n').map((line) => line.split('=', 2) as [string, string]));
  const [, watchdogS] = /^(\d+)s$/.exec(found.get('WatchdogUSec') ?? '') ?? [];
  return {
    load: found.get('LoadState') ?? '',
    enabled: found.get('UnitFileState') || 'disabled',
    active: found.get('ActiveState') ?? '',
    restarts: Number(found.get('NRestarts') ?? 0),
    result: found.get('Result') ?? '',
    watchdogUs: Number(watchdogS ?? 0) * 1_000_000,
  };
}

export async function configFacts({ config, problems, files }: Loaded): Promise<ConfigFacts> {
  const { websocketUrl: url, tokenFile } = config.server;
  const of = (severity: string) => problems.filter((one) => one.severity === severity).map(describeProblem);
  return {
    files,
    errors: of('error'),
    warnings: problems.filter((one) => one.severity !== 'error').map(describeProblem),
    url,
    token:
      tokenFile === '' ? null : { path: tokenFile, mode: modeOf(tokenFile), fault: tokenFault(tokenFile) },
    isSecure: url.startsWith('wss:'),
    isLocal: await isLocal(url),
    writable: files.filter((file) => ((modeOf(file) ?? 0) & ANYBODY_WRITES) !== 0),
  };
}

function tokenFault(path: string): string | null {
  try {
    readToken(path);
    return null;
  } catch (error) {
    if (error instanceof Stop) return error.message;
    throw error;
  }
}

/** An address that nobody outside can have (RFC 1918, 3927, 4193), or this machine. */
async function isLocal(url: string): Promise<boolean> {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const address = await lookup(host).then(
    (found) => found.address,
    () => '',
  );
  return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cde])/i.test(address);
}

export function stateFacts({ stateDirectory: directory }: Places): StateFacts {
  const path = join(directory, 'identity.json');
  const found = names(directory);
  const identity = json(content(path));
  const isThere = existsSync(path);
  return {
    directory,
    exists: existsSync(directory),
    writable: may(directory, 'write'),
    ...spaceOf(directory),
    identity: !isThere ? 'missing' : !may(path, 'read') ? 'denied' : isObject(identity) ? 'good' : 'damaged',
    identityMode: modeOf(path),
    isCloned: isObject(identity) && isForeign(identity),
    damaged: found.filter((name) => {
      const text = name.endsWith('.json') ? content(join(directory, name)) : null;
      return text !== null && json(text) === undefined;
    }),
    setAside: found.filter((name) => name.endsWith('.bad')),
  };
}

function isForeign(identity: object): boolean {
  const { machine: made } = identity as { machine?: unknown };
  return typeof made === 'string' && made !== machineMark();
}

const isObject = (found: unknown): found is object => typeof found === 'object' && found !== null;

function spaceOf(directory: string): Pick<StateFacts, 'type' | 'freeMb'> {
  try {
    const { type, bavail, bsize } = statfsSync(directory);
    return { type: FILE_SYSTEMS[type] ?? null, freeMb: Math.floor((bavail * bsize) / MB) };
  } catch {
    return { type: null, freeMb: null };
  }
}

export function clockFacts(): ClockFacts {
  return {
    wallMs: Date.now(),
    isSet: clockIsSet(),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
