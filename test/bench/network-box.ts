// One box of the street: its cable and its radio network, the real `xiaozhi-agent run` in it, and what the server hears of
// it. Does what is asked and says when; knows nothing of what is measured.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Inbox } from '../helpers/inbox.ts';
import type { Namespaces } from '../helpers/netns.ts';
import { type BoxedDaemon, bootDaemon } from '../network/boxed-daemon.ts';
import { Hand } from './network-hand.ts';
import { type Heard, sharedNowMs } from './network-wire.ts';

export type Watch = 'auto' | 'poll' | 'off';

/** What `status` calls each. */
const WATCHED_BY: Readonly<Record<Watch, RegExp>> = {
  auto: /^ip monitor$/,
  poll: /^polling/,
  off: /^nothing$/,
};
/** Above the longest wait of the backoff (60 s) and an attempt (10 s). */
const HEARD_WITHIN_MS = 90_000;
/** A request costs the daemon a fraction of a millisecond. */
const ASK_EVERY_MS = 50;
/** Of its log, when something has gone wrong. */
const LAST_WORDS_CHARS = 1_500;
/** `/proc/net/tcp`: TCP_ESTABLISHED of `net/tcp_states.h`. */
const ESTABLISHED = '01';

export type BoxParts = {
  readonly net: Namespaces;
  readonly ns: string;
  readonly number: number;
  readonly url: string;
  /** What the server hears of it. */
  readonly heard: Inbox<Heard>;
  readonly router: Hand;
};

export class Box {
  readonly ns: string;
  readonly net: Namespaces;
  readonly heard: Inbox<Heard>;
  /** The one that it has got, or will get. */
  address: string;
  readonly #parts: BoxParts;
  readonly #hand: Hand;
  readonly #spare: string;
  #daemon: BoxedDaemon | undefined;

  constructor(parts: BoxParts) {
    this.#parts = parts;
    this.ns = parts.ns;
    this.net = parts.net;
    this.heard = parts.heard;
    this.#hand = new Hand(parts.net, parts.ns);
    this.address = `10.7.${parts.number}.2`;
    this.#spare = `10.7.${parts.number}.3`;
  }

  /** Both cables, none with an address at this end; the first one switched off. */
  async cabled(router: string): Promise<void> {
    const { net, ns, number } = this.#parts;
    const ends = [
      ['eth0', `lan${number}`, `10.7.${number}.1/24`],
      ['wlan0', `air${number}`, `10.8.${number}.1/24`],
    ] as const;
    for (const [name, far, address] of ends)
      await net.link({ ns, name }, { ns: router, name: far, addresses: [address] });
    this.#hand.change('link set eth0 down');
  }

  get daemon(): BoxedDaemon {
    if (this.#daemon === undefined) throw new Error('the box has not been booted');
    return this.#daemon;
  }

  /** Until its first attempt has failed, for there is no network yet. */
  async boot(watch: Watch): Promise<void> {
    const { net, ns, url } = this.#parts;
    this.#daemon = await bootDaemon(net, ns, { 'server.websocket_url': url, 'link.network_watch': watch });
    // Its control socket is there before the first attempt is.
    await this.#blamed(this.daemon.logged('link dialing'));
    await this.until('waiting');
    const by = (await this.daemon.status()).network.watched_by;
    if (!WATCHED_BY[watch].test(by)) throw new Error(`with ${watch} the network is watched by ${by}`);
  }

  plugIn(): number {
    return this.#hand.change('link set eth0 up', ...this.#addressed());
  }

  loseAddress(): number {
    return this.#hand.change(`address del ${this.address}/24 dev eth0`);
  }

  /** And the routes that went with it. */
  regainAddress(): number {
    return this.#hand.change(...this.#addressed());
  }

  /** As a lease server that gives another one. */
  replaceAddress(): number {
    const lost = `address del ${this.address}/24 dev eth0`;
    this.address = this.#spare;
    return this.#hand.change(lost, ...this.#addressed());
  }

  /** A default route over the radio network that is preferred. */
  preferRadio(): number {
    const { number } = this.#parts;
    this.address = `10.8.${number}.2`;
    const route = `route add default via 10.8.${number}.1 metric 50`;
    return this.#hand.change(`address add ${this.address}/24 dev wlan0`, route);
  }

  /** At the router's end. */
  carrier(what: 'down' | 'up'): number {
    return this.#parts.router.change(`link set lan${this.#parts.number} ${what}`);
  }

  /** Nothing of or for it passes the router, and nobody is told. */
  hole(what: 'add' | 'del'): number {
    const ways = [`from ${this.address}`, `to ${this.address}`];
    return this.#parts.router.change(...ways.map((way) => `rule ${what} ${way} blackhole`));
  }

  /** How long after `fromMs` its next hello was there, from the address that it has. */
  async greetedAfter(fromMs: number): Promise<number> {
    const hello = await this.#hears(({ told }) => told === 'hello', 'a hello');
    if (hello.from !== this.address) throw new Error(`a hello from ${hello.from}, not ${this.address}`);
    if (hello.atMs < fromMs) throw new Error('a hello that nothing was done for');
    return hello.atMs - fromMs;
  }

  /** The first word of any kind after `fromMs`. */
  heardAfter(fromMs: number): Promise<Heard> {
    return this.#hears(({ atMs }) => atMs > fromMs, 'any word');
  }

  hellosAfter(fromMs: number): number {
    return this.heard.all.filter(({ told, atMs }) => told === 'hello' && atMs > fromMs).length;
  }

  async until(phase: string): Promise<void> {
    const deadline = AbortSignal.timeout(HEARD_WITHIN_MS);
    while ((await this.daemon.status()).link.phase !== phase) {
      if (deadline.aborted) throw this.#blame(new Error(`not ${phase} within ${HEARD_WITHIN_MS} ms`));
      await pause(ASK_EVERY_MS);
    }
  }

  /**
   * To be called before the loss: the moment at which the daemon has closed its socket, seen by the kernel's list of what
   * the process has open; late by `everyMs` at most.
   */
  closesSocket(everyMs: number): Promise<number> {
    const link = this.#socket();
    return this.#blamed(
      (async () => {
        const deadline = AbortSignal.timeout(HEARD_WITHIN_MS);
        while (isOpen(link)) {
          if (deadline.aborted) throw new Error(`its socket is open after ${HEARD_WITHIN_MS} ms`);
          await pause(everyMs);
        }
        return sharedNowMs();
      })(),
    );
  }

  /** The way to the descriptor of its one connection, and what is to be found there. */
  #socket(): { readonly path: string; readonly target: string } {
    const proc = `/proc/${this.daemon.pid}`;
    // proc(5): local address (2nd), state (4th), inode (10th). Nobody else has connections in this namespace.
    const lines = readFileSync(`${proc}/net/tcp`, 'utf8').trim().split('\n').slice(1);
    const rows = lines.map((line) => line.trim().split(/\s+/));
    const own = rows.filter(([, local = '', , state]) => {
      return state === ESTABLISHED && local.startsWith(hexOf(this.address));
    });
    const target = `socket:[${own[0]?.[9]}]`;
    const found = readdirSync(`${proc}/fd`).find((fd) => isOpen({ path: `${proc}/fd/${fd}`, target }));
    if (own.length !== 1 || found === undefined)
      throw new Error(`${own.length} connections from ${this.address}`);
    return { path: `${proc}/fd/${found}`, target };
  }

  #addressed(): readonly string[] {
    const route = `route add default via 10.7.${this.#parts.number}.1 metric 100`;
    return [`address add ${this.address}/24 dev eth0`, route];
  }

  #hears(want: (heard: Heard) => boolean, what: string): Promise<Heard> {
    return this.#blamed(this.heard.next(want, `${what} at the server`, HEARD_WITHIN_MS));
  }

  async #blamed<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#blame(error);
    }
  }

  #blame(cause: unknown): Error {
    const words = this.#hand.trouble ?? this.#daemon?.output().slice(-LAST_WORDS_CHARS) ?? '';
    return new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${words}`, { cause });
  }
}

function isOpen({ path, target }: { readonly path: string; readonly target: string }): boolean {
  try {
    return readlinkSync(path) === target;
  } catch {
    return false;
  }
}

/** As the kernel prints it: the address in network order as a number of this machine, which is little-endian. */
function hexOf(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return `${bytes.reverse().join('').toUpperCase()}:`;
}
