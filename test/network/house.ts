// A house with a network: the box, the router with its cable and its radio network, and a server beyond the router, each
// in a namespace of its own. After each test it asks what must be true after every fault (reliability.md 4). Must not
// know what any test is about.

import assert from 'node:assert/strict';
import { type Namespaces, namespaces } from '../helpers/netns.ts';
import { type BoxedDaemon, bootDaemon, type Line, type Settings } from './boxed-daemon.ts';
import { DEADLINE_MS, FarServer } from './far-server.ts';

/** Anything of the ranges for private use: no packet leaves the namespaces. */
export const AT = {
  cable: { box: '10.7.0.2', router: '10.7.0.1', box6: 'fd07::2', router6: 'fd07::1' },
  radio: { box: '10.8.0.2', router: '10.8.0.1' },
  server: { far: '10.9.0.2', router: '10.9.0.1', far6: 'fd09::2', router6: 'fd09::1' },
} as const;

/** Nothing but the network watch brings it back within a test: each wait lasts an hour (the key's upper bound). */
export const PATIENT: Settings = { 'link.backoff_base_ms': '3600000', 'link.backoff_cap_ms': '3600000' };
/** Losses are found and attempts made ten times as fast as usual. */
export const QUICK: Settings = {
  'link.backoff_base_ms': '100',
  'link.backoff_cap_ms': '500',
  'link.connect_timeout_ms': '1000',
  'link.ping_interval_ms': '1500',
  'link.ping_timeout_ms': '1000',
};

/** One packet of speech (design.md 6). */
const PACKET_MS = 60;
/** Short beside anything waited for, long beside a look. */
const LOOK_EVERY_MS = 20;

export type House = {
  readonly net: Namespaces;
  /** Names of the namespaces. */
  readonly box: string;
  readonly router: string;
  readonly far: string;
  /** Listening, unless the test has taken it down. */
  server: FarServer;
  /** Where the server is, by IPv4 unless another host is named. */
  url(host?: string): string;
  /** `ip` in a namespace. */
  ip(ns: string, words: string): Promise<string>;
  boot(settings?: Settings, environment?: NodeJS.ProcessEnv): Promise<BoxedDaemon>;
  /** Booted, and both ends know of the first session; where it comes from is the cable unless another end is named. */
  connected(settings?: Settings, from?: string, environment?: NodeJS.ProcessEnv): Promise<BoxedDaemon>;
  /** The next session that has said its hello; its number and where it comes from. */
  greeted(): Promise<{ readonly session: number; readonly from: string }>;
  /** Own ends (address and port) of the box's TCP connections to the server, those in the making included. */
  sockets(): Promise<readonly string[]>;
};

export type Expected = {
  /** Sessions whose end the server cannot have heard of. */
  readonly ghosts?: number;
  /** The test has ended the daemon itself. */
  readonly after?: 'nothing';
};

/** A test in a house of its own. */
export function inHouse(play: (house: House) => Promise<void>, expected: Expected = {}): () => Promise<void> {
  return async () => {
    const net = await namespaces(3);
    let daemon: BoxedDaemon | undefined;
    let house: House | undefined;
    try {
      const built = await build(net, (booted) => {
        daemon = booted;
      });
      house = built;
      await play(built);
      if (daemon === undefined) throw new Error('nobody has booted the box');
      if (expected.after !== 'nothing') await settled(built, daemon, expected.ghosts ?? 0);
    } catch (error) {
      throw told(error, daemon, house);
    } finally {
      // One that does not end has failed its test already; it goes with its network.
      await daemon?.stop().catch(() => undefined);
      await net.remove();
    }
  };
}

async function build(net: Namespaces, booted: (daemon: BoxedDaemon) => void): Promise<House> {
  const [box = '', router = '', far = ''] = net.names;
  const forward = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
  // Answers may come by another way than the one that questions would take: whether they do is for routes to say.
  const lax = ['net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0'];
  for (const ns of [box, router, far])
    await net.run(ns, ['sysctl', '-q', '-w', ...lax, ...(ns === router ? forward : [])]);
  const { cable, radio, server: beyond } = AT;
  await net.link(
    { ns: box, name: 'eth0', addresses: [`${cable.box}/24`] },
    { ns: router, name: 'lan0', addresses: [`${cable.router}/24`, `${cable.router6}/64`] },
  );
  await net.link(
    { ns: router, name: 'up0', addresses: [`${beyond.router}/24`, `${beyond.router6}/64`] },
    { ns: far, name: 'eth0', addresses: [`${beyond.far}/24`, `${beyond.far6}/64`] },
  );
  const ip = (ns: string, words: string) => net.run(ns, ['ip', ...words.split(' ')]);
  await ip(box, `route add default via ${cable.router} metric 100`);
  await ip(far, `route add default via ${beyond.router}`);
  await ip(far, `-6 route add default via ${beyond.router6}`);
  // Held from here on by the radio network too, which tests plug in when they need it.
  await net.link(
    { ns: box, name: 'wlan0', addresses: [] },
    { ns: router, name: 'air0', addresses: [`${radio.router}/24`] },
  );
  const house: House = {
    net,
    box,
    router,
    far,
    server: new FarServer(net, far),
    url: (host = beyond.far) => `ws://${host}:${house.server.port}/`,
    ip,
    async boot(settings = {}, environment) {
      const all = { 'server.websocket_url': house.url(), ...settings };
      const daemon = await bootDaemon(net, box, all, environment);
      booted(daemon);
      await daemon.logged('audio');
      return daemon;
    },
    async connected(settings = {}, from = cable.box, environment) {
      const daemon = await house.boot(settings, environment);
      assert.deepEqual(await house.greeted(), { session: 0, from });
      await daemon.logged('link ready');
      return daemon;
    },
    async greeted() {
      const { session } = await house.server.next('text', ({ what }) => what === 'hello');
      const opened = house.server.all('opened').find((one) => one.session === session);
      return { session, from: opened?.remote.split(' ')[0] ?? '' };
    },
    async sockets() {
      const listed = await net.run(box, ['ss', '-Htan', 'dport', '=', `:${house.server.port}`]);
      const rows = listed.split('\n').map((line) => line.trim().split(/\s+/));
      const live = rows.filter(([state = '']) => /^(ESTAB|SYN)/.test(state));
      return live.map(([, , , own = '']) => own.replace(/[[\]]/g, '').replace(/:(\d+)$/, ' $1'));
    },
  };
  await house.server.listen();
  return house;
}

/** What must be true after every fault, however it was brought about. */
async function settled(house: House, daemon: BoxedDaemon, ghosts: number): Promise<void> {
  const { server, net, box } = house;
  await becomes('one connection, the same at both ends', async () => {
    const own = await house.sockets();
    const open = server.open.map(({ remote }) => remote);
    return own.length === 1 && open.length <= 1 + ghosts && open.at(-1) === own[0];
  });
  assert.equal(daemon.ended, null, 'the daemon lives');
  await converse(house, daemon);
  assert.deepEqual((await house.sockets()).length, 1, 'still one connection');
  // The kernel's monitor and nobody else.
  const inside = (await net.run(box, ['ip', 'netns', 'pids', box])).trim().split('\n');
  const children = inside.filter((pid) => Number(pid) !== daemon.pid);
  const names = await Promise.all(
    children.map((pid) => net.run(box, ['cat', `/proc/${pid}/comm`]).catch(() => '')),
  );
  assert.deepEqual(
    names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'cat'),
    ['ip'],
  );
  for (const { authorization } of server.all('opened')) assert.equal(authorization, `Bearer ${daemon.token}`);
  assert.equal(await daemon.stop(), 0, 'it ends as asked');
  assert.equal(daemon.output().includes(daemon.token), false, 'no token in the log');
  assert.equal((await net.run(box, ['ss', '-Htan', 'state', 'established'])).trim(), '');
}

/** A press, speech, an answer; on the newest session. */
export async function converse({ server }: House, daemon: BoxedDaemon): Promise<void> {
  const session = server.open.at(-1)?.session ?? -1;
  await daemon.press();
  await heardSpeech(server, session);
  await answer(server, daemon, session);
}

export async function heardSpeech(server: FarServer, session: number): Promise<void> {
  await server.next('text', (text) => text.session === session && text.what === 'listen start');
  await server.next('packet', (packet) => packet.session === session);
}

/** A word whose every packet is to arrive, in order, in one session; then it is answered. */
export async function wholeWord(
  server: FarServer,
  daemon: BoxedDaemon,
  session: number,
  lastsMs: number,
): Promise<void> {
  await server.next('text', (text) => text.session === session && text.what === 'listen stop');
  isWhole(server.packets(session), lastsMs);
  await answer(server, daemon, session);
}

export function isWhole(packets: readonly string[], lastsMs: number): void {
  // The last packet may be begun or not when the button is let go.
  const isAll = Math.abs(packets.length - lastsMs / PACKET_MS) <= 2;
  assert.ok(isAll, `${packets.length} packets of ${lastsMs} ms`);
}

export async function answer(server: FarServer, daemon: BoxedDaemon, session: number): Promise<void> {
  server.order({ do: 'say', session, message: { type: 'stt', text: 'hello' } });
  server.order({ do: 'say', session, message: { type: 'tts', state: 'start' } });
  server.order({ do: 'say', session, message: { type: 'tts', state: 'stop' } });
  await daemon.logged('turn idle', ({ why }) => why === 'answered');
}

/** A line whose reasons are such. */
export function reasoned(pattern: RegExp): (line: Line) => boolean {
  return ({ reasons }) => typeof reasons === 'string' && pattern.test(reasons);
}

/** The `link ready` that ends an outage, and what has ended it. */
export function back(by: string | RegExp): (line: Line) => boolean {
  return ({ by: said, recoveredAfterMs }) =>
    typeof recoveredAfterMs === 'number' && (typeof by === 'string' ? said === by : by.test(String(said)));
}

/** Looks until it is so. */
export async function becomes(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs);
  while (!(await condition())) {
    if (deadline.aborted) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await lasting(LOOK_EVERY_MS);
  }
}

/** How long a fault lasts, where that is what a test is about. */
export function lasting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function told(error: unknown, daemon: BoxedDaemon | undefined, house: House | undefined): Error {
  const message = error instanceof Error ? error.message : String(error);
  const events = house?.server.events.all.filter(({ event }) => event !== 'packet') ?? [];
  const seen = events.map((event) => JSON.stringify(event)).join('\n');
  return new Error(`${message}\nthe log:\n${daemon?.output() ?? ''}\nthe server:\n${seen}`, { cause: error });
}
