// The daemon with a button, as processes: a key of an input device (a fifo in its place) from the finger to the turn, the
// keys' states in `status`, muting by command, and `button test` beside the daemon and without one.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { wordBitsOf } from '../../src/adapters/linux/input-devices.ts';
import { until } from '../helpers/card.ts';
import { command, type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';

const KEY = 582;

/** A finger on a fifo; a press without a reader is lost, so one waits for the other. */
function finger(file: string) {
  execFileSync('mkfifo', [file]);
  const timeBytes = wordBitsOf(process.arch) === 64 ? 16 : 8;
  let held: number | undefined;
  return {
    async heard() {
      await until(() => {
        try {
          held ??= openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
          return true;
        } catch {
          return false;
        }
      }, 'somebody reads the key');
    },
    move(down: boolean) {
      const bytes = Buffer.alloc(timeBytes + 8);
      bytes.writeUInt16LE(1, timeBytes);
      bytes.writeUInt16LE(KEY, timeBytes + 2);
      bytes.writeInt32LE(down ? 1 : 0, timeBytes + 4);
      if (held !== undefined) writeSync(held, bytes);
    },
    lift() {
      if (held !== undefined) closeSync(held);
      held = undefined;
    },
  };
}

describe('a daemon with a button', () => {
  let server: ScriptedServer;
  let places: Folders;
  let daemon: Daemon;
  let key: ReturnType<typeof finger>;
  before(async () => {
    server = await startScriptedServer(goodConversation({ utterancePackets: 1_000_000 }));
    places = await folders();
    const device = join(places.root, 'event0');
    key = finger(device);
    daemon = startDaemon(places, {
      settings: {
        'server.websocket_url': server.url,
        'button.backend': 'evdev',
        'button.evdev_device': device,
        'button.stop_gpio': '25',
      },
    });
    await daemon.logged(/link ready/);
    await key.heard();
  });
  after(async () => {
    key.lift();
    await daemon.stop();
    await server.stop();
    await places.remove();
  });
  const status = async () => JSON.parse((await daemon.ask('status', '--json')).stdout);

  it('listens while the button is held, and no longer', async () => {
    key.move(true);
    await daemon.logged(/turn listening .*mode=manual/);
    assert.equal((await status()).button.is_down, true);
    key.move(false);
    await daemon.logged(/turn finishing/);
    await daemon.ask('stop');
  });

  it('tells in status what reads it, and of a key that cannot be read', async () => {
    let { button } = await status();
    // It is tried again and again: between two tries it waits.
    const deadline = AbortSignal.timeout(10_000);
    while (button.keys[0].state === 'opening' && !deadline.aborted) ({ button } = await status());
    assert.deepEqual([button.backend, button.state, button.last_trouble], ['evdev', 'working', null]);
    assert.match(button.line, /^key 582 of .*event0$/);
    const [stop] = button.keys;
    assert.deepEqual([stop.role, stop.state, stop.line], ['stop', 'waiting', 'BCM 25 = header pin 22']);
    assert.deepEqual(
      stop.others.map(({ backend }: { backend: string }) => backend),
      ['gpiod', 'onoff', 'rpio'],
    );
    const { stdout } = await daemon.ask('status');
    assert.match(stdout, /^button {6}evdev: key 582 of .*event0$/m);
    assert.match(stdout, /^stop {8}BCM 25 = header pin 22: not heard, in trouble at /m);
    assert.equal(daemon.count(/stop cannot be heard/), 1);
  });

  it('shows the presses and their gestures to whoever tests it, while it works on', async () => {
    const test = daemon.ask('button', 'test', '--seconds', '3');
    await daemon.logged(/somebody watches the button/);
    key.move(true);
    key.move(false);
    key.move(true);
    key.move(false);
    const { code, stdout } = await test;
    assert.equal(code, 0, stdout);
    assert.match(stdout, /the running agent's button {2}evdev: key 582/);
    assert.match(
      stdout,
      /button pressed\n.*button released\n.*= click\n.*button pressed\n.*= double click\n.*button released/,
    );
    assert.match(stdout, /pressed 2 times/);
    assert.equal((await status()).muted, true, 'the daemon has heard the same');
    assert.equal((await daemon.ask('mute', 'off')).stdout, 'not muted\n');
  });

  it('is muted by command, and says so', async () => {
    for (const [word, says] of [
      ['on', 'muted\n'],
      ['on', 'muted\n'],
      ['toggle', 'not muted\n'],
      ['off', 'not muted\n'],
    ] as const)
      assert.equal((await daemon.ask('mute', word)).stdout, says, word);
    for (const words of [[], ['perhaps'], ['on', 'off']])
      assert.equal((await daemon.ask('mute', ...words)).code, 2, words.join(' '));
  });

  it('takes the button up again when its reader was killed', async () => {
    const readers = execFileSync('pgrep', ['-P', String(daemon.pid), '-x', 'cat'], { encoding: 'utf8' });
    for (const pid of readers.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
    await daemon.logged(/button cannot be heard; it is tried again/);
    key.lift();
    await daemon.logged(/button works again/);
    await key.heard();
    const { button } = await status();
    assert.deepEqual(
      [button.state, button.restarts, button.last_trouble.over],
      ['working', 1, false],
      'it has yet to last',
    );
  });
});

describe('a daemon without any button', () => {
  it('starts, says why, and can be used over its control socket', async () => {
    const places = await folders();
    const daemon = startDaemon(places, {
      settings: { 'button.backend': 'gpiod', 'button.chip': 'no such chip' },
    });
    await daemon.logged(/button cannot be heard; it is tried again/);
    assert.equal((await daemon.ask('press')).code, 0);
    const { button } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    assert.equal(button.state, 'waiting');
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });

  it('with none wanted says nothing about it', async () => {
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'button.backend': 'none' } });
    await daemon.logged(/no server is configured/);
    const { button } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    assert.deepEqual([button.backend, button.line, button.state], ['none', null, 'closed']);
    // The banner says that there is none; nothing else does.
    assert.equal(daemon.count(/button: /), 0);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });
});

describe('`button test` without a daemon', () => {
  it('opens the line itself', async () => {
    const places = await folders();
    const device = join(places.root, 'event0');
    const key = finger(device);
    const environment = {
      ...process.env,
      XIAOZHI_BUTTON__BACKEND: 'evdev',
      XIAOZHI_BUTTON__EVDEV_DEVICE: device,
    };
    const test = command(['button', 'test', '--seconds', '3', ...places.options], environment);
    await key.heard();
    key.move(true);
    key.move(false);
    const { code, stdout } = await test;
    key.lift();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /no agent is running: the line itself/);
    assert.match(stdout, /button taken {2}backend=evdev/);
    assert.match(stdout, /= click/);
    await places.remove();
  });

  it('ends with 1 when nothing was pressed, and with 2 when it is asked wrongly', async () => {
    const places = await folders();
    const environment = { ...process.env, XIAOZHI_BUTTON__BACKEND: 'gpiod' };
    const { code, stdout } = await command(['button', 'test', '--seconds=1', ...places.options], environment);
    assert.equal(code, 1);
    assert.match(stdout, /button cannot be heard/);
    assert.match(stdout, /nothing was pressed/);
    for (const words of [[], ['try'], ['test', 'more'], ['test', '--seconds=0'], ['test', '--seconds=x']])
      assert.equal(
        (await command(['button', ...words, ...places.options], environment)).code,
        2,
        words.join(' '),
      );
    await places.remove();
  });
});
