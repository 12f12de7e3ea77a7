// A network that carries less than is said: fewer bits a second first, then the utterance waits; nothing of it is lost, the
// kernel's queue stays short, and the connection is not taken for dead. Real speech through a virtual microphone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { startTestCard, type TestCard } from '../helpers/card.ts';
import { namespaces, needsNamespaces, toSkipFor } from '../helpers/netns.ts';
import { utterance } from '../helpers/same-sound.ts';
import { answer, becomes, inHouse, isWhole, lasting } from './house.ts';

const LASTS_MS = 10_000;
/** Half of what speech of 24 kbit/s takes, and a third more than speech of 8 kbit/s does; a router that hoards 20 s of it. */
const SLOW = 'tbf rate 12kbit burst 1600 limit 30000';
/** A second of speech, and what an assumed round trip holds (connections.ts); the kernel counts its own headers. */
const QUEUE_BYTES = 12_000;
/** Before the first word and after the last. */
const SILENT_PACKETS = 20;
const ARRIVES_WITHIN_MS = 60_000;

async function speak(card: TestCard): Promise<void> {
  const format = ['-t', 'raw', '-f', 'S16_LE', '-r', '16000', '-c', '1'];
  const child = spawn('aplay', ['-q', '-D', card.speakInto, ...format, '-'], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: card.childEnvironment,
  });
  child.stdin.end(utterance(LASTS_MS - 1_000));
  await once(child, 'close');
}

/** Why a cable cannot be made slow here; false when it can. */
async function cannot(): Promise<string | false> {
  if (needsNamespaces().skip !== false) return 'no namespaces';
  const net = await namespaces(1);
  const [box = ''] = net.names;
  try {
    await net.run(box, `tc qdisc add dev lo root ${SLOW}`.split(' '));
    return false;
  } catch (error) {
    const trouble = `this kernel cannot make an interface slow: ${error instanceof Error ? error.message : String(error)}`;
    return toSkipFor(trouble, 'load sch_tbf');
  } finally {
    await net.remove();
  }
}

describe('a network of 12 kbit/s', { skip: await cannot() }, () => {
  it(
    'gets speech in fewer bits, late and whole, on the connection that there was',
    inHouse(async (house) => {
      const { connected, server, net, box } = house;
      const card = await startTestCard();
      try {
        const daemon = await connected(
          { 'audio.input.device': card.microphone },
          undefined,
          card.childEnvironment,
        );
        await daemon.status();
        await net.run(box, `tc qdisc add dev eth0 root ${SLOW}`.split(' '));
        await daemon.press(LASTS_MS);
        const rates: number[] = [];
        const queues: number[] = [];
        let isOver = false;
        const over = (async () => {
          await speak(card);
          await becomes(
            'all of it has come',
            () => server.all('text').some(({ what }) => what === 'listen stop'),
            ARRIVES_WITHIN_MS,
          );
          isOver = true;
        })();
        while (!isOver) {
          rates.push((await daemon.status()).audio.input.bit_rate_bps);
          const [row = ''] = (await net.run(box, ['ss', '-Htn', 'dport', '=', `:${server.port}`])).split(
            '\n',
          );
          queues.push(Number(row.trim().split(/\s+/)[2] ?? 0));
          await lasting(200);
        }
        await over;
        assert.equal(Math.min(...rates), 8_000, rates.join(' '));
        assert.ok(Math.max(...queues) < QUEUE_BYTES, queues.join(' '));
        isWhole(server.packets(0), LASTS_MS);
        const packets = server.packets(0);
        // In speech no two packets are alike.
        const twice = packets.flatMap((print, at) => (print === packets[at - 1] ? [at] : []));
        assert.deepEqual(
          twice.filter((at) => at > SILENT_PACKETS && at < packets.length - SILENT_PACKETS),
          [],
          'none twice',
        );
        assert.equal(daemon.count('link lost'), 0);
        assert.equal(server.all('opened').length, 1);
        await net.run(box, 'tc qdisc del dev eth0 root'.split(' '));
        await answer(server, daemon, 0);
        // With room again, the next utterance climbs back.
        assert.equal((await daemon.status()).audio.input.bit_rate_bps, 8_000);
        await daemon.press(LASTS_MS);
        await becomes(
          'more bits again',
          async () => (await daemon.status()).audio.input.bit_rate_bps >= 10_000,
        );
        const stops = () => server.all('text').filter(({ what }) => what === 'listen stop').length;
        await becomes('the end of the next utterance', () => stops() === 2);
        await answer(server, daemon, 0);
      } finally {
        await card.stop();
      }
    }),
  );
});
