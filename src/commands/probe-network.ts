// The facts about the network and the way to the server for `doctor`. Looks, and judges nothing.
import { lookup } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { clock } from '../adapters/linux/clock.ts';
import { clockIsSet } from '../adapters/linux/clock-sync.ts';
import { snapshot } from '../adapters/linux/network-snapshot.ts';
import { wsDialer } from '../adapters/linux/ws-socket.ts';
import type { Config } from '../config/schema.ts';
import type { NetworkFacts, ServerFacts } from '../doctor/network.ts';
import type { Status } from '../status.ts';
import { knownServerOf } from './known-server.ts';
import { type Places, packageVersion } from './places.ts';
import { identityOf, serverOf } from './policy.ts';
import { content, names, said } from './probe-run.ts';
import { SILENT_LOG } from './silent-log.ts';

/** Two lost packets of a connection's beginning are sent again within 3 s. */
const DEADLINE_MS = 5_000;
const PROXY = /^(https?|all|no)_proxy$/i;

export async function networkFacts(): Promise<NetworkFacts> {
  const { interfaces, routes } = await snapshot({ destination: null });
  const withCarrier = interfaces.filter(({ carrier }) => carrier);
  const resolver = content('/etc/resolv.conf') ?? '';
  return {
    tool: (await said('ip', '-V')) !== null,
    carriers: withCarrier.map(({ name }) => name),
    addresses: withCarrier.flatMap(({ addresses }) => addresses),
    gateway: routes[0] === undefined ? null : (routes[0].gateway ?? routes[0].interface),
    nameServers: [...resolver.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server = '']) => server),
    proxy: Object.keys(process.env).filter((name) => PROXY.test(name)),
    wifi: await wifi(),
  };
}

async function wifi(): Promise<NetworkFacts['wifi']> {
  const name = names('/sys/class/net').find((one) => existsSync(join('/sys/class/net', one, 'wireless')));
  if (name === undefined) return null;
  const line = new RegExp(`^\\s*${name}:\\s+\\S+\\s+\\S+\\s+(-?\\d+)`, 'm').exec(
    content('/proc/net/wireless') ?? '',
  );
  const save = /power save: (on|off)/i.exec((await said('iw', 'dev', name, 'get', 'power_save'))?.out ?? '');
  return {
    interface: name,
    signalDbm: line === null ? null : Number(line[1]),
    powerSave: save === null ? null : save[1]?.toLowerCase() === 'on',
  };
}

export async function serverFacts(
  config: Config,
  status: Status | null,
  places: Places,
): Promise<ServerFacts> {
  const url = config.server.websocketUrl;
  const { hostname = '', port = '', protocol = '' } = URL.canParse(url) ? new URL(url) : {};
  const host = hostname.replace(/^\[|\]$/g, '');
  const isSecure = protocol === 'wss:';
  const found = url === '' || isIP(host) !== 0 ? null : await namesOf(host);
  const address = found === null ? host : found.addresses[0];
  const number = Number(port) || (isSecure ? 443 : 80);
  const tcp = url === '' || address === undefined ? null : await reached(address, number);
  const isReached = tcp?.fault === null;
  return {
    url,
    host,
    names: found,
    tcp,
    tls: isSecure && isReached ? await certificate(host, number, config.server.caFile) : null,
    wallMs: clock.wallMs(),
    link:
      status === null
        ? null
        : {
            phase: status.link.phase,
            trouble: status.link.trouble,
            rttMs: status.link.rtt_ms,
            silentDeaths: status.link.quality.silent_deaths,
          },
    // A second connection under the same identity would push out the agent's.
    greeting: status === null && isReached ? await greeted(config, places) : null,
  };
}

async function namesOf(host: string): Promise<NonNullable<ServerFacts['names']>> {
  try {
    const found = await lookup(host, { all: true });
    return { addresses: found.map(({ address }) => address), fault: null };
  } catch (error) {
    return { addresses: [], fault: (error as Error).message };
  }
}

function reached(host: string, port: number): Promise<NonNullable<ServerFacts['tcp']>> {
  const startedAt = clock.now();
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (fault: string | null) => {
      socket.destroy();
      resolve({ ms: Math.round(clock.now() - startedAt), fault });
    };
    socket.setTimeout(DEADLINE_MS, () =>
      settle(`no answer from ${host} port ${port} in ${DEADLINE_MS / 1_000} s`),
    );
    socket.once('connect', () => settle(null));
    socket.once('error', (error) => settle(error.message));
  });
}

function certificate(host: string, port: number, caFile: string): Promise<NonNullable<ServerFacts['tls']>> {
  return new Promise((resolve) => {
    const ca = caFile !== '' && existsSync(caFile) ? { ca: readFileSync(caFile) } : {};
    // Only looked at, and closed again without a word: what is wrong with it is told, not refused.
    const socket = connectTls({
      host,
      port,
      rejectUnauthorized: false,
      ...ca,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const settle = (fault: string | null) => {
      const { issuer, valid_from, valid_to } = socket.getPeerCertificate();
      socket.destroy();
      resolve({
        fault,
        issuer: String(issuer?.O ?? issuer?.CN ?? 'somebody unknown'),
        from: Date.parse(valid_from) || 0,
        to: Date.parse(valid_to) || 0,
      });
    };
    socket.setTimeout(DEADLINE_MS, () => settle('no TLS within 5 s'));
    socket.once('secureConnect', () =>
      settle(socket.authorized ? null : `not trusted: ${String(socket.authorizationError)}`),
    );
    socket.once('error', (error) => settle(error.message));
  });
}

/** As the agent would, once; not without an identity, which only the agent makes. */
function greeted(config: Config, { stateDirectory }: Places): Promise<ServerFacts['greeting']> {
  if (!existsSync(join(stateDirectory, 'identity.json'))) return Promise.resolve(null);
  const identity = identityOf(config, stateDirectory, SILENT_LOG);
  const known = knownServerOf(config, stateDirectory, SILENT_LOG);
  const { url, headers } = serverOf(config, identity, known, packageVersion(), SILENT_LOG);
  const startedAt = clock.now();
  return new Promise((resolve) => {
    const settle = (fault: string | null) => {
      cancel();
      socket.terminate();
      resolve({ fault, ms: Math.round(clock.now() - startedAt) });
    };
    const cancel = clock.after(2 * DEADLINE_MS, () => settle('connected, and no hello came'));
    const socket = wsDialer({ clock, clockIsSet }).dial(
      {
        url,
        headers: headers(),
        deadlineMs: DEADLINE_MS,
        ...(config.server.caFile === '' ? {} : { caFile: config.server.caFile }),
      },
      {
        reached: () => undefined,
        opened: () => void socket.sendText(HELLO),
        text: (text) => settle(/"type"\s*:\s*"hello"/.test(text) ? null : 'answers, but not with a hello'),
        binary: () => undefined,
        ponged: () => undefined,
        pinged: () => undefined,
        closed: (loss) => settle(`${loss.class}: ${loss.reason}`),
      },
    );
  });
}

/** The smallest that every known server takes. */
const HELLO = JSON.stringify({
  type: 'hello',
  version: 1,
  transport: 'websocket',
  audio_params: { format: 'opus', sample_rate: 16_000, channels: 1, frame_duration: 60 },
});
