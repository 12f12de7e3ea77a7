// What goes wrong where the box cannot see it: beyond the router, with its own link up. The real daemon in one network, the
// server in another.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needsNamespaces } from '../helpers/netns.ts';
import { FarServer } from './far-server.ts';
import { AT, back, becomes, type House, heardSpeech, inHouse, lasting, QUICK, wholeWord } from './house.ts';

/** reliability.md 4, network 4. */
const HOLE_MS = 10_000;

/** Nothing passes the router in either direction, and nobody is told. */
async function blackHole({ ip, router }: House, what: 'add' | 'del'): Promise<void> {
  await ip(router, `route ${what} blackhole ${AT.server.far}/32`);
  await ip(router, `route ${what} blackhole ${AT.cable.box}/32`);
}

/** Power cut: no word of goodbye gets out. */
async function machineDies({ ip, far, server }: House): Promise<void> {
  await ip(far, 'link set eth0 down');
  await server.kill();
}

/** The same machine with the same addresses, that remembers nothing. */
async function machineReturns(house: House): Promise<void> {
  const { net, ip, far, server } = house;
  house.server = new FarServer(net, far);
  await house.server.listen(server.port);
  await ip(far, 'link set eth0 up');
  await ip(far, `route add default via ${AT.server.router}`);
}

describe('a black hole beyond the router', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'is found by the heartbeat, tried against, and left within one step of the backoff when it closes',
    inHouse(
      async (house) => {
        const { connected, greeted, sockets } = house;
        const daemon = await connected(QUICK);
        await blackHole(house, 'add');
        await daemon.logged('link lost', ({ detectedBy }) => detectedBy === 'heartbeat');
        // The first few attempts are all told (storm.ts).
        for (const attempt of [2, 3]) {
          await daemon.logged('link dialing', (line) => line.cause === 'retry' && line.attempt === attempt);
          assert.ok((await sockets()).length <= 1);
          await daemon.logged(
            'link attempt failed',
            (line) => line.attempt === attempt && /within 1 s/.test(String(line.reason)),
          );
        }
        assert.equal((await daemon.status()).network.usable, true);
        await blackHole(house, 'del');
        assert.equal((await greeted()).from, AT.cable.box);
        await daemon.logged('link ready', back('retry'));
        assert.equal(daemon.count('network changed'), 0);
      },
      { ghosts: 1 },
    ),
  );

  it(
    'of 10 s while somebody talks: with the usual timing the whole utterance arrives at the next session',
    inHouse(
      async (house) => {
        const { connected, greeted, server } = house;
        const daemon = await connected();
        const lastsMs = HOLE_MS + 2_000;
        await daemon.press(lastsMs);
        await heardSpeech(server, 0);
        await blackHole(house, 'add');
        const over = lasting(HOLE_MS).then(() => blackHole(house, 'del'));
        await daemon.logged('link lost', ({ detectedBy }) => detectedBy === 'heartbeat');
        const heard = server.packets(0);
        assert.equal(server.all('opened').length, 1);
        await over;
        assert.equal((await greeted()).session, 1);
        await heardSpeech(server, 1);
        await wholeWord(server, daemon, 1, lastsMs);
        assert.deepEqual(server.packets(1).slice(0, heard.length), heard);
      },
      { ghosts: 1 },
    ),
  );
});

describe('the server’s machine is gone without a word', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'while nobody talks: the heartbeat finds it, and the box is back as soon as there is one again',
    inHouse(async (house) => {
      const { connected, greeted, sockets } = house;
      const daemon = await connected(QUICK);
      await machineDies(house);
      assert.equal((await sockets()).length, 1, 'nobody has told the box');
      await daemon.logged('link lost', ({ detectedBy }) => detectedBy === 'heartbeat');
      await daemon.logged('link dialing', ({ cause }) => cause === 'retry');
      await daemon.logged('link attempt failed', ({ attempt }) => attempt === 2);
      await machineReturns(house);
      assert.equal((await greeted()).from, AT.cable.box);
      await daemon.logged('link ready', back('retry'));
      assert.equal(daemon.count('network changed'), 0);
    }),
  );

  it(
    'in a turn: the utterance arrives whole at the machine that takes its place',
    inHouse(async (house) => {
      const { connected, greeted, server } = house;
      const daemon = await connected(QUICK);
      const lastsMs = 6_000;
      await daemon.press(lastsMs);
      await heardSpeech(server, 0);
      await machineDies(house);
      const heard = server.packets(0);
      assert.ok(heard.length >= 1);
      await daemon.logged('turn recording');
      await machineReturns(house);
      const { session } = await greeted();
      await heardSpeech(house.server, session);
      await wholeWord(house.server, daemon, session, lastsMs);
      assert.deepEqual(house.server.packets(session).slice(0, heard.length), heard);
    }),
  );

  it(
    'and the box notices at a press: the whole utterance goes to the new machine, the old connection is not waited for',
    inHouse(async (house) => {
      const { connected, greeted } = house;
      // The heartbeat would take as long as it may: only the press asks.
      const daemon = await connected({
        ...QUICK,
        'link.ping_interval_ms': '600000',
        'link.connect_timeout_ms': '10000',
      });
      // What is silent for more than 5 s is asked at a press (design.md 5).
      await lasting(5_500);
      await machineDies(house);
      const lastsMs = 6_000;
      await daemon.press(lastsMs);
      await machineReturns(house);
      const { session } = await greeted();
      await heardSpeech(house.server, session);
      await wholeWord(house.server, daemon, session, lastsMs);
      await becomes('one connection', async () => (await house.sockets()).length === 1);
    }),
  );
});
