// Runs on the virtual board, whose kernel has a GPIO chip: the button's contract on real gpiomon, real onoff and a real
// input device, what only a kernel can show of them, and the daemon with a button from the finger to the status.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { evdevButton } from '../../src/adapters/linux/evdev-button.ts';
import { gpiodButton } from '../../src/adapters/linux/gpiod-button.ts';
import { onoffButton } from '../../src/adapters/linux/onoff-button.ts';
import { buttonContract, fingerEar } from '../contracts/button.ts';
import { childrenNamed, realClock, until } from '../helpers/card.ts';
import { folders, startDaemon } from '../helpers/daemon.ts';
import { uinputKey } from './uinput-key.ts';

/** What `wires up` was told to call the chip: no Raspberry Pi's. */
const LABEL = 'wakebank';
const GPIO = 17;
const LINE = 'BCM 17 = header pin 11';
const WISH = { gpio: GPIO, line: LINE, activeLow: true, pull: 'up', debounceMs: 10 } as const;

/** The wire's own folder; a command for each edge would be slower than any finger. */
const wire = execFileSync('wires', ['line', String(GPIO)], { encoding: 'utf8' }).trim();
const chip = {
  name: basename(dirname(wire)),
  press: () => writeFileSync(join(wire, 'pull'), 'pull-down'),
  release: () => writeFileSync(join(wire, 'pull'), 'pull-up'),
};
chip.release();
after(() => chip.release());

async function gone(): Promise<void> {
  chip.release();
  await until(
    () => childrenNamed('gpiomon', 'gpioget', 'gpioinfo', 'setpriv').length === 0,
    'every child has gone',
  );
}
const world = { async listening() {}, press: chip.press, release: chip.release, until, gone };

/** By its name: no chip here is a Raspberry Pi's. */
const gpiod = (options = {}) => gpiodButton({ ...WISH, chip: '', clock: realClock, ...options });
const onoff = () => onoffButton({ ...WISH, chip: LABEL, clock: realClock });

buttonContract('gpiod on a kernel', () => ({ ...world, button: gpiod() }));
buttonContract('onoff on a kernel', () => ({ ...world, button: onoff() }));

const KEY = 582;
const key = await uinputKey('voice button', KEY);
const evdev = (device: string) => evdevButton({ device, keyCode: KEY, clock: realClock });
buttonContract('evdev on a kernel', () => ({
  button: evdev('voice button'),
  // cat has opened it when its descriptor says so.
  listening: () => until(() => childrenNamed('cat').some((pid) => opens(pid, key.file)), 'cat reads'),
  press: key.press,
  release: key.release,
  until,
  async gone() {
    key.release();
    await until(() => childrenNamed('cat', 'setpriv').length === 0, 'cat has gone');
  },
}));

function opens(pid: number, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file);
  } catch {
    return false;
  }
}

test('an input device that is unplugged is missing', async () => {
  const ear = fingerEar();
  evdev(key.file).start(ear);
  await until(() => childrenNamed('cat').some((pid) => opens(pid, key.file)), 'cat reads');
  await key.unplug();
  await until(() => ear.seen.length === 2, 'an end');
  assert.match(ear.seen[1] ?? '', /^missing: key 582 of .* is not there \(cat: .*No such device\)/);
});

/** Somebody else who has the line. */
async function holder(): Promise<ChildProcess> {
  const child = spawn('gpiomon', ['--banner', '-c', chip.name, String(GPIO)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('a line that somebody has is busy, and gpiod knows who', async () => {
  const other = await holder();
  const [first, second] = [fingerEar(), fingerEar()];
  gpiod().start(first);
  onoff().start(second);
  await until(() => first.seen.length === 1 && second.seen.length === 1, 'two ends');
  assert.match(first.seen[0] ?? '', /^busy: BCM 17 = header pin 11 is in use by "gpiomon"/);
  assert.match(second.seen[0] ?? '', /^busy: BCM 17 = header pin 11 is in use by something else .*EBUSY/);
  other.kill('SIGKILL');
  await once(other, 'close');
});

for (const button of [gpiod({ pull: 'off' }), onoff()])
  test(`a button that is held at the start is found down by ${button.backend}`, async () => {
    chip.press();
    const ear = fingerEar();
    button.start(ear);
    await until(() => ear.seen.length === 1, 'found');
    chip.release();
    await until(() => ear.seen.length === 2, `a release after ${ear.seen.join()}`);
    assert.deepEqual(ear.seen, ['found down', 'released']);
    button.stop();
    await gone();
  });

test('whoever may not open the chip is told of the group', async () => {
  const NOBODY = 65_534;
  const code = `import(${JSON.stringify(new URL('../../src/adapters/linux/gpiod-button.js', import.meta.url).href)}).then(
    async ({ gpiodButton }) => {
      const { clock } = await import(${JSON.stringify(new URL('../../src/adapters/linux/clock.js', import.meta.url).href)});
      gpiodButton({ ...${JSON.stringify(WISH)}, chip: '', clock }).start({
        found() {}, pressed() {}, released() {}, ended: (trouble) => console.log(JSON.stringify(trouble)) });
    });`;
  const said = execFileSync(process.execPath, ['-e', code], { uid: NOBODY, gid: NOBODY, encoding: 'utf8' });
  const { kind, reason } = JSON.parse(said) as { kind: string; reason: string };
  assert.equal(kind, 'denied');
  assert.match(reason, /Permission denied.*join the group gpio/);
});

test('a child of a process that is killed does not keep the line', async () => {
  const url = (name: string) =>
    JSON.stringify(new URL(`../../src/adapters/linux/${name}.js`, import.meta.url).href);
  const code = `Promise.all([import(${url('gpiod-button')}), import(${url('clock')})]).then(([{ gpiodButton }, { clock }]) =>
    gpiodButton({ ...${JSON.stringify(WISH)}, chip: '', clock }).start({
      found: () => console.log('found'), pressed() {}, released() {}, ended: (trouble) => console.log(trouble) }));`;
  const owner = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(owner.stdout, 'data');
  owner.kill('SIGKILL');
  await once(owner, 'close');
  const ear = fingerEar();
  const button = gpiod();
  await until(
    () => !execFileSync('gpioinfo', { encoding: 'utf8' }).includes('consumer="gpiomon"'),
    'the line is free',
  );
  button.start(ear);
  await until(() => ear.seen.length === 1, 'found');
  assert.deepEqual(ear.seen, ['found up']);
  button.stop();
  await gone();
});

test('the daemon takes gpiod by itself, hears the finger, and takes it up again', async () => {
  const places = await folders();
  // Nobody has written down a server for this one.
  const config = join(places.root, 'config.toml');
  writeFileSync(config, '');
  const daemon = startDaemon({ ...places, options: [...places.options, '--config', config] });
  // Here Node takes ten seconds to load it; each wait has its own deadline.
  await daemon.logged(/starting/);
  await daemon.logged(/button taken .*backend=gpiod/);
  chip.press();
  await daemon.logged(/cue .*cue=error/);
  chip.release();
  const { button } = JSON.parse((await daemon.ask('status', '--json')).stdout);
  assert.deepEqual([button.backend, button.state], ['gpiod', 'working']);
  assert.match(button.line, /^BCM 17 = header pin 11 on gpiochip\d+$/);
  const pid = execFileSync('pgrep', ['-P', String(daemon.pid), '-x', 'gpiomon'], { encoding: 'utf8' });
  process.kill(Number(pid.trim()), 'SIGKILL');
  await daemon.logged(/button works again/);
  await daemon.stop();
  await places.remove();
});
