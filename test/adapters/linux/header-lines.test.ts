// Lines of the header by libgpiod's programs of both generations, which stand in here as scripts that write down how they were
// called: a kernel with a chip is in test/board.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { HeaderLines } from '../../../src/adapters/linux/header-lines.ts';
import { childrenNamed, realClock, until } from '../../helpers/card.ts';

const LAMP = { gpio: 17, activeLow: true };

for (const generation of [1, 2] as const)
  describe(`a line of the header, by libgpiod ${generation}.x`, () => {
    let folder: string;
    let lines: HeaderLines;
    const program = (name: string, script: string) => {
      writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} $*" >> ${folder}/calls\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    };
    const calls = (name: string) =>
      readFileSync(join(folder, 'calls'), 'utf8')
        .split('\n')
        .filter((call) => call.startsWith(`${name} -`) && !call.includes('version'));
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'xz-'));
      const version = generation === 1 ? 'v1.6.3' : 'v2.2.1';
      program('gpiomon', `echo "gpiomon (libgpiod) ${version}"`);
      program('gpioget', 'echo 1');
      program('gpiodetect', 'echo "gpiochip0 [pinctrl-bcm2711] (58 lines)"');
      program('gpioinfo', ':');
      program('gpioset', 'exec sleep 60');
      lines = new HeaderLines({
        clock: realClock,
        environment: { PATH: `${folder}:/usr/bin:/bin` },
      });
    });
    afterEach(async () => {
      lines.stop();
      await until(() => childrenNamed('sleep', 'gpioset').length === 0, 'no child is left');
      rmSync(folder, { recursive: true, force: true });
    });

    it('is held as it was set, by one child at a time', async () => {
      await lines.set(LAMP, true);
      await lines.set(LAMP, false);
      const expected = {
        1: ['gpioset --mode=signal -l gpiochip0 17=1', 'gpioset --mode=signal -l gpiochip0 17=0'],
        2: ['gpioset -l -c gpiochip0 17=1', 'gpioset -l -c gpiochip0 17=0'],
      };
      assert.deepEqual(calls('gpioset'), expected[generation]);
      assert.equal(childrenNamed('sleep', 'gpioset').length, 1);
    });

    it('that is set twice at once is set in that order, and no child is forgotten', async () => {
      await Promise.all([lines.set(LAMP, true), lines.set(LAMP, false), lines.set(LAMP, true)]);
      assert.deepEqual(
        calls('gpioset').map((call) => call.slice(-1)),
        ['1', '0', '1'],
      );
      assert.equal(childrenNamed('sleep', 'gpioset').length, 1);
    });

    it('that is asked for the level it has is left alone, as long as its child lives', async () => {
      await lines.set(LAMP, true);
      const [child] = childrenNamed('sleep', 'gpioset');
      assert.ok(child !== undefined);
      await lines.set(LAMP, true);
      assert.deepEqual(childrenNamed('sleep', 'gpioset'), [child]);
      // The same level of the wire, by another name.
      await lines.set({ ...LAMP, activeLow: false }, false);
      assert.deepEqual([calls('gpioset').length, childrenNamed('sleep', 'gpioset')], [1, [child]]);
      process.kill(child);
      await until(() => childrenNamed('sleep', 'gpioset').length === 0, 'its end');
      await lines.set(LAMP, true);
      assert.equal(calls('gpioset').length, 2);
      assert.equal(childrenNamed('sleep', 'gpioset').length, 1);
    });

    it('that failed once is set all the same the next time', async () => {
      program('gpioset', 'exit 1');
      const first = assert.rejects(lines.set(LAMP, true), /gpioset ended by itself/);
      await first;
      program('gpioset', 'exec sleep 60');
      await lines.set(LAMP, true);
      assert.equal(childrenNamed('sleep', 'gpioset').length, 1);
    });

    it('is not set any more once all are let go', async () => {
      const late = assert.rejects(lines.set(LAMP, true), /shutting down/);
      lines.stop();
      await late;
      assert.deepEqual(childrenNamed('sleep', 'gpioset'), []);
    });

    it('that is on is told from one that is off', async () => {
      assert.equal(await lines.isOn(LAMP), true);
      program('gpioget', `[ "$1" = --version ] && echo "gpioget (libgpiod) v${generation}.6" || echo 0`);
      assert.equal(await lines.isOn(LAMP), false);
    });

    it('is read as it is, without a pull of ours', async () => {
      assert.equal(await lines.isOn({ gpio: 17, activeLow: false }), true);
      assert.match(
        calls('gpioget').join(),
        generation === 1 ? /-B disable gpiochip0 17/ : /-b disabled .*gpiochip0 17/,
      );
    });

    it('that cannot be had says why', async () => {
      program('gpioset', 'echo "gpioset: device busy" >&2; exit 1');
      await assert.rejects(lines.set(LAMP, true), /device busy/);
      program('gpiodetect', ':');
      await assert.rejects(lines.set(LAMP, true), /no chip of a Raspberry Pi/);
    });
  });
