// `xiaozhi-agent log`: how much the running agent says, shown and changed.
import { parseArgs } from 'node:util';
import { ask } from './ask.ts';
import { isLevel, LEVELS } from './control-log.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions } from './places.ts';

export async function logLevel(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: placeOptions, allowPositionals: true });
  const [level, component, ...more] = positionals;
  if (more.length > 0 || (level !== undefined && !isLevel(level)))
    throw new Stop(EXIT.usage, `log takes one of ${LEVELS.join(', ')}, and perhaps the name of a component`);
  const { levels } = await ask(values, {
    command: 'log',
    ...(level === undefined ? {} : { level }),
    ...(component === undefined ? {} : { component }),
  });
  for (const [name, least] of Object.entries(levels as Record<string, string>))
    process.stdout.write(`${name.padEnd(11)} ${least}\n`);
}
