// The table of commands: every command has a page with examples, the completion of a real bash knows them all, and the
// log's level and the live view work on a running agent.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { levelBar } from '../../src/commands/monitor.ts';
import { COMMANDS } from '../../src/commands/table.ts';
import { command, folders, startDaemon } from '../helpers/daemon.ts';

const run = promisify(execFile);

describe('the help', () => {
  it('of each command has how it is called and an example', async () => {
    for (const { name } of COMMANDS) {
      const { code, stdout } = await command([name, '--help']);
      assert.equal(code, 0, name);
      assert.deepEqual(await command([name, '-h']), { code, stdout, stderr: '' });
      assert.match(stdout, new RegExp(`usage: xiaozhi-agent ${name}`));
      assert.match(stdout, new RegExp(`examples?: .*${name}`), name);
    }
  });

  it('of all of them names each', async () => {
    const { stdout } = await command(['--help']);
    for (const { name } of COMMANDS) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'));
    assert.deepEqual(await command(['-h']), { code: 0, stdout, stderr: '' });
    assert.deepEqual(await command(['help']), { code: 0, stdout, stderr: '' });
  });

  it('is asked for by a word too, and what there is not is no reason to show all', async () => {
    for (const name of ['press', 'audio'])
      assert.deepEqual(await command(['help', name]), await command([name, '--help']));
    const { code, stderr } = await command(['help', 'weather']);
    assert.equal(code, 2);
    assert.match(stderr, /there is no command "weather"/);
  });

  it('of audio is one page, for each of its words', async () => {
    const page = await command(['audio', '--help']);
    for (const word of ['list', 'meter', 'tone'])
      assert.deepEqual(await command(['audio', word, '-h']), page);
  });

  it('is for commands that there are', async () => {
    for (const { name } of COMMANDS)
      assert.doesNotMatch((await command([name, '--no-such-option'])).stderr, /there is no command/, name);
  });
});

it('the version is told by the command and by both options', async () => {
  const told = await command(['version']);
  assert.match(told.stdout, /^xiaozhi-agent \d+\.\d+\.\d+, Node v/);
  for (const option of ['--version', '-V']) assert.deepEqual(await command([option]), told);
});

describe('the completion for bash', () => {
  it('completes commands, their words, options and files', async () => {
    const places = await folders();
    const script = join(places.root, 'completion');
    writeFileSync(script, (await command(['completion', 'bash'])).stdout);
    const completed = async (...words: readonly string[]) => {
      const list = words.map((word) => `'${word}'`).join(' ');
      const program = `source ${script}; COMP_WORDS=(xiaozhi-agent ${list}); COMP_CWORD=${words.length}; _xiaozhi_agent; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await run('bash', ['--norc', '-c', program]);
      return stdout.trim().split('\n');
    };
    assert.deepEqual(await completed('sta'), ['status']);
    assert.deepEqual(await completed('--'), ['--help', '--version']);
    assert.deepEqual(await completed('audio', 'meter', '--h'), ['--hz', '--help']);
    assert.deepEqual(await completed('mute', 'o'), ['on', 'off']);
    assert.deepEqual(await completed('doctor', 'mic'), ['microphone']);
    assert.deepEqual(await completed('press', '--ho'), ['--hold']);
    assert.deepEqual(await completed('status', '--sta'), ['--state-dir']);
    assert.deepEqual(await completed('run', '--config', `${places.root}/comp`), [script]);
    await run('bash', ['-n', script]);
    await places.remove();
  });
});

it('the level of the microphone is a bar from a quiet room to full scale', () => {
  const rows = [
    [null, 0, 'closed'],
    [-96, 0, '-96 dBFS'],
    [-60, 0, '-60 dBFS'],
    [-30, 15, '-30 dBFS'],
    [0, 30, '0 dBFS'],
  ] as const;
  for (const [peakDb, filled, end] of rows)
    assert.equal(levelBar({ peakDb }), `microphone ${'#'.repeat(filled).padEnd(30, '.')} ${end}`);
});

describe('a running agent', () => {
  it('logs more and less of one part when told to', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/no server is configured/);
    assert.equal(daemon.count(/core: step/), 0);
    const { stdout } = await daemon.ask('log', 'debug', 'core');
    assert.match(stdout, /^core +debug$/m);
    assert.match(stdout, /^link +info$/m);
    await daemon.ask('press');
    await daemon.logged(/core: step event=press.asked/);
    assert.match((await daemon.ask('log', 'debug', 'weather')).stderr, /component must be one of: .*link/);
    assert.equal((await daemon.ask('log', 'loud')).code, 2);
    await daemon.ask('log', 'error');
    assert.match((await daemon.ask('log')).stdout, /^core +error$/m);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });

  it('shows what goes on to whoever looks, one line for each change', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/no server is configured/);
    const looking = daemon.ask('monitor', '--json', '--seconds', '2');
    const { code, stdout } = await looking;
    const lines = stdout.trim().split('\n');
    assert.equal(code, 0);
    assert.equal(JSON.parse(lines[0] ?? '').state, 'idle');
    assert.equal(new Set(lines).size, lines.length);
    assert.equal(await daemon.stop(), 0);
    assert.equal((await daemon.ask('monitor')).code, 3);
    await places.remove();
  });
});
