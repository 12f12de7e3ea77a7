// Each source of configuration as settings and problems, before it is known which source wins.
// Knows the names of the keys; their values it passes on unchecked.

import type { ConfigFile, Table } from './files.ts';
import type { Kind } from './key.ts';
import { nearestName } from './nearest.ts';
import type { ToolSection } from './owner-tools.ts';
import { type Problem, showPath } from './problem.ts';
import { allKeys, allSections, environmentName } from './schema.ts';

export type Setting = {
  readonly key: string;
  readonly raw: unknown;
  readonly origin: string;
  /** Said after a wrong value, where file and line do not say it. */
  readonly via: string;
  readonly file?: string;
  readonly line?: number;
};

/** One source in its turn; a later source beats an earlier one. */
export type Layer = {
  readonly settings: readonly Setting[];
  readonly problems: readonly Problem[];
  /** `[tools.NAME]`: sections whose names are the owner's. */
  readonly tools?: readonly ToolSection[];
};

// Sections are at most two deep and keys three. A dotted key of ten thousand parts is still valid TOML.
const DEEPEST_KEY = 4;
// Their names are made by the owner, so the schema cannot hold them.
const TOOLS = 'tools';
// What is beyond the number of problems that are reported gets no search for a nearest name.
const MOST_SUGGESTIONS = 100;

export function fromFile({ file, table, lineOf, problems }: ConfigFile): Layer {
  const layer = { settings: [] as Setting[], problems: [...problems], tools: [] as ToolSection[] };
  const place = (key: string) => {
    const line = lineOf(key);
    return line === undefined ? { file } : { file, line };
  };

  function walk(node: Table, path: readonly string[]): void {
    for (const [name, raw] of Object.entries(node)) {
      const inner = [...path, name];
      const key = showPath(inner);
      const at = place(key);
      const nested = isTable(raw) ? raw : undefined;
      if (key === TOOLS && nested !== undefined) {
        for (const [own, section] of Object.entries(nested))
          layer.tools.push({ name: own, raw: section, ...place(showPath([TOOLS, own])) });
      } else if (allKeys.has(key)) {
        const origin = at.line === undefined ? file : `${file}:${at.line}`;
        layer.settings.push({ key, raw, origin, via: '', ...at });
      } else if (allSections.has(key)) {
        if (nested !== undefined) walk(nested, inner);
        else layer.problems.push({ severity: 'error', ...at, key, message: `expected a section: [${key}]` });
      } else if (nested !== undefined && Object.keys(nested).length > 0 && inner.length < DEEPEST_KEY) {
        walk(nested, inner);
      } else if (layer.problems.length <= MOST_SUGGESTIONS) {
        layer.problems.push({ ...at, ...unknown(key, nested === undefined ? allKeys.keys() : allSections) });
      } else {
        layer.problems.push({ severity: 'warning', ...at, key, message: 'unknown key' });
      }
    }
  }

  if (table !== undefined) walk(table, []);
  return layer;
}

export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Layer {
  const byName = new Map([...allKeys.keys()].map((key) => [environmentName(key), key]));
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const name of Object.keys(environment).sort()) {
    const text = environment[name];
    if (!name.startsWith('XIAOZHI_') || text === undefined) continue;
    const key = byName.get(name);
    if (key !== undefined) {
      settings.push({ key, raw: fromText(key, text), origin: `environment ${name}`, via: ` in ${name}` });
    } else {
      const guess = unknown(
        name.slice('XIAOZHI_'.length).toLowerCase().replaceAll('__', '.'),
        allKeys.keys(),
      );
      const { nearest, severity } = guess;
      const message = severity === 'error' ? guess.message : 'unknown variable';
      problems.push({
        severity,
        key: name,
        message,
        ...(nearest !== undefined && { nearest: environmentName(nearest) }),
      });
    }
  }
  return { settings, problems };
}

export function fromOverrides(overrides: Readonly<Record<string, string>>): Layer {
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const [key, text] of Object.entries(overrides)) {
    if (allKeys.has(key)) {
      settings.push({ key, raw: fromText(key, text), origin: 'command line', via: ' on the command line' });
    } else {
      const guess = unknown(key, allKeys.keys());
      problems.push({ ...guess, message: `${guess.message} on the command line` });
    }
  }
  return { settings, problems };
}

function unknown(key: string, candidates: Iterable<string>): Problem & { readonly key: string } {
  if (/^"?(token|password|secret|authorization)"?$/i.test(key.slice(key.lastIndexOf('.') + 1))) {
    const message = 'refused: a secret goes into a file of its own (mode 0600) that server.token_file names';
    return { severity: 'error', key, message };
  }
  const nearest = nearestName(key, candidates);
  return { severity: 'warning', key, message: 'unknown key', ...(nearest !== undefined && { nearest }) };
}

const plainNumber = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/;

/** Text that is not exactly a number or a boolean stays text, which the key's check then refuses. */
function fromText(key: string, text: string): unknown {
  const readers: Record<Kind, () => unknown> = {
    number: () => (plainNumber.test(text) ? Number(text) : text),
    boolean: () => (text === 'true' ? true : text === 'false' ? false : text),
    text: () => text,
  };
  const kind = allKeys.get(key)?.kind ?? 'text';
  return readers[kind]();
}

export function isTable(value: unknown): value is Record<string, unknown> {
  // Dates are objects too; lists hold no keys.
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
