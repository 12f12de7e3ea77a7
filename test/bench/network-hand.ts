// An `ip` that is already running in a network namespace, so that a change made through it is made at once: within a
// fraction of a millisecond, where starting a program takes five. Knows nothing of the network.
import type { ChildProcess } from 'node:child_process';
import type { Namespaces } from '../helpers/netns.ts';
import { sharedNowMs } from './network-wire.ts';

export class Hand {
  readonly #ip: ChildProcess;
  #complaint = '';

  constructor(net: Namespaces, ns: string) {
    // It ends at the first line that it cannot carry out.
    this.#ip = net.spawn(ns, ['ip', '-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    this.#ip.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint += chunk.toString('utf8');
    });
    // A pipe that breaks says what its complaint says better.
    this.#ip.stdin?.on('error', () => undefined);
  }

  /** In one go; returns the moment before, so that nothing measured from it looks shorter than it is. */
  change(...lines: readonly string[]): number {
    if (this.trouble !== undefined) throw new Error(this.trouble);
    const atMs = sharedNowMs();
    this.#ip.stdin?.write(`${lines.join('\n')}\n`);
    return atMs;
  }

  get trouble(): string | undefined {
    const { exitCode, signalCode } = this.#ip;
    if (this.#complaint === '' && exitCode === null && signalCode === null) return undefined;
    return `ip cannot do that: ${this.#complaint.trim() || `it ended (${exitCode ?? signalCode})`}`;
  }
}
