// Outages of 40 s in networks of their own, with the timing that the daemon has without any configuration. All at once,
// so that it takes little more than a minute.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needsNamespaces } from '../helpers/netns.ts';
import { WARNING } from '../network/boxed-daemon.ts';
import { FarServer } from '../network/far-server.ts';
import { AT, back, becomes, inHouse, lasting, reasoned } from '../network/house.ts';

/** reliability.md 4, network 4, and the seed's restart. */
const OUTAGE_MS = 40_000;
/** The longest wait of the usual backoff is 60 s; an attempt that had just begun may take 10 s more. */
const BACK_WITHIN_MS = 90_000;

describe('an outage of 40 s', { ...needsNamespaces(), concurrency: 4 }, () => {
  it(
    'beyond the router, link up: found by the heartbeat while it lasts, back after it, one socket all along',
    inHouse(
      async ({ ip, router, connected, greeted, server, sockets }) => {
        const daemon = await connected();
        for (const end of [AT.server.far, AT.cable.box]) await ip(router, `route add blackhole ${end}/32`);
        const over = lasting(OUTAGE_MS);
        await daemon.logged('link lost', ({ detectedBy }) => detectedBy === 'heartbeat');
        await daemon.logged('link dialing', ({ cause }) => cause === 'retry');
        await over;
        assert.ok((await sockets()).length <= 1);
        assert.equal(server.all('opened').length, 1);
        for (const end of [AT.server.far, AT.cable.box]) await ip(router, `route del blackhole ${end}/32`);
        await becomes(
          'back',
          () => server.open.length >= 1 && server.all('opened').length === 2,
          BACK_WITHIN_MS,
        );
        await greeted();
        await daemon.logged('link ready', back('retry'));
        assert.equal(daemon.count('network changed'), 0);
      },
      { ghosts: 1 },
    ),
  );

  it(
    'of the server: killed and started again, refused meanwhile, and back by itself',
    inHouse(async (house) => {
      const { net, far, connected, greeted, server } = house;
      const daemon = await connected();
      await server.kill();
      const over = lasting(OUTAGE_MS);
      await daemon.logged('link lost', ({ kind }) => kind === 'abnormal close');
      await daemon.logged('link attempt failed', ({ reason }) =>
        /refuses the connection/.test(String(reason)),
      );
      await over;
      const tried = (await daemon.status()).link.attempt;
      // 1, 2, 4 and 8 s, then 8.5 s at the least.
      assert.ok(tried >= 4 && tried <= 9, `${tried} attempts`);
      house.server = new FarServer(net, far);
      await house.server.listen(server.port);
      assert.deepEqual(await greeted(), { session: 0, from: AT.cable.box });
      await daemon.logged('link ready', back('retry'));
      assert.ok(daemon.lines.filter(({ level }) => level >= WARNING).length <= 3, 'few warnings');
      assert.equal(daemon.count('network changed'), 0);
    }),
  );

  it(
    'of the cable: no attempt while it is out, and the session answers when it is back',
    inHouse(async ({ ip, router, connected, server }) => {
      const daemon = await connected();
      await ip(router, 'link set lan0 down');
      await daemon.logged('network changed', reasoned(/no way to the server is left/));
      await lasting(OUTAGE_MS);
      assert.equal((await daemon.status()).link.attempt, 1);
      await ip(router, 'link set lan0 up');
      await daemon.logged('network changed', reasoned(/the network is back/));
      await server.next('pinged', ({ session }) => session === 0);
      assert.equal(server.all('opened').length, 1);
      assert.equal((await daemon.status()).link.phase, 'ready');
    }),
  );

  it(
    'of a radio network that gives another address afterwards: nothing is tried meanwhile, then at once',
    inHouse(
      async ({ ip, box, connected, greeted, sockets }) => {
        const daemon = await connected();
        await ip(box, `address del ${AT.cable.box}/24 dev eth0`);
        await daemon.logged('link lost', ({ detectedBy }) => detectedBy === 'network watch');
        await lasting(OUTAGE_MS);
        assert.deepEqual(await sockets(), []);
        assert.equal(daemon.count('link dialing'), 1);
        await ip(box, 'address add 10.7.0.77/24 dev eth0');
        await ip(box, `route add default via ${AT.cable.router}`);
        await daemon.logged('network changed', reasoned(/the network is back: eth0 \(10\.7\.0\.77\)/));
        await daemon.logged('link dialing', ({ cause }) => cause === 'network');
        assert.deepEqual(await greeted(), { session: 1, from: '10.7.0.77' });
      },
      { ghosts: 1 },
    ),
  );
});
