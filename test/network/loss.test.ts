// Three packets in ten are lost between the box and its router, both ways, as on a bad radio network.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namespaces, needsNamespaces, toSkipFor } from '../helpers/netns.ts';
import { becomes, type House, inHouse, isWhole } from './house.ts';

/** reliability.md 4, network 16. */
const LOSS_PERCENT = 30;
const LASTS_MS = 3_000;
/** A session may be found dead and its utterance sent anew, each time after 8 s (the heartbeat of a turn). */
const ANSWERED_WITHIN_MS = 75_000;

type Lossy = { readonly by: string; readonly argv: readonly string[] };

/** The same by whatever this kernel and machine have: for all that one interface receives. */
function ways(dev: string): readonly Lossy[] {
  const share = LOSS_PERCENT / 100;
  const nft = `add table inet lossy; add chain inet lossy in { type filter hook prerouting priority -300; }; add rule inet lossy in iifname ${dev} numgen random mod 100 < ${LOSS_PERCENT} drop`;
  return [
    { by: 'nft', argv: ['nft', nft] },
    {
      by: 'iptables',
      argv: `iptables -t raw -A PREROUTING -i ${dev} -m statistic --mode random --probability ${share} -j DROP`.split(
        ' ',
      ),
    },
  ];
}

const LIFTED: Readonly<Record<string, string>> = {
  nft: 'nft delete table inet lossy',
  iptables: 'iptables -t raw -F PREROUTING',
};

type Path = Pick<House, 'net' | 'box' | 'router'>;

async function lossyBy({ net, box, router }: Path): Promise<string> {
  const said: string[] = [];
  for (const [at, { by, argv }] of ways('eth0').entries()) {
    try {
      await net.run(box, argv);
      await net.run(router, ways('lan0')[at]?.argv ?? []);
      return by;
    } catch (error) {
      said.push(`${by}: ${error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)}`);
    }
  }
  throw new Error(said.join('; '));
}

async function lift({ net, box, router }: Path, by: string): Promise<void> {
  for (const ns of [box, router]) await net.run(ns, (LIFTED[by] ?? '').split(' '));
}

/** Why packets cannot be lost here; false when they can. */
async function cannot(): Promise<string | false> {
  if (needsNamespaces().skip !== false) return 'no namespaces';
  const net = await namespaces(2);
  const [box = '', router = ''] = net.names;
  try {
    await lossyBy({ net, box, router });
    return false;
  } catch (error) {
    const trouble = `neither nft nor iptables can lose packets here: ${error instanceof Error ? error.message : error}`;
    return toSkipFor(trouble, 'install nftables');
  } finally {
    await net.remove();
  }
}

describe('30 % loss', { skip: await cannot() }, () => {
  it(
    'slows a conversation down and loses nothing of it',
    inHouse(
      async (house) => {
        const { connected, server } = house;
        const daemon = await connected();
        server.order({ do: 'answer', when: 'at once' });
        const by = await lossyBy(house);
        await daemon.press(LASTS_MS);
        await becomes('the turn is over', () => daemon.count('turn idle') === 1, ANSWERED_WITHIN_MS);
        assert.equal((await daemon.logged('turn idle')).why, 'answered');
        // One that died with its answer on the way is not the one that was heard.
        const { session = -1 } = server.all('text').findLast(({ what }) => what === 'listen stop') ?? {};
        const whole = server.takes(session).at(-1) ?? [];
        isWhole(whole, LASTS_MS);
        for (let earlier = 0; earlier <= session; earlier += 1)
          for (const part of server.takes(earlier))
            assert.deepEqual(whole.slice(0, part.length), part, `what session ${earlier} has heard of it`);
        await lift(house, by);
      },
      // One for each time that one utterance may be sent (relink.ts).
      { ghosts: 6 },
    ),
  );
});
