// The README's example: it is the file that is run here, and it does what it says when its server breaks off.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { blocks, ROOT, readPage } from '../helpers/readme.ts';
import { endAll, startServer } from './client-rig.ts';

const PROGRAM = join(import.meta.dirname, 'example.js');
const SOURCE = join(ROOT, 'test/client/example.ts');

afterEach(endAll);

describe('the example', () => {
  it('is the one on the page', () => {
    const source = readFileSync(SOURCE, 'utf8');
    const shown = source.slice(source.indexOf('\nimport ') + 1);
    assert.ok(
      blocks(readPage(), 'ts').some(({ text }) => text === shown),
      'README.md has a ts block with exactly this text',
    );
  });

  it('talks, hears, comes back when the server breaks off, and leaves when it is told to', async () => {
    const server = await startServer(async (session) => {
      await session.next('hello');
      session.hello({ sessionId: `s${session.index}` });
      if (session.index > 0) return;
      const { state } = await session.next('listen');
      assert.equal(state, 'detect');
      session.say({ type: 'stt', text: 'good morning' });
      session.packet(Uint8Array.of(0x58, 0, 0));
      session.close(1011, 'upgrade');
    });
    const child = spawn(process.execPath, [PROGRAM, server.url], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    const over = once(child, 'close');
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    await until(() => /^back/m.test(output) || child.exitCode !== null, 'the example is back');
    child.kill('SIGINT');
    const [code] = await over;
    assert.equal(code, 0, output);
    const lines = output.trim().split('\n');
    const wanted = [
      /^connected, session s0$/,
      /^the server says stt$/,
      /^an Opus packet of 3 bytes$/,
      /^connection lost: .*1011/,
      /^connected, session s1$/,
      /^back in \d+ ms at attempt 1$/,
      /^connection lost: disconnect\(\) was called$/,
    ];
    assert.equal(lines.length, wanted.length, output);
    for (const [at, pattern] of wanted.entries()) assert.match(lines[at] ?? '', pattern);
  });
});
