// From command line, environment and files to one frozen Config and the list of everything that is wrong with them.
// Never throws: a wrong configuration must not keep the box from running. Takes its sources as arguments; reads no
// process state.

import * as v from 'valibot';
import { mendBackoff, mendPins, mendSerial, pinsLeft } from './contradictions.ts';
import { listDropIns, readConfigFile } from './files.ts';
import type { Key } from './key.ts';
import { fromEnvironment, fromFile, fromOverrides, isTable, type Layer, type Setting } from './layers.ts';
import { type OwnerTool, ownerTools } from './owner-tools.ts';
import { type Problem, showValue } from './problem.ts';
import { allKeys, type Config } from './schema.ts';

export type Sources = {
  readonly configFile?: string;
  /** The owner named the file, so its absence is an error. */
  readonly mustExist?: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From the command line: dotted key to text. */
  readonly overrides?: Readonly<Record<string, string>>;
};

export type Loaded = {
  readonly config: Config;
  /** Made by the owner for the server; those that can be run. */
  readonly tools: readonly OwnerTool[];
  readonly problems: readonly Problem[];
  /** Dotted key to `default`, `file:line`, `environment XIAOZHI_…` or `command line`. */
  readonly origins: Readonly<Record<string, string>>;
  /** The files that were found, in the order in which they were read. */
  readonly files: readonly string[];
};

// More than a hand-written file can hold; the victim is the newest, and the count of those left out is said.
const MOST_PROBLEMS = 100;

export function loadConfig(sources: Sources): Loaded {
  const { configFile, mustExist = false, environment, overrides = {} } = sources;
  const dropIns = configFile === undefined ? { files: [], problems: [] } : listDropIns(configFile);
  const read = configFile === undefined ? [] : [readConfigFile(configFile, mustExist)];
  read.push(...dropIns.files.map((file) => readConfigFile(file, true)));
  const layers: Layer[] = [
    ...read.map(fromFile),
    { settings: [], problems: dropIns.problems },
    fromEnvironment(environment),
    fromOverrides(overrides),
  ];
  const settled = settle(layers.flatMap((layer) => layer.settings));
  const own = ownerTools(
    layers.flatMap(({ tools = [] }) => tools),
    pinsLeft(settled.values),
  );
  const problems = layers.flatMap(({ settings, problems: found }) =>
    [...found, ...settings.flatMap((setting) => settled.complaints.get(setting) ?? [])].sort(
      (a, b) => (a.line ?? 0) - (b.line ?? 0),
    ),
  );
  return {
    config: toConfig(settled.values),
    tools: own.tools,
    problems: bounded([...problems, ...own.problems]),
    origins: settled.origins,
    files: read.filter(({ table }) => table !== undefined).map(({ file }) => file),
  };
}

/** The last setting of a key wins; where that one is wrong the default holds, not what the owner meant to replace. */
function settle(settings: readonly Setting[]) {
  const winners = new Map(settings.map((setting) => [setting.key, setting]));
  const values = new Map<string, unknown>();
  const origins: Record<string, string> = {};
  for (const [key, schema] of allKeys) {
    const winner = winners.get(key);
    const result = winner === undefined ? undefined : v.safeParse(schema.check, winner.raw);
    const valid = winner !== undefined && result?.success === true;
    values.set(key, valid ? result.output : schema.preset);
    origins[key] = valid ? winner.origin : 'default';
  }

  const complaints = new Map<Setting, Problem>();
  const mended = [mendBackoff, mendSerial, mendPins].flatMap((mend) => mend(values, origins));
  for (const { key, message } of mended) {
    const blamed = winners.get(key);
    if (blamed !== undefined) complaints.set(blamed, complaint(blamed, message));
  }
  for (const setting of settings) {
    const schema = allKeys.get(setting.key);
    const wrong = schema && wrongness(schema, setting);
    if (wrong !== undefined)
      complaints.set(setting, complaint(setting, `${wrong}; ${inForce(values.get(setting.key))}`));
  }
  return { values, origins, complaints };
}

/** What is wrong with the value, and the value itself where that cannot give away a secret. */
function wrongness(schema: Key, { raw, via }: Setting): string | undefined {
  const message = v.safeParse(schema.check, raw).issues?.[0].message;
  if (message === undefined) return undefined;
  const shown = typeof raw === 'object' || schema.mayShow(String(raw)) ? `, got ${showValue(raw)}` : '';
  return `${message}${shown}${via}`;
}

function complaint({ key, file, line }: Setting, message: string): Problem {
  return {
    severity: 'error',
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    key,
    message,
  };
}

const inForce = (value: unknown) => (value === '' ? 'it stays empty' : `${JSON.stringify(value)} is used`);

function toConfig(values: ReadonlyMap<string, unknown>): Config {
  const root: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const path = key
      .split('.')
      .map((part) => part.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()));
    const name = path.pop() ?? key;
    let node = root;
    for (const part of path) {
      const inner = isTable(node[part]) ? node[part] : {};
      node[part] = inner;
      node = inner;
    }
    node[name] = value;
  }
  // Every key of the schema was checked or is its default, and the names follow the rule that the type spells out.
  return freeze(root) as Config;
}

function freeze(node: Record<string, unknown>): unknown {
  for (const inner of Object.values(node)) if (isTable(inner)) freeze(inner);
  return Object.freeze(node);
}

function bounded(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= MOST_PROBLEMS) return problems;
  const left = problems.length - MOST_PROBLEMS;
  return [
    ...problems.slice(0, MOST_PROBLEMS),
    { severity: 'warning', message: `${left} more problems are not listed` },
  ];
}
