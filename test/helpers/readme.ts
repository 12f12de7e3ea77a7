// A Markdown page and a drawing as data, and the commands it tells people to type as processes in folders of their own. Knows how the
// page is marked up and nothing of what it says.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './card.ts';

export const ROOT = join(import.meta.dirname, '../../..');
export const PAGE = join(ROOT, 'README.md');
const MAIN = join(import.meta.dirname, '../../src/main.js');

export type Block = { readonly language: string; readonly text: string };
export type Table = { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm;

export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

export function blocks(page: string, language: string): readonly Block[] {
  return [...page.matchAll(BLOCK)]
    .map(([, name = '', text = '']) => ({ language: name, text }))
    .filter((block) => block.language === language);
}

/** Every line of every `sh` block, in the order in which a reader would type them. */
export function commandLines(page: string): readonly string[] {
  return blocks(page, 'sh').flatMap(({ text }) => text.split('\n').filter((line) => line !== ''));
}

/** The one table whose head begins like this. */
export function table(page: string, ...head: readonly string[]): Table {
  const found = tables(page).filter((one) => head.every((cell, at) => one.head[at] === cell));
  const [only] = found;
  if (only === undefined || found.length > 1)
    throw new Error(`${found.length} tables begin with ${head.join(' | ')}`);
  return only;
}

function tables(page: string): readonly Table[] {
  return [...page.matchAll(/(?:^\|.*\|\n)+/gm)].map(([text]) => {
    const [head = [], , ...rows] = text.trim().split('\n').map(cells);
    return { head, rows };
  });
}

function cells(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** What stands between backticks, outside blocks. */
export function literals(text: string): readonly string[] {
  return [...text.replace(BLOCK, '').matchAll(/`([^`\n]+)`/g)].map(([, literal = '']) => literal);
}

/** The dotted names of all values; a list is one value. */
export function pathsOf(value: unknown, prefix = ''): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [prefix];
  return Object.entries(value).flatMap(([name, inner]) =>
    pathsOf(inner, prefix === '' ? name : `${prefix}.${name}`),
  );
}

export const within = (path: string, field: string) => path === field || path.startsWith(`${field}.`);

/** As much of XML as a drawing written by hand has: elements, attributes, text, comments. */
export function malformation(text: string): string | undefined {
  const open: string[] = [];
  let roots = 0;
  const rest = text.replace(/<!--(?:(?!--)[\s\S])*-->/g, '');
  const TOKEN = /<\/(\w+)\s*>|<(\w+)((?:\s+[\w:-]+=(?:"[^"<&]*"|'[^'<&]*'))*)\s*(\/?)>|([^<]+)|</gy;
  for (const [token, closed, opened, , selfClosed, content] of rest.matchAll(TOKEN)) {
    if (content !== undefined) {
      if (/&(?!amp;|lt;|gt;|quot;|apos;|#\d+;)/.test(content)) return `a bare & in ${content}`;
      if (open.length === 0 && content.trim() !== '') return `text outside of the root: ${content}`;
    } else if (closed !== undefined) {
      if (open.pop() !== closed) return `${token} closes what is not open`;
    } else if (opened !== undefined) {
      if (open.length === 0) roots += 1;
      if (selfClosed === '') open.push(opened);
    } else return 'a bare <';
  }
  return open.length === 0 && roots === 1 ? undefined : `${roots} roots, open: ${open.join(' ')}`;
}

export type Ended = { readonly code: number | null; readonly output: string };
export type Lasting = {
  /** Waits for a line that matches, and gives the match. */
  said(what: RegExp): Promise<RegExpExecArray>;
  /** SIGTERM, and how it ended. */
  stop(): Promise<Ended>;
};

/** A reader's machine: nothing set, the page's folders and addresses mapped to free ones. */
export class Reader {
  readonly folder = mkdtempSync(join(tmpdir(), 'xz-'));
  readonly #environment = withoutSettings();
  readonly #children: ChildProcess[] = [];

  /** The words after the program's name of a line on the page, as they are run here. */
  words(line: string, substitutes: Readonly<Record<string, string>>): readonly string[] {
    const mapped = Object.entries(substitutes).reduce((text, [from, to]) => text.replaceAll(from, to), line);
    return mapped.split(' ').slice(2);
  }

  async run(words: readonly string[]): Promise<Ended> {
    return this.#start(words).ended;
  }

  start(words: readonly string[]): Lasting {
    const { child, output, ended } = this.#start(words);
    return {
      async said(what) {
        let match: RegExpExecArray | null = null;
        await until(() => {
          match = what.exec(output());
          return match !== null || child.exitCode !== null;
        }, String(what));
        if (match === null) throw new Error(`${words.join(' ')} ended without ${what}:\n${output()}`);
        return match;
      },
      stop() {
        child.kill('SIGTERM');
        return ended;
      },
    };
  }

  /** After a failure something may still be running. */
  clean(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #start(words: readonly string[]) {
    const child = spawn(process.execPath, [MAIN, ...words], {
      cwd: this.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    let text = '';
    const keep = (chunk: Buffer) => {
      text += chunk.toString('utf8');
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const ended = new Promise<Ended>((resolve) =>
      child.once('close', (code) => resolve({ code, output: text })),
    );
    return { child, output: () => text, ended };
  }
}

/** The log's form and the places depend on these. */
function withoutSettings(): NodeJS.ProcessEnv {
  const foreign = /^XIAOZHI_|^(STATE|RUNTIME)_DIRECTORY$|^JOURNAL_STREAM$|^INVOCATION_ID$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
