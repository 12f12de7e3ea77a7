// Every check of `doctor` as rows: facts of a good box, what is changed of them, and what is then said. No check is without
// a row in which it finds something.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { journalIsVolatile, soundFaultsIn, unitIn } from '../../src/commands/probe-machine.ts';
import { AREAS } from '../../src/commands/table.ts';
import { type Check, diagnose, type Verdict, worst } from '../../src/doctor/check.ts';
import {
  type ClockFacts,
  type ConfigFacts,
  clockChecks,
  configChecks,
  type StateFacts,
  stateChecks,
} from '../../src/doctor/files.ts';
import { type NetworkFacts, networkChecks } from '../../src/doctor/network.ts';
import { type ButtonFacts, buttonChecks, type LightFacts, lightChecks } from '../../src/doctor/panel.ts';
import { type ServerFacts, serverChecks } from '../../src/doctor/server.ts';
import { type ServiceFacts, serviceChecks } from '../../src/doctor/service.ts';
import {
  listedName,
  type MicrophoneFacts,
  microphoneChecks,
  type SpeakerFacts,
  speakerChecks,
} from '../../src/doctor/sound.ts';
import { type SystemFacts, systemChecks } from '../../src/doctor/system.ts';

/** design.md: at least so many. */
const LEAST_CHECKS = 40;
/** These only ever say what there is. */
const NEVER_WRONG = ['button.backend', 'light.backend', 'system.model', 'system.user', 'service.systemd'];

type Row<Facts> = readonly [id: string, changes: Partial<Facts>, result: Verdict['result']];
type Table<Facts> = {
  readonly area: string;
  readonly checks: readonly Check<Facts>[];
  readonly good: Facts;
  readonly rows: readonly Row<Facts>[];
};

const NOW = Date.UTC(2026, 10, 29);
const DAY_MS = 86_400_000;

const system: Table<SystemFacts> = {
  area: 'system',
  checks: systemChecks,
  good: {
    model: 'Raspberry Pi Zero 2 W Rev 1.0',
    system: 'Debian GNU/Linux 13 (trixie)',
    kernel: '6.12.47',
    arch: 'arm64',
    memoryMb: 416,
    availableMb: 200,
    temperatureC: 48,
    throttled: 0,
    node: [22, 20],
    codecs: ['@discordjs/opus'],
    codecFaults: [],
    overlays: ['googlevoicehat-soundcard', 'gpio-led'],
    overlayCards: ['sndrpigooglevoi'],
    soundFaults: [],
    rebootPending: false,
    bootFileIsNewer: false,
    serviceGroups: ['xiaozhi', 'audio', 'gpio', 'input'],
  },
  rows: [
    ['model', { model: 'unknown' }, 'skipped'],
    ['release', { system: 'Arch Linux' }, 'warn'],
    ['bits', { arch: 'arm' }, 'warn'],
    ['node', { node: [18, 20] }, 'fail'],
    ['node', { node: [20, 18] }, 'fail'],
    ['node', { node: [20, 19] }, 'ok'],
    ['memory', { memoryMb: 200 }, 'warn'],
    ['available', { availableMb: 20 }, 'warn'],
    ['available', { availableMb: null }, 'skipped'],
    ['temperature', { temperatureC: 81 }, 'warn'],
    ['temperature', { temperatureC: null }, 'skipped'],
    ['power', { throttled: 0x50005 }, 'fail'],
    ['power', { throttled: 0x50000 }, 'warn'],
    ['power', { throttled: 0x4 }, 'warn'],
    ['power', { throttled: null }, 'skipped'],
    ['codec', { codecs: [], codecFaults: ['@evan/opus: not installed'] }, 'fail'],
    ['overlay', { overlays: ['hifiberry-dac', 'adau7002-simple'] }, 'warn'],
    ['overlay', { overlays: null }, 'skipped'],
    ['card', { overlayCards: [] }, 'fail'],
    ['card', { overlayCards: [], overlays: ['gpio-led'] }, 'skipped'],
    ['card', { overlayCards: null }, 'skipped'],
    ['kernel', { soundFaults: ['wm8960 1-001a: No MCLK configured'] }, 'warn'],
    ['kernel', { soundFaults: null }, 'skipped'],
    ['boot-file', { bootFileIsNewer: true }, 'warn'],
    ['boot-file', { bootFileIsNewer: null }, 'skipped'],
    ['reboot', { rebootPending: true }, 'warn'],
    ['user', { serviceGroups: null }, 'skipped'],
    ['audio-group', { serviceGroups: ['gpio'] }, 'fail'],
    ['audio-group', { serviceGroups: null }, 'skipped'],
    ['gpio-group', { serviceGroups: ['audio'] }, 'warn'],
    ['gpio-group', { serviceGroups: null }, 'skipped'],
    ['input-group', { serviceGroups: ['audio', 'gpio'] }, 'warn'],
  ],
};

const UNIT = {
  load: 'loaded',
  enabled: 'enabled',
  active: 'active',
  restarts: 0,
  result: 'success',
  watchdog: '1min 30s',
};
const service: Table<ServiceFacts> = {
  area: 'service',
  checks: serviceChecks,
  good: {
    systemd: true,
    unit: UNIT,
    journalVolatile: false,
    agent: 'answers',
    agentVersion: '0.1.0',
    version: '0.1.0',
    agentNode: 'v22.20.0',
    node: 'v22.20.0',
    rssMb: 65,
    lastRun: { ended: 'ended on request (SIGTERM)', clean: true },
  },
  rows: [
    ['systemd', { systemd: false, unit: null }, 'skipped'],
    ['unit', { unit: { ...UNIT, load: 'not-found' } }, 'warn'],
    ['unit', { systemd: false, unit: null }, 'skipped'],
    ['enabled', { unit: { ...UNIT, enabled: 'disabled' } }, 'warn'],
    ['active', { unit: { ...UNIT, active: 'failed', result: 'exit-code' } }, 'fail'],
    ['active', { unit: { ...UNIT, load: 'not-found' } }, 'skipped'],
    ['restarts', { unit: { ...UNIT, restarts: 3 } }, 'warn'],
    ['watchdog', { unit: { ...UNIT, watchdog: '0' } }, 'warn'],
    ['watchdog', { unit: { ...UNIT, watchdog: 'infinity' } }, 'warn'],
    ['journal', { journalVolatile: true }, 'warn'],
    ['journal', { journalVolatile: null }, 'skipped'],
    ['agent', { agent: 'not-running' }, 'warn'],
    ['agent', { agent: 'denied' }, 'fail'],
    ['agent', { agent: 'silent' }, 'fail'],
    ['version', { agentVersion: '0.0.9' }, 'warn'],
    ['version', { agentVersion: null }, 'ok'],
    ['node', { agentNode: 'v18.20.4' }, 'warn'],
    ['node', { agentNode: null }, 'skipped'],
    ['rss', { rssMb: 150 }, 'warn'],
    ['rss', { rssMb: 149 }, 'ok'],
    ['rss', { rssMb: null }, 'skipped'],
    ['last-run', { lastRun: { ended: 'broke off', clean: false } }, 'warn'],
    ['last-run', { lastRun: null }, 'skipped'],
  ],
};

const TOKEN = { path: '/etc/xiaozhi-agent/token', mode: 0o640, fault: null };
const config: Table<ConfigFacts> = {
  area: 'config',
  checks: configChecks,
  good: {
    files: ['/etc/xiaozhi-agent/config.toml'],
    errors: [],
    warnings: [],
    url: 'wss://example.org/xiaozhi/v1/',
    asked: '',
    token: TOKEN,
    isSecure: true,
    isLocal: false,
    writable: [],
  },
  rows: [
    ['files', { files: [] }, 'warn'],
    ['values', { errors: ['link.mode: expected …'] }, 'fail'],
    ['keys', { warnings: ['unknown key'] }, 'warn'],
    ['server', { url: '' }, 'fail'],
    ['server', { url: '', asked: 'https://example.org/ota/' }, 'ok'],
    ['writable', { writable: ['/etc/xiaozhi-agent/config.toml'] }, 'warn'],
    ['writable', { files: [] }, 'skipped'],
    ['token', { token: { ...TOKEN, fault: 'cannot be read' } }, 'fail'],
    ['token', { token: null }, 'skipped'],
    ['token-mode', { token: { ...TOKEN, mode: 0o644 } }, 'warn'],
    ['token-mode', { token: null }, 'skipped'],
    ['encryption', { isSecure: false }, 'warn'],
    ['encryption', { isSecure: false, isLocal: true }, 'ok'],
    ['encryption', { url: '' }, 'skipped'],
    ['encryption', { url: '', asked: 'http://example.org/ota/', isSecure: false }, 'warn'],
  ],
};

const state: Table<StateFacts> = {
  area: 'state',
  checks: stateChecks,
  good: {
    directory: '/var/lib/xiaozhi-agent',
    exists: true,
    writable: true,
    type: 'ext4',
    freeMb: 900,
    identity: 'good',
    identityMode: 0o600,
    isCloned: false,
    damaged: [],
    setAside: [],
  },
  rows: [
    ['directory', { exists: false }, 'warn'],
    ['writable', { writable: false }, 'warn'],
    ['writable', { exists: false }, 'skipped'],
    ['lasting', { type: 'overlay' }, 'warn'],
    ['lasting', { type: null }, 'skipped'],
    ['space', { freeMb: 0 }, 'fail'],
    ['space', { freeMb: 5 }, 'warn'],
    ['space', { freeMb: null }, 'skipped'],
    ['identity', { identity: 'damaged' }, 'warn'],
    ['identity', { identity: 'missing' }, 'ok'],
    ['identity', { identity: 'denied' }, 'skipped'],
    ['identity-mode', { identityMode: 0o644 }, 'warn'],
    ['identity-mode', { identityMode: null }, 'skipped'],
    ['cloned', { isCloned: true }, 'warn'],
    ['cloned', { identity: 'missing' }, 'skipped'],
    ['damaged', { damaged: ['prefs.json'] }, 'warn'],
    ['aside', { setAside: ['link.json.bad'] }, 'warn'],
  ],
};

const clock: Table<ClockFacts> = {
  area: 'clock',
  checks: clockChecks,
  good: { wallMs: NOW, isSet: true, zone: 'Europe/Berlin', night: '' },
  rows: [
    ['set', { isSet: false }, 'fail'],
    ['date', { wallMs: 0 }, 'fail'],
    ['zone', { zone: 'UTC', night: '22:00-07:00' }, 'warn'],
    ['zone', { zone: 'UTC' }, 'ok'],
  ],
};

const WIFI = { interface: 'wlan0', signalDbm: -55, powerSave: false };
const network: Table<NetworkFacts> = {
  area: 'network',
  checks: networkChecks,
  good: {
    tool: true,
    carriers: ['wlan0'],
    addresses: ['192.168.1.7'],
    gateway: '192.168.1.1',
    nameServers: ['192.168.1.1'],
    proxy: [],
    wifi: WIFI,
  },
  rows: [
    ['tool', { tool: false }, 'warn'],
    ['carrier', { carriers: [] }, 'fail'],
    ['address', { addresses: [] }, 'fail'],
    ['address', { carriers: [] }, 'skipped'],
    ['route', { gateway: null }, 'fail'],
    ['dns', { nameServers: [] }, 'fail'],
    ['proxy', { proxy: ['https_proxy'] }, 'warn'],
    ['signal', { wifi: { ...WIFI, signalDbm: -82 } }, 'warn'],
    ['signal', { wifi: null }, 'skipped'],
    ['power-save', { wifi: { ...WIFI, powerSave: true } }, 'warn'],
    ['power-save', { wifi: { ...WIFI, powerSave: null } }, 'skipped'],
  ],
};

const TLS = { fault: null, issuer: "Let's Encrypt", from: NOW - 30 * DAY_MS, to: NOW + 60 * DAY_MS };
const LINK = { phase: 'ready', trouble: null, rttMs: 40, silentDeaths: 0 };
const PAGE = { fault: null, ms: 30, status: 200, at: NOW, sentTo: null };
const SLASHED = { ...PAGE, status: 301, sentTo: { url: 'https://example.org/ota', isOtherHost: false } };
const AT_LOGIN = {
  ...PAGE,
  status: 302,
  sentTo: { url: 'http://login.example/', isOtherHost: true },
};
const SETUP = { phase: 'done', code: null, trouble: null };
const REFUSED = { class: 'transient', reason: 'refused' };
const server: Table<ServerFacts> = {
  area: 'server',
  checks: serverChecks,
  good: {
    url: 'wss://example.org/xiaozhi/v1/',
    host: 'example.org',
    names: { addresses: ['192.0.2.7'], fault: null },
    tcp: { ms: 20, fault: null },
    tls: TLS,
    wallMs: NOW,
    link: LINK,
    greeting: null,
    asked: 'https://example.org/ota/',
    page: PAGE,
    setup: SETUP,
  },
  rows: [
    ['name', { names: { addresses: [], fault: 'ENOTFOUND' } }, 'fail'],
    ['name', { names: null }, 'skipped'],
    ['tcp', { tcp: { ms: 1, fault: 'refused' } }, 'fail'],
    ['tcp', { tcp: { ms: 300, fault: null } }, 'warn'],
    ['tcp', { tcp: { ms: 299, fault: null } }, 'ok'],
    ['tcp', { tcp: null }, 'skipped'],
    ['tls', { tls: { ...TLS, fault: 'self-signed' } }, 'fail'],
    ['tls', { tls: null }, 'skipped'],
    ['dates', { wallMs: NOW - 300 * DAY_MS }, 'fail'],
    ['dates', { wallMs: NOW + 300 * DAY_MS }, 'fail'],
    ['dates', { wallMs: NOW + 58 * DAY_MS }, 'warn'],
    ['asked', { asked: '' }, 'skipped'],
    ['asked', { page: { ...PAGE, fault: 'refused' } }, 'fail'],
    ['asked', { page: { ...PAGE, status: 503 } }, 'fail'],
    ['asked', { page: { ...PAGE, status: 405 } }, 'ok'],
    ['asked', { setup: { ...SETUP, trouble: 'the answer is no JSON' } }, 'fail'],
    ['activation', { setup: { ...SETUP, phase: 'activating', code: '738133' } }, 'warn'],
    ['activation', { setup: { ...SETUP, phase: 'asking' } }, 'ok'],
    ['activation', { setup: null }, 'skipped'],
    ['activation', { asked: '' }, 'skipped'],
    ['asked', { setup: null, page: SLASHED }, 'warn'],
    ['asked', { page: SLASHED }, 'ok'],
    ['asked', { setup: null, page: AT_LOGIN }, 'ok'],
    ['portal', { page: AT_LOGIN }, 'fail'],
    ['portal', { page: SLASHED }, 'ok'],
    ['portal', { page: { ...PAGE, status: 511 } }, 'fail'],
    ['portal', { link: { ...LINK, trouble: { class: 'portal', reason: '200' } } }, 'fail'],
    ['portal', { link: null, greeting: { fault: 'portal: 200', ms: 9 } }, 'fail'],
    ['portal', { page: { ...PAGE, status: 404 } }, 'ok'],
    ['portal', { page: null, link: null }, 'skipped'],
    ['time', { wallMs: NOW - 5 * 60_000 }, 'fail'],
    ['time', { wallMs: NOW + 5 * 60_000 }, 'fail'],
    ['time', { wallMs: NOW + 5_000 }, 'ok'],
    ['time', { page: { ...PAGE, at: null } }, 'skipped'],
    ['greeting', { link: null, greeting: { fault: 'auth: 401', ms: 40 } }, 'fail'],
    ['greeting', { link: null, greeting: { fault: null, ms: 40 } }, 'ok'],
    ['greeting', { link: null }, 'skipped'],
    ['link', { link: { ...LINK, phase: 'waiting', trouble: REFUSED } }, 'fail'],
    ['link', { link: { ...LINK, phase: 'dialing' } }, 'warn'],
    ['link', { link: null }, 'skipped'],
    ['rtt', { link: { ...LINK, rttMs: 900 } }, 'warn'],
    ['rtt', { link: null }, 'skipped'],
    ['silence', { link: { ...LINK, silentDeaths: 9 } }, 'warn'],
    ['silence', { link: null }, 'skipped'],
  ],
};

const OWNED = { state: 'delivering', trouble: null, constant: false };
const HEARD = { fault: null, rate: 1.001, isConstant: false, peakDb: -40, averageDb: -52, clipped: 0 };
const microphone: Table<MicrophoneFacts> = {
  area: 'microphone',
  checks: microphoneChecks,
  good: {
    device: 'plughw:seeed',
    longName: 'plughw:CARD=seeed,DEV=0',
    isSimulated: false,
    program: true,
    listed: ['plughw:CARD=seeed,DEV=0'],
    hardware: 'S32_LE; 2 channels; 48000 Hz',
    heldBy: [],
    agent: null,
    converter: 'speexrate',
    gainDb: 20,
    channel: 'mix',
    isMuted: false,
    heard: HEARD,
    sides: { left: -40, right: -41 },
    muted: [],
  },
  rows: [
    ['program', { program: false }, 'fail'],
    ['device', { listed: [] }, 'fail'],
    ['device', { listed: ['default'] }, 'warn'],
    ['device', { listed: null }, 'skipped'],
    ['device', { isSimulated: true }, 'ok'],
    ['free', { heldBy: ['pipewire (700)'] }, 'warn'],
    ['free', { agent: OWNED }, 'skipped'],
    ['agent', { agent: OWNED }, 'ok'],
    ['agent', { agent: { ...OWNED, trouble: 'no such device' } }, 'fail'],
    ['delivers', { heard: { ...HEARD, fault: 'busy' } }, 'fail'],
    ['delivers', { heard: null }, 'skipped'],
    ['delivers', { heard: null, isMuted: true }, 'skipped'],
    ['rate', { heard: { ...HEARD, rate: 0.5 } }, 'fail'],
    ['rate', { heard: { ...HEARD, rate: 1.06 } }, 'fail'],
    ['rate', { heard: { ...HEARD, rate: 0.98 } }, 'warn'],
    ['rate', { heard: { ...HEARD, rate: 0.991 } }, 'ok'],
    ['sides', { sides: { left: -40, right: -90 } }, 'warn'],
    ['sides', { sides: { left: -40, right: -90 }, channel: 'left' }, 'ok'],
    ['sides', { sides: { left: -40, right: -90 }, channel: 'right' }, 'fail'],
    ['sides', { sides: { left: -90, right: -40 }, channel: 'left' }, 'fail'],
    ['sides', { sides: { left: -90, right: -90 } }, 'skipped'],
    ['sides', { sides: null }, 'skipped'],
    ['hardware', { hardware: '' }, 'warn'],
    ['hardware', { hardware: null }, 'skipped'],
    ['rate', { heard: { ...HEARD, rate: null } }, 'skipped'],
    ['alive', { heard: { ...HEARD, isConstant: true } }, 'fail'],
    ['alive', { agent: { ...OWNED, constant: true } }, 'fail'],
    ['level', { heard: { ...HEARD, averageDb: -80 } }, 'warn'],
    ['level', { heard: { ...HEARD, averageDb: -29 } }, 'warn'],
    ['level', { heard: { ...HEARD, averageDb: -31 } }, 'ok'],
    ['level', { heard: null }, 'skipped'],
    ['clipping', { heard: { ...HEARD, clipped: 12 } }, 'warn'],
    ['gain', { gainDb: 50 }, 'warn'],
    ['muted', { muted: ['Capture'] }, 'warn'],
    ['converter', { converter: 'linear' }, 'warn'],
  ],
};

const speaker: Table<SpeakerFacts> = {
  area: 'speaker',
  checks: speakerChecks,
  good: {
    device: 'default',
    longName: 'default',
    isSimulated: false,
    program: true,
    listed: ['default'],
    hardware: null,
    heldBy: [],
    agent: null,
    volume: 60,
    mixer: 80,
    muted: [],
    played: { fault: null },
    underruns: 0,
  },
  rows: [
    ['program', { program: false }, 'fail'],
    ['hardware', { hardware: '' }, 'warn'],
    ['device', { listed: [] }, 'fail'],
    ['free', { heldBy: ['mpd (9)'] }, 'warn'],
    ['agent', { agent: { ...OWNED, trouble: 'gone' } }, 'fail'],
    ['plays', { played: { fault: 'busy' } }, 'fail'],
    ['plays', { played: null }, 'skipped'],
    ['volume', { volume: 0 }, 'warn'],
    ['volume', { volume: null }, 'skipped'],
    ['mixer', { mixer: 0 }, 'warn'],
    ['mixer', { mixer: null }, 'skipped'],
    ['muted', { muted: ['Master'] }, 'warn'],
    ['underruns', { underruns: 40 }, 'warn'],
    ['underruns', { underruns: null }, 'skipped'],
  ],
};

const HEARD_LINE = { backend: 'gpiod', state: 'working', line: 'BCM 17', isDown: false, trouble: null };
const LINE = { where: 'BCM 17 = header pin 11 on gpiochip0', holder: null, isDown: false };
const button: Table<ButtonFacts> = {
  area: 'button',
  checks: buttonChecks,
  good: {
    backend: 'auto',
    gpio: 17,
    chips: ['gpiochip0'],
    gpiomon: 'gpiomon (libgpiod) v2.2',
    chipReadable: true,
    soundPin: null,
    line: null,
    agent: HEARD_LINE,
  },
  rows: [
    ['backend', { backend: 'none' }, 'ok'],
    ['tool', { gpiomon: null }, 'warn'],
    ['tool', { backend: 'evdev' }, 'skipped'],
    ['chip', { chips: [] }, 'fail'],
    ['access', { chipReadable: false }, 'warn'],
    ['access', { chipReadable: null }, 'skipped'],
    ['pin', { soundPin: 'the clock of I2S' }, 'fail'],
    ['line', { agent: null, line: { missing: 'no line named GPIO17' } }, 'fail'],
    ['line', { agent: null, line: { ...LINE, holder: 'gpiomon' } }, 'fail'],
    ['line', { agent: null, line: LINE }, 'ok'],
    ['line', { agent: null }, 'skipped'],
    ['rest', { agent: null, line: { ...LINE, isDown: true } }, 'warn'],
    ['rest', { agent: null, line: { ...LINE, isDown: null } }, 'skipped'],
    ['rest', { agent: null, line: LINE }, 'ok'],
    ['heard', { agent: { ...HEARD_LINE, state: 'restarting', trouble: 'busy' } }, 'fail'],
    ['heard', { agent: null }, 'skipped'],
    ['rest', { agent: { ...HEARD_LINE, isDown: true } }, 'warn'],
    ['rest', { agent: null }, 'skipped'],
  ],
};

const light: Table<LightFacts> = {
  area: 'light',
  checks: lightChecks,
  good: { backend: 'leds', names: ['xiaozhi'], leds: ['xiaozhi', 'ACT'], writable: true, agentTrouble: null },
  rows: [
    ['backend', { backend: 'none' }, 'skipped'],
    ['led', { leds: ['ACT'] }, 'fail'],
    ['led', { backend: 'onoff' }, 'skipped'],
    ['access', { writable: false }, 'warn'],
    ['access', { writable: null }, 'skipped'],
    ['agent', { agentTrouble: 'cannot be written' }, 'fail'],
    ['agent', { backend: 'none' }, 'skipped'],
  ],
};

function holds<Facts>({ area, checks, good, rows }: Table<Facts>): void {
  describe(`doctor ${area}`, () => {
    it('has nothing to say against a good box', () => {
      const found = diagnose(area, checks, good);
      assert.equal(worst(found), 'ok');
      for (const { says, id } of found) assert.notEqual(says, '', id);
      assert.equal(new Set(found.map(({ id }) => id)).size, checks.length);
    });

    for (const [id, changes, result] of rows)
      it(`${id}: ${result} for ${JSON.stringify(changes)}`, () => {
        const check = checks.find((one) => one.id === id);
        const verdict = check?.judge({ ...good, ...changes });
        assert.equal(verdict?.result, result, JSON.stringify(verdict));
        const isWrong = result === 'warn' || result === 'fail';
        assert.equal(
          verdict?.mend !== undefined,
          isWrong,
          'what is wrong comes with what mends it, and nothing else',
        );
      });

    it('has no check that never finds anything', () => {
      const finding = rows.filter(([, , result]) => result === 'warn' || result === 'fail').map(([id]) => id);
      for (const { id } of checks)
        assert.ok(finding.includes(id) || NEVER_WRONG.includes(`${area}.${id}`), `${area}.${id}`);
    });
  });
}

holds(system);
holds(service);
holds(config);
holds(state);
holds(clock);
holds(network);
holds(server);
holds(microphone);
holds(speaker);
holds(button);
holds(light);

describe('what the kernel says of sound', () => {
  const said = (...lines: readonly string[]) => ({ code: 0, err: '', out: lines.join('\n') });

  it('is its trouble with sound hardware, and nothing else', () => {
    const faults = [
      'wm8960 1-001a: No MCLK configured',
      'tlv320aic3x 1-0018: Failed to write to register: -121',
      'snd-soc-rpi: ASoC: failed to instantiate card -110',
    ];
    const calm = ['usb 1-1: new high-speed USB device', 'snd_bcm2835: module loaded', 'mmc0: error -110'];
    const kernel = said(...[...calm, ...faults].map((line) => `[    4.${line.length}] ${line}`));
    assert.deepEqual(soundFaultsIn(kernel), faults);
  });

  it('is not known where it does not say it to us', () => {
    assert.equal(soundFaultsIn({ code: 1, out: '', err: 'Operation not permitted' }), null);
    assert.equal(soundFaultsIn(null), null);
  });
});

it('the journal is volatile where it is written to memory, whatever folders there are', () => {
  const root = mkdtempSync(join(tmpdir(), 'xz-'));
  assert.equal(journalIsVolatile(root), null);
  mkdirSync(join(root, 'var/log/journal'), { recursive: true });
  assert.equal(journalIsVolatile(root), false);
  mkdirSync(join(root, 'run/log/journal/0a1b'), { recursive: true });
  assert.equal(journalIsVolatile(root), false);
  const [inMemory, onCard] = ['run', 'var'].map((top) => join(root, top, 'log/journal/0a1b/system.journal'));
  assert.ok(inMemory && onCard);
  writeFileSync(inMemory, '');
  assert.equal(journalIsVolatile(root), true);
  mkdirSync(join(root, 'var/log/journal/0a1b'));
  writeFileSync(onCard, '');
  utimesSync(inMemory, 2_000, 2_000);
  utimesSync(onCard, 1_000, 1_000);
  assert.equal(journalIsVolatile(root), true);
  utimesSync(onCard, 3_000, 3_000);
  assert.equal(journalIsVolatile(root), false, 'what is in memory is left over');
  rmSync(root, { recursive: true });
});

describe('doctor as a whole', () => {
  const tables = [system, service, config, state, clock, network, server, microphone, speaker, button, light];

  it('has all its areas here, and more than forty checks', () => {
    assert.deepEqual(
      tables.map(({ area }) => area),
      AREAS,
    );
    assert.ok(tables.reduce((sum, { checks }) => sum + checks.length, 0) >= LEAST_CHECKS);
  });

  it('is as bad as its worst check', () => {
    const one = (result: Verdict['result']) => ({ area: 'a', id: 'a.b', title: 't', says: 's', result });
    assert.equal(worst([]), 'ok');
    assert.equal(worst([one('ok'), one('skipped')]), 'ok');
    assert.equal(worst([one('warn'), one('ok')]), 'warn');
    assert.equal(worst([one('warn'), one('fail'), one('ok')]), 'fail');
  });
});

it('the unit is read as systemd shows it, its watchdog in whatever unit of time', () => {
  const shown =
    'LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nNRestarts=0\nResult=success\nWatchdogUSec=1min 30s\n';
  assert.deepEqual(unitIn(shown), UNIT);
  assert.equal(unitIn('LoadState=not-found\nUnitFileState=\n').enabled, 'disabled');
});

it('a device is found among those that ALSA lists by number, by short name, and without its first device', () => {
  const cards: Readonly<Record<string, string>> = { 1: 'seeed' };
  const long = 'plughw:CARD=seeed,DEV=0';
  for (const written of [
    'plughw:1',
    'plughw:1,0',
    'plughw:seeed',
    'plughw:CARD=seeed',
    'plughw:seeed,0,2',
    long,
  ])
    assert.equal(
      listedName(written, (card) => cards[card]),
      long,
      written,
    );
  assert.equal(
    listedName('hw:1,3', (card) => cards[card]),
    'hw:CARD=seeed,DEV=3',
  );
  for (const other of ['default', 'sysdefault:CARD=seeed', 'mic', 'plughw:', 'null'])
    assert.equal(
      listedName(other, () => 'x'),
      other,
    );
});
