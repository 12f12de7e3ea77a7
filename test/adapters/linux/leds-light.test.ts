// The light on kernel LEDs, in a folder shaped like /sys/class/leds: what is written, and what is said when
// it cannot be. A file keeps what was written last; what the kernel makes of it has to be believed.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ledsLight } from '../../../src/adapters/linux/leds-light.ts';
import { RHYTHMS } from '../../../src/core/light.ts';
import type { Look } from '../../../src/ports.ts';
import { keptLog } from '../../helpers/card.ts';
import { type HandClock, handClock } from '../../helpers/hand-clock.ts';
import { NOBODY } from '../../helpers/out-of-reach.ts';

const ALL_TRIGGERS = 'none kbd-scrolllock [mmc0] timer oneshot pattern heartbeat';

describe('the light on kernel LEDs', () => {
  let root: string;
  let clock: HandClock;
  let said: string[];
  let log: ReturnType<typeof keptLog>;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'xz-'));
    clock = handClock();
    said = [];
    log = keptLog();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function led(name: string, files: Readonly<Record<string, string>> = {}): void {
    mkdirSync(join(root, name));
    const all = { brightness: '0', max_brightness: '255', trigger: ALL_TRIGGERS, ...files };
    for (const [file, text] of Object.entries(all)) writeFileSync(join(root, name, file), `${text}\n`);
  }
  const holds = (name: string, file: string) => readFileSync(join(root, name, file), 'utf8').trim();
  const brightness = (name = 'box') => Number(holds(name, 'brightness'));
  /** At so many moments, so far apart. */
  const seen = (count: number, everyMs: number) =>
    Array.from({ length: count }, () => {
      const level = brightness();
      clock.advance(everyMs);
      return level;
    });

  function light(...names: readonly string[]) {
    const made = ledsLight({ names, clock, log, root });
    made.start({ failed: (reason) => said.push(reason), works: () => said.push('works') });
    return made;
  }
  const look = (sign: keyof typeof RHYTHMS, changes: Partial<Look> = {}): Look => ({
    rhythm: RHYTHMS[sign],
    colour: [255, 255, 255],
    brightness: 1,
    ...changes,
  });

  it('is steady without any trigger', () => {
    led('box');
    light('box').show(look('listening'));
    assert.deepEqual([holds('box', 'trigger'), brightness()], ['none', 255]);
    assert.deepEqual([said, clock.pending()], [['works'], 0]);
  });

  it('blinks by the timer trigger, as brightly as the LED was when it came', () => {
    led('box');
    light('box').show(look('thinking', { brightness: 0.5 }));
    assert.equal(holds('box', 'trigger'), 'timer');
    assert.deepEqual(
      [holds('box', 'delay_on'), holds('box', 'delay_off'), brightness()],
      ['125', '125', 128],
    );
    assert.equal(clock.pending(), 0, 'the kernel does it');
  });

  it('does everything else by the pattern trigger: jumps take no time, a fading takes all of it', () => {
    led('box');
    const shown = light('box');
    shown.show(look('muted'));
    assert.equal(holds('box', 'trigger'), 'pattern');
    assert.equal(holds('box', 'pattern'), '255 100 255 0 0 150 0 0 255 100 255 0 0 4650 0 0');
    shown.show(look('speaking'));
    assert.equal(holds('box', 'pattern'), '26 800 255 800');
    assert.equal(clock.pending(), 0);
  });

  it('does by its clock what the kernel cannot', () => {
    led('box', { trigger: '[none] mmc0' });
    const shown = light('box');
    shown.show(look('thinking'));
    const levels = seen(8, 125);
    assert.deepEqual(levels, [255, 0, 255, 0, 255, 0, 255, 0]);
    shown.show(look('speaking'));
    const fading = seen(33, 50);
    assert.deepEqual([fading[0], fading[16], fading[32]], [26, 255, 26]);
    assert.ok(
      fading.slice(1, 17).every((level, at) => level > (fading[at] ?? 0)),
      fading.join(' '),
    );
    shown.show(look('idle'));
    assert.deepEqual([brightness(), clock.pending()], [0, 0]);
  });

  /** As for a service that is not root: the trigger can be chosen, and the files that come with it cannot be written. */
  function locked(name: string, ...files: readonly string[]): void {
    for (const file of files) mkdirSync(join(root, name, file));
  }

  it('does by its clock what the kernel keeps for root, and says so once', () => {
    led('box');
    locked('box', 'delay_on', 'delay_off', 'pattern');
    const shown = light('box');
    shown.show(look('thinking'));
    const levels = seen(4, 125);
    assert.deepEqual([levels, holds('box', 'trigger')], [[255, 0, 255, 0], 'none']);
    writeFileSync(join(root, 'box', 'trigger'), 'untouched');
    shown.show(look('muted'));
    assert.deepEqual([holds('box', 'trigger'), brightness()], ['none', 255]);
    clock.advance(100);
    assert.equal(brightness(), 0, 'it goes on');
    assert.deepEqual([...new Set(said)], ['works'], 'it is lit, which is no failure');
    assert.deepEqual(
      log.lines.map(({ level, text }) => `${level}: ${text}`),
      ['info: the LED cannot be set to blink by itself: a clock does it'],
    );
    shown.stop();
    assert.deepEqual([holds('box', 'trigger'), brightness(), clock.pending()], ['mmc0', 0, 0]);
  });

  it('leaves the rhythm to the kernel on those of three that can', () => {
    for (const name of ['r', 'g', 'b']) led(name);
    locked('g', 'delay_on');
    light('r', 'g', 'b').show(look('thinking'));
    assert.deepEqual(
      ['r', 'g', 'b'].map((name) => holds(name, 'trigger')),
      ['timer', 'none', 'timer'],
    );
    clock.advance(125);
    assert.equal(brightness('g'), 0);
  });

  for (const trigger of ['timer', 'pattern'])
    it(`is dark in the end though it is found with ${trigger}, which a run that was killed has left`, () => {
      led('box', { trigger: `none mmc0 [${trigger}]` });
      const shown = light('box');
      shown.show(look('listening'));
      shown.stop();
      assert.deepEqual([holds('box', 'trigger'), brightness()], ['none', 0]);
    });

  it('is lit however dim, on a LED that knows only on and off too', () => {
    led('box', { max_brightness: '1' });
    light('box').show(look('listening', { brightness: 0.01 }));
    assert.equal(brightness(), 1);
  });

  it('makes a colour of three LEDs', () => {
    for (const name of ['r', 'g', 'b']) led(name);
    const shown = light('r', 'g', 'b');
    shown.show(look('listening', { colour: [255, 90, 0], brightness: 0.5 }));
    assert.deepEqual(['r', 'g', 'b'].map(brightness), [128, 45, 0]);
    shown.show(look('thinking', { colour: [0, 255, 255] }));
    assert.deepEqual(
      ['r', 'g', 'b'].map((name) => holds(name, 'trigger')),
      ['pattern', 'timer', 'timer'],
    );
    assert.equal(holds('r', 'pattern'), '0 125 0 0 0 125 0 0', 'dark all along');
  });

  it('mixes the colour in a LED that can, in the order in which it has them', () => {
    led('box', { multi_index: 'green red blue white', multi_intensity: '0 0 0 0' });
    light('box').show(look('listening', { colour: [255, 90, 0] }));
    assert.deepEqual([holds('box', 'multi_intensity'), brightness()], ['90 255 0 0', 255]);
  });

  it('goes dark at the end and gives the LED back to whoever had it', () => {
    led('box');
    const shown = light('box');
    shown.show(look('thinking'));
    shown.stop();
    shown.stop();
    assert.deepEqual([holds('box', 'trigger'), brightness()], ['mmc0', 0]);
    shown.show(look('listening'));
    assert.equal(brightness(), 0, 'nothing after stop');
  });

  it('says which LEDs there are when the named one is not among them, and lights it when it comes', () => {
    led('ACT');
    const shown = light('box');
    shown.show(look('listening'));
    assert.match(said[0] ?? '', /box\/trigger does not exist; there are: ACT/);
    led('box');
    shown.show(look('thinking'));
    assert.deepEqual(said.slice(1), ['works']);
  });

  it('says what to do when it may not be written', () => {
    led('box');
    chmodSync(root, 0o755);
    chmodSync(join(root, 'box', 'trigger'), 0o444);
    // Root may write everything: for a moment it is nobody.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    light('box').show(look('listening'));
    if (isRoot) process.seteuid?.(0);
    assert.match(said[0] ?? '', /no permission to write .*udev rule/);
  });

  it('stops trying when the LED goes away in the middle of a rhythm', () => {
    led('box', { trigger: '[none]' });
    light('box').show(look('thinking'));
    rmSync(join(root, 'box'), { recursive: true });
    clock.advance(1_000);
    assert.equal(clock.pending(), 0);
    assert.equal(said.filter((one) => one.includes('does not exist')).length, 1);
  });
});
