// The facts about the network and the way to the server for `doctor`. Looks, and judges nothing.
import { lookup } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';
import { type IncomingHttpHeaders, get as plainGet } from 'node:http';
import { get as secureGet } from 'node:https';
import { connect, isIP } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { clock } from '../adapters/linux/clock.ts';
import { clockIsSet } from '../adapters/linux/clock-sync.ts';
import { keptIdentity } from '../adapters/linux/identity.ts';
import { snapshot } from '../adapters/linux/network-snapshot.ts';
import { wsDialer } from '../adapters/linux/ws-socket.ts';
import type { Config } from '../config/schema.ts';
import type { NetworkFacts } from '../doctor/network.ts';
import type { ServerFacts } from '../doctor/server.ts';
import type { KnownServer } from '../known-server.ts';
import type { Store } from '../ports.ts';
import { isObject } from '../protocol/fields.ts';
import type { Status } from '../status.ts';
import { knownServerIn, STATE_FILE } from './known-server.ts';
import { type Places, packageVersion } from './places.ts';
import { serverOf, wantedIdentity } from './policy.ts';
import { content, json, names, said } from './probe-run.ts';
import { isRadio, signalDbm } from './radio.ts';
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
  const name = names('/sys/class/net').find((one) => isRadio(one));
  if (name === undefined) return null;
  const save = /power save: (on|off)/i.exec((await said('iw', 'dev', name, 'get', 'power_save'))?.out ?? '');
  return {
    interface: name,
    signalDbm: signalDbm(name),
    powerSave: save === null ? null : save[1]?.toLowerCase() === 'on',
  };
}

export async function serverFacts(
  config: Config,
  status: Status | null,
  places: Places,
  isAlone: boolean,
): Promise<ServerFacts> {
  const { server } = config;
  const isKept = json(content(join(places.stateDirectory, STATE_FILE)));
  const known = knownServerIn(config, onlyRead(isKept), SILENT_LOG);
  // What the agent has is newer than what it has written down.
  const url = status?.link.url ?? known.url;
  const { hostname = '', port = '', protocol = '' } = URL.canParse(url) ? new URL(url) : {};
  const host = hostname.replace(/^\[|\]$/g, '');
  const isSecure = protocol === 'wss:';
  const found = url === '' || isIP(host) !== 0 ? null : await namesOf(host);
  const address = found === null ? host : found.addresses[0];
  const number = Number(port) || (isSecure ? 443 : 80);
  const tcp = url === '' || address === undefined ? null : await reached(address, number);
  const isReached = tcp?.fault === null;
  const page = server.otaUrl === '' ? (isReached ? url.replace(/^ws/i, 'http') : '') : server.otaUrl;
  return {
    url,
    host,
    names: found,
    tcp,
    tls: isSecure && isReached ? await certificate(host, number, server.caFile) : null,
    asked: server.otaUrl,
    page: page === '' ? null : await pageOf(page, server.caFile),
    wallMs: clock.wallMs(),
    setup: status?.setup ?? null,
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
    greeting: isAlone && isReached ? await greeted(config, known, isKept) : null,
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

/** An ordinary question, of whose answer only the head is wanted. */
function pageOf(url: string, caFile: string): Promise<NonNullable<ServerFacts['page']>> {
  const startedAt = clock.now();
  return new Promise((resolve) => {
    const settle = (
      fault: string | null,
      status = 0,
      { date = '', location = '' }: IncomingHttpHeaders = {},
    ) => {
      const at = Date.parse(date);
      const isSent = status >= 300 && status < 400 && URL.canParse(location, url);
      resolve({
        fault,
        status,
        ms: Math.round(clock.now() - startedAt),
        at: Number.isNaN(at) ? null : at,
        sentTo: isSent ? sentTo(new URL(location, url), new URL(url)) : null,
      });
    };
    try {
      const get = /^https:/i.test(url) ? secureGet : plainGet;
      const request = get(url, { agent: false, timeout: DEADLINE_MS, ...trusted(caFile) }, (response) => {
        settle(null, response.statusCode ?? 0, response.headers);
        request.destroy();
      });
      request.once('timeout', () => request.destroy(new Error(`no answer in ${DEADLINE_MS / 1_000} s`)));
      request.on('error', (error) => settle(error.message));
    } catch (error) {
      settle((error as Error).message);
    }
  });
}

function sentTo({ href, hostname }: URL, from: URL): NonNullable<ServerFacts['page']>['sentTo'] {
  return { url: href, isOtherHost: hostname !== from.hostname };
}

/** An authority of the owner's own beside none: what is wrong with a certificate is told of each server anyway. */
function trusted(caFile: string): { readonly ca?: Buffer } {
  return caFile !== '' && existsSync(caFile) ? { ca: readFileSync(caFile) } : {};
}

/** The file as it is: a look changes nothing of it, not even when it makes no sense. */
function onlyRead(kept: unknown): Store {
  const nothing = () => undefined;
  return { read: () => kept, setAside: nothing, write: nothing, writeNow: nothing };
}

function certificate(host: string, port: number, caFile: string): Promise<NonNullable<ServerFacts['tls']>> {
  return new Promise((resolve) => {
    // Only looked at, and closed again without a word: what is wrong with it is told, not refused.
    const socket = connectTls({
      host,
      port,
      rejectUnauthorized: false,
      ...trusted(caFile),
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
function greeted(config: Config, known: KnownServer, kept: unknown): Promise<ServerFacts['greeting']> {
  const { identity } = keptIdentity(isObject(kept) ? kept : {}, wantedIdentity(config));
  if (identity === null) return Promise.resolve(null);
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
