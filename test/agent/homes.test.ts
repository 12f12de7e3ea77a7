// At home with every server: the real daemon, from its first start to a conversation, over an idle close to the next one, and
// over a token that is worth nothing any more, against each kind of server that there is.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { CODE, type Home, type HomeKind, KINDS, startHome } from '../helpers/homes.ts';

/** Waits of a second and more, in tenths: the order of things is what is looked at. */
const QUICK = {
  'link.backoff_base_ms': '50',
  'link.backoff_cap_ms': '200',
  'link.first_retry_ms': '20',
  'link.hello_timeout_ms': '400',
};

describe('a box', () => {
  let home: Home;
  let places: Folders;
  let daemon: Daemon;
  async function start(kind: HomeKind): Promise<void> {
    home = await startHome(kind);
    places = await folders();
    await boot();
  }
  const boot = async () => {
    daemon = startDaemon(places, { settings: { ...QUICK, 'server.ota_url': home.otaUrl } });
    await until(() => existsSync(join(places.root, 'r', 'control.sock')), `a start; ${daemon.log()}`);
  };
  afterEach(async () => {
    await daemon.stop();
    await home.stop();
    await places.remove();
  });

  const status = async () => JSON.parse((await daemon.ask('status', '--json')).stdout);
  async function statusIs(what: (found: Awaited<ReturnType<typeof status>>) => boolean, name: string) {
    let found = await status();
    for (let tries = 0; tries < 200 && !what(found); tries += 1) found = await status();
    assert.ok(
      what(found),
      `${name}: ${JSON.stringify(found.setup)} ${JSON.stringify(found.link)}\n${daemon.log()}`,
    );
    return found;
  }
  const ready = () => statusIs(({ link }) => link.phase === 'ready', 'ready');
  async function converse(): Promise<void> {
    const before = home.answered;
    await daemon.ask('press');
    await until(() => home.answered > before, `an answer; the log:\n${daemon.log()}`);
    await daemon.ask('stop');
  }

  for (const kind of KINDS)
    it(`comes home to the ${kind} server: first start, activation, conversation, idle close, conversation, refusal, recovery`, async () => {
      await start(kind);
      const codeFile = join(places.root, 'r', 'activation');
      if (home.activates) {
        const { setup } = await statusIs((found) => found.setup.phase === 'activating', 'activating');
        assert.equal(setup.code, CODE);
        assert.match(setup.message, new RegExp(`console of the ${kind} server`));
        assert.equal(readFileSync(codeFile, 'utf8'), `${CODE}\n`);
        assert.match(daemon.log(), new RegExp(`enter the code ${CODE}`));
        assert.equal(home.sessions.length, 0, 'no conversation before that');
        const activated = daemon.ask('activate');
        home.bind();
        const { code, stdout } = await activated;
        assert.equal(code, 0);
        assert.match(stdout, new RegExp(`enter the code ${CODE}[\\s\\S]*activated`));
        assert.equal(existsSync(codeFile), false);
      }
      await ready();
      await until(() => home.tools.length > 0, 'the list of tools');
      await converse();

      const sessions = home.sessions.length;
      home.idle();
      await until(() => home.sessions.length > sessions, 'a connection after the idle close');
      await ready();
      await converse();

      const calls = home.asked.length;
      home.expire();
      await until(
        () =>
          home.sessions.at(-1)?.index !== undefined &&
          (kind === 'go two' || kind === 'java' || home.refused > 0),
        'a refusal',
      );
      await statusIs(({ link, setup }) => link.phase === 'ready' && setup.phase === 'done', 'ready again');
      if (home.refused > 0) assert.ok(home.asked.length > calls, 'it asked again');
      await converse();
      assert.equal(home.identities.size, 1, [...home.identities].join('; '));
    });

  it('that its server has forgotten hears so, asks, and says its code', async () => {
    await start('python console');
    home.bind();
    await ready();
    home.unbind();
    const { setup } = await statusIs((found) => found.setup.phase === 'activating', 'activating');
    assert.equal(setup.code, CODE);
    home.bind();
    await ready();
    await converse();
  });

  it('starts from what it knew when nobody answers the configuration call', async () => {
    await start('python alone');
    await ready();
    assert.equal(await daemon.stop(), 0);
    home.answerWith = { status: 502, text: 'Bad Gateway' };
    await boot();
    await ready();
    const { setup } = await statusIs((found) => found.setup.phase === 'waiting', 'waiting');
    assert.match(setup.trouble, /HTTP 502: Bad Gateway/);
    await converse();
  });

  it('says what is wrong with an answer, and is there when that is mended', async () => {
    await start('python alone');
    await ready();
    await daemon.stop();
    await places.remove();
    places = await folders();
    home.answerWith = { status: 200, text: '{"websocket":{"url":""}}' };
    await boot();
    const { setup } = await statusIs((found) => found.setup.phase === 'waiting', 'waiting');
    assert.match(setup.trouble, /it is empty/);
    home.answerWith = undefined;
    await daemon.ask('press');
    await ready();
  });
});
