// What is under way on a real connection, and how the kernel's table is read.
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { SendQueue } from '../../../src/adapters/linux/send-queue.ts';
import { realClock, until } from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';

async function pair(host: string): Promise<{ ours: Socket; theirs: Socket; end(): void }> {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  const ours = connect(address.port, host);
  const theirs = await accepted;
  for (const socket of [ours, theirs]) socket.on('error', () => undefined);
  const end = () => {
    ours.destroy();
    theirs.destroy();
    server.close();
  };
  return { ours, theirs, end };
}

describe('what is under way', () => {
  for (const host of ['127.0.0.1', '::1'])
    it(`on a connection to ${host} is what the other side does not take, wherever it waits`, async () => {
      const { ours, theirs, end } = await pair(host);
      try {
        theirs.pause();
        const queue = new SendQueue({ socket: ours, clock: realClock, waiting: () => ours.writableLength });
        assert.equal(queue.underWayBytes(0), 0);
        const inKernelAlone = () => ours.writableLength === 0 && queue.underWayBytes(0) > 0;
        const filled = () => inKernelAlone() || (ours.write(new Uint8Array(16 * 1024)) && false);
        await until(filled, 'a queue in the kernel');
        const inKernel = queue.underWayBytes(0);
        while (ours.writableLength === 0) ours.write(new Uint8Array(1024 * 1024));
        await until(() => queue.underWayBytes(0) > inKernel, 'a queue in this process too');
        theirs.resume();
        await until(() => queue.underWayBytes(0) === 0, 'all of it has arrived');
      } finally {
        end();
      }
    });

  it('is known from this process alone where the kernel’s table cannot be read', async () => {
    const { ours, end } = await pair('127.0.0.1');
    try {
      const queue = new SendQueue({
        socket: ours,
        clock: realClock,
        waiting: () => 1_234,
        read: () => {
          throw new Error('EACCES');
        },
      });
      assert.equal(queue.underWayBytes(0), 1_234 - ours.bytesWritten);
    } finally {
      end();
    }
  });

  it('is read from the row of this very connection, no more often than asked for', () => {
    const clock = handClock();
    const reads: string[] = [];
    const socket = (remoteAddress: string) =>
      ({ bytesWritten: 5_000, localPort: 0x81b0, remotePort: 443, remoteAddress }) as Socket;
    const row = (local: string, remote: string, queued: string) =>
      `   1: ${local} ${remote} 01 ${queued}:00000007 01:00000019 00000000  1000        0 21 2 0000000000000000`;
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      row('0A00000A:81B0', '0B00000A:01BB', '00000FFF'),
      // The other end of the one that is looked for.
      row('0C00000A:01BB', '0A00000A:81B0', '00000FFF'),
      row('0C00000A:01BB', '0C00000A:01BB', '00000FFF'),
      row('0A00000A:81B0', '0C00000A:01BB', '000003E8'),
      row('B80D0120000000000000000001000000:81B0', 'B80D0120000000000000000002000000:01BB', '00000064'),
      row('000080FE000000000000000001000000:81B0', '000080FE000000000000000002000000:01BB', '00000032'),
    ].join('\n');
    const queueTo = (address: string) =>
      new SendQueue({
        socket: socket(address),
        clock,
        waiting: () => 0,
        read(path) {
          reads.push(path);
          return table;
        },
      });
    const queue = queueTo('10.0.0.12');
    assert.deepEqual([queue.underWayBytes(100), queue.underWayBytes(100)], [1_000, 1_000]);
    assert.deepEqual(reads, ['/proc/self/net/tcp']);
    clock.advance(100);
    assert.equal(queue.underWayBytes(100), 1_000);
    assert.equal(reads.length, 2);
    assert.equal(queueTo('2001:db8::2').underWayBytes(100), 100);
    assert.equal(reads.at(-1), '/proc/self/net/tcp6');
    assert.equal(queueTo('fe80::2%wlan0').underWayBytes(100), 50, 'a neighbour, by its zone');
    assert.equal(queueTo('10.0.0.13').underWayBytes(100), 0);
  });
});
