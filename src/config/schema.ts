// Every configuration key there is: the one place for types, defaults, ranges and meanings. A key is added here when
// something reads it, not before. Knows nothing of files, environment or command line.

import { light, sounds } from './box-keys.ts';
import { buttonKeys } from './button-keys.ts';
import { flag, type Key, oneOf, text, whole, wholeOrZero } from './key.ts';
import { metrics } from './metrics-keys.ts';
import { HATS } from './pins.ts';
import { server } from './server-keys.ts';
import { mcp } from './tool-keys.ts';

type Tree = { readonly [name: string]: Key | Tree };

const keys = {
  server,
  link: {
    mode: oneOf(['always', 'on-demand'], 'always', {
      meaning: 'Stay connected, or connect at a press and stay until the server closes.',
      example: '"on-demand"',
    }),
    // 0 is the daemon's default (design.md §5). A million attempts at the 60 s cap are two years.
    max_attempts: whole(0, 1_000_000, 0, {
      meaning: 'Failures in a row after which it stops trying until a press. 0: never stops.',
      example: '10',
    }),
    // Defaults of this section: design.md §5. Lower bounds let tests run in scaled time; an hour is the longest
    // wait that still counts as coming back by itself, two minutes the longest a dead attempt may block the next.
    backoff_base_ms: whole(10, 3_600_000, 1000, {
      meaning: 'First step of the growing wait between attempts.',
      example: '2000',
    }),
    backoff_cap_ms: whole(10, 3_600_000, 60_000, {
      meaning: 'Longest wait between attempts; at least `backoff_base_ms`.',
      example: '30000',
    }),
    connect_timeout_ms: whole(100, 120_000, 10_000, {
      meaning: 'One deadline for name look-up, TCP, TLS and upgrade together.',
      example: '30000',
    }),
    hello_timeout_ms: whole(100, 120_000, 10_000, {
      meaning: "How long the server's hello may take once connected.",
      example: '5000',
    }),
    first_retry_ms: whole(0, 10_000, 250, {
      meaning:
        'The first attempt after a loss comes at a random moment within this time, and no later wait is shorter. 10000 spreads many boards.',
      example: '10000',
    }),
    ping_interval_ms: wholeOrZero(50, 600_000, 0, {
      meaning:
        'Silence after which the server is asked for a sign of life. 0: adapted between 10 and 20 s, beginning with 15 s. In a turn 5 s at the most.',
      example: '20000',
    }),
    ping_timeout_ms: whole(50, 120_000, 5000, {
      meaning: 'How long that sign may take before the connection counts as lost. In a turn 3 s at the most.',
      example: '20000',
    }),
    monitor_interval_ms: whole(50, 600_000, 5000, {
      meaning: 'How often the socket itself is looked at, should its end have gone unreported.',
      example: '1000',
    }),
    network_watch: oneOf(['auto', 'poll', 'off'], 'auto', {
      meaning:
        'How a change of the network becomes known. `auto`: the kernel tells (`ip monitor`), else `poll`. `off`: by failures alone.',
      example: '"poll"',
    }),
    renew: flag(true, {
      meaning: 'Renew a quiet connection before the server closes it for idleness.',
      example: 'false',
    }),
    // A day: whoever is silent for longer will not notice a second of connecting.
    rest_after_min: whole(0, 1440, 30, {
      meaning:
        'Minutes without a turn after which an ordinary close by the server is not answered until a press. 0: it always is.',
      example: '0',
    }),
  },
  audio: {
    // Most boxes have their sound on the header; whoever has a USB card can say so.
    hat: oneOf(HATS, 'i2s', {
      meaning: 'Sound hardware on the header, whose pins no button may have. `none`: a USB card.',
      example: '"googlevoicehat"',
    }),
    input: {
      device: device('Microphone, as `arecord -L` lists it. `null`: simulated.', '"plughw:CARD=seeed,DEV=0"'),
      // A microphone on I2S whispers some 20 dB below a headset; 40 dB makes a noise floor of -80 dB a loud hiss.
      gain_db: whole(-20, 40, 0, {
        meaning: 'Makes the microphone louder, in decibels; `audio meter` shows what comes of it.',
        example: '12',
      }),
      channel: oneOf(['mix', 'left', 'right'], 'mix', {
        meaning:
          'Which side of a stereo card. `mix`: the average, 6 dB too soft for one microphone in one of two slots.',
        example: '"left"',
      }),
      standby: oneOf(['closed', 'warm'], 'closed', {
        meaning:
          'The microphone between turns. `warm`: open, so that nothing is lost of a word begun before the press; it is kept for `preroll_ms` and goes nowhere without a press.',
        example: '"warm"',
      }),
      // A press follows the first sound of a word by less than 300 ms; beyond 2 s it is another sentence.
      preroll_ms: whole(0, 2000, 300, {
        meaning: 'How much of what a warm microphone heard before the press belongs to what is said.',
        example: '500',
      }),
    },
    output: {
      device: device('Speaker, as `aplay -L` lists it. `null`: simulated.', '"plughw:CARD=Headphones,DEV=0"'),
      // design.md §3: `speaker` leaks and can abort the process, so it is offered and not the default.
      backend: oneOf(['aplay', 'speaker'], 'aplay', {
        meaning: 'What plays: the `aplay` program, or the `speaker` package.',
        example: '"speaker"',
      }),
      volume: whole(0, 100, 100, {
        meaning:
          'How loud speech is until it is changed at the box (`volume 40`), which is remembered. A card with a mixer keeps its own instead.',
        example: '60',
      }),
      volume_control: oneOf(['auto', 'own', 'mixer'], 'auto', {
        meaning:
          "What the volume turns. `auto`: the card's `mixer` where there is one, else `own`, the samples.",
        example: '"own"',
      }),
      mixer: text({
        preset: '',
        expects: 'the name of a control, as `amixer scontrols` lists it, or ""',
        // It becomes an argument of amixer, in quotes of its own.
        accepts: (value) => /^(?!-)[^'"]*$/.test(value),
        meaning: "The mixer's control. Empty: the first of the usual ones.",
        example: '"Speaker"',
      }),
      // The rates an Opus decoder can produce (RFC 6716 §2.1.3); official servers send 24 kHz.
      rate_hz: oneOf([8000, 12000, 16000, 24000, 48000], 24000, {
        meaning: 'Playback rate; the decoder produces exactly this.',
        example: '48000',
      }),
      // Two packets of 60 ms; 400 ms is a wait people notice.
      jitter_ms: wholeOrZero(120, 400, 0, {
        meaning:
          'Sound gathered before playback starts: more bridges a rougher network and answers later. 0: adapted between 120 and 400 to how unevenly it arrives.',
        example: '240',
      }),
    },
    codec: {
      backend: oneOf(['auto', 'discordjs', 'evan'], 'auto', {
        meaning: 'Opus library. `auto`: the first of the two that loads.',
        example: '"evan"',
      }),
      // The range Opus accepts begins at 6 kb/s; 64 kb/s is transparent for 16 kHz speech.
      bitrate_bps: whole(6000, 64_000, 24_000, { meaning: 'Bit rate of what is sent.', example: '16000' }),
      // Opus' own scale; 5 costs half of 10 on the encoder (packages.md §4).
      complexity: whole(0, 10, 5, {
        meaning: 'Effort of the encoder: 0 least work, 10 best sound.',
        example: '2',
      }),
    },
  },
  sounds,
  light,
  button: buttonKeys,
  turn: {
    mode: oneOf(['auto', 'realtime'], 'auto', {
      meaning:
        'Listen in turns, or keep the microphone open while the answer plays (needs echo cancellation).',
      example: '"realtime"',
    }),
    follow_up: flag(true, { meaning: 'Listen again after an answer, without a press.', example: 'false' }),
    // design.md §6: 20 s, and the buffer that keeps the speech holds 30 s.
    offline_hold_ms: whole(0, 30_000, 20_000, {
      meaning: 'How long speech waits for a connection before it is given up. 0: not at all.',
      example: '10000',
    }),
  },
  speech: {
    unsolicited: oneOf(['play', 'mute'], 'play', {
      meaning: 'Speech that the server starts while nobody talks to it.',
      example: '"mute"',
    }),
  },
  mcp,
  log: {
    level: oneOf(['debug', 'info', 'warn', 'error'], 'info', {
      meaning: 'Least severity written.',
      example: '"debug"',
    }),
    format: oneOf(['auto', 'text', 'json', 'journal'], 'auto', {
      meaning: 'Shape of a line. `auto`: `journal` under systemd, else `text`.',
      example: '"json"',
    }),
  },
  metrics,
} satisfies Tree;

function device(meaning: string, example: string): Key<string> {
  return text({
    preset: 'default',
    expects: 'an ALSA device name such as "default" or "plughw:CARD=seeed"',
    // It becomes an argument of arecord and aplay: a leading dash would be read as an option.
    accepts: (value) => /^[^\s-][^\n]*$/.test(value),
    meaning,
    example,
  });
}

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

type Values<K> =
  K extends Key<infer T>
    ? T
    : { readonly [N in keyof K as N extends string ? Camel<N> : never]: Values<K[N]> };

/** Nested and camelCase: `link.backoff_base_ms` in the file is `config.link.backoffBaseMs` here. */
export type Config = Values<typeof keys>;

const isKey = (node: Key | Tree): node is Key => typeof node.kind === 'string';

function* leaves(tree: Tree, prefix: string): Generator<[string, Key]> {
  for (const [name, node] of Object.entries(tree)) {
    if (isKey(node)) yield [`${prefix}${name}`, node];
    else yield* leaves(node, `${prefix}${name}.`);
  }
}

/** All keys by dotted name, in the order of the reference table. */
export const allKeys: ReadonlyMap<string, Key> = new Map(leaves(keys, ''));

/** What a reload applies: all that is asked for anew at each attempt, turn, press, sound or sign. The rest needs a restart. */
const APPLIED_BY_RELOAD =
  /^(turn|speech)\.|^server\.(websocket_url|token_file|ca_file|protocol_version)$|^link\.(?!network_watch$)|^audio\.input\.(standby|gain_db)$|^sounds\.(volume|off|language)$|^light\.(theme|brightness|night|night_brightness)$|^button\.(mode|hold_after_ms|double_ms)$|^log\.level$/;

export const isAppliedByReload = (key: string) => APPLIED_BY_RELOAD.test(key);

/** What a configuration holds under a key's dotted name. */
export function valueAt(config: Config, key: string): unknown {
  const camel = (part: string) => part.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return key
    .split('.')
    .reduce<unknown>((node, part) => (node as Record<string, unknown>)[camel(part)], config);
}

/** `audio`, `audio.input`, `link`, …: every name that is a section. */
export const allSections: ReadonlySet<string> = new Set(
  [...allKeys.keys()].flatMap((key) =>
    key.split('.').flatMap((_, index, parts) => (index === 0 ? [] : [parts.slice(0, index).join('.')])),
  ),
);

export const environmentName = (key: string) => `XIAOZHI_${key.toUpperCase().replaceAll('.', '__')}`;
