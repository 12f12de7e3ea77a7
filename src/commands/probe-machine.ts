// The facts about the machine, the service, the files and the clock for `doctor`. Looks, and judges nothing.
import { lookup } from 'node:dns/promises';
import { existsSync, statfsSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { clockIsSet } from '../adapters/linux/clock-sync.ts';
import { discordjsCodec } from '../adapters/linux/discordjs-codec.ts';
import { evanCodec } from '../adapters/linux/evan-codec.ts';
import { keptIdentity } from '../adapters/linux/identity.ts';
import { machine, temperatureC, throttled } from '../adapters/linux/machine.ts';
import type { Loaded } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import type { ClockFacts, ConfigFacts, StateFacts } from '../doctor/files.ts';
import type { ServiceFacts } from '../doctor/service.ts';
import type { SystemFacts } from '../doctor/system.ts';
import type { Status } from '../status.ts';
import { Stop } from './exit.ts';
import { STATE_FILE } from './known-server.ts';
import { pastRun } from './last-run.ts';
import { UNIT } from './logs.ts';
import { type Places, packageVersion } from './places.ts';
import { content, json, may, modeOf, names, type Said, said } from './probe-run.ts';
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
    temperatureC: temperatureC(),
    throttled: throttled() ?? (await throttledByFirmware()),
    node: [major, minor],
    codecs: entries.filter(([, one]) => !('missing' in one)).map(([name]) => name),
    codecFaults: entries.flatMap(([name, one]) => ('missing' in one ? [`${name}: ${one.missing}`] : [])),
    overlays: overlays(),
    overlayCards: overlayCards(),
    soundFaults: soundFaultsIn(await said('dmesg')),
    rebootPending: existsSync('/run/reboot-required'),
    bootFileIsNewer: bootFileIsNewer(),
    serviceGroups: await groupsOf(USER),
  };
}

/** Raspberry Pi OS moved the file with its release of 2023. */
const BOOT_FILES = ['/boot/firmware/config.txt', '/boot/config.txt'];

function overlays(): readonly string[] | null {
  const text = BOOT_FILES.map(content).find((one) => one !== null);
  if (text === undefined || text === null) return null;
  return [...text.matchAll(/^\s*dtoverlay=([\w-]+)/gm)].map(([, name = '']) => name);
}

function bootFileIsNewer(): boolean | null {
  const path = BOOT_FILES.find((one) => existsSync(one));
  if (path === undefined) return null;
  return statSync(path).mtimeMs > Date.now() - uptime() * 1_000;
}

/** By their ids: those of the Pi's own outputs are left out, and whatever hangs on USB. */
function overlayCards(): readonly string[] | null {
  const cards = names('/proc/asound').filter((name) => /^card\d+$/.test(name));
  if (!existsSync('/proc/asound')) return null;
  return cards
    .filter((card) => !existsSync(`/proc/asound/${card}/usbid`))
    .map((card) => content(`/proc/asound/${card}/id`)?.trim() ?? '')
    .filter((id) => !/^(vc4hdmi|b1|HDMI|Headphones|ALSA|Loopback|Dummy)/i.test(id));
}

/** ux.md 1.3: -110 (a codec that does not answer), a master clock that is missing, a card that cannot be put together. */
const SOUND_FAULT =
  /No MCLK|(?:asoc|snd|wm8960|tlv320\w*|i2s|codec|sound)\b.*(?:-110|-121|error|fail|unable)/i;

/** Without the time that the kernel puts before each line. */
export function soundFaultsIn(kernel: Said | null): readonly string[] | null {
  if (kernel === null || kernel.code !== 0) return null;
  const lines = kernel.out.split('\n').filter((line) => SOUND_FAULT.test(line));
  return lines.map((line) => line.replace(/^\[[\s\d.]+\]\s*/, ''));
}

const kilobytes = (text: string | undefined) => (text === undefined ? null : Math.round(Number(text) / 1024));

async function throttledByFirmware(): Promise<number | null> {
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
  return {
    systemd,
    unit: systemd ? await unitOf() : null,
    journalVolatile: journalIsVolatile(),
    agent,
    agentVersion: status?.version ?? null,
    version: packageVersion(),
    agentNode: status?.process.node ?? null,
    node: process.version,
    rssMb: status?.process.rss_mb ?? null,
    // While one runs, the file is its own.
    lastRun: status === null ? run : status.last_run,
  };
}

/** Where journald writes now: Raspberry Pi OS tells it to use memory, though the folder on the card is there. */
export function journalIsVolatile(root = '/'): boolean | null {
  const onCard = join(root, 'var/log/journal');
  const [inMemoryAt, onCardAt] = [join(root, 'run/log/journal'), onCard].map(writtenAt);
  if (inMemoryAt === undefined) return existsSync(onCard) ? false : null;
  return onCardAt === undefined || inMemoryAt > onCardAt;
}

/** The last that was written to a journal; undefined: there is none. */
function writtenAt(folder: string): number | undefined {
  const files = names(folder).map((id) => join(folder, id, 'system.journal'));
  const times = files.filter((file) => existsSync(file)).map((file) => statSync(file).mtimeMs);
  return times.length === 0 ? undefined : Math.max(...times);
}

async function unitOf(): Promise<ServiceFacts['unit']> {
  const wanted = 'LoadState,UnitFileState,ActiveState,NRestarts,Result,WatchdogUSec';
  const answer = await said('systemctl', 'show', UNIT, '--property', wanted);
  return answer === null ? null : unitIn(answer.out);
}

export function unitIn(shown: string): NonNullable<ServiceFacts['unit']> {
  const found = new Map(shown.split('\n').map((line) => line.split('=', 2) as [string, string]));
  return {
    load: found.get('LoadState') ?? '',
    enabled: found.get('UnitFileState') || 'disabled',
    active: found.get('ActiveState') ?? '',
    restarts: Number(found.get('NRestarts') ?? 0),
    result: found.get('Result') ?? '',
    watchdog: found.get('WatchdogUSec') ?? '',
  };
}

export async function configFacts({ config, problems, files }: Loaded): Promise<ConfigFacts> {
  const { websocketUrl: url, otaUrl: asked, tokenFile } = config.server;
  const first = url === '' ? asked : url;
  const of = (severity: string) => problems.filter((one) => one.severity === severity).map(describeProblem);
  return {
    files,
    errors: of('error'),
    warnings: problems.filter((one) => one.severity !== 'error').map(describeProblem),
    url,
    asked,
    token:
      tokenFile === '' ? null : { path: tokenFile, mode: modeOf(tokenFile), fault: tokenFault(tokenFile) },
    isSecure: /^(wss|https):/i.test(first),
    isLocal: await isLocal(first),
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
  const path = join(directory, STATE_FILE);
  const found = names(directory);
  const text = content(path);
  const identity = json(text);
  const isThere = existsSync(path);
  return {
    directory,
    exists: existsSync(directory),
    writable: may(directory, 'write'),
    ...spaceOf(directory),
    identity: !isThere ? 'missing' : text === null ? 'denied' : isObject(identity) ? 'good' : 'damaged',
    identityMode: modeOf(path),
    isCloned: isObject(identity) && keptIdentity(identity, {}).isCopied,
    damaged: found.filter((name) => {
      const text = name.endsWith('.json') ? content(join(directory, name)) : null;
      return text !== null && json(text) === undefined;
    }),
    setAside: found.filter((name) => name.endsWith('.bad')),
  };
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

export function clockFacts({ light }: Config): ClockFacts {
  return {
    wallMs: Date.now(),
    isSet: clockIsSet(),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    night: light.night,
  };
}
