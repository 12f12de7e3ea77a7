// The README as a test: what it tells people to type works, what it says they will see is what is printed, and its tables
// are the code's. `UPDATE_README=1 node --test dist/test/readme.test.js` writes the configuration table anew.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EXIT } from '../src/commands/exit.ts';
import { loadConfig } from '../src/config/load.ts';
import { allKeys, allSections, environmentName } from '../src/config/schema.ts';
import { configTable } from '../src/config/table.ts';
import { table as figuresTable } from '../src/demo/figures.ts';
import { LAYERS, layerOf, sourceFiles } from './helpers/layers.ts';
import {
  blocks,
  commandLines,
  type Lasting,
  literals,
  malformation,
  PAGE,
  pathsOf,
  Reader,
  ROOT,
  readPage,
  table,
  within,
} from './helpers/readme.ts';

const page = readPage();
const read = (...path: readonly string[]) => readFileSync(join(ROOT, ...path), 'utf8');
const SOURCES = [
  ...sourceFiles(join(ROOT, 'src')).map((file) => read('src', file)),
  ...readdirSync(join(ROOT, 'deploy'), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => read('deploy', name)),
].join('\n');

/** What is not run here: the line, what its script in package.json must contain, and the file that runs that. */
const RUN_ELSEWHERE: readonly (readonly [line: string, script: string, file: string])[] = [
  ['npm run demo', 'node dist/src/main.js demo', 'test/demo/demo.test.ts'],
  ['npm test', 'deploy/prerequisites.sh test', 'test/deploy/prerequisites.test.ts'],
  ['npm run setup', 'deploy/prerequisites.sh run', 'test/deploy/prerequisites.test.ts'],
  // Everything that runs here is what it has made.
  ['npm run build', 'tsc', 'test/run.ts'],
  ['npm run check', 'npm run --silent unit', 'test/deploy/run.test.ts'],
  ['npm run bench', 'dist/test/bench/run.js', 'test/bench/run.ts'],
];
const PROGRAM = 'node dist/src/main.js ';
/** Every block that a reader would type belongs to the walk; fewer lines mean that they are not found any more. */
const LEAST_LINES = 12;

describe('the commands on the page', () => {
  const reader = new Reader();
  after(() => reader.clean());

  it('work as they are given, one after the other', async () => {
    const lines = commandLines(page);
    assert.ok(lines.length >= LEAST_LINES, lines.join('\n'));
    const noCard = page.match(/--set audio\.(?:in|out)put\.device=null/g)?.slice(0, 2) ?? [];
    assert.equal(new Set(noCard).size, 2, 'the page says how to do without a card');
    const [toml] = blocks(page, 'toml');
    writeFileSync(join(reader.folder, 'config.toml'), toml?.text ?? '');

    let url = '';
    let server: Lasting | undefined;
    let agent: Lasting | undefined;
    for (const line of lines) {
      if (RUN_ELSEWHERE.some(([known]) => known === line)) continue;
      assert.ok(line.startsWith(PROGRAM), `nobody runs this command: ${line}`);
      const substitutes = {
        '/tmp/box': reader.folder,
        'ws://127.0.0.1:8000/xiaozhi/v1/': url,
        '--port 8000': '--port 0',
      };
      const words = reader.words(line, substitutes);
      switch (words[0]) {
        case 'serve':
          server = reader.start(words);
          url = (await server.said(/ url=(\S+\/xiaozhi\/v1\/)/))[1] ?? '';
          break;
        case 'run':
          assert.notEqual(url, '', 'the server is started before the agent');
          if (agent !== undefined) assert.equal((await agent.stop()).code, EXIT.ok, line);
          agent = reader.start([...words, ...noCard.join(' ').split(' ')]);
          await agent.said(/ link ready /);
          break;
        default: {
          const { code, output } = await reader.run(words);
          // As the page shows: there is no pin for the button here, so something is to be mended.
          const usual = words[0] === 'status' ? EXIT.failed : EXIT.ok;
          assert.equal(code, usual, `${line}\n${output}`);
          if (words[0] === 'status') compareStatus(output, words.includes('--json'));
        }
      }
    }
    for (const command of ['serve', 'run', 'press', 'status', 'stop', 'config'])
      assert.ok(
        lines.some((line) => line.startsWith(PROGRAM + command)),
        `${command} is shown`,
      );
    assert.equal((await agent?.stop())?.code, EXIT.ok);
    assert.equal((await server?.stop())?.code, EXIT.ok);
    assert.equal((await reader.run(['status', '--runtime-dir', reader.folder])).code, EXIT.notRunning);
  });

  it('that are not run here have a script and a file that runs it', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const [line, script, file] of RUN_ELSEWHERE) {
      const name = line.replace(/^npm (run )?/, '');
      assert.ok(scripts[name]?.includes(script), `${name}: ${scripts[name]}`);
      assert.ok(existsSync(join(ROOT, file)), file);
      assert.ok(commandLines(page).includes(line), `${line} is on the page`);
    }
    for (const literal of literals(page)) {
      const [, name = ''] = /^npm run ([\w:-]+)$/.exec(literal) ?? [];
      if (name !== '') assert.ok(name in scripts, literal);
    }
  });

  it('have the options that the program has', () => {
    const options = literals(page).filter((literal) => literal.startsWith('--'));
    assert.ok(options.length > 5);
    for (const option of options) {
      const name = option.split(/[ =]/)[0] ?? '';
      assert.ok(SOURCES.includes(`${name}`) || SOURCES.includes(`'${name.slice(2)}'`), option);
    }
  });
});

/** The labels of its lines are the same as on the page; the JSON has the fields of the page's table, and no others. */
function compareStatus(output: string, isJson: boolean): void {
  if (isJson) {
    const fields = table(page, 'field', 'meaning').rows.flatMap(([cell = '']) => literals(cell));
    const paths = pathsOf(JSON.parse(output));
    for (const field of fields)
      assert.ok(
        paths.some((path) => within(path, field)),
        `status has ${field}`,
      );
    for (const path of paths)
      assert.ok(
        fields.some((field) => within(path, field)),
        `the page tells of ${path}`,
      );
    return;
  }
  const [shown] = blocks(page, 'text').filter(({ text }) => text.startsWith('xiaozhi-agent'));
  const labels = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]);
  assert.deepEqual(labels(shown?.text ?? ''), labels(output));
}

describe("the demo's output on the page", () => {
  const shown = blocks(page, 'text').find(({ text }) => text.startsWith(' 1  '))?.text ?? '';

  it('has the steps of the demo, in their order', () => {
    const titles = [...read('src/demo/story.ts').matchAll(/\b(?:step\(|talk\(step,)\s*'([^']+)'/g)];
    assert.ok(titles.length > 5);
    const steps = [...shown.matchAll(/^( ?\d+) {2}(.*?) +\d+\.\d\d s {2}ok/gm)];
    assert.deepEqual(
      steps.map(([, number, title]) => [Number(number), title]),
      titles.map(([, title], at) => [at + 1, title]),
    );
  });

  it('has the rows of its table', () => {
    const one = { pressToListenMs: 1, questionToAnswerMs: 1, saidMs: 1, heardMs: 1, correlation: 1 };
    const printed = figuresTable({
      conversations: [one, one],
      outageMs: 1,
      reconnectMs: 1,
      agentRssMb: 1,
      totalMs: 1,
    });
    const names = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/ {2,}/)[0]);
    assert.deepEqual(names(shown.slice(shown.indexOf('\nconversation '))), names(printed));
  });
});

describe('the configuration on the page', () => {
  it('is the table that the schema makes', () => {
    const region = /(?<=<!-- config -->\n)[\s\S]*(?=<!-- \/config -->)/;
    const wanted = `\n${configTable()}\n`;
    if (process.env.UPDATE_README === '1')
      writeFileSync(
        PAGE,
        page.replace(region, () => wanted),
      );
    assert.equal(region.exec(readPage())?.[0], wanted, 'UPDATE_README=1 writes it anew');
  });

  it('has examples that are right', () => {
    const reader = new Reader();
    const file = join(reader.folder, 'config.toml');
    const examples = blocks(page, 'toml');
    assert.ok(examples.length > 0);
    for (const { text } of examples) {
      writeFileSync(file, text);
      const { problems, files } = loadConfig({ configFile: file, mustExist: true, environment: {} });
      assert.deepEqual([problems, files], [[], [file]]);
    }
    reader.clean();
  });

  it('names no key, environment variable or default that is none', () => {
    const variables = [...page.matchAll(/XIAOZHI_\w+/g)].map(([name]) => name);
    const known = [...allKeys.keys()].map(environmentName);
    assert.ok(variables.length > 0);
    for (const name of variables) assert.ok(known.includes(name), name);

    const fields = table(page, 'field', 'meaning').rows.flatMap(([cell = '']) => literals(cell));
    for (const literal of literals(page)) {
      if (fields.includes(literal)) continue;
      const [section = ''] = literal.split('.');
      if (/^[a-z_]+(\.[a-z_]+)+$/.test(literal) && allSections.has(section))
        assert.ok(allKeys.has(literal), literal);
    }
  });
});

it('has under each command that a board was asked what it has said', () => {
  const asked = blocks(page, 'text').filter(({ text }) => /^\$ xiaozhi-agent /.test(text));
  assert.ok(asked.length >= 6);
  for (const { text } of asked) assert.ok(text.trim().split('\n').length > 3, text);
});

describe("the page's tables", () => {
  it('have the exit codes of the program', () => {
    const codes = table(page, 'exit code').rows.map(([code]) => Number(code));
    assert.deepEqual(codes, Object.values(EXIT));
  });

  it('have the Debian packages that the set-up installs, for each purpose', () => {
    const script = read('deploy/prerequisites.sh');
    // The purposes are the branches of its two `case $purpose`.
    const [asks = ''] = script.split(/^packages=\$\{packages# \}/m);
    const [every = '', ...branches] = asks.split(
      /^ {2}(?:demo \| test|system \| board|test|system|board)\)/m,
    );
    const needed = (text: string) =>
      [...text.matchAll(/^[^#\n]*\bneed ([a-z][a-z0-9+-]+)/gm)].map(([, name]) => name);
    const wanted = [every, ...branches].map(needed);
    assert.equal(branches.length, 5);
    assert.ok(wanted.flat().length > 6, 'the script is found to need something');
    const named = table(page, 'for', 'Debian packages').rows.map(([, cell = '']) =>
      literals(cell).filter((literal) => !literal.includes('/')),
    );
    assert.deepEqual(
      named.map((names) => [...names].sort()),
      wanted.map((names) => [...names].sort()),
    );
  });

  it('have the words that the program says when it does not work', () => {
    const { rows } = table(page, 'it says');
    assert.ok(rows.length >= 6);
    // What only a comment says is not said.
    const spoken = SOURCES.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
    for (const words of rows.flatMap(([cell = '']) => literals(cell)))
      assert.ok(spoken.includes(words), `nobody says ${words}`);
  });

  it('have the layers, whom they may import and where their files are', () => {
    const { rows } = table(page, 'layer');
    assert.deepEqual(
      rows.map(([name]) => name),
      LAYERS.map(({ name }) => name),
    );
    for (const [at, layer] of LAYERS.entries()) {
      const others = LAYERS.map(({ name }) => name).filter((name) => name !== layer.name);
      const may = layer.may.map((name) => (layer.typesOnly ? `${name} (types)` : name));
      const [, , , imports = ''] = rows[at] ?? [];
      const shown =
        imports === 'every other layer' ? others : imports.split(', ').filter((name) => name !== '–');
      assert.deepEqual([...shown].sort(), [...may].sort(), layer.name);
    }
    for (const file of sourceFiles(join(ROOT, 'src'))) {
      const row = rows.find(([, where = '']) =>
        literals(where).some((path) =>
          path.endsWith('/') ? `src/${file}`.startsWith(path) : path === `src/${file}`,
        ),
      );
      assert.equal(row?.[0], layerOf(file)?.name, file);
    }
  });
});

describe('the page', () => {
  it('names files that exist', () => {
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    const isMade = (path: string) => /^(demo|dist|config\.d)(\/|$)/.test(path);
    const paths = literals(page).filter(
      (literal) => /^\w[\w.-]*(\/[\w.-]*)+$/.test(literal) || /^[\w-]+\.(md|json)$/.test(literal),
    );
    const named = [...links, ...paths.filter((path) => !isMade(path))];
    assert.ok(named.length > 15, named.join('\n'));
    for (const path of named) {
      assert.doesNotMatch(path, /^\w+:/, 'it needs no network to be read');
      assert.ok(existsSync(join(ROOT, path)), path);
    }
  });

  it('has a picture that any viewer can show: well-formed, and nothing taken from elsewhere', () => {
    const picture = read('src/press.svg');
    assert.ok(page.includes('](src/press.svg)'));
    assert.equal(malformation(picture), undefined);
    assert.doesNotMatch(picture, /<script|<image|<foreignObject|href=|@import|@font-face|url\((?!#)/);
    assert.match(picture, /viewBox="0 0 800 \d+"/);
    assert.match(picture, /prefers-color-scheme: dark/);
    for (const [, id = ''] of picture.matchAll(/url\(#(\w+)\)/g))
      assert.ok(picture.includes(`<marker id="${id}"`), id);
  });

  it('would notice a picture that is not well-formed', () => {
    for (const broken of ['<svg><g></svg>', '<svg a=1/>', '<svg>a & b</svg>', '<svg/><svg/>', '<svg>', 'svg'])
      assert.notEqual(malformation(broken), undefined, broken);
    assert.equal(malformation('<svg a="1"><!-- <g> --><g b=\'2\'/>x &amp; y</svg>\n'), undefined);
  });
});
