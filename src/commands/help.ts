// The help pages, made of the table of commands.
import { COMMANDS, type CommandRow } from './table.ts';

/** What is longer has its explanation on the next line. */
const COLUMN = 20;

const PLACES_HELP =
  '  --config FILE  --state-dir DIR  --runtime-dir DIR   instead of the places of an installed box';

export function usageOfAll(): string {
  return `xiaozhi-agent: a voice box's agent: button, microphone, speaker and a xiaozhi server

usage: xiaozhi-agent COMMAND [options]

${COMMANDS.map(rowLines).join('\n')}

${PLACES_HELP}

xiaozhi-agent COMMAND --help (or -h) shows examples.

exit codes: 0 ok, 1 failed or not connected, 2 wrong usage, 3 not running, 4 no permission,
            78 nothing sensible can run
`;
}

export function usageOf({ name, usage, does, examples }: CommandRow): string {
  const shown = examples.map((example) =>
    example.startsWith('sudo ')
      ? `sudo xiaozhi-agent ${example.slice('sudo '.length)}`
      : `xiaozhi-agent ${example}`,
  );
  return `usage: ${called(`xiaozhi-agent ${name}`, usage)}

  ${does}

examples: ${shown.join('\n          ')}

${PLACES_HELP}
`;
}

function rowLines({ name, usage, does }: CommandRow): string {
  const call = called(name, usage);
  return call.length < COLUMN
    ? `  ${call.padEnd(COLUMN)}${does}`
    : `  ${call}\n  ${' '.repeat(COLUMN)}${does}`;
}

const called = (name: string, usage: string) => `${name} ${usage}`.trim();
