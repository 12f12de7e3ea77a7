// What watching the network costs: at rest, and when the kernel has thirty thousand changes to tell. Looks at the processes
// from outside; knows nothing of how they watch.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { childrenOf } from '../helpers/children.ts';
import type { Box } from './network-box.ts';
import { sharedNowMs } from './network-wire.ts';
import { cpuTime, memoryOf } from './processes.ts';

const REST_MS = 60_000;
const HOUR_MS = 3_600_000;
const MS_PER_S = 1_000;
/** reliability.md 4, network 7. */
const ROUTES = 30_000;
/** Every look that the storm has brought about is over by then, and its garbage as well. */
const SETTLING_MS = 5_000;
/** Often enough to see a burst of memory, seldom enough not to matter. */
const WEIGH_EVERY_MS = 20;

export type RestCost = {
  /** Seconds of processor time an hour, extrapolated from a minute. */
  readonly daemonCpu: number[];
  readonly childCpu: number[];
  readonly daemonMb: number[];
  readonly childMb: number[];
};

/** All boxes at once, each being left alone. */
export async function atRest(boxes: readonly Box[]): Promise<RestCost> {
  const fromMs = sharedNowMs();
  const before = boxes.map(({ daemon }) => cpuTime(daemon.pid));
  await pause(REST_MS);
  const after = boxes.map(({ daemon }) => cpuTime(daemon.pid));
  const restedMs = sharedNowMs() - fromMs;
  const perHour = (spentMs: number) => ((spentMs / MS_PER_S) * HOUR_MS) / restedMs;
  if (boxes.some((box) => box.hellosAfter(fromMs) > 0)) throw new Error('a box that was not at rest');
  return {
    daemonCpu: after.map(({ ownMs }, at) => perHour(ownMs - (before[at]?.ownMs ?? Number.NaN))),
    childCpu: after.map(({ childrenMs }, at) => perHour(childrenMs - (before[at]?.childrenMs ?? Number.NaN))),
    daemonMb: boxes.map(({ daemon }) => memoryOf(daemon.pid).rssMb),
    childMb: boxes.flatMap(({ daemon }) => childrenOf(daemon.pid).map((pid) => memoryOf(pid).rssMb)),
  };
}

export type StormCost = {
  readonly lastedMs: number[];
  readonly daemonMs: number[];
  readonly childMs: number[];
  readonly beforeMb: number[];
  readonly mostMb: number[];
  readonly afterMb: number[];
  readonly reactedMs: number[];
  readonly greetedMs: number[];
};

/** One box after the other; the routes stay, and the last word is an address that is replaced. */
export async function stormed(boxes: readonly Box[]): Promise<StormCost> {
  const cost: StormCost = {
    lastedMs: [],
    daemonMs: [],
    childMs: [],
    beforeMb: [],
    mostMb: [],
    afterMb: [],
    reactedMs: [],
    greetedMs: [],
  };
  for (const box of boxes) {
    const { daemon } = box;
    const [child] = childrenOf(daemon.pid);
    const before = cpuTime(daemon.pid);
    cost.beforeMb.push(memoryOf(daemon.pid).rssMb);
    const weighing = weigh(daemon.pid);
    cost.lastedMs.push(await storm(box));
    await pause(SETTLING_MS);
    const after = cpuTime(daemon.pid);
    // Of a child that has died the daemon's `childrenMs` would tell, but not that it died.
    if (child === undefined || !childrenOf(daemon.pid).includes(child)) throw new Error('its child has died');
    cost.mostMb.push(weighing.most());
    cost.afterMb.push(memoryOf(daemon.pid).rssMb);
    cost.daemonMs.push(after.ownMs - before.ownMs);
    cost.childMs.push(after.childrenMs - before.childrenMs);
    const atMs = box.replaceAddress();
    const said = daemon.logged('network changed', ({ reasons }) => / is gone/.test(String(reasons)));
    const reacted = said.then(() => sharedNowMs() - atMs);
    const [reactedMs, greetedMs] = await Promise.all([reacted, box.greetedAfter(atMs)]);
    cost.reactedMs.push(reactedMs);
    cost.greetedMs.push(greetedMs);
  }
  return cost;
}

/** How long the routes took to be there. */
async function storm({ net, ns }: Box): Promise<number> {
  const lines = Array.from({ length: ROUTES }, (_, at) => {
    return `route add 10.128.${at >> 8}.${at & 0xff}/32 dev eth0`;
  });
  const fromMs = sharedNowMs();
  const ip = net.spawn(ns, ['ip', '-batch', '-'], { stdio: ['pipe', 'ignore', 'ignore'] });
  ip.stdin?.end(`${lines.join('\n')}\n`);
  const [code] = (await once(ip, 'exit')) as [number | null];
  const lastedMs = sharedNowMs() - fromMs;
  const count = await net.run(ns, ['sh', '-c', 'ip -o route show root 10.128.0.0/9 | wc -l']);
  if (code !== 0 || Number(count) !== ROUTES) throw new Error(`${count} routes, exit code ${code}`);
  return lastedMs;
}

function weigh(pid: number): { most(): number } {
  let mostMb = 0;
  const timer = setInterval(() => {
    mostMb = Math.max(mostMb, memoryOf(pid).rssMb);
  }, WEIGH_EVERY_MS);
  return {
    most() {
      clearInterval(timer);
      return mostMb;
    },
  };
}
