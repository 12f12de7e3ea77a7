// Which way leads to the server: another interface, a tunnel, none but the local one, IPv6. The real daemon in one
// network, the server in another.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needsNamespaces } from '../helpers/netns.ts';
import { FarServer } from './far-server.ts';
import { AT, becomes, type House, heardSpeech, inHouse, PATIENT, reasoned, wholeWord } from './house.ts';

const { box: OWN, router: ROUTER } = AT.cable;
const { box: RADIO } = AT.radio;
/** Long enough for the change of the way to come in the middle of it. */
const LASTS_MS = 3_000;
const TUNNEL = { box: '10.66.0.2', router: '10.66.0.1' };

async function preferRadio({ ip, box }: House): Promise<void> {
  await ip(box, `address add ${RADIO}/24 dev wlan0`);
  await ip(box, `route add default via ${AT.radio.router} metric 50`);
}

/** Nothing from or to that address comes through any more, also over the radio, and nobody is told. */
async function forget({ ip, router }: House, address: string): Promise<void> {
  await ip(router, `rule add from ${address} blackhole`);
  await ip(router, `route add blackhole ${address}/32`);
}

describe('S23 a better way', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'taken while nobody talks: the old socket ends, the new one goes over the other interface',
    inHouse(async (house) => {
      const { connected, greeted, server, sockets } = house;
      const daemon = await connected(PATIENT);
      await preferRadio(house);
      await daemon.logged(
        'network changed',
        reasoned(/the way to the server is wlan0 \(10\.8\.0\.2\) now, not eth0/),
      );
      const lost = await daemon.logged('link lost', ({ cause }) => cause === 'network');
      assert.equal(lost.detectedBy, 'network watch');
      assert.deepEqual(await greeted(), { session: 1, from: RADIO });
      await becomes('the old one is closed', () => server.all('closed').length === 1);
      assert.ok((await sockets()).every((own) => own.startsWith(RADIO)));
      const { network } = await daemon.status();
      assert.deepEqual([network.interface, network.source], ['wlan0', RADIO]);
    }),
  );

  it(
    'in a turn is left alone while the old one answers: not a word is sent twice, and after the answer it is taken',
    inHouse(async (house) => {
      const { connected, server, sockets } = house;
      const daemon = await connected(PATIENT);
      // Whatever greets first would have the turn: the old way is to win by its answer alone.
      server.order({ do: 'greet', when: 'when told' });
      await daemon.press(LASTS_MS);
      await heardSpeech(server, 0);
      await preferRadio(house);
      await daemon.logged('network changed', reasoned(/is wlan0 \(10\.8\.0\.2\) now, not eth0/));
      await server.next('pinged', ({ session }) => session === 0);
      await wholeWord(server, daemon, 0, LASTS_MS);
      const heard = (what: string) => server.all('text').filter((text) => text.what === what);
      const heardIn = (what: string) => heard(what).map(({ session }) => session);
      assert.deepEqual([heardIn('listen start'), heardIn('listen stop')], [[0], [0]]);
      assert.equal(server.all('packet').length, server.packets(0).length);
      // A successor of the turn may have got as far as its hello; this one comes after the turn.
      const { session } = await server.next('text', ({ what }) => what === 'hello');
      await becomes('one connection on each way', async () => {
        const own = (await sockets()).map((one) => one.split(' ')[0]).sort();
        return own.join() === [OWN, RADIO].join();
      });
      assert.ok(server.open.some((one) => one.session === 0));
      server.order({ do: 'hello', session });
      await daemon.logged('link renewed', ({ cause }) => cause === 'network');
      await server.next('closed', (closed) => closed.session === 0);
      assert.ok((await sockets()).every((own) => own.startsWith(RADIO)));
      assert.equal(daemon.count('link lost'), 0);
    }),
  );

  it(
    'in a turn is taken at once when the old one is silent, and the whole utterance goes there',
    inHouse(
      async (house) => {
        const { connected, greeted, server, sockets } = house;
        const daemon = await connected(PATIENT);
        await daemon.press(LASTS_MS);
        await heardSpeech(server, 0);
        await forget(house, OWN);
        await preferRadio(house);
        assert.deepEqual(await greeted(), { session: 1, from: RADIO });
        const heard = server.packets(0);
        assert.ok(heard.length >= 1);
        // It was not waited for that the old one misses its deadline.
        await daemon.logged('link renewed', ({ cause }) => cause === 'network');
        await heardSpeech(server, 1);
        await wholeWord(server, daemon, 1, LASTS_MS);
        assert.deepEqual(server.packets(1).slice(0, heard.length), heard);
        assert.equal(server.packets(0).length, heard.length, 'nothing goes to the old one any more');
        assert.ok((await sockets()).every((own) => own.startsWith(RADIO)));
      },
      { ghosts: 1 },
    ),
  );

  it(
    'lost again: the first interface carries it once more',
    inHouse(
      async (house) => {
        const { ip, box, connected, greeted, sockets } = house;
        await preferRadio(house);
        const daemon = await connected(PATIENT, RADIO);
        await ip(box, 'link del wlan0');
        await daemon.logged(
          'network changed',
          reasoned(/is eth0 .* now, not wlan0.*own address 10\.8\.0\.2 is gone/),
        );
        assert.deepEqual(await greeted(), { session: 1, from: OWN });
        assert.ok((await sockets()).every((own) => own.startsWith(OWN)));
      },
      { ghosts: 1 },
    ),
  );

  it(
    'through a tunnel: taken when it is up, left when it is gone, by the server’s own route alone',
    inHouse(
      async ({ net, ip, box, router, connected, greeted, sockets }) => {
        const daemon = await connected(PATIENT);
        await net.link(
          { ns: box, name: 'tun0', addresses: [`${TUNNEL.box}/24`] },
          { ns: router, name: 'tunnels0', addresses: [`${TUNNEL.router}/24`] },
        );
        await ip(box, `route add ${AT.server.far}/32 via ${TUNNEL.router}`);
        await daemon.logged('network changed', reasoned(/is tun0 \(10\.66\.0\.2\) now, not eth0/));
        assert.deepEqual(await greeted(), { session: 1, from: TUNNEL.box });
        assert.equal((await daemon.status()).network.interface, 'tun0');
        await ip(box, 'link del tun0');
        await daemon.logged('network changed', reasoned(/own address 10\.66\.0\.2 is gone/));
        assert.deepEqual(await greeted(), { session: 2, from: OWN });
        assert.ok((await sockets()).every((own) => own.startsWith(OWN)));
      },
      { ghosts: 1 },
    ),
  );
});

describe('S23 a worse way', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'beside a cable that is out is taken as soon as the kernel takes it, and not before: the cable may come back',
    inHouse(
      async ({ ip, box, router, connected, greeted }) => {
        await ip(box, `address add ${RADIO}/24 dev wlan0`);
        await ip(box, `route add default via ${AT.radio.router} metric 600`);
        const daemon = await connected(PATIENT);
        await ip(router, 'link set lan0 down');
        await daemon.logged('network changed', reasoned(/^no way to the server is left$/));
        assert.equal((await daemon.status()).link.phase, 'ready');
        // What a network manager does after some seconds.
        await ip(box, 'address flush dev eth0');
        await daemon.logged('link lost', ({ detectedBy }) => detectedBy === 'network watch');
        assert.deepEqual(await greeted(), { session: 1, from: RADIO });
      },
      { ghosts: 1 },
    ),
  );
});

describe('S23 unusual houses', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'a server on the same cable without any default route is found, and found again when the address is back',
    inHouse(
      async (house) => {
        const { net, ip, box, router, connected, greeted } = house;
        await ip(box, 'route del default');
        const beyond = house.server;
        house.server = new FarServer(net, router);
        await house.server.listen();
        await beyond.kill();
        const daemon = await connected({ ...PATIENT, 'server.websocket_url': house.url(ROUTER) }, OWN);
        await becomes('known', async () => (await daemon.status()).network.usable === true);
        const { network } = await daemon.status();
        assert.deepEqual([network.interface, network.source], ['eth0', OWN]);
        await ip(box, `address del ${OWN}/24 dev eth0`);
        await daemon.logged('network changed', reasoned(/no way to the server is left/));
        await ip(box, `address add ${OWN}/24 dev eth0`);
        await daemon.logged('network changed', reasoned(/the network is back: eth0/));
        assert.deepEqual(await greeted(), { session: 1, from: OWN });
      },
      { ghosts: 1 },
    ),
  );

  it(
    'IPv6 alone: connects, and moves to another address when its own is gone',
    inHouse(
      async ({ ip, box, url, connected, greeted, sockets }) => {
        const { box6, router6 } = AT.cable;
        await ip(box, `address del ${OWN}/24 dev eth0`);
        await ip(box, `address add ${box6}/64 dev eth0 nodad`);
        await ip(box, `-6 route add default via ${router6}`);
        const daemon = await connected(
          { ...PATIENT, 'server.websocket_url': url(`[${AT.server.far6}]`) },
          box6,
        );
        await ip(box, `address add fd07::3/64 dev eth0 nodad`);
        await ip(box, `address del ${box6}/64 dev eth0`);
        await daemon.logged('network changed', reasoned(/own address fd07::2 is gone/));
        assert.deepEqual(await greeted(), { session: 1, from: 'fd07::3' });
        const { network } = await daemon.status();
        assert.deepEqual([network.usable, network.source], [true, 'fd07::3']);
        assert.ok((await sockets()).every((own) => own.startsWith('fd07::3')));
      },
      { ghosts: 1 },
    ),
  );
});
