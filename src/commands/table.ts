// Every command as data: how it is called, what it does, examples. The help pages and the completion of the shell are made
// of it.

export type CommandRow = {
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  readonly does: string;
  /** Beside those that name the places. */
  readonly options?: readonly string[];
  /** What may stand first after the name. */
  readonly words?: readonly string[];
  readonly examples: readonly string[];
};

/** What `doctor` looks at, in the order in which it does. */
export const AREAS = [
  'system',
  'service',
  'config',
  'state',
  'clock',
  'network',
  'server',
  'microphone',
  'speaker',
  'button',
  'light',
] as const;
export type Area = (typeof AREAS)[number];

/** The options that every command takes which looks for the agent. */
export const PLACES = ['--config', '--state-dir', '--runtime-dir'];

export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'run',
    usage: '[--set KEY=VALUE]...',
    does: 'the agent itself, until SIGTERM (on a terminal the space bar is the button)',
    options: ['--set'],
    examples: ['run', 'run --set log.level=debug --set audio.input.device=null'],
  },
  {
    name: 'press',
    usage: '[--hold MS]',
    does: 'press the button of the running agent: a click, or held for MS milliseconds',
    options: ['--hold'],
    examples: ['press', 'press --hold 3000'],
  },
  {
    name: 'stop',
    usage: '',
    does: 'end the conversation that is going on',
    examples: ['stop'],
  },
  {
    name: 'status',
    usage: '[--json]',
    does: 'what it is doing, how its connection fares, and the one thing to do next',
    options: ['--json'],
    examples: ['status', 'status --json'],
  },
  {
    name: 'why',
    usage: '[--json] [N]',
    does: 'the last N outages (3): what ended the connection, what was tried, what brought it back',
    options: ['--json'],
    examples: ['why', 'why 10'],
  },
  {
    name: 'doctor',
    usage: '[AREA]... [--json] [--fix [--yes]] [--loopback]',
    does: 'look at everything that may be wrong, and say what mends it',
    options: ['--json', '--fix', '--yes', '--loopback'],
    words: AREAS,
    examples: [
      'doctor',
      'doctor microphone speaker',
      'doctor --json',
      'sudo doctor --fix',
      'doctor --loopback',
    ],
  },
  {
    name: 'logs',
    usage: '[-f] [-n LINES] [--since TIME] [--level LEVEL]',
    does: 'the log of the service, from the journal; without one, what the last run has left behind',
    options: ['-f', '--follow', '-n', '--lines', '--since', '--level'],
    examples: ['logs', 'logs -f', 'logs --since "10 min ago" --level warn'],
  },
  {
    name: 'log',
    usage: '[LEVEL [COMPONENT]]',
    does: 'how much the running agent logs: debug, info, warn or error, for all of it or one part',
    words: ['debug', 'info', 'warn', 'error'],
    examples: ['log', 'log debug link', 'log info'],
  },
  {
    name: 'monitor',
    usage: '[--json] [--seconds N]',
    does: 'what goes on, as it happens: state, connection, level of the microphone',
    options: ['--json', '--seconds'],
    examples: ['monitor', 'monitor --seconds 60', 'monitor --json'],
  },
  {
    name: 'bugreport',
    usage: '[--out FILE]',
    does: 'one text file with all that somebody who helps wants to know, secrets left out',
    options: ['--out'],
    examples: ['bugreport', 'sudo bugreport --out /tmp/report.txt'],
  },
  {
    name: 'volume',
    usage: '[N|+N|-N]',
    does: 'how loud speech is, 0 to 100; to N, or by so much',
    examples: ['volume', 'volume 60', 'volume +5'],
  },
  {
    name: 'mute',
    usage: 'on|off|toggle',
    does: 'shut the microphone, or open it again',
    words: ['on', 'off', 'toggle'],
    examples: ['mute on', 'mute toggle'],
  },
  {
    name: 'activate',
    usage: '',
    does: 'show the activation code, and wait until it was entered',
    examples: ['activate'],
  },
  {
    name: 'reconnect',
    usage: '',
    does: 'connect now, whatever the waits and limits say',
    examples: ['reconnect'],
  },
  {
    name: 'audio',
    usage: 'list|meter|tone',
    does: "the cards there are; the microphone's level; a tone from the speaker (audio --help)",
    options: ['--all', '--json', '--seconds', '--hz', '--ms', '--device'],
    words: ['list', 'meter', 'tone'],
    examples: ['audio list', 'audio meter --seconds 30'],
  },
  {
    name: 'button',
    usage: 'test [--seconds N]',
    does: 'show what the button does, and the gestures that makes (20 s)',
    options: ['--seconds'],
    words: ['test'],
    examples: ['button test', 'button test --seconds 60'],
  },
  {
    name: 'setup',
    usage: 'KIT... [--apply] | --undo',
    does: 'what a sound kit needs in /boot/firmware/config.txt: shown, then made, or taken out again',
    options: ['--apply', '--undo', '--boot-file'],
    words: ['i2s', 'max98357a', 'adau7002', 'respeaker2', 'wm8960', 'led', 'key'],
    examples: ['setup i2s', 'setup i2s key --apply', 'setup --undo'],
  },
  {
    name: 'config',
    usage: 'check|show',
    does: 'what is wrong with the configuration; every value and where it comes from',
    words: ['check', 'show'],
    examples: ['config check', 'config show'],
  },
  {
    name: 'serve',
    usage: '[--host H] [--port N] [--token-file F] [--verbose]',
    does: 'a small local server that plays back what it hears',
    options: ['--host', '--port', '--token-file', '--verbose'],
    examples: ['serve', 'serve --host 0.0.0.0 --port 8000'],
  },
  {
    name: 'demo',
    usage: '[--json]',
    does: 'a conversation over a virtual sound card, measured',
    options: ['--json'],
    examples: ['demo'],
  },
  {
    name: 'completion',
    usage: 'bash',
    does: 'what makes the tabulator key of the shell know all this',
    words: ['bash'],
    examples: ['completion bash > /etc/bash_completion.d/xiaozhi-agent'],
  },
  {
    name: 'version',
    usage: '',
    does: 'the version (--version, -V)',
    examples: ['version'],
  },
];
