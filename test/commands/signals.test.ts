// SIGTERM to the real daemon in each state that it can be in: it leaves with code 0 and no child is left; told twice, at once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { standIn } from '../adapters/linux/stand-in.ts';
import { until } from '../helpers/card.ts';
import { descendants, lives } from '../helpers/children.ts';
import { type Daemon, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { type Script, type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';

/** As many as a conversation never has: the state lasts until the signal. */
const FOR_EVER = 1_000_000;

const talk = async (daemon: Daemon, phase: RegExp) => {
  await daemon.logged(/link ready/);
  await daemon.ask('press');
  await daemon.logged(phase);
};

const hang: Script = Object.assign(async () => undefined, { admit: () => 'hang' as const });

const silent: Script = async (session) => {
  await session.next('hello');
  await session.closed;
};
const refusing: Script = Object.assign(async () => undefined, { admit: () => ({ refuse: 503 }) });
/** Whom the box asks has a code for it, and waits. */
const unbound: Script = Object.assign(async () => undefined, {
  web: (_: unknown, response: ServerResponse) => {
    const activation = { code: '738133', message: 'enter it', challenge: 'c' };
    response.end(JSON.stringify({ activation, websocket: { url: 'ws://127.0.0.1:9/', token: '' } }));
  },
});

type Reach = (daemon: Daemon) => Promise<void>;
/** With settings in the place of the server's address. */
type State = readonly [script: Script, reach: Reach, settings?: (server: ScriptedServer) => Settings];
type Settings = Readonly<Record<string, string>>;

const STATES: Readonly<Record<string, State>> = {
  unconfigured: [silent, (daemon) => daemon.logged(/no earlier run is known/), () => ({})],
  activating: [
    unbound,
    (daemon) => daemon.logged(/activation: enter the code/),
    ({ port }) => ({ 'server.ota_url': `http://127.0.0.1:${port}/ota/` }),
  ],
  idle: [goodConversation(), (daemon) => daemon.logged(/link ready/)],
  dialing: [hang, (daemon) => daemon.logged(/link dialing/)],
  greeting: [silent, (daemon) => daemon.logged(/link greeting/)],
  waiting: [refusing, (daemon) => daemon.logged(/link attempt failed/)],
  stopped: [
    refusing,
    (daemon) => daemon.logged(/link stopped/),
    ({ url }) => ({ 'server.websocket_url': url, 'link.max_attempts': '1' }),
  ],
  resting: [
    silent,
    (daemon) => daemon.logged(/no earlier run is known/),
    ({ url }) => ({ 'server.websocket_url': url, 'link.mode': 'on-demand' }),
  ],
  muted: [
    goodConversation(),
    async (daemon) => {
      await daemon.ask('mute', 'on');
      await daemon.logged(/link ready/);
    },
  ],
  recording: [
    hang,
    async (daemon) => {
      await daemon.logged(/link dialing/);
      await daemon.ask('press');
      await daemon.logged(/turn recording/);
    },
  ],
  listening: [goodConversation({ utterancePackets: FOR_EVER }), (daemon) => talk(daemon, /turn listening/)],
  thinking: [
    goodConversation({ utterancePackets: FOR_EVER }),
    async (daemon) => {
      await talk(daemon, /turn listening/);
      await daemon.ask('press');
      await daemon.logged(/turn thinking/);
    },
  ],
  speaking: [
    goodConversation({ answer: tonePackets(30_000, 60) }),
    (daemon) => talk(daemon, /turn speaking/),
  ],
};

/** Sends the signal to its own process when the first of the daemon's modules is read. */
const WHILE_LOADING = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(
  'export function load(url, context, next) {' +
    'if (url.endsWith("/commands/run.js")) process.kill(process.pid, "SIGTERM"); return next(url, context); }',
)}")`;

const atServer = ({ url }: ScriptedServer): Settings => ({ 'server.websocket_url': url });

describe('SIGTERM', () => {
  // Code 0 is had within 1.9 s or never: then it ends itself by the signal.
  for (const [state, [script, reach, settings = atServer]] of Object.entries(STATES))
    it(`while ${state}: the daemon leaves with code 0, and no child of it is left`, async () => {
      const places = await folders();
      const server = await startScriptedServer(script);
      const daemon = startDaemon(places, { settings: settings(server) });
      await reach(daemon);
      // Without a server there is no way to it that could be watched.
      if (state !== 'unconfigured')
        await until(() => descendants(daemon.pid).length > 0, 'one that listens to the kernel');
      const children = descendants(daemon.pid);
      assert.equal(await daemon.stop(), 0, daemon.log());
      await until(() => !children.some(lives), `the end of ${children}`);
      await server.stop();
      await places.remove();
    });

  it('while its modules are being loaded: the daemon leaves with code 0, before it has said a word', async () => {
    const places = await folders();
    const preload = `data:text/javascript,${encodeURIComponent(WHILE_LOADING)}`;
    const daemon = startDaemon(places, {
      environment: { ...process.env, NODE_OPTIONS: `--import="${preload}"` },
    });
    assert.deepEqual(await once(daemon.process, 'close'), [0, null], daemon.log());
    assert.equal(daemon.log(), '');
    await places.remove();
  });

  it('while it is being put together: the daemon leaves with code 0, at once', async () => {
    const places = await folders();
    // The card's volume is asked for on the way, and here the answer never comes.
    const mixer = await standIn('amixer', ': > "$FOLDER/asked"; while kill -0 $PPID; do sleep 0.05; done');
    const daemon = startDaemon(places, {
      settings: { 'audio.output.device': 'plughw:CARD=none' },
      environment: { ...process.env, ...mixer.environment },
    });
    await until(() => existsSync(join(mixer.folder, 'asked')), 'the question for the volume');
    const ended = once(daemon.process, 'exit');
    daemon.process.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null], daemon.log());
    await daemon.logged(/shutting down signal=SIGTERM/);
    await mixer.remove();
    await places.remove();
  });

  it('is what Ctrl-C is: SIGINT ends it as well', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    await daemon.logged(/no earlier run is known/);
    const ended = once(daemon.process, 'exit');
    daemon.process.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
    await daemon.logged(/shutting down signal=SIGINT/);
    await places.remove();
  });

  it('once, and something keeps the process that nobody has thought of: it leaves all the same', async () => {
    const places = await folders();
    const holding = 'data:text/javascript,setInterval(() => undefined, 1000)';
    const environment = { ...process.env, NODE_OPTIONS: `--import="${holding}"` };
    const daemon = startDaemon(places, { environment });
    await daemon.logged(/no earlier run is known/);
    const { process: box } = daemon;
    box.kill('SIGTERM');
    await until(() => box.signalCode !== null || box.exitCode !== null, 'its end').finally(() => box.kill(9));
    assert.equal(box.signalCode, 'SIGTERM');
    await daemon.logged(/leaving at once/);
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
