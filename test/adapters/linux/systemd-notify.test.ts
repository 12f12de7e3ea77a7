// The supervisor on the real systemd-notify and a real datagram socket, and on programs in its place that fail or hang.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemdSupervisor } from '../../../src/adapters/linux/systemd-notify.ts';
import type { Supervisor } from '../../../src/ports.ts';
import { childrenNamed, realClock, until } from '../../helpers/card.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { type NotifySocket, notifySocket } from '../../helpers/notify-socket.ts';
import { standIn } from './stand-in.ts';

const PID = 4711;

describe('systemd-notify, the real one', () => {
  let socket: NotifySocket;
  let supervisor: Supervisor;
  let failures: string[];
  beforeEach(async () => {
    socket = await notifySocket();
    failures = [];
    const environment = { PATH: process.env.PATH, NOTIFY_SOCKET: socket.path };
    const made = systemdSupervisor({ clock: realClock, environment, pid: PID });
    assert.ok(made);
    supervisor = made;
    supervisor.start({ failed: (reason) => failures.push(reason) });
  });
  afterEach(async () => {
    supervisor.stop();
    await socket.stop();
    assert.deepEqual(failures, []);
  });

  it('tells systemd that it is ready and how it fares, in one message', async () => {
    supervisor.tell({ phase: 'ready', status: 'connected, idle', isAlive: true });
    await socket.told(/WATCHDOG/);
    assert.deepEqual(socket.heard, [['READY=1', 'STATUS=connected, idle', 'WATCHDOG=1']]);
  });

  it('has one child at a time, and of what waits only the newest of each kind', async () => {
    supervisor.tell({ status: 'one' });
    for (const status of ['two', 'three', 'four']) supervisor.tell({ status });
    supervisor.tell({ phase: 'reloading' });
    supervisor.tell({ phase: 'ready' });
    assert.equal(childrenNamed('systemd-notify', 'node').length <= 1, true);
    await socket.told(/READY/);
    assert.deepEqual(socket.heard, [['STATUS=one'], ['READY=1', 'STATUS=four']]);
  });

  it('keeps a line end in what is said from becoming a word of its own', async () => {
    supervisor.tell({ status: 'refused\nMAINPID=1' });
    await socket.told(/STATUS/);
    assert.deepEqual(socket.heard, [['STATUS=refused MAINPID=1']]);
  });

  it('tells nothing before it is started and after it was stopped', async () => {
    supervisor.stop();
    supervisor.tell({ status: 'unheard' });
    supervisor.start({ failed: (reason) => failures.push(reason) });
    supervisor.tell({ status: 'heard' });
    await socket.told(/heard/);
    assert.deepEqual(socket.heard, [['STATUS=heard']]);
  });
});

describe('systemd-notify where it is not what it should be', () => {
  it('is reported when it is not installed, and the next thing is told all the same', async () => {
    const failures: string[] = [];
    const environment = { PATH: '/nowhere', NOTIFY_SOCKET: '/nowhere' };
    const supervisor = systemdSupervisor({ clock: realClock, environment, pid: PID });
    supervisor?.start({ failed: (reason) => failures.push(reason) });
    supervisor?.tell({ isAlive: true });
    await until(() => failures.length === 1, 'a failure');
    supervisor?.tell({ isAlive: true });
    await until(() => failures.length === 2, 'another');
    assert.deepEqual([...new Set(failures)], ['systemd-notify is not installed']);
  });

  it('is reported with its last words when it fails', async () => {
    const program = await standIn('systemd-notify', 'echo "No such socket" >&2; exit 3');
    const failures: string[] = [];
    const environment = { ...program.environment, NOTIFY_SOCKET: '/nowhere' };
    const supervisor = systemdSupervisor({ clock: realClock, environment, pid: PID });
    supervisor?.start({ failed: (reason) => failures.push(reason) });
    supervisor?.tell({ phase: 'ready' });
    await until(() => failures.length === 1, 'a failure');
    assert.deepEqual(failures, ['systemd-notify ended (exit code 3): No such socket']);
    await program.remove();
  });

  it('is given up when it hangs', async () => {
    const clock = handClock();
    const program = await standIn('systemd-notify', 'exec sleep 1000');
    const failures: string[] = [];
    const environment = { ...program.environment, NOTIFY_SOCKET: '/nowhere' };
    const supervisor = systemdSupervisor({ clock, environment, pid: PID });
    supervisor?.start({ failed: (reason) => failures.push(reason) });
    supervisor?.tell({ phase: 'ready' });
    clock.advance(9_999);
    assert.deepEqual(failures, []);
    clock.advance(1);
    await until(() => failures.length === 1, 'a failure');
    assert.deepEqual(failures, ['systemd-notify ended (SIGKILL)']);
    await program.remove();
  });
});

describe('who wants to be told', () => {
  const made = (environment: Record<string, string>) =>
    systemdSupervisor({ clock: realClock, environment, pid: PID });

  it('is nobody without NOTIFY_SOCKET', () => {
    assert.equal(made({}), undefined);
    assert.equal(made({ NOTIFY_SOCKET: '' }), undefined);
  });

  it('waits for signs of life only where that is said, and of this process', () => {
    const own = { NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '30000000' };
    assert.equal(made(own)?.watchdogMs, 30_000);
    assert.equal(made({ ...own, WATCHDOG_PID: String(PID) })?.watchdogMs, 30_000);
    assert.equal(made({ ...own, WATCHDOG_PID: '1' })?.watchdogMs, null);
    assert.equal(made({ NOTIFY_SOCKET: '/x' })?.watchdogMs, null);
    assert.equal(made({ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '0' })?.watchdogMs, null);
  });
});
