// `xiaozhi-agent reconnect` with the real daemon: what it does in each state of the connection, and what it says.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { command, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { type Script, startScriptedServer } from '../helpers/scripted-server.ts';

const greets: Script = async (session) => {
  await session.next('hello');
  session.hello();
  await session.closed;
};

/** Turned away for as long as `closed` says so. */
function door(): Script & { isShut: boolean } {
  const script = Object.assign(async (session: Parameters<Script>[0]) => greets(session), {
    isShut: true,
    admit: () => (script.isShut ? ({ refuse: 401 } as const) : 'accept'),
  });
  return script;
}

describe('reconnect', () => {
  it('tries now, however long the wait was to be', async () => {
    const script = door();
    const server = await startScriptedServer(script);
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    // A refused token is tried again after half a minute at the earliest.
    await daemon.logged(/link attempt failed .*class=auth/);
    script.isShut = false;
    const { code, stdout } = await daemon.ask('reconnect');
    assert.deepEqual([code, stdout], [0, 'trying now\n']);
    await daemon.logged(/link ready/);
    assert.equal(daemon.count(/link ready outage=1 .*by=command/), 1);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('arms a link that has stopped at its limit again', async () => {
    const script = door();
    const server = await startScriptedServer(script);
    const places = await folders();
    const daemon = startDaemon(places, {
      settings: { 'server.websocket_url': server.url, 'link.max_attempts': '1' },
    });
    await daemon.logged(/link stopped/);
    script.isShut = false;
    assert.equal((await daemon.ask('reconnect')).stdout, 'trying now\n');
    await daemon.logged(/link ready/);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('renews a connection that works, beside it, and loses nothing of it', async () => {
    const server = await startScriptedServer(greets);
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link ready/);
    const { code, stdout } = await daemon.ask('reconnect');
    assert.deepEqual([code, stdout], [0, 'connected already: renewing\n']);
    await daemon.logged(/link renewed from=1 to=2 cause=command/);
    await until(() => server.sessions.length === 2, 'a second session');
    assert.equal(daemon.count(/link (waiting|lost)/), 0);
    assert.equal((await daemon.ask('why')).code, 0);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('leaves a connection alone on which somebody talks', async () => {
    const server = await startScriptedServer(goodConversation({ utterancePackets: 1_000_000 }));
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link ready/);
    await daemon.ask('press');
    await daemon.logged(/turn listening/);
    const { code, stdout } = await daemon.ask('reconnect');
    assert.deepEqual([code, stdout], [0, 'in a conversation: left alone\n']);
    assert.equal(server.attempts, 1);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('says when an attempt is under way already', async () => {
    const server = await startScriptedServer(Object.assign(greets, { admit: () => 'hang' as const }));
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link dialing/);
    await until(() => server.attempts === 1, 'the upgrade request');
    const { code, stdout } = await daemon.ask('reconnect');
    assert.deepEqual([code, stdout], [0, 'trying already\n']);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('fails where no server is configured, and where no agent runs', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/no server is configured/);
    const unconfigured = await daemon.ask('reconnect');
    assert.equal(unconfigured.code, 1);
    assert.match(unconfigured.stderr, /no server is configured: set server\.websocket_url/);
    assert.equal(await daemon.stop(), 0);
    const { code, stderr } = await command(['reconnect', ...places.options]);
    assert.equal(code, 3);
    assert.match(stderr, /no agent is running/);
    await places.remove();
  });
});
