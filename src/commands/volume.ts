// `volume`: how loud speech is, asked of the running daemon, which remembers it.
import { parseArgs } from 'node:util';
import { ask } from './ask.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions } from './places.ts';

export async function volume(args: string[]): Promise<void> {
  // `-5` is a change here and no option.
  const changes = args.filter((arg) => /^[+-]?\d+$/.test(arg));
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => !changes.includes(arg)),
    options: placeOptions,
    allowPositionals: true,
  });
  const [wrong] = positionals;
  const [change] = changes;
  if (wrong !== undefined || changes.length > 1)
    throw new Stop(
      EXIT.usage,
      `volume takes one number: 40, +5 or -5, not "${[...changes, ...positionals].join(' ')}"`,
    );
  const number = Number(change);
  if (Math.abs(number) > 100) throw new Stop(EXIT.usage, `the volume goes from 0 to 100, not to "${change}"`);
  const asked = change === undefined ? {} : /^\d/.test(change) ? { to: number } : { by: number };
  const answer = await ask(values, { command: 'volume', ...asked });
  process.stdout.write(`${String(answer.volume)}\n`);
}
