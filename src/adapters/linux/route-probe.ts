// The kernel's own answer to "from which address would a packet to the server leave now?": a UDP socket is connected,
// which sends nothing, and asked for its address. Knows no interface, no route and no policy.

import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';

/** The discard service (RFC 863). Any port does: nothing is sent. */
const PORT = 9;
/** What says that this process is short of something, not that there is no way to the server. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** `destination` is an IP address, or null while none is known. */
export function chosenSource(destination: string | null): Promise<string> {
  const family = destination === null ? 0 : isIP(destination);
  if (destination === null || family === 0) return Promise.resolve('unknown');
  return new Promise((resolve) => {
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
    const answer = (source: string) => {
      socket.removeAllListeners();
      socket.close();
      resolve(source);
    };
    socket.once('error', (error) => {
      const short = 'code' in error && typeof error.code === 'string' && SHORTAGES.has(error.code);
      answer(short ? 'unknown' : 'unreachable');
    });
    // Node names the zone of a link-local address; the port's addresses go without.
    socket.once('connect', () => answer(socket.address().address.replace(/%.*$/, '')));
    socket.connect(PORT, destination);
  });
}
