// `doctor --loopback`: a sentence of tone to a server of our own and back, over the loopback interface: codec, socket and
// protocol without microphone, speaker or network.
import { clock } from '../adapters/linux/clock.ts';
import { tonePcm } from '../audio/tone.ts';
import { XiaozhiClient } from '../client.ts';
import type { Diagnosis } from '../doctor/check.ts';
import { fail, ok } from '../doctor/check.ts';
import { startServer } from '../server/parrot.ts';
import { chooseCodec } from './codec.ts';
import { SILENT_LOG } from './silent-log.ts';

const RATE_HZ = 16_000;
/** What `Encoder` in src/ports.ts takes. */
const PACKET_BYTES = 1_920;
const TONE = { hz: 440, ms: 1_200 };
/** Locally administered, and of no box: servers of this kind want both. */
const NOBODY = { deviceId: '02:00:00:00:00:00', clientId: '00000000-0000-4000-8000-000000000000' };
/** The server plays it back as slowly as it was said, after making sure that it is over. */
const DEADLINE_MS = 8_000;
/** Of 20 packets; the codec may keep one back at either end. */
const LEAST_PACKETS = 10;

export async function loopback(): Promise<Diagnosis> {
  const codec = await chooseCodec('auto', SILENT_LOG);
  const server = await startServer({ host: '127.0.0.1', port: 0, codec, clock, log: SILENT_LOG });
  const client = new XiaozhiClient({ url: server.url, ...NOBODY });
  const startedAt = clock.now();
  const fault = await spoken(client, codec.encoder({ bitrateBps: 24_000, complexity: 0 }));
  await client.disconnect();
  await server.stop();
  const verdict =
    fault === undefined
      ? ok(`said and heard again in ${Math.round(clock.now() - startedAt)} ms, with ${codec.name}`)
      : fail(fault, 'xiaozhi-agent bugreport');
  return { area: 'loopback', id: 'loopback.parrot', title: 'conversation with ourselves', ...verdict };
}

type Encoder = ReturnType<Awaited<ReturnType<typeof chooseCodec>>['encoder']>;

/** What went wrong, if anything. */
function spoken(client: XiaozhiClient, encoder: Encoder): Promise<string | undefined> {
  return new Promise((resolve) => {
    let heard = 0;
    const cancel = clock.after(DEADLINE_MS, () => resolve(`only ${heard} packets came back`));
    const settle = (fault?: string) => {
      cancel();
      resolve(fault);
    };
    client.on('error', ({ message }) => settle(message));
    client.on('audio', () => {
      heard += 1;
      if (heard >= LEAST_PACKETS) settle();
    });
    void client.connect().then((isConnected) => {
      if (!isConnected) return settle('no connection to ourselves');
      client.send({ type: 'listen', state: 'start', mode: 'manual' });
      const pcm = tonePcm(TONE.hz, TONE.ms, RATE_HZ);
      for (let at = 0; at + PACKET_BYTES <= pcm.length; at += PACKET_BYTES)
        client.sendAudio(encoder.encode(pcm.subarray(at, at + PACKET_BYTES)));
      client.send({ type: 'listen', state: 'stop' });
    });
  });
}
