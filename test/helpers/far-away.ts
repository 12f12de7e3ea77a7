// A server that is far away: a relay on loopback through which everything takes its time, both ways. Knows nothing of what
// the bytes are.
import { connect, createServer, type Socket } from 'node:net';

export type FarAway = { readonly url: string; stop(): Promise<void> };

/** @param url of the server as it is; @param oneWayMs half of the round trip */
export async function farAway(url: string, oneWayMs: number): Promise<FarAway> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('data', (bytes) => later(() => to.write(bytes)));
      from.on('end', () => later(() => to.end()));
      from.on('close', () => {
        open.delete(from);
        later(() => to.destroy());
      });
    }
  });
  const later = (deed: () => void) => setTimeout(deed, oneWayMs).unref();
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const address = relay.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  const own = new URL(url);
  own.port = String(address.port);
  return {
    url: own.href,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        relay.close(() => resolve());
      }),
  };
}
