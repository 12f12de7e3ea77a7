// `doctor` as a process: beside a running agent and without one, as text and as JSON, and what it mends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { tonePcm } from '../../src/audio/tone.ts';
import { INFO_HELD, recordedGpiod } from '../adapters/linux/gpiod-recorded.ts';
import { standIn } from '../adapters/linux/stand-in.ts';
import { startTestCard } from '../helpers/card.ts';
import { command, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { CODE } from '../helpers/home-configuration.ts';
import { startHome } from '../helpers/homes.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';

type Found = {
  readonly worst: string;
  readonly checks: readonly { id: string; result: string; says: string }[];
};

const IDS = { device_id: '02:11:22:33:44:55', client_id: '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a10' };

/** As the identity of a box that does not run. */
function keep({ root }: Folders, content: object | string): void {
  mkdirSync(join(root, 's'), { recursive: true });
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(root, 's', 'identity.json'), text, { mode: 0o600 });
}

describe('`doctor`', () => {
  it('asks a running agent and opens nothing behind its back', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/no server is configured/);
    const { code, stdout } = await daemon.ask('doctor', '--json', ...places.options.slice(0, 2));
    const { worst, checks } = JSON.parse(stdout) as Found;
    const resultOf = (id: string) => checks.find((one) => one.id === id)?.result;
    assert.ok(checks.length >= 40);
    assert.equal(resultOf('service.agent'), 'ok');
    assert.equal(resultOf('microphone.agent'), 'ok');
    assert.equal(resultOf('config.server'), 'fail');
    assert.deepEqual([worst, code], ['fail', 1]);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });

  it('does not listen while the box is muted, says so, and looks at everything else', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.ask('mute', 'on');
    const { stdout, stderr } = await daemon.ask('doctor', 'microphone', 'button');
    assert.equal(await daemon.stop(), 0);
    await places.remove();
    assert.match(stdout, /^- {4}microphone +delivers: the box is muted: xiaozhi-agent mute off$/m, stderr);
    assert.match(stdout, /button +is up at rest: /);
  });

  it('opens nothing behind the back of an agent that does not answer, and does not come as it', async () => {
    const places = await folders();
    const server = await startScriptedServer(goodConversation());
    const file = join(places.root, 'config.toml');
    writeFileSync(file, `[server]\nwebsocket_url = "${server.url}"\n`);
    keep(places, IDS);
    mkdirSync(join(places.root, 'r'));
    const deaf = createServer(() => undefined).listen(join(places.root, 'r', 'control.sock'));
    await once(deaf, 'listening');
    const card = await standIn('arecord', 'echo "$@" >>"$FOLDER/asked"');
    symlinkSync(join(card.folder, 'arecord'), join(card.folder, 'aplay'));
    const environment = { ...process.env, ...card.environment };
    const areas = ['service', 'server', 'microphone', 'speaker'];
    const { stdout } = await command(['doctor', ...areas, '--config', file, ...places.options], environment);
    assert.match(stdout, /^FAIL service +agent: does not answer/m);
    assert.match(stdout, /^- {4}microphone +delivers: not tried/m);
    assert.doesNotMatch(readFileSync(join(card.folder, 'asked'), 'utf8'), /-D/);
    assert.equal(server.attempts, 0);
    deaf.close();
    await card.remove();
    await server.stop();
    await places.remove();
  });

  it('goes on when the agent lends nothing after all', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    const status: unknown = JSON.parse((await daemon.ask('status', '--json')).stdout);
    await daemon.stop();
    const agent = createServer((socket) =>
      socket.on('data', (line) => {
        const answer = /"status"/.test(line.toString())
          ? { ok: true, status }
          : { ok: false, error: 'not now' };
        socket.write(`${JSON.stringify(answer)}\n`);
      }),
    ).listen(join(places.root, 'r', 'control.sock'));
    await once(agent, 'listening');
    const { stdout, stderr } = await command(['doctor', 'microphone', 'button', ...places.options]);
    agent.close();
    await places.remove();
    assert.match(stdout, /^FAIL microphone +delivers: not now$/m, stderr);
    assert.match(stdout, /button +is up at rest: /);
  });

  it('looks at single areas, and is content with what is good', async () => {
    const places = await folders();
    const state = join(places.root, 's');
    const missing = await command(['doctor', 'state', ...places.options]);
    assert.match(missing.stdout, /^warn state +directory: /m);
    assert.doesNotMatch(missing.stdout, /^FAIL/m);
    assert.equal(missing.code, 1, 'as bad as the worst');
    mkdirSync(state);
    const { code, stdout } = await command(['doctor', 'state', ...places.options]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok {3}state +directory: /m);
    assert.doesNotMatch(stdout, /network/);
    assert.equal((await command(['doctor', 'weather'])).code, 2);
    await places.remove();
  });

  it('mends what can do no harm, when it is told to without asking', async () => {
    const places = await folders();
    const path = join(places.root, 's', 'identity.json');
    mkdirSync(join(places.root, 's'));
    writeFileSync(path, '{}');
    chmodSync(path, 0o644);
    const asked = await command(['doctor', 'state', '--fix', ...places.options]);
    assert.equal(asked.code, 2);
    assert.equal(statSync(path).mode & 0o777, 0o644);
    const { stdout } = await command(['doctor', 'state', '--fix', '--yes', ...places.options]);
    assert.match(stdout, /done: chmod 600 /);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    chmodSync(path, 0o644);
    const forPrograms = await command(['doctor', 'state', '--json', '--fix', '--yes', ...places.options]);
    assert.equal(JSON.parse(forPrograms.stdout).worst, 'warn');
    assert.match(forPrograms.stderr, /done: chmod 600 /);
    await places.remove();
  });

  it('tells a server that sends to another address of its own from a login page', async () => {
    const places = await folders();
    const script = Object.assign(goodConversation(), {
      web({ url }: IncomingMessage, response: ServerResponse) {
        const location = url === '/ota' ? '/ota/' : 'http://localhost:9/login';
        response.writeHead(302, { location }).end();
      },
    });
    const server = await startScriptedServer(script);
    const asking = async (path: string) => {
      const asked = `http://127.0.0.1:${server.port}${path}`;
      const file = join(places.root, 'config.toml');
      writeFileSync(file, `[server]\nota_url = "${asked}"\n`);
      return (await command(['doctor', 'server', '--config', file, ...places.options])).stdout;
    };
    const slashed = await asking('/ota');
    assert.match(slashed, /^ok {3}server +nobody in between: no login page$/m);
    assert.match(
      slashed,
      /^warn server +configuration call: .* elsewhere\n +-> server\.ota_url = "http:.*\/ota\/"$/m,
    );
    assert.match(await asking('/'), /^FAIL server +nobody in between: a login page/m);
    await server.stop();
    await places.remove();
  });

  it('finds the server that a configuration call has named, and asks the one that names it', async () => {
    const places = await folders();
    const home = Object.assign(goodConversation(), {
      web: (_: unknown, response: ServerResponse) => void response.writeHead(200).end('it runs'),
    });
    const server = await startScriptedServer(home);
    const asked = `http://127.0.0.1:${server.port}/ota/`;
    keep(places, {
      ...IDS,
      configuration: { asked, url: server.url, token: 'fixture-token-0d7', framing: 1 },
    });
    const file = join(places.root, 'config.toml');
    writeFileSync(file, `[server]\nota_url = "${asked}"\n`);
    const { code, stdout } = await command([
      'doctor',
      'config',
      'server',
      '--config',
      file,
      ...places.options,
    ]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok {3}config +server: the one that http:.*\/ota\/ names$/m);
    assert.match(stdout, /^ok {3}server +configuration call: http:.* answers in \d+ ms$/m);
    assert.match(stdout, /^ok {3}server +same time as here: yes$/m);
    assert.match(stdout, /^ok {3}server +answers as a xiaozhi server: in \d+ ms$/m);
    const [session] = server.sessions;
    assert.equal(session?.headers.authorization, 'Bearer fixture-token-0d7');
    assert.equal(session?.headers['device-id'], IDS.device_id);
    await server.stop();
    await places.remove();
  });

  it('tells of a box that belongs to nobody yet, as `status` does', async () => {
    const places = await folders();
    const home = await startHome('official');
    const file = join(places.root, 'config.toml');
    writeFileSync(file, `[server]\nota_url = "${home.otaUrl}"\n`);
    const daemon = startDaemon({ ...places, options: [...places.options, '--config', file] });
    await daemon.logged(/activation: enter the code/);
    const { stdout } = await daemon.ask('status');
    assert.match(stdout, new RegExp(`^activation {2}enter the code ${CODE} in the console`, 'm'));
    assert.equal(stdout.split(`enter the code ${CODE}`).length, 2, 'once');
    assert.match(stdout, /^next {8}enter the code that the box says/m);
    const looked = await daemon.ask('doctor', 'server', ...places.options.slice(0, 2));
    assert.match(
      looked.stdout,
      new RegExp(`^warn server +belongs to somebody: not yet: the code is ${CODE}$`, 'm'),
    );
    assert.match(looked.stdout, /^ok {3}server +configuration call: /m);
    assert.equal(await daemon.stop(), 0);
    await home.stop();
    await places.remove();
  });

  it('changes nothing of what it looks at, makes sense or not', async () => {
    const places = await folders();
    const path = join(places.root, 's', 'identity.json');
    for (const text of [
      JSON.stringify(IDS),
      JSON.stringify({ ...IDS, machine: 'another' }),
      '{"device',
      '[]',
    ]) {
      keep(places, text);
      const settings = ['--config', join(places.root, 'config.toml')];
      writeFileSync(settings[1] ?? '', '[server]\nwebsocket_url = "ws://127.0.0.1:9/"\n');
      await command(['doctor', 'state', 'server', ...settings, ...places.options]);
      assert.equal(readFileSync(path, 'utf8'), text);
      assert.deepEqual(readdirSync(join(places.root, 's')), ['identity.json']);
    }
    await places.remove();
  });

  it('takes a card for a copied one as the agent does, and for no other reason', async () => {
    const places = await folders();
    const cloned = async () =>
      (await command(['doctor', 'state', ...places.options])).stdout
        .split('\n')
        .find((line) => line.includes('of this machine'));
    const daemon = startDaemon(places);
    await daemon.logged(/no earlier run is known/);
    assert.equal(await daemon.stop(), 0);
    assert.match((await cloned()) ?? '', /^ok {3}state +of this machine: yes$/);
    keep(places, { ...IDS, machine: 'another' });
    assert.match((await cloned()) ?? '', /^warn state +of this machine: made on another machine/);
    await places.remove();
  });

  it('records and plays where no agent runs, on a card', async () => {
    const card = await startTestCard();
    const places = await folders();
    const tone = join(places.root, 'tone.raw');
    writeFileSync(tone, tonePcm(440, 20_000, 16_000));
    const said = spawn('aplay', ['-q', '-D', card.speakInto, '-f', 'S16_LE', '-r', '16000', tone], {
      env: card.childEnvironment,
    });
    const file = join(places.root, 'config.toml');
    writeFileSync(file, `[audio.input]\ndevice = "${card.microphone}"\n[audio.output]\ndevice = "spk"\n`);
    const words = ['doctor', 'microphone', 'speaker', '--config', file, ...places.options];
    const { stdout } = await command(words, card.childEnvironment);
    said.kill();
    assert.match(stdout, /^ok {3}microphone +delivers: sound arrives$/m, stdout);
    assert.match(stdout, /^(ok {2}|warn) microphone +at the right rate: (9[5-9]|10[0-4])\.\d %/m, stdout);
    assert.match(stdout, /^ok {3}microphone +is alive: its values change$/m);
    assert.match(stdout, /^ok {3}microphone +sides: there is sound on both$/m);
    assert.match(stdout, /^warn microphone +level: -1\d dBFS on average: is it noisy here\?$/m);
    assert.match(stdout, /^ok {3}speaker +plays: takes sound$/m);
    await places.remove();
    await card.stop();
  });

  it('finds on which side of its frame a single microphone is', async () => {
    const places = await folders();
    const stereo = Buffer.alloc(64_000);
    for (let at = 0; at < stereo.length; at += 4) stereo.writeInt16LE(at % 4_000, at + 2);
    writeFileSync(join(places.root, 'pcm'), stereo);
    const recorder = await standIn('arecord', `[ "$1" = -L ] || exec cat ${join(places.root, 'pcm')}`);
    const file = join(places.root, 'config.toml');
    writeFileSync(file, '[audio.input]\ndevice = "plughw:CARD=x"\nchannel = "left"\n');
    const words = ['doctor', 'microphone', '--config', file, ...places.options];
    const { stdout } = await command(words, { ...process.env, ...recorder.environment });
    assert.match(
      stdout,
      /^FAIL microphone +sides: the microphone is on the right side, and the left one is taken$/m,
    );
    assert.match(stdout, /-> audio\.input\.channel = "right"$/m);
    await recorder.remove();
    await places.remove();
  });

  it('finds the controls that are off, of a card by its short name too', async () => {
    const places = await folders();
    const file = join(places.root, 'config.toml');
    writeFileSync(file, '[audio.input]\ndevice = "plughw:seeed,0"\n');
    const mixer = await standIn(
      'amixer',
      `[ "$*" = "-c seeed scontents" ] && cat <<'END'
Simple mixer control 'Mic',0
  Mono: Capture 0 [0%] [0.00dB] [on]
Simple mixer control 'Line',0
  Mono: Capture 23 [72%] [34.36dB] [on]
END`,
    );
    const words = ['doctor', 'microphone', '--config', file, ...places.options];
    const { stdout } = await command(words, { ...process.env, ...mixer.environment });
    assert.match(stdout, /^warn microphone +controls of the card: off or at 0: Mic$/m);
    await mixer.remove();
    await places.remove();
  });

  it('looks where the line of the button is, who has it, and how it stands', async () => {
    const places = await folders();
    const file = join(places.root, 'config.toml');
    writeFileSync(file, '[button]\nbackend = "gpiod"\ngpio = 17\n');
    for (const generation of [1, 2] as const) {
      const programs = recordedGpiod(generation);
      const looked = async () =>
        (await command(['doctor', 'button', '--config', file, ...places.options], programs.environment))
          .stdout;
      const free = await looked();
      assert.match(free, /^ok {3}button +line: BCM 17 = header pin 11 on gpiochip0, free$/m);
      assert.match(free, /^ok {3}button +is up at rest: yes$/m);
      programs.write('version', `gpiomon (libgpiod) v${generation}.2 \u001b[31mred`);
      assert.match(await looked(), /gpiomon: gpiomon .* \\u001b\[31mred$/m, 'nothing speaks to the terminal');
      programs.write('level', '1');
      assert.match(await looked(), /^warn button +is up at rest: it is down now/m);
      programs.write('info', INFO_HELD[generation]);
      assert.match(await looked(), /^FAIL button +line: .* is in use by gpiomon$/m);
      await programs.remove();
    }
    await places.remove();
  });

  it('holds a conversation with itself', async () => {
    const places = await folders();
    const file = join(places.root, 'config.toml');
    writeFileSync(file, '[audio.output]\ndevice = "null"\n');
    const { code, stdout } = await command(['doctor', '--loopback', '--config', file, ...places.options]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /said and heard again in \d+ ms/);
    await places.remove();
  });

  it('hears its own chirp over a card, and tells a microphone that does not', async () => {
    const card = await startTestCard();
    const places = await folders();
    const file = join(places.root, 'config.toml');
    const heard = async (input: string) => {
      writeFileSync(file, `[audio.input]\ndevice = "${input}"\n[audio.output]\ndevice = "spk"\n`);
      return command(['doctor', '--loopback', '--config', file, ...places.options], card.childEnvironment);
    };
    const good = await heard(card.listenTo);
    assert.match(
      good.stdout,
      /^(ok {2}|warn) loopback +the box hears itself: \d+ ms after it is told to play$/m,
    );
    const deaf = await heard(card.microphone);
    assert.match(deaf.stdout, /^FAIL loopback +the box hears itself: it plays, and does not hear it$/m);
    assert.equal(deaf.code, 1);
    const none = await heard('plughw:CARD=nowhere');
    assert.match(none.stdout, /^FAIL loopback +the box hears itself: .*no such (device|card)/im);
    const daemon = startDaemon(places);
    await daemon.logged(/no earlier run is known/);
    assert.match((await heard(card.listenTo)).stdout, /^- {4}loopback +.*: the agent has the devices/m);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
    await card.stop();
  });
});
