// The space bar of a real terminal (a pty made by script(1)) as the button.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { it } from 'node:test';
import { until } from '../helpers/card.ts';
import { folders } from '../helpers/daemon.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.js');

it('on a terminal the space bar is a click, auto-repeat is not, and q quits', async () => {
  const server = await startScriptedServer(async (device) => {
    await device.next('hello');
    device.hello();
    await device.next(() => false, Number.POSITIVE_INFINITY);
  });
  const places = await folders();
  const settings = [
    `server.websocket_url=${server.url}`,
    'audio.input.device=null',
    'audio.output.device=null',
  ];
  const words = [
    process.execPath,
    MAIN,
    'run',
    ...places.options,
    ...settings.flatMap((one) => ['--set', one]),
  ];
  const terminal = spawn('script', ['-qfec', words.map((word) => `'${word}'`).join(' '), '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A shell under systemd would ask for the journal's format.
    env: { ...process.env, NO_COLOR: '1' },
  });
  const ended = once(terminal, 'close');
  let screen = '';
  terminal.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString('utf8');
  });
  const shows = (what: RegExp) => until(() => what.test(screen), `${what} on the screen:\n${screen}`);
  try {
    await shows(/the space bar is the button/);
    await shows(/link ready/);
    terminal.stdin.write('x');
    // Three at once: one stroke and its auto-repeat.
    terminal.stdin.write('   ');
    await shows(/turn listening .*mode=auto/);
    terminal.stdin.write('q');
    const [code] = await ended;
    assert.equal(code, 0);
    assert.equal(screen.split('turn listening').length, 2, screen);
    assert.doesNotMatch(screen, /turn finishing/);
  } finally {
    terminal.kill('SIGKILL');
    await server.stop();
    await places.remove();
  }
});
