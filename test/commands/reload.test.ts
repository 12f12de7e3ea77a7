// SIGHUP to the real daemon: a new configuration is taken over as far as it can be, a wrong one is not, and nobody is cut off.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SOUND_NAMES } from '../../src/chimes.ts';
import { knownServerOf } from '../../src/commands/known-server.ts';
import { lampOf } from '../../src/commands/light.ts';
import { chimesOf } from '../../src/commands/loudspeaker.ts';
import { identityOf, policyOf, serverOf } from '../../src/commands/policy.ts';
import { loadConfig } from '../../src/config/load.ts';
import { allKeys, isAppliedByReload } from '../../src/config/schema.ts';
import { standIn } from '../adapters/linux/stand-in.ts';
import { keptLog, until } from '../helpers/card.ts';
import { type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { notifySocket } from '../helpers/notify-socket.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';

describe('a reload', () => {
  let places: Folders;
  let old: ScriptedServer;
  let daemon: Daemon;
  const configure = (text: string) => writeFileSync(join(places.root, 'config.toml'), text);
  const at = (url: string, more = '') => `[server]\nwebsocket_url = "${url}"\n${more}`;
  const start = (environment = process.env, settings = {}) => {
    const options = [...places.options, '--config', join(places.root, 'config.toml')];
    daemon = startDaemon({ ...places, options }, { environment, settings });
  };
  const reload = () => daemon.process.kill('SIGHUP');

  beforeEach(async () => {
    places = await folders();
    old = await startScriptedServer(goodConversation({ utterancePackets: 1_000_000 }));
  });
  afterEach(async () => {
    assert.equal(await daemon.stop(), 0);
    await old.stop();
    await places.remove();
  });

  it('moves to another server, and the old connection ends when the new one stands', async () => {
    configure(at(old.url));
    start();
    await daemon.logged(/link ready/);
    const next = await startScriptedServer(goodConversation());
    configure(at(next.url, '[log]\nlevel = "debug"\n'));
    reload();
    await daemon.logged(/reload: applied applied="?server\.websocket_url log\.level/);
    await daemon.logged(/link renewed/);
    assert.equal(next.attempts, 1);
    assert.equal(daemon.count(/link lost/), 0);
    await daemon.logged(/ step /);
    assert.equal(await daemon.stop(), 0);
    await next.stop();
  });

  it('keeps what holds when the new configuration is wrong, and says so in log and status', async () => {
    configure(at(old.url));
    start();
    await daemon.logged(/link ready/);
    for (const wrong of ['not toml', at('http://nonsense/'), '[log]\nlevel = "info"\n']) {
      configure(wrong);
      const before = daemon.count(/the old one stays/);
      reload();
      await daemon.logged(new RegExp(`(the old one stays[\\s\\S]*){${before + 1}}`));
    }
    const { stdout } = await daemon.ask('status');
    assert.match(stdout, /problem +not reloaded: /);
    assert.match(stdout, /server +ready/);
    assert.ok(stdout.includes(old.url), stdout);
  });

  it('changes sounds and the gain of the microphone at once', async () => {
    const none = `[sounds]\noff = "${SOUND_NAMES.join(',')}"\n`;
    const player = await standIn('aplay', 'echo "$*" >>"$FOLDER/asked"; exec cat >/dev/null');
    const isHeard = () => existsSync(join(player.folder, 'asked'));
    configure(at(old.url, none));
    start(
      { ...process.env, ...player.environment },
      { 'sounds.volume': '50', 'audio.output.device': 'hw:0' },
    );
    await daemon.logged(/cue=ready/);
    configure(at(old.url, '[sounds]\noff = ""\n[audio.input]\ngain_db = 12\n'));
    assert.ok(!isHeard());
    reload();
    await daemon.logged(/reload: applied applied="audio\.input\.gain_db sounds\.off"/);
    const { audio } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    assert.equal(audio.input.gain_db, 12);
    await daemon.ask('press');
    await until(isHeard, 'the cue of a press');
    await player.remove();
  });

  it('names what needs a restart, and applies the rest', async () => {
    configure(at(old.url));
    start();
    await daemon.logged(/link ready/);
    configure(at(old.url, '[button]\ngpio = 23\nmode = "hold"\n'));
    reload();
    await daemon.logged(/these need a restart keys="?button\.gpio/);
    await daemon.logged(/reload: applied applied="?button\.mode/);
  });

  it('mends a box that was not configured', async () => {
    configure('[server]\nwebsocket_url = "nonsense"\n');
    start();
    await daemon.logged(/no server is configured/);
    assert.match((await daemon.ask('status')).stdout, /unconfigured/);
    configure(at(old.url));
    reload();
    await daemon.logged(/link ready/);
    const { stdout } = await daemon.ask('status');
    assert.doesNotMatch(stdout, /problem/);
  });

  it('that still names no server leaves the box saying what is missing', async () => {
    configure('[log]\nlevel = "debug"\n');
    start();
    await daemon.answering();
    configure('[log]\nlevel = "info"\n');
    reload();
    await daemon.logged(/reload: applied applied="?log\.level/);
    assert.match(
      (await daemon.ask('status')).stdout,
      /problem +no server is configured: set server\.websocket_url/,
    );
  });

  it('that is asked for while it starts is done when it has started', async () => {
    configure(at(old.url));
    start();
    await daemon.logged(/start: starting/);
    reload();
    await daemon.logged(/reading the configuration anew/);
    await daemon.logged(/link ready/);
  });

  it('waits until nobody talks', async () => {
    configure(at(old.url));
    start();
    await daemon.logged(/link ready/);
    await daemon.ask('press');
    await daemon.logged(/turn listening/);
    const next = await startScriptedServer(goodConversation());
    configure(at(next.url));
    reload();
    await daemon.logged(/applied when the conversation is over/);
    assert.equal(daemon.count(/reload: applied applied/), 0);
    assert.equal(next.attempts, 0);
    const { state, link } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    assert.deepEqual([state, link.phase, link.url, old.attempts], ['listening', 'ready', old.url, 1]);
    await daemon.ask('stop');
    await daemon.logged(/reload: applied applied="?server\.websocket_url/);
    await daemon.logged(/link renewed/);
    assert.equal(next.attempts, 1);
    assert.equal(await daemon.stop(), 0);
    await next.stop();
  });

  it('lets an answer be heard to its end', async () => {
    const answerMs = 2_400;
    const talker = await startScriptedServer(goodConversation({ answer: tonePackets(answerMs, 60) }));
    configure(at(talker.url, '[turn]\nfollow_up = false\n'));
    start();
    await daemon.logged(/link ready/);
    await daemon.ask('press');
    await daemon.logged(/turn speaking/);
    configure(at(old.url, '[turn]\nfollow_up = true\n'));
    reload();
    await daemon.logged(/turn over turn=1 .* ended=answered/);
    const [, heardMs] = /turn over turn=1 .* answerMs=(\d+)/.exec(daemon.log()) ?? [];
    assert.ok(Number(heardMs) >= answerMs, heardMs);
    await daemon.logged(/reload: applied applied/);
    const log = daemon.log();
    assert.ok(log.indexOf('turn over turn=1') < log.indexOf('reload: applied applied'), log);
    await daemon.logged(/link renewed/);
    assert.deepEqual([talker.attempts, daemon.count(/link lost/)], [1, 0]);
    assert.equal(await daemon.stop(), 0);
    await talker.stop();
  });

  it('is told to systemd, like the start, how it fares, and the end', async () => {
    const socket = await notifySocket();
    configure(at(old.url));
    start({ ...process.env, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '300000' });
    await socket.told(/^READY=1$/);
    await socket.told(/^STATUS=connected, idle, 0 turns$/);
    await daemon.ask('press');
    await socket.told(/^STATUS=connected, listening/);
    await daemon.ask('stop');
    await socket.told(/^WATCHDOG=1$/);
    reload();
    await daemon.logged(/nothing that can be applied has changed/);
    assert.equal(await daemon.stop(), 0);
    await socket.told(/^STOPPING=1$/);
    await socket.stop();
  });
});

describe('what a reload applies', () => {
  const load = (overrides: Record<string, string>) => loadConfig({ environment: {}, overrides }).config;
  const shown = (overrides: Record<string, string>) => {
    const config = load(overrides);
    const [log, nowhere] = [keptLog(), '/nowhere'];
    const known = knownServerOf(config, nowhere, log);
    const server = serverOf(config, identityOf(config, nowhere, log), known, '0', log);
    const sounds = chimesOf(() => config, log).policy();
    const looks = lampOf(() => config, log)?.policy();
    const said = [policyOf(config), server, Object.keys(server.headers()), config.log.level];
    return JSON.stringify([...said, sounds, looks, config.audio.input.gainDb]);
  };
  const ids = {
    'light.backend': 'leds',
    'light.name': 'x',
    'server.device_id': '02:00:00:00:00:01',
    'server.client_id': '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a11',
  };

  it('is in a policy, in what a connection asks for, the gain, or the level of the log; and nothing else is', () => {
    // Whom the box asks for its server, and who it says it is, is decided at the start; the file with the token is read anew.
    const atStart = [
      'server.ota_url',
      'server.device_id',
      'server.client_id',
      'light.backend',
      'server.language',
    ];
    for (const [key, { example }] of allKeys) {
      if (key === 'server.token_file' || atStart.includes(key)) continue;
      const value = example.replace(/^"|"$/g, '');
      const isSeen = shown({ ...ids, [key]: value }) !== shown(ids);
      assert.equal(isSeen, isAppliedByReload(key), key);
    }
    for (const key of atStart) assert.ok(!isAppliedByReload(key), key);
    assert.ok(isAppliedByReload('server.token_file'));
  });
});
