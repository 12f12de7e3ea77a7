// Who may import whom, as data, and a walk that finds whoever doesn't keep to it. Reads source text only.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

export type Violation = { readonly file: string; readonly import: string; readonly reason: string };

type Layer = {
  readonly name: string;
  readonly files: RegExp;
  /** Layers of ours it may import; itself always. */
  readonly may: readonly string[];
  /** What it may import from outside: Node's own modules and packages. */
  readonly outside: RegExp;
  readonly reason: string;
  /** Of other layers it may import types, not values. */
  readonly typesOnly?: true;
};

const NOTHING = /^$/;
const NODE = /^node:/;

/** The first layer whose pattern fits is a file's layer. */
export const LAYERS: readonly Layer[] = [
  {
    name: 'protocol',
    files: /^protocol\//,
    may: [],
    outside: NOTHING,
    reason: 'the protocol is bytes and types: it runs anywhere and knows nobody',
  },
  {
    name: 'core',
    files: /^core\//,
    may: ['protocol'],
    typesOnly: true,
    outside: NOTHING,
    reason: 'the core is pure: facts in, state out; and of the protocol it knows the types only',
  },
  {
    name: 'ports',
    files: /^ports\.ts$/,
    may: ['core'],
    typesOnly: true,
    outside: NOTHING,
    reason: 'ports are types between the agent and the world',
  },
  {
    name: 'audio',
    files: /^audio\//,
    may: ['ports', 'protocol'],
    outside: NOTHING,
    reason: 'the audio path works through ports alone and decides nothing about turns',
  },
  {
    name: 'button',
    files: /^button\//,
    may: ['ports'],
    outside: NOTHING,
    reason: 'a line is kept heard through its port alone; what a press is for, it does not know',
  },
  {
    name: 'log',
    files: /^log(\.ts$|\/)/,
    may: ['ports'],
    outside: /^(node:|pino$)/,
    reason: 'the log writes lines; it knows nothing of what they are about',
  },
  {
    name: 'config',
    files: /^config\//,
    may: [],
    outside: /^(node:|smol-toml$|valibot$)/,
    reason: 'configuration is a function from files to values',
  },
  {
    name: 'doctor',
    files: /^doctor\//,
    may: [],
    outside: NOTHING,
    reason: 'a check judges facts: whoever looked for them may be anybody',
  },
  {
    name: 'adapters',
    files: /^adapters\//,
    may: ['ports'],
    outside: /./,
    reason: 'hardware code knows no policy',
  },
  {
    name: 'server',
    files: /^server\//,
    may: ['ports', 'protocol', 'audio'],
    outside: /^(node:|ws$)/,
    reason:
      'the local server stands at the other end of the wire: it shares nothing with the agent but the wire',
  },
  {
    name: 'demo',
    files: /^demo\//,
    may: ['ports'],
    outside: NODE,
    reason: 'the demo drives processes from outside, as a person would',
  },
  {
    name: 'sounds',
    files: /^sounds\//,
    may: [],
    outside: /^(node:|wavefile$)/,
    reason: 'the sounds are made once, by a script of their own; the box only plays the files',
  },
  {
    name: 'client',
    files: /^client(\.ts$|\/)/,
    may: ['agent', 'adapters', 'core', 'history', 'ports', 'protocol'],
    outside: /^node:events$/,
    reason: 'the client is the loop with a wire and a clock: no sound, no files, no process',
  },
  {
    name: 'history',
    files: /^history\//,
    may: ['core', 'ports'],
    outside: NOTHING,
    reason: 'what has happened is written down by watching: nothing depends on it but those who show it',
  },
  {
    name: 'agent',
    files: /^[a-z-]+\.ts$/,
    may: ['core', 'audio', 'button', 'protocol', 'ports', 'history'],
    outside: NOTHING,
    reason: 'the agent knows every port and no adapter',
  },
  {
    name: 'main',
    files: /^(main\.ts$|commands\/)/,
    may: [
      'agent',
      'adapters',
      'audio',
      'button',
      'client',
      'history',
      'config',
      'core',
      'demo',
      'doctor',
      'log',
      'ports',
      'protocol',
      'server',
      'sounds',
    ],
    outside: NODE,
    reason: 'the process builds the machine; packages stay behind the adapters',
  },
];

/** Only there: a clock, dice or the environment read anywhere else makes a test depend on the machine. */
const IMPURE =
  /(?<![.\w])(Date\.now|setTimeout|setInterval|setImmediate|Math\.random|process\.(env|argv|exit|on))\b/;
const MAY_BE_IMPURE = /^(main\.ts$|commands\/|demo\/|sounds\/make\.ts$|adapters\/linux\/clock\.ts$)/;

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(type\s)?(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

export function sourceFiles(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.c?ts$/.test(name));
}

export function violations(root: string): readonly Violation[] {
  const files = sourceFiles(root);
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const layer = layerOf(file);
    if (layer === undefined) return [{ file, import: '', reason: 'belongs to no layer' }];
    return [...forbidden(root, file, text, layer), ...impurities(file, text)];
  });
}

export function layerOf(file: string): Layer | undefined {
  if (/^main\.ts$/.test(file)) return LAYERS.find((layer) => layer.name === 'main');
  return LAYERS.find((layer) => layer.files.test(file));
}

function forbidden(root: string, file: string, text: string, layer: Layer): readonly Violation[] {
  return [...text.matchAll(IMPORT)].flatMap(([, type, from, lazily]) => {
    const name = from ?? lazily ?? '';
    const bad = [{ file, import: name, reason: layer.reason }];
    if (!name.startsWith('.')) return layer.outside.test(name) ? [] : bad;
    const target = layerOf(relative(root, resolve(root, dirname(file), name)));
    if (target === undefined) return bad;
    if (target.name === layer.name) return [];
    return layer.may.includes(target.name) && (type !== undefined || layer.typesOnly === undefined)
      ? []
      : bad;
  });
}

function impurities(file: string, text: string): readonly Violation[] {
  if (MAY_BE_IMPURE.test(file)) return [];
  const found = IMPURE.exec(withoutComments(text));
  return found === null
    ? []
    : [{ file, import: found[0], reason: 'time, chance and the process come through ports' }];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
