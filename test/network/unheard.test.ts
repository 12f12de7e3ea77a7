// Somebody talks while there is no network: they are answered at once, what they say is kept, and it goes to the server
// if the network is back in time. A real daemon whose cable is out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needsNamespaces } from '../helpers/netns.ts';
import type { BoxedDaemon } from './boxed-daemon.ts';
import { AT, becomes, type House, inHouse, lasting, PATIENT, wholeWord } from './house.ts';

const WORD_MS = 2_000;

async function unplugged(house: House, settings = {}): Promise<BoxedDaemon> {
  const { ip, box, connected } = house;
  const daemon = await connected({ ...PATIENT, ...settings });
  await ip(box, `address flush dev eth0`);
  await daemon.logged('link lost');
  await becomes(
    'known to be without a network',
    async () => (await daemon.status()).network.usable === false,
  );
  return daemon;
}

async function plugIn({ ip, box }: House): Promise<void> {
  await ip(box, `address add ${AT.cable.box}/24 dev eth0`);
  await ip(box, `route add default via ${AT.cable.router} metric 100`);
}

describe('a press without a network', { ...needsNamespaces(), concurrency: 2 }, () => {
  it(
    'is answered at once, and what is said is sent whole when the network is back',
    inHouse(
      async (house) => {
        const daemon = await unplugged(house);
        const before = daemon.lines.length;
        await daemon.press(WORD_MS);
        // The control socket answers when everything that the press had asked for is under way.
        const cues = daemon.lines.slice(before).filter(({ msg }) => msg === 'cue');
        assert.deepEqual(
          cues.map(({ cue }) => cue),
          ['offline'],
        );
        await lasting(WORD_MS + 500);
        assert.equal((await daemon.status()).turn.phase, 'recording');
        await plugIn(house);
        await wholeWord(house.server, daemon, 1, WORD_MS);
        const complaints = ['offline', 'lost', 'error', 'no-answer'];
        const later = daemon.lines.filter(
          ({ msg, cue }) => msg === 'cue' && complaints.includes(String(cue)),
        );
        assert.equal(later.length, 1, 'told once');
      },
      { ghosts: 1 },
    ),
  );

  it(
    'is given up when the network is not back in time: a cue, and how much was said in the log',
    inHouse(
      async (house) => {
        const daemon = await unplugged(house, { 'turn.offline_hold_ms': '3000' });
        await daemon.press(1_000);
        const { why } = await daemon.logged('turn idle');
        assert.match(String(why), /no connection in time/);
        const dropped = daemon.lines.find(({ msg }) => msg === 'speech that could not be sent is let go');
        assert.ok(Math.abs(Number(dropped?.speechMs) - 1_000) <= 120, JSON.stringify(dropped));
        assert.equal(
          daemon.count('cue', ({ cue }) => cue === 'lost'),
          1,
        );
        await plugIn(house);
        await house.greeted();
        await daemon.logged('link ready');
        assert.equal(house.server.packets(1).length, 0, 'what was given up is not sent');
      },
      { ghosts: 1 },
    ),
  );
});
