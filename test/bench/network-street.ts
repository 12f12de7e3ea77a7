// A street of boxes: each in a network namespace of its own with a cable and a radio network, all at one router, and a
// server beyond it. Everything is built dark: no cable is up, no box has an address. Knows nothing of what is measured.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Inbox } from '../helpers/inbox.ts';
import { type Namespaces, namespaces } from '../helpers/netns.ts';
import type { Lab } from './lab.ts';
import { Box } from './network-box.ts';
import { Hand } from './network-hand.ts';
import { inLanes } from './network-pace.ts';
import type { Heard, Told } from './network-wire.ts';

const PROGRAM = new URL('./network-server.js', import.meta.url).pathname;
const FAR = { server: '10.9.0.2', router: '10.9.0.1' };
/** Each step is a short program; two cores are kept busy by a few. */
const BUILDERS = 4;
/** A program that starts and says a word, on a busy machine. */
const DEADLINE_MS = 20_000;
/** The third number of an address is the box's. */
const MOST_BOXES = 250;

export class Street {
  readonly boxes: readonly Box[];
  readonly #net: Namespaces;

  private constructor(net: Namespaces, boxes: readonly Box[]) {
    this.#net = net;
    this.boxes = boxes;
  }

  static async keptBy(lab: Lab, count: number): Promise<Street> {
    if (count > MOST_BOXES) throw new Error(`no street has more than ${MOST_BOXES} boxes`);
    const net = await lab.keep(
      () => namespaces(count + 2),
      (made) => made.remove(),
    );
    const [router = '', far = '', ...places] = net.names;
    // Answers may come by another way than questions would take; whether they do is for routes to say.
    const lax = ['net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0'];
    const forward = ['net.ipv4.ip_forward=1'];
    await inLanes(net.names, BUILDERS, async (ns) => {
      await net.run(ns, ['sysctl', '-q', '-w', ...lax, ...(ns === router ? forward : [])]);
    });
    await net.link(
      { ns: router, name: 'up0', addresses: [`${FAR.router}/24`] },
      { ns: far, name: 'eth0', addresses: [`${FAR.server}/24`] },
    );
    await net.run(far, ['ip', 'route', 'add', 'default', 'via', FAR.router]);
    const routerHand = new Hand(net, router);
    const inboxes = places.map(() => new Inbox<Heard>());
    const port = await listening(net, far, (heard) => inboxes[numberOf(heard)]?.push(heard));
    const url = `ws://${FAR.server}:${port}/`;
    const boxes = inboxes.map((heard, number) => {
      return new Box({ net, ns: places[number] ?? '', number, url, heard, router: routerHand });
    });
    await inLanes(boxes, BUILDERS, (box) => box.cabled(router));
    return new Street(net, boxes);
  }

  /** With everything that runs in it. */
  remove(): Promise<void> {
    return this.#net.remove();
  }
}

function numberOf({ from }: Heard): number {
  return Number(from.split('.')[2]);
}

/** The port of a server in it, of which every word from then on goes to `hear`. */
async function listening(net: Namespaces, far: string, hear: (heard: Heard) => void): Promise<number> {
  const server: ChildProcess = net.spawn(far, [process.execPath, PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (server.stdout === null) throw new Error('the server has no voice');
  const ports = new Inbox<number>();
  server.once('exit', () => ports.end('the server has ended'));
  createInterface({ input: server.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as Told;
    if (told.told === 'listening') ports.push(told.port);
    else hear(told);
  });
  return ports.next(() => true, 'the port of the server', DEADLINE_MS);
}
