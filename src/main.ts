#!/usr/bin/env node
// The process: which command, and how it ends. Commands are loaded when they are asked for, so that `press` is quick.
import { EXIT, Stop } from './commands/exit.ts';

const USAGE = `xiaozhi-agent: a voice box's agent: button, microphone, speaker and a xiaozhi server

usage: xiaozhi-agent COMMAND [options]

  run                 the agent itself, until SIGTERM (on a terminal the space bar is the button)
      --set KEY=VALUE   a configuration key, such as --set log.level=debug; may be given again
  press [--hold MS]   press the button of the running agent: a click, or held for MS milliseconds
  stop                end the conversation that is going on
  volume [N|+N|-N]    how loud speech is, 0 to 100; to N, or by so much
  audio list|meter|tone
                      the cards there are; the microphone's level; a tone from the speaker (audio --help)
  mute on|off|toggle  shut the microphone, or open it again
  button test [--seconds N]
                      show what the button does, and the gestures that makes (20 s)
  status [--json]     what it is doing, and how its connection fares
  why [--json] [N]    the last N outages (3): what ended the connection, what was tried, what brought it back
  reconnect           connect now, whatever the waits and limits say
  config check|show   what is wrong with the configuration; every value and where it comes from
  setup KIT... [--apply] | --undo
                      what a sound kit needs in /boot/firmware/config.txt: shown, then made, or taken out again
  serve [--host H] [--port N] [--token-file F] [--verbose]
                      a small local server that plays back what it hears
  demo [--json]       a conversation over a virtual sound card, measured
  version             the version

  --config FILE  --state-dir DIR  --runtime-dir DIR   instead of the places of an installed box

exit codes: 0 ok, 1 failed or not connected, 2 wrong usage, 3 not running, 4 no permission,
            78 nothing sensible can run
`;

type Command = (args: string[]) => void | Promise<void>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./commands/run.ts')).run,
  press: async () => (await import('./commands/ask.ts')).press,
  stop: async () => (await import('./commands/ask.ts')).stop,
  volume: async () => (await import('./commands/volume.ts')).volume,
  audio: async () => (await import('./commands/audio.ts')).audio,
  mute: async () => (await import('./commands/ask.ts')).mute,
  button: async () => (await import('./commands/button.ts')).button,
  status: async () => (await import('./commands/ask.ts')).status,
  why: async () => (await import('./commands/why.ts')).why,
  reconnect: async () => (await import('./commands/ask.ts')).reconnect,
  config: async () => (await import('./commands/config.ts')).config,
  setup: async () => (await import('./commands/setup.ts')).setup,
  serve: async () => (await import('./commands/serve.ts')).serve,
  demo: async () => (await import('./commands/demo.ts')).demo,
  version: async () => (await import('./commands/version.ts')).version,
};

async function main([name, ...args]: string[]): Promise<void> {
  if (name === undefined) throw new Stop(EXIT.usage, USAGE.trimEnd());
  const isHelp = name === 'help' || name === '--help' || name === '-h';
  // `audio` has a page of its own.
  if (isHelp || (args.includes('--help') && name !== 'audio')) {
    process.stdout.write(USAGE);
    return;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined)
    throw new Stop(
      EXIT.usage,
      `there is no command "${name}"; there are: ${Object.keys(COMMANDS).join(', ')}`,
    );
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
