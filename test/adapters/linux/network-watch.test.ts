// When the network watch looks and what it reports: with a clock moved by hand, a doorbell rung by hand and a made-up
// network. Real ones are in network-watch-real.test.ts.

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type Doorbell, type DoorbellEvents, doorbell } from '../../../src/adapters/linux/doorbell.ts';
import type { Sighting } from '../../../src/adapters/linux/network-snapshot.ts';
import { networkWatch } from '../../../src/adapters/linux/network-watch.ts';
import type { NetworkInterface, NetworkSnapshot, NetworkWatch } from '../../../src/ports.ts';
import { childrenNamed, keptLog, until } from '../../helpers/card.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';
import { standIn } from './stand-in.ts';

const plugged = (name: string, ...addresses: readonly string[]): NetworkInterface => {
  return { name, carrier: true, carrierChanges: 0, addresses };
};
const gateway = { family: 4, gateway: '10.0.0.1', gatewayMac: null } as const;
const HOME: Sighting = {
  interfaces: [plugged('eth0', '10.0.0.2')],
  routes: [{ ...gateway, interface: 'eth0' }],
  source: '10.0.0.2',
};
const UNPLUGGED: Sighting = { ...HOME, interfaces: [{ ...plugged('eth0', '10.0.0.2'), carrier: false }] };

describe('the network watch', () => {
  let clock: HandClock;
  let network: Sighting;
  /** How many times it has looked, and where the server was then. */
  let looks: (string | null)[];
  let seen: NetworkSnapshot[];
  let slept: number;
  let ears: DoorbellEvents | undefined;
  let log: ReturnType<typeof keptLog>;
  let look: (wanted: { destination: string | null }) => Promise<Sighting>;

  beforeEach(() => {
    clock = handClock();
    network = HOME;
    looks = [];
    seen = [];
    slept = 0;
    ears = undefined;
    log = keptLog();
    look = async ({ destination }) => {
      looks.push(destination);
      return network;
    };
  });

  const bell: Doorbell = {
    start(on) {
      ears = on;
    },
    stop() {
      ears = undefined;
    },
  };
  const on = {
    seen(snapshot: NetworkSnapshot) {
      seen.push(snapshot);
    },
  };
  function watch(heardBy: Doorbell | false = bell): NetworkWatch {
    return networkWatch({
      clock,
      log,
      destination: () => '192.0.2.7',
      doorbell: heardBy,
      look: (wanted) => look(wanted),
      uptimeS: () => 7_000 + (clock.now() + slept) / 1_000,
    });
  }
  /** Lets a look end that was begun. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  async function started(heardBy: Doorbell | false = bell): Promise<NetworkWatch> {
    const made = watch(heardBy);
    made.start(on);
    await settle();
    return made;
  }
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await settle();
  }
  const plain = (sighting: Sighting) => ({ ...sighting, sleptMs: 0, stalledMs: 0 });

  it('reports what it sees at the start, but not from inside it, and asks about the server as it is then', async () => {
    const made = watch();
    made.start(on);
    assert.deepEqual(seen, []);
    await settle();
    assert.deepEqual(seen, [plain(HOME)]);
    assert.deepEqual(looks, ['192.0.2.7']);
    assert.equal(made.means, 'ip monitor');
  });

  it('looks 50 ms after the first of a burst of rings, once, and anew for a ring after that', async () => {
    await started();
    network = UNPLUGGED;
    for (let ring = 0; ring < 5; ring += 1) {
      ears?.rang();
      await pass(9);
    }
    await pass(4);
    assert.equal(looks.length, 1, '49 ms');
    await pass(1);
    assert.equal(looks.length, 2);
    assert.deepEqual(seen, [plain(HOME), plain(UNPLUGGED)]);
    await pass(1_000);
    assert.equal(looks.length, 2);
    ears?.rang();
    await pass(50);
    assert.equal(looks.length, 3);
  });

  it('reports nothing when nothing has changed', async () => {
    await started();
    network = structuredClone(HOME);
    ears?.rang();
    await pass(50);
    await pass(15_000);
    assert.deepEqual([seen.length, looks.length], [1, 3]);
  });

  const changes: Record<string, Partial<Sighting>> = {
    'carrier that goes': { interfaces: [{ ...plugged('eth0', '10.0.0.2'), carrier: false }] },
    'an address that comes': { interfaces: [plugged('eth0', '10.0.0.2', '10.0.0.3')] },
    'an interface that comes': { interfaces: [plugged('eth0', '10.0.0.2'), plugged('wlan0')] },
    'a default route that goes': { routes: [] },
    'a gateway that is another machine': {
      routes: [{ ...gateway, interface: 'eth0', gatewayMac: '02:00:00:00:00:01' }],
    },
    'a source that changes': { source: 'unreachable' },
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`reports ${what}`, async () => {
      await started();
      network = { ...HOME, ...change };
      ears?.rang();
      await pass(50);
      assert.deepEqual(seen.slice(1), [plain(network)]);
    });
  }

  it("is not woken by other people's interfaces, but shows them with the next report", async () => {
    await started();
    const others = ['docker0', 'br-1a2b', 'veth99', 'virbr0', 'zt7nn', 'cni0'].map((name) =>
      plugged(name, '172.17.0.1'),
    );
    network = { ...HOME, interfaces: [...HOME.interfaces, ...others] };
    ears?.rang();
    await pass(50);
    assert.equal(seen.length, 1);
    network = { ...UNPLUGGED, interfaces: [...UNPLUGGED.interfaces, ...others] };
    ears?.rang();
    await pass(50);
    assert.deepEqual(seen.slice(1), [plain(network)]);
  });

  it('answers a bell that rings all the time for nothing once a second, and is quick again after a calm', async () => {
    await started();
    looks.length = 0;
    for (let time = 0; time < 400; time += 1) {
      ears?.rang();
      await pass(25);
    }
    assert.ok(looks.length >= 8 && looks.length <= 14, `${looks.length} looks in 10 s`);
    network = UNPLUGGED;
    await pass(1_000);
    assert.equal(seen.length, 2, 'what is ours is seen all the same');
    await pass(5_000);
    network = HOME;
    ears?.rang();
    await pass(50);
    assert.equal(seen.length, 3);
  });

  it("is woken by another's interface that has the default route, or the address the server is reached from", async () => {
    const overlay = plugged('zt7nn', '10.66.0.1');
    network = { ...HOME, interfaces: [...HOME.interfaces, overlay], source: '10.66.0.1' };
    await started();
    network = { ...network, interfaces: [...HOME.interfaces, { ...overlay, carrier: false }] };
    ears?.rang();
    await pass(50);
    assert.equal(seen.length, 2);
    const bridge = plugged('br-lan', '10.0.0.2');
    network = {
      ...HOME,
      interfaces: [bridge],
      routes: [{ ...gateway, interface: 'br-lan' }],
      source: 'unknown',
    };
    ears?.rang();
    await pass(50);
    network = { ...network, interfaces: [{ ...bridge, carrier: false }] };
    ears?.rang();
    await pass(50);
    assert.equal(seen.length, 4);
  });

  it('looks every 15 s when the doorbell is silent', async () => {
    await started();
    network = UNPLUGGED;
    await pass(14_999);
    assert.equal(seen.length, 1);
    await pass(1);
    assert.deepEqual(seen.slice(1), [plain(UNPLUGGED)]);
    await pass(15_000);
    assert.equal(looks.length, 3);
  });

  it('looks once at a time, and again after a ring that came meanwhile', async () => {
    await started();
    let end = (_: Sighting) => {};
    look = () => {
      looks.push('slow');
      return new Promise((resolve) => {
        end = resolve;
      });
    };
    ears?.rang();
    await pass(50);
    ears?.rang();
    await pass(60_000);
    assert.equal(looks.length, 2);
    end(HOME);
    await settle();
    await pass(49);
    assert.equal(looks.length, 2);
    await pass(1);
    assert.equal(looks.length, 3);
  });

  it('without a doorbell looks every second, and after a minute without a change every five', async () => {
    const made = await started(false);
    assert.equal(made.means, 'polling (no monitor wanted)');
    for (let second = 1; second <= 60; second += 1) await pass(1_000);
    assert.equal(looks.length, 61);
    await pass(4_999);
    assert.equal(looks.length, 61);
    network = UNPLUGGED;
    await pass(1);
    assert.equal(seen.length, 2);
    await pass(1_000);
    assert.equal(looks.length, 63, 'a change makes it look every second again');
  });

  it('polls while the doorbell is gone, says why, and stops when it is back', async () => {
    const made = await started();
    ears?.gone('ip is not installed');
    assert.equal(made.means, 'polling (ip is not installed)');
    await pass(1_000);
    await pass(1_000);
    assert.equal(looks.length, 3);
    ears?.back();
    assert.equal(made.means, 'ip monitor');
    await pass(1_000);
    await pass(14_999);
    assert.equal(looks.length, 4);
    assert.deepEqual(
      log.lines.map(({ level, fields }) => ({ level, fields })),
      [
        { level: 'warn', fields: { reason: 'ip is not installed' } },
        { level: 'info', fields: {} },
      ],
    );
  });

  it('tells a suspend by the clock that runs on in it, and reports it though nothing else has changed', async () => {
    await started();
    slept += 5_000;
    await pass(15_000);
    assert.equal(seen.length, 1, '5 s are within what clocks may differ by');
    slept += 300_000;
    await pass(15_000);
    assert.deepEqual(seen.slice(1), [{ ...HOME, sleptMs: 300_000, stalledMs: 0 }]);
    await pass(15_000);
    assert.equal(seen.length, 2, 'once');
  });

  it('tells a standstill of this process by a timer that fires late', async () => {
    const held: (() => void)[] = [];
    const late = {
      ...clock,
      after: (ms: number, fire: () => void) => clock.after(ms, () => held.push(fire)),
    };
    const parts = { clock: late, log, destination: () => null, doorbell: bell, look: async () => network };
    const made = networkWatch({ ...parts, uptimeS: () => clock.now() / 1_000 });
    made.start(on);
    await settle();
    for (const [stoodMs, stalledMs] of [
      [2_000, undefined],
      [60_000, 60_000],
      [0, undefined],
    ] as const) {
      seen = [];
      for (const passedMs of [1_000 + stoodMs, 0]) {
        clock.advance(passedMs);
        for (const fire of held.splice(0)) fire();
        await settle();
      }
      const expected = stalledMs === undefined ? [] : [{ ...HOME, sleptMs: 0, stalledMs }];
      assert.deepEqual(seen, expected);
    }
    made.stop();
  });

  it('says once that it cannot look, goes on trying, and reports as soon as it can', async () => {
    look = async () => {
      looks.push(null);
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    };
    await started();
    await pass(15_000);
    await pass(15_000);
    assert.deepEqual([looks.length, log.lines.length, seen.length], [3, 1, 0]);
    look = () => {
      throw new TypeError('another kind');
    };
    await pass(15_000);
    assert.equal(log.lines.length, 2);
    look = async () => HOME;
    await pass(15_000);
    assert.deepEqual(seen, [plain(HOME)]);
  });

  it('does without the clock that runs on in a suspend where a sandbox hides it', async () => {
    const hidden = () => {
      throw new Error('no uptime');
    };
    const parts = { clock, log, destination: () => null, doorbell: bell, look: async () => network };
    networkWatch({ ...parts, uptimeS: hidden }).start(on);
    await settle();
    await pass(15_000);
    assert.deepEqual([seen, log.lines.length], [[plain(HOME)], 1]);
  });

  it('reports nothing after a stop, not even a look that was under way, and everything after another start', async () => {
    const made = watch();
    made.start(on);
    made.stop();
    made.stop();
    await settle();
    assert.deepEqual([seen.length, clock.pending(), ears], [0, 0, undefined]);
    made.start(on);
    made.start(on);
    await settle();
    assert.deepEqual([seen.length, clock.pending()], [1, 2]);
    const before = ears;
    before?.gone('ip is not installed');
    made.stop();
    assert.equal(clock.pending(), 0);
    before?.rang();
    await pass(60_000);
    assert.equal(seen.length, 1);
    made.start(on);
    await settle();
    assert.deepEqual([seen.length, made.means], [2, 'ip monitor']);
    made.stop();
  });

  it('goes on looking beside a monitor that is stopped', async () => {
    const program = await standIn('ip', 'kill -STOP $$');
    const made = await started(doorbell({ clock, environment: program.environment }));
    try {
      await until(() => childrenNamed('ip', 'sh').length === 1 && clock.pending() > 1, 'a child');
      // The looks that come with the child's start.
      await pass(1_050);
      await pass(50);
      network = UNPLUGGED;
      await pass(15_000);
      assert.deepEqual(seen, [plain(HOME), plain(UNPLUGGED)]);
    } finally {
      made.stop();
      await until(() => childrenNamed('ip', 'sh').length === 0, 'no child');
      await program.remove();
    }
  });
});
