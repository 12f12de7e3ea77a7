// The codes of the log: every warning and error in the sources has one, every one is still said by somebody, and the glossary
// of the README is these and no others. `UPDATE_README=1 node --test dist/test/log/codes.test.js` writes it anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FAILURE_CLASSES } from '../../src/core/events.ts';
import { CODES, codeOf } from '../../src/log/codes.ts';
import { sourceFiles } from '../helpers/layers.ts';
import { PAGE, ROOT, readPage } from '../helpers/readme.ts';

/** Not of the daemon's log: the local server only passes on, and what embeds the client has a log of its own. */
const ELSEWHERE = /^(client|server)(\.ts$|\/)|^log(\.ts$|\/)/;
/** Whose words come from where they are made: the component has a code for all of them. */
const MADE_ELSEWHERE = [
  "sentences[at] ?? ''",
  'sentence',
  'told',
  'doubt',
  'NO_SERVER',
  'error.message',
  'text',
  'SETBACKS[setback.type]',
  'NOT_FOLLOWED[move]',
];

const files = sourceFiles(join(ROOT, 'src')).map((name) => ({
  name,
  text: readFileSync(join(ROOT, 'src', name), 'utf8'),
}));

/** The second argument of each call that warns. */
function sentences(text: string): readonly string[] {
  const calls = text.matchAll(/[lL]og(?:\.of\('\w+'\))?\.(?:warn|error)\(\s*\{[^;]*?\},\s*([^;]*?),?\s*\);/g);
  return [...calls].map(([, sentence = '']) => sentence);
}

describe('the codes of the log', () => {
  it('are all different, and each has a remedy', () => {
    assert.equal(new Set(CODES.map(({ code }) => code)).size, CODES.length);
    for (const { code, remedy } of CODES) {
      assert.match(code, /^XA-[A-Z]{2,5}-\d\d$/);
      assert.ok(remedy.length > 10, code);
    }
  });

  it('are on every warning and error of the sources', () => {
    const found = files.filter(({ name }) => !ELSEWHERE.test(name)).flatMap(({ text }) => sentences(text));
    assert.ok(found.length > 15, found.join('\n'));
    for (const sentence of found) {
      if (MADE_ELSEWHERE.includes(sentence)) continue;
      const words = sentence.replace(/^['"`]|['"`]$/g, '');
      const isLink = words.startsWith('link');
      assert.ok(codeOf('warn', undefined, words, isLink ? { class: 'auth' } : {}), sentence);
    }
  });

  it('are of lines that somebody still writes', () => {
    const all = files
      .filter(({ name }) => name !== 'log/codes.ts')
      .map(({ text }) => text)
      .join('\n');
    for (const { code, says, class: name } of CODES) {
      if (says === '' || name !== undefined || says === 'link unconfigured') continue;
      const lines = all.split('\n').filter((line) => line.includes(says));
      assert.ok(lines.length > 0, `${code}: nobody says "${says}"`);
      // And of which no other row has taken the line.
      const codes = lines.map((line) => codeOf('warn', undefined, line.trim(), {}));
      assert.ok(codes.includes(code), `${code}: "${says}" has ${codes}`);
    }
  });

  it('tell failures of the connection apart by what they mean', () => {
    for (const name of FAILURE_CLASSES)
      assert.match(codeOf('warn', 'link', 'link lost', { class: name }) ?? '', /^XA-LINK-/, name);
    assert.notEqual(
      codeOf('warn', 'link', 'link lost', { class: 'auth' }),
      codeOf('warn', 'link', 'link lost', { class: 'clock' }),
    );
  });

  it('are not on what is no trouble', () => {
    assert.equal(codeOf('info', 'link', 'link lost', { class: 'auth' }), undefined);
  });

  it('are the glossary of the README, all of them and no others', () => {
    const region = /(?<=<!-- codes -->\n)[\s\S]*(?=<!-- \/codes -->)/;
    const rows = CODES.map(
      ({ code, says, class: name, anyOf, remedy }) =>
        `| \`${code}\` | ${saidIn(says, name, anyOf)} | ${remedy} |\n`,
    );
    const wanted = `\n| code | on lines that say | what to do |\n|---|---|---|\n${rows.join('')}\n`;
    if (process.env.UPDATE_README === '1')
      writeFileSync(
        PAGE,
        readPage().replace(region, () => wanted),
      );
    assert.equal(region.exec(readPage())?.[0], wanted, 'UPDATE_README=1 writes it anew');
    for (const [code] of readPage().matchAll(/XA-[A-Z]+-\d+/g))
      assert.ok(
        CODES.some((one) => one.code === code),
        code,
      );
  });
});

function saidIn(says: string, name: string | undefined, anyOf: readonly string[] | undefined): string {
  if (name !== undefined) return `\`link\` …, with \`class=${name}\``;
  return anyOf === undefined ? `\`${says}\`` : `\`${anyOf[0]}:\`, at level ${anyOf[1]}`;
}
