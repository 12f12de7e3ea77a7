// The daemon and its control socket as processes: commands, exit codes, second instances, bad requests, signals.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import {
  command,
  commandWithoutRights,
  type Daemon,
  type Folders,
  folders,
  startDaemon,
} from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';

describe('a running daemon', () => {
  let server: ScriptedServer;
  let places: Folders;
  let daemon: Daemon;
  before(async () => {
    server = await startScriptedServer(goodConversation({ utterancePackets: 1_000_000 }));
    places = await folders();
    daemon = startDaemon(places, {
      settings: { 'server.websocket_url': server.url, 'button.backend': 'none' },
    });
    await daemon.logged(/link ready/);
  });
  after(async () => {
    await daemon.stop();
    await server.stop();
    await places.remove();
  });

  const socket = () => join(places.root, 'r', 'control.sock');
  /** Lines sent as they are, and the lines that come back. */
  async function raw(text: string, answers: number): Promise<string[]> {
    const client = connect(socket());
    let got = '';
    client.setEncoding('utf8').on('data', (chunk: string) => {
      got += chunk;
    });
    await once(client, 'connect');
    client.write(text);
    await until(() => got.split('\n').length > answers, 'answers');
    client.destroy();
    return got.trim().split('\n');
  }

  it('is ready, and says so with exit code 0', async () => {
    const { code, stdout } = await daemon.ask('status', '--json');
    assert.equal(code, 0);
    const status = JSON.parse(stdout);
    assert.equal(status.state, 'idle');
    assert.equal(status.link.phase, 'ready');
    assert.equal(status.link.url, server.url);
    for (const key of ['version', 'state', 'link', 'network', 'audio', 'button', 'turn', 'process'])
      assert.ok(key in status, key);
    for (const key of [
      'phase',
      'since',
      'url',
      'attempt',
      'failures',
      'next_attempt_in_ms',
      'rtt_ms',
      'reconnects',
      'last_loss',
      'auto_reconnect',
    ])
      assert.ok(key in status.link, `link.${key}`);
    for (const key of ['uptime_s', 'rss_mb', 'node']) assert.ok(key in status.process, `process.${key}`);
    assert.match(
      (await daemon.ask('status')).stdout,
      /server {6}ready since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}ws:/,
    );
  });

  it('takes a press for a click, and stop for the end of the conversation', async () => {
    assert.equal((await daemon.ask('press')).code, 0);
    await daemon.logged(/turn listening .*mode=auto/);
    assert.equal(JSON.parse((await daemon.ask('status', '--json')).stdout).state, 'listening');
    assert.equal((await daemon.ask('stop')).code, 0);
    await daemon.logged(/turn idle .*why=stopped/);
  });

  it('holds the button for as long as it is told', async () => {
    assert.equal((await daemon.ask('press', '--hold', '300')).code, 0);
    await daemon.logged(/turn listening .*mode=manual/);
    await daemon.logged(/turn finishing/);
    await daemon.ask('stop');
  });

  it('refuses a hold that is no time', async () => {
    for (const hold of ['0', '-5', 'long', '1e9', '']) {
      const { code, stderr } = await daemon.ask('press', `--hold=${hold}`);
      assert.equal(code, 2, hold);
      assert.match(stderr, /--hold takes whole milliseconds/);
    }
  });

  it('refuses to start twice, with code 78, and goes on undisturbed', async () => {
    const { code, stderr } = await command(['run', ...places.options]);
    assert.equal(code, 78);
    assert.match(stderr, /a second instance does not start/);
    assert.equal((await daemon.ask('status')).code, 0);
  });

  it('refuses to start twice in the same folder, however it is spelled', async () => {
    const link = join(places.root, 'link');
    symlinkSync(join(places.root, 'r'), link);
    for (const spelling of [
      link,
      `${places.root}/./r/../r`,
      relative(process.cwd(), join(places.root, 'r')),
    ]) {
      const { code } = await command([
        'run',
        '--state-dir',
        join(places.root, 's'),
        '--runtime-dir',
        spelling,
      ]);
      assert.equal(code, 78, spelling);
    }
    assert.equal((await daemon.ask('status')).code, 0);
  });

  it('says so when a press does nothing because the button is held', async () => {
    assert.equal((await daemon.ask('press', '--hold', '2000')).code, 0);
    const { code, stderr } = await daemon.ask('press');
    assert.equal(code, 1);
    assert.match(stderr, /held already/);
    await daemon.ask('stop');
    await daemon.logged(/turn idle .*why=stopped/);
  });

  it('does not hoard answers for a client that takes none', async () => {
    const client = connect(socket()).on('error', () => undefined);
    await once(client, 'connect');
    client.pause();
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    const request = '{"command":"status"}\n'.repeat(100);
    const pour = () => {
      while (client.writable && client.write(request));
    };
    client.on('drain', pour);
    pour();
    await closed;
    const { stdout } = await daemon.ask('status', '--json');
    assert.ok(JSON.parse(stdout).process.rss_mb < 120, stdout);
  });

  it('lets only owner and group to its socket', () => {
    assert.equal(statSync(socket()).mode & 0o777, 0o660);
  });

  it('answers nonsense with what is expected, and lives on', async () => {
    const lines = [
      '',
      'press',
      '{',
      'null',
      '[]',
      '{"command":7}',
      '{"command":"reboot"}',
      '{"command":"press","hold_ms":"x"}',
      '{"command":"__proto__"}',
    ];
    const answers = await raw(`${lines.join('\n')}\n`, lines.length);
    assert.equal(answers.length, lines.length);
    for (const answer of answers) {
      const { ok, error } = JSON.parse(answer);
      assert.equal(ok, false);
      assert.ok(error.length > 10, answer);
    }
    assert.equal((await daemon.ask('status')).code, 0);
  });

  it('answers several requests on one connection, in order', async () => {
    const answers = await raw('{"command":"status"}\n{"command":"nope"}\n{"command":"status"}\n', 3);
    assert.deepEqual(
      answers.map((answer) => JSON.parse(answer).ok),
      [true, false, true],
    );
  });

  it('cuts off a request without end', async () => {
    const client = connect(socket());
    client.on('error', () => undefined);
    const closed = once(client, 'close');
    client.resume();
    client.write('x'.repeat(100_000));
    await closed;
    assert.equal((await daemon.ask('status')).code, 0);
  });

  it('survives many clients that say nothing', async () => {
    const clients = Array.from({ length: 60 }, () => connect(socket()).on('error', () => undefined));
    await until(
      () => clients.some((client) => client.destroyed || client.readyState === 'open'),
      'connections',
    );
    for (const client of clients) client.destroy();
    assert.equal((await daemon.ask('status')).code, 0);
  });

  it('keeps its identity in a file that is for it alone', () => {
    const path = join(places.root, 's', 'identity.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const { device_id, client_id } = JSON.parse(readFileSync(path, 'utf8'));
    assert.equal(server.sessions[0]?.headers['device-id'], device_id);
    assert.equal(server.sessions[0]?.headers['client-id'], client_id);
  });
});

describe('the name that keeps a second instance out', () => {
  const nameFor = (directory: string) =>
    `\0xiaozhi-agent ${createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32)}`;

  it('held by a stranger keeps nobody from starting', async () => {
    const places = await folders();
    mkdirSync(join(places.root, 'r'));
    const stranger = createServer().listen(nameFor(join(places.root, 'r')));
    await once(stranger, 'listening');
    const daemon = startDaemon(places);
    await daemon.logged(/no server is configured/);
    assert.equal((await daemon.ask('status')).code, 1);
    assert.equal(await daemon.stop(), 0);
    stranger.close();
    await places.remove();
  });

  it('lets strangers hold nothing of the daemon', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.answering();
    const strangers = Array.from({ length: 50 }, () =>
      connect(nameFor(join(places.root, 'r'))).on('error', () => undefined),
    );
    await Promise.all(
      strangers.map((one) => new Promise<void>((resolve) => one.once('close', () => resolve()))),
    );
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });
});

describe('without a running daemon', () => {
  it('every question is answered with exit code 3 and what to do', async () => {
    const places = await folders();
    for (const args of [['press'], ['stop'], ['status'], ['status', '--json'], ['why'], ['reconnect']]) {
      const { code, stdout, stderr } = await command([...args, ...places.options]);
      assert.equal(stdout, '');
      assert.equal(code, 3, args.join(' '));
      assert.match(stderr, /no agent is running/);
      assert.match(stderr, /systemctl start/);
    }
    await places.remove();
  });

  it('a socket file left behind by a crash is no obstacle', async () => {
    const places = await folders();
    mkdirSync(join(places.root, 'r'));
    writeFileSync(join(places.root, 'r', 'control.sock'), '');
    const daemon = startDaemon(places);
    await daemon.logged(/link unconfigured|no server/);
    assert.equal((await daemon.ask('status')).code, 1);
    assert.equal(await daemon.stop(), 0);
    assert.equal(existsSync(join(places.root, 'r', 'control.sock')), false);
    await places.remove();
  });

  it('a daemon that does not answer is told from one that is not there', async () => {
    const places = await folders();
    mkdirSync(join(places.root, 'r'));
    const deaf = createServer(() => undefined).listen(join(places.root, 'r', 'control.sock'));
    await once(deaf, 'listening');
    const { code, stderr } = await command(['status', ...places.options.slice(2)]);
    assert.equal(code, 1);
    assert.match(stderr, /does not answer within 5 s: the agent hangs/);
    deaf.close();
    await places.remove();
  });

  it('a socket one may not open is a matter of permission: exit code 4 and the group', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/starting/);
    await daemon.answering();
    // Whoever looks may get there, and no further, even where all of it is one's own.
    chmodSync(places.root, 0o555);
    chmodSync(join(places.root, 'r'), 0o755);
    chmodSync(join(places.root, 'r', 'control.sock'), 0);
    const { code, stderr } = await commandWithoutRights(['status', ...places.options.slice(2)]);
    assert.equal(code, 4);
    assert.match(stderr, /group/);
    const own = ['--state-dir', join(places.root, 'own'), '--runtime-dir', join(places.root, 'own')];
    const started = await commandWithoutRights(['run', ...own]);
    assert.equal(started.code, 78);
    assert.match(started.stderr, /cannot be made: .*EACCES.*Run as root or as the service/);
    chmodSync(places.root, 0o755);
    await daemon.stop();
    await places.remove();
  });
});

describe('a daemon that is told to stop', () => {
  it('leaves with code 0, closes its socket politely and removes the control socket', async () => {
    let closed: { code: number } | undefined;
    const server = await startScriptedServer(async (session) => {
      await session.next('hello');
      session.hello();
      closed = await session.closed;
    });
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link ready/);
    assert.equal(await daemon.stop(), 0);
    await until(() => closed !== undefined, 'the close');
    assert.equal(closed?.code, 1000);
    assert.equal(existsSync(join(places.root, 'r', 'control.sock')), false);
    await server.stop();
    await places.remove();
  });

  it('leaves even if its server no longer reacts', async () => {
    const server = await startScriptedServer(async (session) => {
      await session.next('hello');
      session.hello();
      session.blackHole();
      await session.next(() => false, Number.POSITIVE_INFINITY);
    });
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link ready/);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });
});

describe('a box whose server is not there', () => {
  it('says why, and when it tries again', async () => {
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': 'ws://127.0.0.1:9/' } });
    await daemon.logged(/link attempt failed/);
    const { code, stdout } = await daemon.ask('status');
    assert.equal(code, 1);
    assert.match(stdout, /server {6}(waiting|dialing)/);
    assert.doesNotMatch(stdout, /\d{4} ms|\d\.\d{3}Z/, 'for people');
    const { link } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    if (link.phase === 'waiting') {
      assert.match(link.trouble.reason, /ECONNREFUSED/);
      assert.equal(link.trouble.class, 'transient');
      assert.ok(link.next_attempt_in_ms <= 12_000);
    }
    assert.ok(link.failures >= 1);
    assert.equal(link.last_loss, null);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });

  it('tells of an utterance that waits for a connection how much of it there is', async () => {
    const places = await folders();
    const settings = { 'server.websocket_url': 'ws://127.0.0.1:9/', 'audio.input.standby': 'warm' };
    const daemon = startDaemon(places, { settings });
    const input = async () => JSON.parse((await daemon.ask('status', '--json')).stdout).audio.input;
    try {
      await daemon.logged(/link attempt failed/);
      const before = await input();
      assert.deepEqual(
        [before.standby, before.kept_ms, before.kept_bytes, before.unsent_ms],
        ['kept', 0, 0, 0],
      );
      await daemon.ask('press');
      let now = before;
      for (let looks = 0; looks < 100 && now.kept_ms < 600; looks += 1) now = await input();
      assert.ok(now.kept_ms >= 600, `${now.kept_ms} ms`);
      assert.deepEqual([now.unsent_ms, now.dropped_ms], [now.kept_ms, 0]);
      assert.ok(now.kept_bytes > 0 && now.kept_bytes < now.kept_ms * 12, `${now.kept_bytes} bytes`);
    } finally {
      await daemon.stop();
      await places.remove();
    }
  });
});

describe('a box that is connected', () => {
  const BROKEN = {
    microphone: { 'audio.input.device': 'nowhere' },
    button: { 'button.backend': 'evdev', 'button.evdev_device': '/dev/input/nowhere' },
  };
  for (const [part, broken] of Object.entries(BROKEN))
    it(`ends status with exit code 1 and what mends it while its ${part} does not work`, async () => {
      const server = await startScriptedServer(goodConversation());
      const places = await folders();
      const settings = { 'server.websocket_url': server.url, 'button.backend': 'none', ...broken };
      const daemon = startDaemon(places, { settings });
      await daemon.logged(/link ready/);
      await daemon.ask('press');
      await daemon.logged(new RegExp(`${part}: .*nowhere`));
      await daemon.ask('stop');
      const { code, stdout } = await daemon.ask('status');
      assert.equal(code, 1, stdout);
      assert.match(stdout, new RegExp(`next +xiaozhi-agent doctor ${part}`));
      assert.equal((await daemon.ask('why')).code, 0, 'the connection is well');
      assert.equal(await daemon.stop(), 0);
      await server.stop();
      await places.remove();
    });
});

describe('a box that connects at a press', () => {
  it('is well while nobody has pressed, and says what will', async () => {
    const server = await startScriptedServer(goodConversation());
    const places = await folders();
    const settings = {
      'server.websocket_url': server.url,
      'link.mode': 'on-demand',
      'button.backend': 'none',
    };
    const daemon = startDaemon(places, { settings });
    assert.equal((await daemon.ask('status')).code, 0);
    const { code, stdout } = await daemon.ask('why');
    assert.equal(code, 0);
    assert.match(stdout, /resting .*a press connects/);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('is not while its last attempt has failed', async () => {
    const places = await folders();
    const settings = { 'server.websocket_url': 'ws://127.0.0.1:9/', 'link.mode': 'on-demand' };
    const daemon = startDaemon(places, { settings: { ...settings, 'turn.offline_hold_ms': '0' } });
    await daemon.ask('press');
    await daemon.logged(/link attempt failed/);
    await daemon.ask('stop');
    await daemon.logged(/turn idle/);
    const status = await daemon.ask('status');
    assert.equal(status.code, 1, status.stdout);
    assert.match(status.stdout, /refuses the connection/);
    assert.equal((await daemon.ask('why')).code, 1);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });
});

describe('a box that is not configured', () => {
  it('runs, answers a press with the error cue, and says what is missing', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/no server is configured/);
    const status = await daemon.ask('status');
    assert.equal(status.code, 1);
    assert.match(status.stdout, /unconfigured/);
    assert.match(status.stdout, /server\.websocket_url/);
    await daemon.ask('press');
    await daemon.logged(/cue cue=error/);
    const activate = await daemon.ask('activate');
    assert.equal(activate.code, 1);
    assert.match(activate.stderr, /nobody is asked for a code: set server\.ota_url/);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });

  it('with wrong values runs with the defaults, and shows every problem in log and status', async () => {
    const places = await folders();
    const file = join(places.root, 'config.toml');
    writeFileSync(file, '[link]\nbackof_cap_ms = 5\n[audio.output]\njitter_ms = "fast"\n');
    const own = { ...places, options: [...places.options, '--config', file] };
    const daemon = startDaemon(own);
    await daemon.logged(/backoff_cap_ms/);
    await daemon.logged(/jitter_ms/);
    await daemon.answering();
    const { stdout } = await command(['status', ...places.options.slice(2)]);
    assert.match(stdout, /problem .*did you mean/);
    assert.match(stdout, /problem .*jitter_ms.*0 is used/);
    assert.equal(await daemon.stop(), 0);
    const check = await command(['config', 'check', '--config', file]);
    assert.equal(check.code, 1);
    assert.match(check.stdout, /config\.toml:2: .*did you mean/);
    assert.match(check.stdout, /config\.toml:4: /);
    await places.remove();
  });
});

describe('the command line', () => {
  it('names its commands to whoever asks, and to whoever gets it wrong', async () => {
    assert.equal((await command(['--help'])).code, 0);
    assert.match((await command(['--help'])).stdout, /status \[--json\]/);
    assert.equal((await command([])).code, 2);
    const wrong = await command(['talk']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /there is no command "talk"; there are: run, press/);
    assert.equal((await command(['status', '--yaml'])).code, 2);
    assert.equal((await command(['constructor'])).code, 2);
    assert.equal((await command(['run', '--set', 'nonsense'])).code, 2);
    assert.match((await command(['version'])).stdout, /^xiaozhi-agent \d+\.\d+\.\d+, Node v/);
  });
});
