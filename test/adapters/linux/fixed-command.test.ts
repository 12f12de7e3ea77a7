// Fixed commands, with the real programs: their words, and every way in which they fail.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runFixed } from '../../../src/adapters/linux/fixed-command.ts';

const run = (...argv: string[]) => runFixed(argv, 4_000);

describe('a fixed command', () => {
  it('gives what it says, without the blanks around', async () => {
    assert.deepEqual(await run('/bin/echo', ' hello '), { said: 'hello' });
  });

  it('knows no shell and no environment', async () => {
    assert.deepEqual(await run('/bin/echo', '$HOME; `id` > /tmp/x'), { said: '$HOME; `id` > /tmp/x' });
    assert.deepEqual(await run('/usr/bin/env'), { said: '' });
  });

  it('is ended when it takes too long', async () => {
    assert.deepEqual(await runFixed(['/bin/sleep', '60'], 100), {
      failed: 'the program took longer than 100 ms',
    });
  });

  it('waits for no input', async () => assert.deepEqual(await run('/bin/cat'), { said: '' }));

  it('is cut short, and steers no terminal', async () => {
    const long = await run('/usr/bin/seq', '1', '5000');
    assert.ok('said' in long && long.said.length <= 2_001);
    assert.deepEqual(await run('/usr/bin/printf', 'a\\033[2Jb'), { said: 'a [2Jb' });
    assert.deepEqual(await run('/usr/bin/yes'), { failed: 'the program said too much' });
  });

  it('says why it failed', async () => {
    assert.deepEqual(await run('/nowhere/at/all'), { failed: 'the program is not there' });
    assert.deepEqual(await run('/etc/passwd'), { failed: 'the program may not be run' });
    assert.deepEqual(await run('/bin/false'), { failed: 'the program failed (1)' });
    assert.match(JSON.stringify(await run('/bin/ls', '/nowhere/at/all')), /cannot access/);
  });
});
