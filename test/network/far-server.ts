// server-process.ts in a network namespace, as a test sees it: who is connected, what came in which order, and what it is
// told to do. Must not know the agent.

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ServerMessage } from '../../src/protocol/messages.ts';
import { Inbox } from '../helpers/inbox.ts';
import type { Namespaces } from '../helpers/netns.ts';

const PROGRAM = join(import.meta.dirname, 'server-process.js');

/** Twice the longest that anything here takes: an attempt of 10 s that fails just before the network is whole. */
export const DEADLINE_MS = 30_000;

export type ServerEvent =
  | { readonly event: 'listening'; readonly port: number }
  | { readonly event: 'stopped' }
  /** `remote`: address and port. Sessions are counted from 0. */
  | {
      readonly event: 'opened';
      readonly session: number;
      readonly remote: string;
      readonly authorization: string;
    }
  | { readonly event: 'closed'; readonly session: number; readonly code: number }
  /** By the other side; `ponged` answers a ping of this side. */
  | { readonly event: 'pinged' | 'ponged'; readonly session: number }
  /** `listen start`, `hello`, ... */
  | { readonly event: 'text'; readonly session: number; readonly what: string }
  /** Two packets are the same when their prints are. */
  | { readonly event: 'packet'; readonly session: number; readonly print: string }
  | { readonly event: 'asked for a name' }
  | { readonly event: 'names served'; readonly by: string };

export type ServerOrder =
  | { readonly do: 'listen'; readonly port: number; readonly host: string }
  /** Nobody listens any more, and every connection breaks off. */
  | { readonly do: 'stop' }
  /** A hello, and what was said up to a `listen stop`: in any session. */
  | { readonly do: 'greet' | 'answer'; readonly when: 'at once' | 'when told' }
  | { readonly do: 'say'; readonly session: number; readonly message: ServerMessage }
  | { readonly do: 'hello' | 'ping' | 'reset'; readonly session: number }
  | { readonly do: 'close'; readonly session: number; readonly code: number }
  /** Answers questions for names with this address; null: hears them and says nothing. */
  | { readonly do: 'names'; readonly address: string | null };

type Named<K extends ServerEvent['event']> = Extract<ServerEvent, { event: K }>;

export class FarServer {
  readonly #process: ReturnType<Namespaces['spawn']>;
  readonly #gone: Promise<void>;
  readonly events = new Inbox<ServerEvent>();
  port = 0;

  constructor(net: Namespaces, ns: string) {
    this.#process = net.spawn(ns, [process.execPath, PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#process.stdout === null) throw new Error('the server has no voice');
    createInterface({ input: this.#process.stdout }).on('line', (line) =>
      this.events.push(JSON.parse(line) as ServerEvent),
    );
    this.#gone = new Promise((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.once('exit', () => this.events.end('the server has ended'));
    // A pipe that breaks says what `exit` says.
    this.#process.stdin?.on('error', () => {});
  }

  order(order: ServerOrder): void {
    this.#process.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** On the port it had before, or one that is free; on every address of its machine unless told. */
  async listen(port: number = this.port, host = '::'): Promise<void> {
    this.order({ do: 'listen', port, host });
    this.port = (await this.next('listening')).port;
  }

  async stop(): Promise<void> {
    this.order({ do: 'stop' });
    await this.next('stopped');
  }

  /** As a crash ends it; the kernel says goodbye for it wherever it can. */
  kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    return this.#gone;
  }

  /** The next event of that name; what came before it counts as read, so that a sequence of calls is an order. */
  next<K extends ServerEvent['event']>(
    name: K,
    want: (event: Named<K>) => boolean = () => true,
  ): Promise<Named<K>> {
    const wanted = (event: ServerEvent): event is Named<K> => event.event === name && want(event as Named<K>);
    return this.events.next(wanted, `${name} at the server`, DEADLINE_MS);
  }

  /** All of that name so far. */
  all<K extends ServerEvent['event']>(name: K): readonly Named<K>[] {
    return this.events.all.filter((event): event is Named<K> => event.event === name);
  }

  /** As far as this side knows. */
  get open(): readonly Named<'opened'>[] {
    const closed = new Set(this.all('closed').map(({ session }) => session));
    return this.all('opened').filter(({ session }) => !closed.has(session));
  }

  /** The same by each `listen start`: what is not known to have been heard is said anew, in the same session too. */
  takes(session: number): readonly (readonly string[])[] {
    const takes: string[][] = [];
    for (const event of this.events.all) {
      if (!('session' in event) || event.session !== session) continue;
      const begins = event.event === 'text' ? event.what === 'listen start' : takes.length === 0;
      if (begins) takes.push([]);
      if (event.event === 'packet') takes.at(-1)?.push(event.print);
    }
    return takes;
  }

  /** What it says it heard in a session, packets by their prints. */
  packets(session: number): readonly string[] {
    return this.all('packet').flatMap((packet) => (packet.session === session ? [packet.print] : []));
  }
}
