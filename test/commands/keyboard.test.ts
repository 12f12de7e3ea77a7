// The space bar of a real terminal (a pty made by script(1)) as the button.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { until } from '../helpers/card.ts';
import { descendants } from '../helpers/children.ts';
import { folders } from '../helpers/daemon.ts';
import { greeting } from '../helpers/good-conversation.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.js');

type Terminal = {
  readonly pid: number;
  screen(): string;
  shows(what: RegExp): Promise<void>;
  type(keys: string): void;
  readonly ended: Promise<number | null>;
};

async function onTerminal(use: (terminal: Terminal) => Promise<void>): Promise<void> {
  const server = await startScriptedServer(greeting);
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
  const ended = once(terminal, 'close').then(([code]) => code as number | null);
  let screen = '';
  terminal.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString('utf8');
  });
  const shows = (what: RegExp) => until(() => what.test(screen), `${what} on the screen:\n${screen}`);
  try {
    await shows(/the space bar is the button/);
    await shows(/link ready/);
    await use({
      pid: terminal.pid ?? 0,
      screen: () => screen,
      shows,
      type: (keys) => void terminal.stdin.write(keys),
      ended,
    });
  } finally {
    terminal.kill('SIGKILL');
    await server.stop();
    await places.remove();
  }
}

it('on a terminal the space bar is a click, auto-repeat is not, and q quits', () =>
  onTerminal(async ({ screen, shows, type, ended }) => {
    type('x');
    // Three at once: one stroke and its auto-repeat.
    type('   ');
    await shows(/turn listening .*mode=auto/);
    type('q');
    assert.equal(await ended, 0);
    assert.equal(screen().split('turn listening').length, 2, screen());
    assert.doesNotMatch(screen(), /turn finishing/);
  }));

it('a terminal that is closed takes the box with it', () =>
  onTerminal(async ({ pid, shows, ended }) => {
    // The signal that its kernel sends; a service would read its configuration anew.
    for (const child of descendants(pid)) if (programOf(child).includes(MAIN)) process.kill(child, 'SIGHUP');
    await shows(/shutting down signal=SIGHUP/);
    assert.equal(await ended, 0);
  }));

/** Its words, the first of which is Node and not the shell that has started it. */
function programOf(pid: number): string {
  const [first = '', ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return first === process.execPath ? words.join(' ') : '';
}
