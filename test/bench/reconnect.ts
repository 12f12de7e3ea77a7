// Every figure of the reconnect table (reconnect.md §4) that needs no change of the machine's network: many agents of this
// process first, for they share its processor with whatever else is measured; then real daemons; then the dialler alone.
import type { Figure } from './figure.ts';
import { handshakeFigures } from './handshake.ts';
import type { Bench, Lab } from './lab.ts';
import { lossFigures } from './losses.ts';
import { halfOpenFigures, pressedFigures, refusedFigures } from './outages.ts';

export const reconnectBench: Bench = {
  name: 'reconnect',
  about: 'losses of every kind -> noticed, new hello (3 minutes)',
  async measure(lab) {
    // They wait most of the time, so they do it together; but a press is not measured in a storm of 600 agents.
    const [idle, others] = await Promise.all([halfOpenFigures(lab), pressedThenRefused(lab)]);
    const losses = await lossFigures(lab);
    return [...losses, ...idle, ...others, ...(await handshakeFigures(lab))];
  },
};

async function pressedThenRefused(lab: Lab): Promise<readonly Figure[]> {
  const pressed = await pressedFigures(lab);
  return [...pressed, ...(await refusedFigures(lab))];
}
