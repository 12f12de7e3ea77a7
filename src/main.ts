#!/usr/bin/env node
// The process: which command, and how it ends. What there is to choose from is in commands/table.ts.
import { earlySignals } from './commands/early-signals.ts';
import { EXIT, Stop } from './commands/exit.ts';
import { usageOf, usageOfAll } from './commands/help.ts';
import { COMMANDS } from './commands/table.ts';

type Command = (args: string[]) => void | Promise<void>;

/** Loaded when they are asked for, so that `press` is quick. */
const LOADS: Readonly<Record<string, () => Promise<Command>>> = {
  async run() {
    const early = earlySignals();
    const { run } = await import('./commands/run.ts');
    return (args) => run(args, early);
  },
  press: async () => (await import('./commands/ask.ts')).press,
  stop: async () => (await import('./commands/ask.ts')).stop,
  status: async () => (await import('./commands/ask.ts')).status,
  why: async () => (await import('./commands/why.ts')).why,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  logs: async () => (await import('./commands/logs.ts')).logs,
  log: async () => (await import('./commands/log-level.ts')).logLevel,
  monitor: async () => (await import('./commands/monitor.ts')).monitor,
  bugreport: async () => (await import('./commands/bugreport.ts')).bugreport,
  volume: async () => (await import('./commands/volume.ts')).volume,
  mute: async () => (await import('./commands/ask.ts')).mute,
  activate: async () => (await import('./commands/activate.ts')).activate,
  reconnect: async () => (await import('./commands/ask.ts')).reconnect,
  audio: async () => (await import('./commands/audio.ts')).audio,
  button: async () => (await import('./commands/button.ts')).button,
  config: async () => (await import('./commands/config.ts')).config,
  setup: async () => (await import('./commands/setup.ts')).setup,
  serve: async () => (await import('./commands/serve.ts')).serve,
  demo: async () => (await import('./commands/demo.ts')).demo,
  completion: async () => (await import('./commands/completion.ts')).completion,
  version: async () => (await import('./commands/version.ts')).version,
};

const asksForHelp = (word: string) => word === '--help' || word === '-h';

async function main([word, ...args]: string[]): Promise<void> {
  if (word === undefined) throw new Stop(EXIT.usage, usageOfAll().trimEnd());
  if (word === 'help' && args[0] !== undefined) return main([args[0], '--help']);
  if (word === 'help' || asksForHelp(word)) {
    process.stdout.write(usageOfAll());
    return;
  }
  const name = word === '--version' || word === '-V' ? 'version' : word;
  const row = COMMANDS.find((one) => one.name === name);
  const load = Object.hasOwn(LOADS, name) ? LOADS[name] : undefined;
  if (row === undefined || load === undefined)
    throw new Stop(
      EXIT.usage,
      `there is no command "${name}"; there are: ${COMMANDS.map((one) => one.name).join(', ')}`,
    );
  // `audio` has a page of its own.
  if (args.some(asksForHelp) && name !== 'audio') {
    process.stdout.write(usageOf(row));
    return;
  }
  const command = await load();
  await command(args);
}

// Whoever reads the output may stop reading: `config show | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
});

main(process.argv.slice(2)).catch((error: unknown) => {
  const code = (error as { code?: unknown }).code;
  const usage = typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof Stop) && !usage) throw error;
  process.stderr.write(`xiaozhi-agent: ${(error as Error).message}\n`);
  process.exit(error instanceof Stop ? error.code : EXIT.usage);
});
