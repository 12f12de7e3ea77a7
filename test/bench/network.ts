// What the network watch is worth: the real daemon in network namespaces whose cables, addresses and routes come and go,
// with the kernel's word for it, with polling, and with neither. Needs root.
import { rmSync } from 'node:fs';
import type { Figure } from './figure.ts';
import type { Bench, Lab } from './lab.ts';

/** Of whoever runs the bench; it would be the daemons' too. */
const SETTINGS = 'XIAOZHI_';

export const networkBench: Bench = {
  name: 'network',
  about: 'changes of the network -> reaction, with and without the watch (9 minutes, needs root)',
  measure,
};

async function measure(lab: Lab): Promise<readonly Figure[]> {
  if (process.getuid?.() !== 0)
    throw new Error('the bench `network` makes network namespaces: it needs root and iproute2');
  for (const name of Object.keys(process.env)) if (name.startsWith(SETTINGS)) delete process.env[name];
  // At a signal the namespaces end this process themselves (netns.ts), once nothing runs in them any more: before the
  // laboratory gets round to it. So they are not to be loaded for any other bench's sake.
  process.once('exit', () => rmSync(lab.directory, { recursive: true, force: true }));
  const { heardFromKernel, withoutKernel } = await import('./network-acts.ts');
  const { networkFigures } = await import('./network-figures.ts');
  const auto = await heardFromKernel(lab);
  const { poll, off } = await withoutKernel(lab);
  return networkFigures({ auto, poll, off });
}
