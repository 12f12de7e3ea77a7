// S36: a thousand real reconnects of the whole agent, and nothing is left over from any of them. Alone in its process, for
// it counts everything the process has.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../../src/ports.ts';
import { agentRig } from '../helpers/agent-rig.ts';
import { until } from '../helpers/card.ts';
import { connectedTo } from '../helpers/link-rig.ts';
import { type Guest, plainServer } from '../helpers/plain-server.ts';

/** Until every buffer, table and pool has the size it works with. */
const WARM_UP = 50;
const RECONNECTS = 1_000;
/** A slope needs its end, not its beginning, where the heap is still finding its size. */
const MEASURED = 500;
const SAMPLE_EVERY = 10;
/**
 * What one connection weighs that is not let go: a WebSocket with its TCP handle and buffers holds some 10 KiB. Measured
 * were 430 bytes, and 100 after some thousands: compiled code and its statistics, which find their size late.
 */
const HEAP_LEAK_BYTES = 2_048;
/** Pages come and go by the allocator's own rules: measured were 600 to 2,000, and less with each thousand. */
const MEMORY_LEAK_BYTES = 8_192;
const DEADLINE_MS = 300_000;

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

type Everything = Readonly<Record<string, number>>;

/** Everything this process has that a reconnect might leave behind. */
function everything(port: number, serverSide: number): Everything {
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  return {
    ...resources,
    'listeners of the process': listeners,
    'file descriptors': readdirSync('/proc/self/fd').length,
    'connections at this end': connectedTo(port),
    'connections at the other end': serverSide,
    children: readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)
      .length,
  };
}

/** Least squares, in bytes for each reconnect. */
function slope(samples: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1) => samples.reduce((sum, sample) => sum + sample[at], 0) / samples.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const above = samples.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return above / samples.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

it('S36 a thousand real reconnects leave nothing behind', { timeout: 2 * DEADLINE_MS }, async (t) => {
  const collect = collector();
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  const server = await plainServer();
  const waiting: Guest[] = [];
  server.greeted = (guest) => waiting.push(guest);
  const quick = {
    backoffBaseMs: 10,
    backoffCapMs: 20,
    firstRetryMs: 10,
    // Short, since a third of the ends are silences that only a ping finds.
    pingIntervalMs: 100,
    pingTimeoutMs: 100,
  };
  const rig = agentRig(server.url, { link: quick }, 2_000, { log: SILENT });

  /** The next greeted connection, once this end knows it too. */
  async function connected(): Promise<Guest> {
    await until(() => waiting.length > 0, 'another hello');
    await rig.linkIs('ready');
    const guest = waiting.shift();
    if (guest === undefined) throw new Error('nobody is connected');
    return guest;
  }

  const ENDS: readonly ((guest: Guest) => void)[] = [
    ({ tcp }) => tcp.resetAndDestroy(),
    ({ webSocket }) => webSocket.close(1000),
    ({ tcp }) => tcp.pause(),
  ];
  let guest = await connected();
  async function reconnect(number: number): Promise<void> {
    const old = guest;
    ENDS[number % ENDS.length]?.(old);
    guest = await connected();
    // A server that had not noticed anything would keep the dead one for ever.
    old.tcp.destroy();
  }

  const now = () => everything(server.port, server.live.size);
  /** Sockets that have ended leave the books a moment later. */
  async function settled(): Promise<Everything> {
    await until(() => server.live.size === 1 && connectedTo(server.port) === 1, 'one connection');
    collect();
    return now();
  }

  try {
    for (let number = 0; number < WARM_UP; number += 1) await reconnect(number);
    const before = await settled();
    const heap: [number, number][] = [];
    const rss: [number, number][] = [];
    for (let number = 0; number < RECONNECTS; number += 1) {
      await reconnect(number);
      if (number < RECONNECTS - MEASURED || number % SAMPLE_EVERY !== 0) continue;
      collect();
      const { heapUsed, rss: resident, external } = process.memoryUsage();
      heap.push([number, heapUsed + external]);
      rss.push([number, resident]);
    }
    await settled();
    const same = () => JSON.stringify(now()) === JSON.stringify(before);
    await until(same, 'what there was before').catch(() => assert.deepEqual(now(), before));
    const [heapSlope, rssSlope] = [slope(heap), slope(rss)];
    t.diagnostic(`${heapSlope.toFixed(0)} bytes of heap, ${rssSlope.toFixed(0)} bytes of memory a reconnect`);
    t.diagnostic(JSON.stringify(before));
    assert.ok(heapSlope < HEAP_LEAK_BYTES, `${heapSlope} bytes of heap a reconnect`);
    assert.ok(rssSlope < MEMORY_LEAK_BYTES, `${rssSlope} bytes of memory a reconnect`);
    assert.deepEqual(warnings, []);
    assert.equal(rig.agent.history.sessions.counters.reconnects, WARM_UP + RECONNECTS);
    assert.ok(rig.agent.state.link.attempt > WARM_UP + RECONNECTS);
  } finally {
    process.off('warning', warned);
    rig.stop();
    await server.down();
  }
});
