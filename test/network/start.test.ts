// Before there is a network, and before there is a name service: what the daemon does meanwhile, and what wakes it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needsNamespaces } from '../helpers/netns.ts';
import type { BoxedDaemon } from './boxed-daemon.ts';
import { AT, back, becomes, type House, inHouse, PATIENT, QUICK, reasoned } from './house.ts';

/** RFC 6761 §6.2: such a name is nobody's. */
const NAME = 'box.test';

/** Longer than a name is waited for when an address is known (name-lookup.ts). */
const PATIENCE = { 'link.connect_timeout_ms': '5000' };

/** Asks the server's machine, never the host's own services; again every 2 s, and gives up after 10 s as usual. */
const RESOLVER = {
  'resolv.conf': `nameserver ${AT.server.far}\noptions timeout:2 attempts:5\n`,
  'nsswitch.conf': 'hosts: files dns\n',
};

describe('S23 D15 boot without a network', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'stays up, answers whoever asks, makes no attempt after the first, and connects when the network comes',
    inHouse(async ({ ip, box, boot, greeted, server, sockets }) => {
      await ip(box, 'link set eth0 down');
      await ip(box, `address del ${AT.cable.box}/24 dev eth0`);
      const daemon = await boot(PATIENT);
      await daemon.logged('link attempt failed', ({ reason }) => String(reason).includes('ENETUNREACH'));
      // The network may have been looked at before or after that.
      await becomes('seen', () => daemon.count('network', ({ usable }) => usable === false) === 1);
      const status = await daemon.status();
      assert.deepEqual([status.link.phase, status.network.usable], ['waiting', false]);
      await daemon.press();
      await daemon.logged('cue');
      assert.deepEqual([daemon.ended, await sockets()], [null, []]);
      const tried = daemon.count('link dialing');
      await ip(box, 'link set eth0 up');
      await ip(box, `address add ${AT.cable.box}/24 dev eth0`);
      await ip(box, `route add default via ${AT.cable.router}`);
      await daemon.logged('network changed', reasoned(/the network is back: eth0 \(10\.7\.0\.2\)/));
      await daemon.logged('link dialing', ({ cause }) => cause === 'network');
      assert.deepEqual(await greeted(), { session: 0, from: AT.cable.box });
      await daemon.logged('link ready');
      assert.equal(daemon.count('link dialing'), tried + 1);
      assert.equal(server.all('opened').length, 1);
      const said = daemon.lines
        .map(({ msg }) => msg)
        .filter((msg) => /^(network|link (attempt failed|ready))/.test(msg));
      assert.deepEqual(said.slice(-2), ['network changed', 'link ready']);
      // What was said into the press is of no interest here.
      server.order({ do: 'say', session: 0, message: { type: 'tts', state: 'start' } });
      server.order({ do: 'say', session: 0, message: { type: 'tts', state: 'stop' } });
      await daemon.logged('turn idle');
    }),
  );
});

/** What is said of an end that was asked for. */
const LEAVING = /^shutting down|leaving/;

/** Booted, and its first question for the server's name is out. */
async function askingFor(
  { net, box, server, url, boot }: House,
  address: string | null,
): Promise<BoxedDaemon> {
  net.etc(box, RESOLVER);
  server.order({ do: 'names', address });
  await server.next('names served');
  const daemon = await boot({ 'server.websocket_url': url(NAME) });
  await server.next('asked for a name');
  return daemon;
}

describe('S23 a name service', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'that falls silent is not waited for: the address that worked last does',
    inHouse(async ({ net, box, server, url, boot, greeted }) => {
      net.etc(box, RESOLVER);
      server.order({ do: 'names', address: AT.server.far });
      await server.next('names served');
      const daemon = await boot({ ...QUICK, ...PATIENCE, 'server.websocket_url': url(NAME) });
      await server.next('asked for a name');
      assert.equal((await greeted()).session, 0);
      server.order({ do: 'names', address: null });
      await server.next('names served');
      server.order({ do: 'reset', session: 0 });
      await server.next('asked for a name');
      assert.deepEqual(await greeted(), { session: 1, from: AT.cable.box });
      assert.equal((await daemon.status()).network.source, AT.cable.box);
      await daemon.logged('link ready', back('retry'));
      // A question is still out, and asked again; with its answer the process may end.
      server.order({ do: 'names', address: AT.server.far });
      await server.next('names served');
      await server.next('asked for a name');
    }),
  );

  it(
    'that is silent from the start holds up the attempt and nothing else, and one that answers ends the wait',
    inHouse(async ({ net, box, server, url, boot, greeted, sockets }) => {
      net.etc(box, RESOLVER);
      server.order({ do: 'names', address: null });
      await server.next('names served');
      const daemon = await boot({ ...QUICK, 'server.websocket_url': url(NAME) });
      await server.next('asked for a name');
      await daemon.logged('link attempt failed', ({ reason }) => String(reason).includes(NAME));
      assert.equal((await daemon.status()).link.phase !== 'ready', true);
      assert.deepEqual(await sockets(), []);
      server.order({ do: 'names', address: AT.server.far });
      await server.next('names served');
      assert.equal((await greeted()).from, AT.cable.box);
      await becomes('ready', async () => (await daemon.status()).link.phase === 'ready');
    }),
  );

  it(
    'that is silent does not keep the daemon from ending: it leaves by its own signal when the question does not end',
    // What must be true after every fault is asked of a box that is up; this one is not any more.
    inHouse(
      async (house) => {
        const daemon = await askingFor(house, null);
        // Not 0, for that takes the end of a thread that waits; nor a signal from outside.
        assert.equal(await daemon.stop(), 'SIGTERM');
        const said = daemon.lines.map(({ msg }) => msg).filter((msg) => LEAVING.test(msg));
        assert.deepEqual(said, ['shutting down', 'not gone in time, or told twice: leaving at once']);
      },
      { after: 'nothing' },
    ),
  );

  it(
    'that answers lets the daemon end as usual',
    inHouse(
      async (house) => {
        const daemon = await askingFor(house, AT.server.far);
        await house.greeted();
        assert.equal(await daemon.stop(), 0);
        const said = daemon.lines.map(({ msg }) => msg).filter((msg) => LEAVING.test(msg));
        assert.deepEqual(said, ['shutting down']);
      },
      { after: 'nothing' },
    ),
  );
});
