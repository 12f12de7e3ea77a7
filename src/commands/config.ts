// `config check` and `config show`: what the daemon would read, and everything that is wrong with it.
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import { valueAt } from '../config/schema.ts';
import { EXIT, Stop } from './exit.ts';
import { placeOptions, placesFrom } from './places.ts';

export function config(args: string[]): void {
  const { values, positionals } = parseArgs({ args, options: placeOptions, allowPositionals: true });
  const places = placesFrom(values, process.env);
  const loaded = loadConfig({
    configFile: places.configFile,
    mustExist: places.configMustExist,
    environment: process.env,
  });
  switch (positionals[0]) {
    case 'check':
      for (const problem of loaded.problems) process.stdout.write(`${describeProblem(problem)}\n`);
      if (loaded.problems.length > 0) {
        process.exitCode = EXIT.failed;
        return;
      }
      process.stdout.write(`${loaded.files.join(', ') || 'no file, only defaults'}: nothing wrong\n`);
      return;
    case 'show':
      for (const [key, origin] of Object.entries(loaded.origins))
        process.stdout.write(`${key} = ${JSON.stringify(valueAt(loaded.config, key))}  # ${origin}\n`);
      return;
    default:
      throw new Stop(EXIT.usage, 'config takes one of: check, show');
  }
}
