// The screens on the README page: each is what the real command prints of a real daemon, but for times, numbers and where things
// are. `UPDATE_README=1 node --test dist/test/commands/screens.test.js` puts what is printed now in their place.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { goodConversation } from '../helpers/faults.ts';
import { blocks, PAGE, readPage } from '../helpers/readme.ts';
import { journalShapes, sameShape } from '../helpers/screens.ts';
import { type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';

const NO_CARD = '[audio.input]\ndevice = "null"\n[audio.output]\ndevice = "null"\n';
const LOG_LINES = [
  ...['start: starting', 'start: machine', 'link: server', 'start: identity', 'link: link ready attempt='],
  ...['turn: turn listening', 'turn: turn over', 'link: link lost', 'link: link ready outage='],
];

async function begunAndEnded(daemon: Daemon): Promise<void> {
  await daemon.logged(/no earlier run is known/);
  assert.equal(await daemon.stop(), 0);
}

describe('the screens on the page', () => {
  let places: Folders;
  let server: ScriptedServer;
  let daemon: Daemon;
  const configure = (more: string) =>
    writeFileSync(
      join(places.root, 'config.toml'),
      `[server]\nwebsocket_url = "${server.url}"\n[turn]\nfollow_up = false\n${NO_CARD}${more}`,
    );
  const start = (settings = {}) =>
    startDaemon(
      { ...places, options: [...places.options, '--config', join(places.root, 'config.toml')] },
      { settings: { 'link.ping_interval_ms': '1000', ...settings } },
    );

  before(async () => {
    places = await folders();
    server = await startScriptedServer(goodConversation());
    configure('');
    // A run before this one, without a connection that there would be more to tell of.
    await begunAndEnded(start({ 'link.mode': 'on-demand' }));
    daemon = start();
    await daemon.logged(/link ready/);
    const deadline = AbortSignal.timeout(20_000);
    while (JSON.parse((await daemon.ask('status', '--json')).stdout).link.rtt_ms === null)
      assert.ok(!deadline.aborted, 'the round trip is never known');
    await daemon.ask('press');
    await daemon.logged(/turn listening/);
  });
  after(async () => {
    await daemon.stop();
    await server.stop();
    await places.remove();
  });

  /** As it would be on an installed box. */
  function asInstalled(text: string): string {
    const root = places.root;
    return text
      .replaceAll(`${root}/config.toml`, '/etc/xiaozhi-agent/config.toml')
      .replaceAll(`${root}/t`, '/etc/xiaozhi-agent/token')
      .replaceAll(`${root}/s`, '/var/lib/xiaozhi-agent')
      .replaceAll(`:${server.port}`, ':8000');
  }

  function holds(what: RegExp, printed: string): void {
    const wanted = asInstalled(printed).trimEnd();
    const [shown] = blocks(readPage(), 'text').filter(({ text }) => what.test(text));
    assert.ok(shown, `no screen on the page has ${what}`);
    if (process.env.UPDATE_README === '1')
      writeFileSync(
        PAGE,
        readPage().replace(shown.text, () => `${wanted}\n`),
      );
    else sameShape(shown.text, wanted);
  }

  it('have what `status` prints', async () => {
    holds(/^xiaozhi-agent \d/, (await daemon.ask('status')).stdout);
  });

  it('have what `doctor` prints of some areas, and tell how many things it looks at', async () => {
    await daemon.logged(/turn over/);
    configure('volum = 80\n');
    const { stdout } = await daemon.ask(
      'doctor',
      ...'config server microphone'.split(' '),
      ...daemonPlaces(),
    );
    holds(/^\d+ checks: /m, stdout);
    const all = JSON.parse((await daemon.ask('doctor', '--json', ...daemonPlaces())).stdout).checks;
    assert.ok(readPage().includes(`\`doctor\` looks at ${all.length} things in eleven areas`), all.length);
  });
  const daemonPlaces = () => places.options.slice(0, 2);

  it('have lines of the log as they are on a terminal', async () => {
    server.sessions[0]?.reset();
    await daemon.logged(/link ready outage=1/);
    const lines = daemon.log().split('\n');
    const chosen = LOG_LINES.map((what) => lines.find((line) => line.includes(`  ${what}`)) ?? `no ${what}`);
    holds(/ info {2}start: starting/, chosen.join('\n'));
  });

  it('have lines of `logs` that the daemon writes under systemd; test/system has the command itself', async () => {
    const other = await folders();
    const settings = { 'server.websocket_url': server.url };
    const environment = { ...process.env, INVOCATION_ID: '1' };
    await begunAndEnded(startDaemon(other, { settings, environment }));
    const under = startDaemon(other, { settings, environment });
    await under.logged(/cue=ready/);
    await under.stop();
    const written = under.log().replaceAll(/^<\d>/gm, '');
    const known = written.split('\n').map((line) => journalShapes(`x xiaozhi-agent[1]: ${line}`)[0]);
    const [shown] = blocks(readPage(), 'text').filter(({ text }) => /xiaozhi-agent\[\d+\]: /.test(text));
    const shapes = journalShapes(shown?.text ?? '');
    assert.ok(shapes.length > 5, 'the page has a journal');
    for (const shape of shapes) assert.ok(known.includes(shape), `nobody writes ${shape}`);
    await other.remove();
  });
});
