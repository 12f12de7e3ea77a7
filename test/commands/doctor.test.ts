// `doctor` as a process: beside a running agent and without one, as text and as JSON, and what it mends.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, folders, startDaemon } from '../helpers/daemon.ts';

type Found = {
  readonly worst: string;
  readonly checks: readonly { id: string; result: string; says: string }[];
};

describe('`doctor`', () => {
  it('asks a running agent and opens nothing behind its back', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/no server is configured/);
    const { code, stdout } = await daemon.ask('doctor', '--json', ...places.options.slice(0, 2));
    const { worst, checks } = JSON.parse(stdout) as Found;
    const resultOf = (id: string) => checks.find((one) => one.id === id)?.result;
    assert.ok(checks.length >= 40);
    assert.equal(resultOf('service.agent'), 'ok');
    assert.equal(resultOf('microphone.agent'), 'ok');
    assert.equal(resultOf('config.server'), 'fail');
    assert.deepEqual([worst, code], ['fail', 1]);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });

  it('looks at single areas, and is content with what is good', async () => {
    const places = await folders();
    const state = join(places.root, 's');
    mkdirSync(state);
    const { code, stdout } = await command(['doctor', 'state', ...places.options]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok {3}state +directory: /m);
    assert.doesNotMatch(stdout, /network/);
    assert.equal((await command(['doctor', 'weather'])).code, 2);
    await places.remove();
  });

  it('mends what can do no harm, when it is told to without asking', async () => {
    const places = await folders();
    const path = join(places.root, 's', 'identity.json');
    mkdirSync(join(places.root, 's'));
    writeFileSync(path, '{}');
    chmodSync(path, 0o644);
    const asked = await command(['doctor', 'state', '--fix', ...places.options]);
    assert.equal(asked.code, 2);
    assert.equal(statSync(path).mode & 0o777, 0o644);
    const { stdout } = await command(['doctor', 'state', '--fix', '--yes', ...places.options]);
    assert.match(stdout, /done: chmod 600 /);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await places.remove();
  });

  it('holds a conversation with itself', async () => {
    const { code, stdout } = await command(['doctor', '--loopback']);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /said and heard again in \d+ ms/);
  });
});
