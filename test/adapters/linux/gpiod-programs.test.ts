// libgpiod's programs, recorded: what they find together, what is made of a program that fails or hangs, and how often they
// are asked.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { GpiodPrograms, isAbsent } from '../../../src/adapters/linux/gpiod-programs.ts';
import { childrenNamed } from '../../helpers/card.ts';
import { type RecordedGpiod, recordedGpiod } from './gpiod-recorded.ts';

const FOUND = { chip: 'gpiochip0', offset: 17, generation: 1 };

describe('the programs of libgpiod', () => {
  let board: RecordedGpiod;
  let programs: GpiodPrograms;
  beforeEach(() => {
    board = recordedGpiod(1);
    programs = new GpiodPrograms({ environment: board.environment });
  });
  afterEach(() => board.remove());
  const asked = () => board.calls().map((call) => call.split(' ')[0]);

  it('are asked once by all the keys that begin in one moment, and again later', async () => {
    const found = await Promise.all([17, 5, 6].map((gpio) => programs.find(gpio, '')));
    assert.deepEqual(found, [FOUND, { ...FOUND, offset: 5 }, { ...FOUND, offset: 6 }]);
    assert.deepEqual(asked(), ['gpiomon', 'gpiodetect', 'gpioinfo']);
    await programs.find(17, '');
    assert.equal(asked().length, 6, 'a chip may have come meanwhile');
  });

  it('find a line though one of the chips is for others', async () => {
    board.write(
      'gpiodetect',
      '#!/bin/sh\ncat "$FOLDER/detected"\necho "gpiodetect: Permission denied" >&2\nexit 1\n',
    );
    assert.deepEqual(await programs.find(17, ''), FOUND);
  });

  it('are told from others of the same name', async () => {
    board.write('version', 'gpiomon of something else');
    assert.deepEqual(await programs.find(17, ''), {
      missing: "gpiomon is not libgpiod's: gpiomon of something else",
    });
  });

  it('that are not there are told from those that fail', async () => {
    const found = await new GpiodPrograms({ environment: { PATH: '/nonexistent' } }).find(17, '');
    assert.ok('failed' in found && isAbsent(found.failed));
    board.write('denied', 'Permission denied');
    const denied = await programs.find(17, '');
    assert.ok('failed' in denied && !isAbsent(denied.failed));
    assert.equal(denied.failed, 'Permission denied');
  });

  it('that hang are ended', async () => {
    board.write('gpiomon', '#!/bin/sh\nexec sleep 60\n');
    const hasty = new GpiodPrograms({ environment: board.environment, deadlineMs: 200 });
    assert.deepEqual(await hasty.find(17, ''), { failed: 'gpiomon does not answer' });
    assert.deepEqual(childrenNamed('sleep'), []);
  });
});
