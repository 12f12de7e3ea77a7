// The button on libgpiod's programs, of both generations, with what those were recorded to say: a line that moves, that
// chatters, that is held, and every way in which it cannot be had.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { type GpiodButtonOptions, gpiodButton } from '../../../src/adapters/linux/gpiod-button.ts';
import type { Button } from '../../../src/ports.ts';
import { buttonContract, type FingerEar, fingerEar } from '../../contracts/button.ts';
import { childrenNamed, realClock, until } from '../../helpers/card.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';
import { INFO_HELD, type RecordedGpiod, recordedGpiod, WORDS } from './gpiod-recorded.ts';

const LINE = 'BCM 17 = header pin 11';
const WISH = { gpio: 17, line: LINE, chip: '', activeLow: true, pull: 'up', debounceMs: 0 } as const;

const children = () =>
  childrenNamed('cat', 'sh', 'gpiomon', 'setpriv', 'sleep', 'gpioget', 'gpioinfo', 'gpiodetect');
const gone = () => until(() => children().length === 0, 'every child has gone');

for (const generation of [1, 2] as const) {
  const worlds: RecordedGpiod[] = [];
  after(() => Promise.all(worlds.map((world) => world.remove())));
  buttonContract(`gpiod ${generation}.x`, () => {
    const board = recordedGpiod(generation);
    worlds.push(board);
    const { devices, environment, press, release } = board;
    const hasLine = board.isHeard;
    const button = gpiodButton({ ...WISH, clock: realClock, devices, environment, hasLine });
    const listening = () => until(board.isHeard, 'gpiomon listens');
    return { button, listening, press, release, until, gone };
  });

  describe(`the button on libgpiod ${generation}.x`, () => {
    let clock: HandClock;
    let board: RecordedGpiod;
    let button: Button;
    let ear: FingerEar;

    beforeEach(() => {
      clock = handClock();
      board = recordedGpiod(generation);
      ear = fingerEar();
    });
    afterEach(async () => {
      button.stop();
      assert.equal(clock.pending(), 0);
      await gone();
      await board.remove();
    });

    function begin(options: Partial<GpiodButtonOptions> = {}): void {
      const { devices, environment } = board;
      button = gpiodButton({ ...WISH, clock, devices, environment, hasLine: board.isHeard, ...options });
      button.start(ear);
      clock.advance(0);
    }
    const listening = () => until(board.isHeard, 'gpiomon listens');
    /** Time goes on meanwhile, but slowly. */
    const seen = (count: number) =>
      until(
        () => {
          clock.advance(1);
          return ear.seen.length >= count;
        },
        `${count} facts: ${ear.seen.join(', ')}`,
      );
    const monitored = () =>
      board.calls().find((call) => call.startsWith('gpiomon -') && !call.includes('version'));

    it('is asked for with the flags of its generation', async () => {
      begin({ debounceMs: 10 });
      await until(() => monitored() !== undefined, 'gpiomon');
      const flags = {
        1: 'gpiomon -b -l -B pull-up -F %e gpiochip0 17',
        2: 'gpiomon --banner -l -b pull-up -p 10ms -F %e -c gpiochip0 17',
      };
      assert.equal(monitored(), flags[generation]);
      const level = {
        1: 'gpioget -l -B pull-up gpiochip0 17',
        2: 'gpioget -l -b pull-up --numeric -c gpiochip0 17',
      };
      assert.ok(board.calls().includes(level[generation]), board.calls().join('\n'));
    });

    it('is asked for otherwise where it is pressed to high and has its own resistor', async () => {
      begin({ activeLow: false, pull: 'off' });
      await until(() => monitored() !== undefined, 'gpiomon');
      const flags = {
        1: 'gpiomon -b -B disable -F %e gpiochip0 17',
        2: 'gpiomon --banner -b disabled -F %e -c gpiochip0 17',
      };
      assert.equal(monitored(), flags[generation]);
    });

    it('is asked for with a pull to low where it is pressed to high and floats', async () => {
      begin({ activeLow: false, pull: 'down' });
      await until(() => monitored() !== undefined, 'gpiomon');
      assert.match(monitored() ?? '', / -[bB] pull-down /);
      assert.doesNotMatch(monitored() ?? '', / -l /);
      assert.match(
        board.calls().find((call) => /^gpioget -/.test(call) && !/version/.test(call)) ?? '',
        / -[bB] pull-down /,
      );
    });

    it('says on which chip it was found, by label', async () => {
      begin();
      await seen(1);
      assert.equal(button.line, `${LINE} on gpiochip0`);
    });

    it('is found by its name where no chip is a Raspberry Pi’s', async () => {
      board.write('detected', 'gpiochip0 [wakebank] (32 lines)');
      begin();
      await seen(1);
      assert.deepEqual(ear.seen, ['found up']);
    });

    it('is missing where neither label nor name is there, and the chips are named', async () => {
      board.write('detected', 'gpiochip0 [wakebank] (32 lines)');
      begin({ gpio: 5, line: 'BCM 5 = header pin 29' });
      await seen(1);
      assert.deepEqual(ear.seen, [
        'missing: no chip of a Raspberry Pi and no line named GPIO5 (chips: wakebank)',
      ]);
    });

    it('is looked for on the chip with the label that is wished for', async () => {
      board.write('detected', 'gpiochip0 [wakebank] (32 lines)\ngpiochip1 [expander] (8 lines)');
      begin({ chip: 'expander' });
      await until(() => monitored() !== undefined, 'gpiomon');
      assert.match(monitored() ?? '', /gpiochip1 17$/);
    });

    it('is missing where no chip has the label that is wished for', async () => {
      begin({ chip: 'other' });
      await seen(1);
      assert.deepEqual(ear.seen, ['missing: no GPIO chip is labelled "other" (there are: pinctrl-bcm2711)']);
    });

    it('that is held when it begins is found down, once that is sure', async () => {
      board.write('level', '1');
      begin();
      await seen(1);
      await listening();
      board.release();
      await seen(2);
      assert.deepEqual(ear.seen, ['found down', 'released']);
      assert.equal(board.calls().filter((call) => call.startsWith('gpioget')).length, 2);
    });

    it('is heard through a burst, and through lines cut in two, and noise is not', async () => {
      begin();
      await seen(1);
      await listening();
      const up = generation === 1 ? '0' : '2';
      board.edges('1', up, '1', up, 'event: nonsense', '', '7', '1');
      await seen(6);
      assert.deepEqual(ear.seen.slice(1), ['pressed', 'released', 'pressed', 'released', 'pressed']);
    });

    it('that is busy is told of with the name of whoever has it', async () => {
      board.write('busy', WORDS[generation].busy);
      board.write('info', INFO_HELD[generation]);
      begin();
      await seen(1);
      assert.deepEqual(ear.seen, [`busy: ${LINE} is in use by "gpiomon" (${WORDS[generation].busy})`]);
    });

    it('that is for others is told of with the group that may', async () => {
      board.write('denied', WORDS[generation].denied);
      begin();
      await seen(1);
      const group = 'join the group gpio: sudo usermod -aG gpio $USER';
      assert.deepEqual(ear.seen, [`denied: ${LINE}: no permission (${WORDS[generation].denied}); ${group}`]);
    });

    it('whose chip goes away ends with the last words', async () => {
      board.write('vanished', WORDS[generation].vanished);
      begin();
      // 2.x has said before that it listens.
      await seen(generation);
      assert.equal(ear.seen.at(-1), `missing: ${LINE} is not there (${WORDS[generation].vanished})`);
    });

    it('whose child is killed ends, and can be started again', async () => {
      begin();
      await seen(1);
      await listening();
      for (const pid of childrenNamed('cat')) process.kill(pid, 'SIGKILL');
      await seen(2);
      assert.equal(ear.seen[1], `broken: ${LINE}: gpiomon ended by itself (SIGKILL)`);
      button.start(ear);
      clock.advance(0);
      await seen(3);
      await listening();
      board.press();
      await seen(4);
      assert.deepEqual(ear.seen.slice(2), ['found up', 'pressed']);
    });

    it('whose child is stopped ends after three looks at it', async () => {
      begin();
      await seen(1);
      await listening();
      for (const pid of childrenNamed('cat')) process.kill(pid, 'SIGSTOP');
      await until(() => {
        clock.advance(10_000);
        return ear.seen.length > 1;
      }, 'it is noticed');
      assert.equal(ear.seen[1], `broken: ${LINE}: gpiomon hangs: it has been stopped`);
    });
  });
}

describe('the button on libgpiod', () => {
  it('is missing, without any child, where there is no chip', async () => {
    const clock = handClock();
    const ear = fingerEar();
    const board = recordedGpiod(1);
    rmSync(join(board.devices, 'gpiochip0'));
    const { devices, environment } = board;
    gpiodButton({ ...WISH, clock, devices, environment }).start(ear);
    clock.advance(0);
    await until(() => ear.seen.length > 0, 'an end');
    assert.deepEqual(ear.seen, [`missing: this machine has no GPIO (${devices}/gpiochip*)`]);
    assert.deepEqual(board.calls(), []);
    await board.remove();
  });

  it('is missing where the programs are, and says what to install', async () => {
    const clock = handClock();
    const ear = fingerEar();
    const board = recordedGpiod(1);
    const { devices } = board;
    gpiodButton({ ...WISH, clock, devices, environment: { PATH: '/nonexistent' } }).start(ear);
    clock.advance(0);
    await until(() => ear.seen.length > 0, 'an end');
    assert.deepEqual(ear.seen, [
      'missing: the programs of libgpiod are not installed: apt-get install gpiod',
    ]);
    await board.remove();
  });

  it('of 1.x debounces by itself: what chatters is one press', async () => {
    const clock = handClock();
    const ear = fingerEar();
    const board = recordedGpiod(1);
    const { devices, environment } = board;
    const hasLine = board.isHeard;
    const button = gpiodButton({ ...WISH, debounceMs: 10, clock, devices, environment, hasLine });
    button.start(ear);
    clock.advance(0);
    await until(() => {
      clock.advance(1);
      return ear.seen.length === 1;
    }, 'found');
    const before = clock.pending();
    board.edges('1', '0', '1', '0', '1');
    await until(() => clock.pending() > before, 'edges');
    board.edges('0', '1');
    await until(() => {
      clock.advance(1);
      return ear.seen.length > 1;
    }, 'a press');
    board.edges('0', '1', '0');
    await until(() => {
      clock.advance(1);
      return ear.seen.length > 2;
    }, 'a release');
    assert.deepEqual(ear.seen, ['found up', 'pressed', 'released']);
    button.stop();
    await gone();
    await board.remove();
  });
});
