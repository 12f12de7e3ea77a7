// What happens to the box's own end of the network: cable, interface, address. The real daemon in one network, the server
// in another; each expectation is an order of events and who holds which socket.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needsNamespaces } from '../helpers/netns.ts';
import { AT, answer, back, type House, heardSpeech, inHouse, lasting, PATIENT, reasoned } from './house.ts';

const { box: OWN, router: ROUTER } = AT.cable;
const OTHER = '10.7.0.3';
/** reliability.md 4, network 1: the shortest of the interruptions that must go by unnoticed. */
const FLAP_MS = 300;
/** Longer than what may have eaten an answer (5 s), by what a standstill is known to (1 s), and a bit. */
const STILL_MS = 7_500;

/** As a lease server that gives another address: the old one goes first, and the routes with it. */
async function readdress({ net, box }: Pick<House, 'net' | 'box'>, from: string, to: string): Promise<void> {
  const lines = [
    `address del ${from}/24 dev eth0`,
    `address add ${to}/24 dev eth0`,
    `route add default via ${ROUTER}`,
  ];
  // By one process: what lies in between is gone before anybody can look.
  await net.run(box, ['sh', '-c', `echo '${lines.join('\n')}' | ip -batch -`]);
}

describe('S23 the cable and the interface', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'out for 0.3 s costs a ping: the session is the same before and after',
    inHouse(async ({ ip, router, connected, server }) => {
      const daemon = await connected(PATIENT);
      await ip(router, 'link set lan0 down');
      const out = lasting(FLAP_MS);
      // The kernel may keep a loss of carrier to itself for up to a second.
      await daemon.logged('network changed', reasoned(/no way to the server is left/));
      await out;
      await ip(router, 'link set lan0 up');
      await daemon.logged(
        'network changed',
        reasoned(/the network is back: eth0 .*the carrier of eth0 is back/),
      );
      await server.next('pinged', ({ session }) => session === 0);
      server.order({ do: 'ping', session: 0 });
      await server.next('ponged', ({ session }) => session === 0);
      assert.equal(server.all('opened').length, 1);
      assert.equal(daemon.count('link dialing'), 1);
    }),
  );

  it(
    'switched off and on again costs a ping as well, though its routes were gone',
    inHouse(async ({ ip, box, connected, server }) => {
      const daemon = await connected(PATIENT);
      await ip(box, 'link set eth0 down');
      await daemon.logged('network changed', reasoned(/no way to the server is left/));
      const away = await daemon.status();
      assert.deepEqual([away.link.phase, away.network.usable], ['ready', false]);
      await ip(box, 'link set eth0 up');
      await ip(box, `route add default via ${ROUTER}`);
      await daemon.logged('network changed', reasoned(/the network is back/));
      await server.next('pinged', ({ session }) => session === 0);
      assert.equal((await daemon.status()).network.usable, true);
      assert.equal(server.all('opened').length, 1);
    }),
  );

  it(
    'of containers come and go, and nothing is said or done about them',
    inHouse(
      async ({ ip, net, box, connected, greeted, server }) => {
        const daemon = await connected(PATIENT);
        for (const name of ['docker0', 'veth7']) {
          await net.link(
            { ns: box, name, addresses: ['172.17.0.1/16'] },
            { ns: net.names[1] ?? '', name: 'peer', addresses: [] },
          );
          await ip(box, `link del ${name}`);
        }
        // Whatever there was to be said about them has been said before this.
        await ip(box, `link set wlan0 down`);
        await readdress({ net, box }, OWN, OTHER);
        await daemon.logged('network changed');
        await greeted();
        assert.equal(daemon.count('network changed', reasoned(/docker|veth/)), 0);
        assert.equal(server.all('opened').length, 2);
      },
      { ghosts: 1 },
    ),
  );
});

describe('S23 a process that stood still', { ...needsNamespaces() }, () => {
  it(
    'says so, and asks whether its connection is still there before it believes that it is not',
    inHouse(async ({ connected, server }) => {
      const daemon = await connected(PATIENT);
      process.kill(daemon.pid, 'SIGSTOP');
      await lasting(STILL_MS);
      process.kill(daemon.pid, 'SIGCONT');
      await daemon.logged('network changed', reasoned(/the process stood still for [678] s/));
      await server.next('pinged', ({ session }) => session === 0);
      assert.deepEqual([(await daemon.status()).link.phase, server.all('opened').length], ['ready', 1]);
    }),
  );
});

describe('S23 the own address', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'replaced by another: the old socket is dropped for that reason, and the new one comes from the new address',
    inHouse(
      async (house) => {
        const { connected, greeted, sockets } = house;
        const daemon = await connected(PATIENT);
        await readdress(house, OWN, OTHER);
        await daemon.logged('network changed', reasoned(/own address 10\.7\.0\.2 is gone/));
        assert.deepEqual(await greeted(), { session: 1, from: OTHER });
        await daemon.logged('link ready');
        assert.ok((await sockets()).every((own) => own.startsWith(OTHER)));
        const { last_loss: loss } = (await daemon.status()).link;
        assert.deepEqual([loss?.detected_by, loss?.class], ['network watch', 'network']);
      },
      { ghosts: 1 },
    ),
  );

  it(
    'replaced while somebody talks: the whole utterance goes to the new session, from its first packet on',
    inHouse(
      async (house) => {
        const { connected, greeted, server } = house;
        const daemon = await connected(PATIENT);
        await daemon.press();
        await heardSpeech(server, 0);
        await readdress(house, OWN, OTHER);
        assert.equal((await greeted()).session, 1);
        await heardSpeech(server, 1);
        const before = server.packets(0).length;
        await server.next('packet', ({ session }) => session === 1 && server.packets(1).length > before);
        assert.deepEqual(server.packets(1).slice(0, before), server.packets(0));
        await answer(server, daemon, 1);
      },
      { ghosts: 1 },
    ),
  );

  it(
    'gone for a while: no socket and no attempt until it is back, then one at once',
    inHouse(
      async ({ ip, box, connected, greeted, sockets }) => {
        const daemon = await connected(PATIENT);
        await ip(box, `address del ${OWN}/24 dev eth0`);
        await daemon.logged(
          'network changed',
          reasoned(/no way to the server is left.*own address .* is gone/),
        );
        const waiting = await daemon.status();
        assert.equal(waiting.link.phase, 'waiting');
        assert.match(waiting.link.trouble?.reason ?? '', /own address 10\.7\.0\.2 is gone/);
        assert.deepEqual(await sockets(), []);
        await ip(box, `address add ${OWN}/24 dev eth0`);
        await ip(box, `route add default via ${ROUTER}`);
        await daemon.logged('network changed', reasoned(/the network is back/));
        await daemon.logged('link dialing', ({ cause, attempt }) => cause === 'network' && attempt === 2);
        assert.equal((await greeted()).session, 1);
        await daemon.logged('link ready', back(/the network is back/));
      },
      { ghosts: 1 },
    ),
  );
});
