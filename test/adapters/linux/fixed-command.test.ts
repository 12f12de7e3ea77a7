// Fixed commands, with the real programs: their words, and every way in which they fail.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runFixed } from '../../../src/adapters/linux/fixed-command.ts';
import { realClock, until } from '../../helpers/card.ts';
import { lives } from '../../helpers/children.ts';
import { handClock } from '../../helpers/hand-clock.ts';

const run = (...argv: string[]) => runFixed(argv, 4_000, realClock);

describe('a fixed command', () => {
  it('gives what it says, without the blanks around', async () => {
    assert.deepEqual(await run('/bin/echo', ' hello '), { said: 'hello' });
  });

  it('knows no shell and no environment', async () => {
    assert.deepEqual(await run('/bin/echo', '$HOME; `id` > /tmp/x'), { said: '$HOME; `id` > /tmp/x' });
    assert.deepEqual(await run('/usr/bin/env'), { said: '' });
    assert.deepEqual(await run('/bin/pwd'), { said: '/' });
  });

  it('is ended when it takes too long', async () => {
    assert.deepEqual(await runFixed(['/bin/sleep', '60'], 100, realClock), {
      failed: 'the program took longer than 100 ms',
    });
    const stubborn = ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'];
    assert.deepEqual(await runFixed(stubborn, 100, realClock), {
      failed: 'the program took longer than 100 ms',
    });
  });

  it('is ended with all that it has started', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'xz-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const clock = handClock();
    const file = join(folder, 'pid');
    const ended = runFixed(['/bin/sh', '-c', `/bin/sleep 77 & echo $! >${file}; wait; :`], 4_000, clock);
    const pid = () => Number(existsSync(file) ? readFileSync(file, 'utf8') : '');
    await until(() => pid() > 0, 'what it starts');
    clock.advance(4_000);
    assert.deepEqual(await ended, { failed: 'the program took longer than 4000 ms' });
    await until(() => !lives(pid()), 'its end');
  });

  it('is over with its own end, all of its words heard, and what it leaves behind goes on', async (t) => {
    // By this clock no deadline comes; what is due at once is.
    const clock = {
      ...realClock,
      after: (ms: number, fire: () => void) => realClock.after(ms > 0 ? 600_000 : 0, fire),
    };
    const script = '/bin/sleep 77 & /usr/bin/seq 1 300; echo $!';
    const end = await runFixed(['/bin/sh', '-c', script], 4_000, clock);
    assert.ok('said' in end, JSON.stringify(end));
    const words = end.said.split('\n');
    const pid = Number(words.at(-1));
    t.after(() => process.kill(pid));
    assert.equal(words.length, 301);
    assert.ok(lives(pid));
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
    const wordy = 'echo first >&2; echo last >&2; exit 3';
    assert.deepEqual(await run('/bin/sh', '-c', wordy), { failed: 'last' });
    assert.match(JSON.stringify(await run('/bin/ls', '/nowhere/at/all')), /cannot access/);
  });
});
