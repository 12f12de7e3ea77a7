// How many bytes a TCP connection has accepted that the other machine has not confirmed yet: what waits in this process, and
// what the kernel says of its own queue, which may hold a minute of speech. Knows nothing of what the bytes are.
import { readFileSync } from 'node:fs';
import { isIPv6, type Socket } from 'node:net';
import type { Clock } from '../../ports.ts';

/** `waiting`: bytes that are still in this process. */
type Source = { readonly socket: Socket; readonly waiting: () => number };

export class SendQueue {
  readonly #source: Source;
  readonly #clock: Clock;
  readonly #read: (path: string) => string;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** At the last look. */
  #confirmed = 0;

  constructor(parts: Source & { clock: Clock; read?: (path: string) => string }) {
    this.#source = parts;
    this.#clock = parts.clock;
    this.#read = parts.read ?? ((path) => readFileSync(path, 'latin1'));
  }

  /** See `Socket` in the ports. The kernel goes through all its connections for it: 0.1 ms on a small board, 4 ms on a big one. */
  underWayBytes(maxAgeMs: number): number {
    const { socket, waiting } = this.#source;
    const sent = socket.bytesWritten;
    const now = this.#clock.now();
    if (now - this.#lookedAt >= maxAgeMs) {
      this.#lookedAt = now;
      this.#confirmed = sent - waiting() - this.#inKernel(socket);
    }
    return Math.max(0, sent - this.#confirmed);
  }

  /** proc(5), /proc/net/tcp: addresses as the machine's words in hexadecimal, then the state, then tx_queue:rx_queue. */
  #inKernel({ localPort, remotePort, remoteAddress }: Socket): number {
    if (localPort === undefined || remotePort === undefined || remoteAddress === undefined) return 0;
    const remote = `${wordsOf(remoteAddress)}:${hex(remotePort)}`;
    try {
      const table = this.#read(isIPv6(remoteAddress) ? '/proc/self/net/tcp6' : '/proc/self/net/tcp');
      for (const line of table.split('\n')) {
        if (!line.includes(remote)) continue;
        // On a connection within one machine the other end has a row too, with the same words the other way round.
        const [, from = '', to, , queues = ''] = line.trim().split(/\s+/);
        if (to === remote && from.endsWith(`:${hex(localPort)}`)) return Number.parseInt(queues, 16);
      }
    } catch {
      // Not to be read here: then what is in this process is all that is known.
    }
    return 0;
  }
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** In groups of four bytes, each the other way round, for every machine this runs on is little-endian. */
function wordsOf(address: string): string {
  const bytes = isIPv6(address) ? bytesOfIPv6(address) : address.split('.').map(Number);
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4)
    words.push(
      bytes
        .slice(at, at + 4)
        .reverse()
        .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
        .join(''),
    );
  return words.join('');
}

function bytesOfIPv6(address: string): readonly number[] {
  const [bare = ''] = address.split('%');
  // The URL parser writes every form of it in one, and an embedded IPv4 address as two groups.
  const { hostname } = new URL(`http://[${bare}]/`);
  const [head = '', tail = ''] = hostname.slice(1, -1).split('::');
  const groups = (half: string) => (half === '' ? [] : half.split(':'));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}
