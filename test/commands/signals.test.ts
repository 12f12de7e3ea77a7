// SIGTERM to the real daemon in each state that it can be in: it leaves with code 0 and no child is left; told twice, at once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { type Daemon, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { type Script, startScriptedServer } from '../helpers/scripted-server.ts';

/** As many as a conversation never has: the state lasts until the signal. */
const FOR_EVER = 1_000_000;

/** The process numbers of everything that descends from it. */
function descendants(pid: number): readonly number[] {
  const pairs = execFileSync('ps', ['-e', '-o', 'ppid=,pid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): readonly number[] =>
    pairs.filter(([of]) => of === parent).flatMap(([, child = 0]) => [child, ...below(child)]);
  return below(pid);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const talk = async (daemon: Daemon, phase: RegExp) => {
  await daemon.logged(/link ready/);
  await daemon.ask('press');
  await daemon.logged(phase);
};

const hang: Script = Object.assign(async () => undefined, { admit: () => 'hang' as const });

const STATES: Readonly<Record<string, readonly [Script, (daemon: Daemon) => Promise<void>]>> = {
  idle: [goodConversation(), (daemon) => daemon.logged(/link ready/)],
  dialing: [hang, (daemon) => daemon.logged(/link dialing/)],
  recording: [
    hang,
    async (daemon) => {
      await daemon.logged(/link dialing/);
      await daemon.ask('press');
      await daemon.logged(/turn recording/);
    },
  ],
  listening: [goodConversation({ utterancePackets: FOR_EVER }), (daemon) => talk(daemon, /turn listening/)],
  speaking: [
    goodConversation({ answer: tonePackets(30_000, 60) }),
    (daemon) => talk(daemon, /turn speaking/),
  ],
};

describe('SIGTERM', () => {
  for (const [state, [script, reach]] of Object.entries(STATES))
    it(`while ${state}: the daemon leaves with code 0, and no child of it is left`, async () => {
      const places = await folders();
      const server = await startScriptedServer(script);
      const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
      await reach(daemon);
      const children = descendants(daemon.pid);
      assert.equal(await daemon.stop(), 0, daemon.log());
      await until(() => !children.some(lives), `the end of ${children}`);
      await server.stop();
      await places.remove();
    });

  it('twice: it leaves at once, without a polite close', async () => {
    const places = await folders();
    const server = await startScriptedServer(async (session) => {
      await session.next('hello');
      session.hello();
      session.blackHole();
      await session.next(() => false, Number.POSITIVE_INFINITY);
    });
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link ready/);
    const ended = once(daemon.process, 'exit');
    daemon.process.kill('SIGTERM');
    await daemon.logged(/shutting down/);
    daemon.process.kill('SIGTERM');
    assert.deepEqual(await ended, [null, 'SIGTERM']);
    await daemon.logged(/leaving at once/);
    await server.stop();
    await places.remove();
  });
});
