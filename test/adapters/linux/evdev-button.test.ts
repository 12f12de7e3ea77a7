// The button on an input device, shown with a fifo that gives records as the kernel does, of both word sizes and cut
// anywhere; and with every way in which a device cannot be had.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, test } from 'node:test';
import { evdevButton } from '../../../src/adapters/linux/evdev-button.ts';
import {
  inputDeviceFile,
  keyReader,
  type WordBits,
  wordBitsOf,
} from '../../../src/adapters/linux/input-devices.ts';
import { buttonContract, fingerEar } from '../../contracts/button.ts';
import { childrenNamed, realClock, until } from '../../helpers/card.ts';

const KEY = 582;
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function record(type: number, code: number, value: number, wordBits: WordBits = 64): Buffer {
  const timeBytes = wordBits === 64 ? 16 : 8;
  const bytes = Buffer.alloc(timeBytes + 8, 0xaa);
  bytes.writeUInt16LE(type, timeBytes);
  bytes.writeUInt16LE(code, timeBytes + 2);
  bytes.writeInt32LE(value, timeBytes + 4);
  return bytes;
}
const key = (value: number, code = KEY, wordBits: WordBits = 64) => record(1, code, value, wordBits);
const SYNC = record(0, 0, 0);
const DROPPED = record(0, 3, 0);

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'xz-'));
  folders.push(made);
  return made;
}

/** A fifo in the place of a device; without a reader an event is lost, as the kernel's are. */
function fifo() {
  const file = join(folder(), 'event0');
  execFileSync('mkfifo', [file]);
  let held: number | undefined;
  const give = (...records: readonly Uint8Array[]) => {
    try {
      // Held open: to a reader a fifo without writers is at its end.
      held ??= openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(held, Buffer.concat(records));
      return true;
    } catch {
      lift();
      return false;
    }
  };
  const lift = () => {
    if (held !== undefined) closeSync(held);
    held = undefined;
  };
  return { file, give, lift };
}

function world() {
  const { file, give, lift } = fifo();
  return {
    button: evdevButton({ device: file, keyCode: KEY, clock: realClock, wordBits: 64 }),
    give,
    lift,
    listening: () => until(() => give(SYNC), 'cat reads'),
    press: () => void give(key(1), SYNC),
    release: () => void give(key(0), SYNC),
    until,
    gone: () => until(() => childrenNamed('cat', 'setpriv').length === 0, 'cat has gone'),
  };
}

buttonContract('evdev', world);

test('a key that is held repeats itself, and other keys move: neither counts', async () => {
  const { button, give, listening, gone } = world();
  const ear = fingerEar();
  button.start(ear);
  await listening();
  give(key(1, 30), SYNC, key(1), SYNC, key(2), SYNC, key(2), SYNC, key(0, 30), key(0), SYNC);
  await until(() => ear.seen.length === 3, 'press and release');
  assert.deepEqual(ear.seen, ['found unknown', 'pressed', 'released']);
  button.stop();
  await gone();
});

test('a run ends when the kernel has lost events, for a release may be among them', async () => {
  const { button, give, listening, gone } = world();
  const ear = fingerEar();
  button.start(ear);
  await listening();
  give(key(1), SYNC, DROPPED, key(0), SYNC);
  await until(() => ear.seen.length === 3, 'an end');
  assert.match(ear.seen[2] ?? '', /^broken: key 582 of .*: the kernel lost some of its events$/);
  await gone();
});

test('a run ends when its device is gone', async () => {
  const { button, lift, listening, gone } = world();
  const ear = fingerEar();
  button.start(ear);
  await listening();
  lift();
  await until(() => ear.seen.length === 2, 'an end');
  assert.match(ear.seen[1] ?? '', /^broken: .*cat ended by itself \(exit code 0\)$/);
  await gone();
});

test('a device that is not there, and none at all, are missing', async () => {
  for (const [device, reason] of [
    ['/nonexistent/event0', 'missing: key 582 of /nonexistent/event0 is not there (ENOENT: no such file'],
    ['', 'missing: button.evdev_device names no device'],
    ['gpio-keys', 'missing: no input device is named "gpio-keys" (there are: "Power Button")'],
  ] as const) {
    const list = join(folder(), 'devices');
    writeFileSync(list, 'I: Bus=0019\nN: Name="Power Button"\nH: Handlers=kbd event0 \n\n');
    const ear = fingerEar();
    evdevButton({ device, keyCode: KEY, clock: realClock, list }).start(ear);
    await until(() => ear.seen.length === 1, 'an end');
    assert.ok(ear.seen[0]?.startsWith(reason), ear.seen[0]);
  }
});

describe('the records of a key', () => {
  for (const wordBits of [32, 64] as const)
    it(`of ${wordBits} bits are read whole, wherever they are cut`, () => {
      const bytes = Buffer.concat([key(1, KEY, wordBits), record(0, 0, 0, wordBits), key(0, KEY, wordBits)]);
      for (let size = 1; size <= bytes.length; size += 1) {
        const reader = keyReader(KEY, wordBits);
        const facts: string[] = [];
        for (let at = 0; at < bytes.length; at += size)
          facts.push(...reader.read(bytes.subarray(at, at + size)));
        assert.deepEqual(facts, ['pressed', 'released'], `${size} bytes at a time`);
      }
    });

  it('are of 32 bits on 32-bit boards', () => {
    assert.deepEqual(['arm', 'ia32', 'arm64', 'x64'].map(wordBitsOf), [32, 32, 64, 64]);
  });
});

describe('an input device', () => {
  const list = () => {
    const file = join(folder(), 'devices');
    writeFileSync(
      file,
      `I: Bus=0019 Vendor=0001 Product=0001 Version=0100
N: Name="gpio-keys"
P: Phys=gpio-keys/input0
S: Sysfs=/devices/platform/gpio-keys/input/input3
H: Handlers=kbd event3
B: EV=3

I: Bus=0003 Vendor=1a2c Product=0e24 Version=0110
N: Name="USB USB Keyboard"
H: Handlers=sysrq kbd leds event11 mouse0
B: EV=120013
`,
    );
    return file;
  };

  it('is found by the name under which the kernel lists it', () => {
    assert.deepEqual(inputDeviceFile('gpio-keys', list()), { file: '/dev/input/event3' });
    assert.deepEqual(inputDeviceFile('USB USB Keyboard', list()), { file: '/dev/input/event11' });
  });

  it('is taken as it is when it is a file', () => {
    assert.deepEqual(inputDeviceFile('/dev/input/by-path/x'), { file: '/dev/input/by-path/x' });
  });

  it('that is not listed is told of together with those that are', () => {
    const why = 'no input device is named "mouse" (there are: "gpio-keys", "USB USB Keyboard")';
    assert.deepEqual(inputDeviceFile('mouse', list()), { missing: why });
  });
});
