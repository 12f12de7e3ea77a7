// At home with every server: the real daemon, from its first start to a conversation, over an idle close to the next one, and
// over a token that is worth nothing any more, against each kind of server that there is.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { CODE } from '../helpers/home-configuration.ts';
import { type HomeKind, KINDS } from '../helpers/home-kinds.ts';
import { ANSWER_MS, type Home, startHome } from '../helpers/homes.ts';
import { notifySocket } from '../helpers/notify-socket.ts';

/** Waits of a second and more, in tenths: the order of things is what is looked at. */
const QUICK = {
  'link.backoff_base_ms': '50',
  'link.backoff_cap_ms': '200',
  'link.first_retry_ms': '20',
  'link.hello_timeout_ms': '400',
};

/** A turn whose answer was heard to its end. */
const HEARD = /turn over .*answerMs=[1-9]\d* ended=answered/;
const INTERRUPTED_MS = 3_000;
/** Instructions with a code in them. */
const SPOKEN_MS = 3_000;

/** How each of them ends an idle session, and whether it takes leave before that. */
const IDLE_END: Readonly<Record<HomeKind, readonly [reason: RegExp, goodbye: boolean]>> = {
  official: [/closed with 1000/, true],
  'python console': [/closed with 1000/, true],
  'python alone': [/closed with 1000/, true],
  'go one': [/1006/, false],
  'go two': [/1006/, true],
  java: [/closed with 1000/, true],
};

/** What a box with a token that is worth nothing is told: the reason that it gives; null: it is let in. */
const REFUSAL: Readonly<Record<HomeKind, RegExp | null>> = {
  official: /no hello within/,
  'python console': /refused by the server: 认证失败/,
  'python alone': /refused by the server: 认证失败/,
  'go one': /401/,
  'go two': null,
  java: null,
};

describe('a box', () => {
  let home: Home;
  let places: Folders;
  let daemon: Daemon;
  async function start(kind: HomeKind, environment?: NodeJS.ProcessEnv): Promise<void> {
    home = await startHome(kind);
    places = await folders();
    await boot({}, environment);
  }
  const boot = async (settings: Readonly<Record<string, string>> = {}, environment = process.env) => {
    daemon = startDaemon(places, {
      settings: { ...QUICK, 'server.ota_url': home.otaUrl, ...settings },
      environment,
    });
    await daemon.answering();
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
  const more = (count: () => number, name: string) => {
    const before = count();
    return () => until(() => count() > before, `${name}; the log:\n${daemon.log()}`);
  };
  async function converse(): Promise<void> {
    const answered = more(() => home.answered, 'an answer');
    const heard = more(() => daemon.count(HEARD), 'an answer heard to its end');
    await daemon.ask('press');
    await answered();
    await heard();
    await daemon.ask('stop');
  }
  /** A press over an answer, and what is asked then is answered. */
  async function interrupt(): Promise<void> {
    const speaking = more(() => daemon.count(/turn speaking/), 'speech');
    const interrupted = more(() => home.interrupted, 'the end of the answer at the server');
    const { answerMs } = home;
    home.answerMs = INTERRUPTED_MS;
    await daemon.ask('press');
    await speaking();
    home.answerMs = answerMs;
    await converse();
    await interrupted();
  }
  const lastToken = () => home.sessions.at(-1)?.headers.authorization ?? '';

  for (const kind of KINDS)
    it(`comes home to the ${kind} server: first start, activation, conversation, idle close, conversation, refusal, recovery`, async () => {
      const systemd = await notifySocket();
      await start(kind, { ...process.env, NOTIFY_SOCKET: systemd.path });
      const codeFile = join(places.root, 'r', 'activation');
      if (home.activates) {
        const { setup, state } = await statusIs((found) => found.setup.phase === 'activating', 'activating');
        assert.deepEqual([setup.code, state], [CODE, 'activating']);
        assert.match(setup.message, new RegExp(`console of the ${kind} server`));
        const screen = (await daemon.ask('status')).stdout;
        assert.match(screen, new RegExp(`enter the code ${CODE}.*console of the ${kind} server`));
        assert.equal(screen.split(CODE).length, 2, 'once');
        assert.match(screen, /next {8}enter the code that the box says/);
        assert.match((await daemon.ask('why')).stdout, new RegExp(`not connected: enter the code ${CODE}`));
        assert.equal(readFileSync(codeFile, 'utf8'), `${CODE}\n`);
        assert.match(daemon.log(), new RegExp(`enter the code ${CODE}`));
        await systemd.told(
          new RegExp(
            `^STATUS=enter the code ${CODE} in the console of the server .*the ${kind} server.*activating`,
          ),
        );
        await daemon.ask('press');
        await daemon.logged(/cue cue=code/);
        await until(() => home.asked.includes('activation'), 'a question about the code alone');
        assert.equal(home.sessions.length, 0, 'no conversation before that');
        const activated = daemon.ask('activate');
        home.bind();
        const { code, stdout } = await activated;
        assert.equal(code, 0);
        assert.match(stdout, new RegExp(`enter the code ${CODE}[\\s\\S]*activated`));
        assert.equal(stdout.match(/enter the code/g)?.length, 1, 'each thing is said once');
        assert.equal(existsSync(codeFile), false);
      }
      await ready();
      await systemd.told(/^STATUS=connected, idle/);
      const doctor = (await daemon.ask('doctor', 'server')).stdout;
      assert.match(doctor, /can be reached: in \d+ ms/, 'the server that the answer named');
      assert.equal(home.asked.includes('activation'), home.activates);
      await until(() => home.tools.length > 0, 'the list of tools');
      assert.match(home.tools[0] ?? '', /self\.get_device_status/);
      await converse();
      await interrupt();

      const [reason, goodbye] = IDLE_END[kind];
      const from = daemon.log().length;
      const announced = () => daemon.count(/turn over .*began=announced.* ended=answered/);
      const heard = more(announced, 'the goodbye heard to its end');
      const again = more(() => home.sessions.length, 'a connection after the idle close');
      home.idle();
      await again();
      await ready();
      assert.match(daemon.log().slice(from), reason);
      if (goodbye) await heard();
      assert.doesNotMatch(daemon.log().slice(from), /cue cue=(lost|offline|error)/, 'quietly');
      await converse();
      assert.equal(announced(), goodbye ? 1 : 0);

      const refusal = REFUSAL[kind];
      const [calls, old, cut] = [home.asked.length, lastToken(), daemon.log().length];
      const session = more(() => home.sessions.length, 'another connection');
      home.expire();
      if (refusal === null) await session();
      else {
        await until(() => home.refused > 0, 'a refusal');
        await until(() => refusal.test(daemon.log().slice(cut)), `${refusal} in the log`);
        await until(() => home.asked.length > calls, 'another configuration call');
      }
      await statusIs(
        ({ link, setup }) => link.phase === 'ready' && setup.phase === 'done' && home.isWelcome(lastToken()),
        'ready again',
      );
      await converse();
      assert.equal(home.refused > 0, refusal !== null);
      assert.equal(lastToken() === old, refusal === null, `${old}, ${lastToken()}`);
      assert.equal(home.identities.size, 1, [...home.identities].join('; '));
      assert.match([...home.identities][0] ?? '', /^[0-9a-f][02468ace](:[0-9a-f]{2}){5} [0-9a-f-]{36}$/);
      assert.equal(await daemon.stop(), 0);
      await systemd.stop();
    });

  it('that its server has forgotten hears so to the end, asks, and says its code', async () => {
    await start('python console');
    home.bind();
    await ready();
    const heard = more(() => daemon.count(/turn over .*began=announced .*answerMs=[1-9]/), 'its voice');
    home.answerMs = SPOKEN_MS;
    home.unbind();
    const told = await statusIs((found) => found.setup.phase === 'heeding', 'listening to what it is told');
    assert.equal(told.setup.message, `enter ${CODE}`);
    const activate = daemon.begin('activate');
    const { setup } = await statusIs((found) => found.setup.phase === 'activating', 'activating');
    assert.equal(setup.code, CODE);
    await heard();
    await until(() => activate.said().includes(CODE), 'the code, for whoever waits for it');
    assert.match(daemon.log(), new RegExp(`server said .*enter ${CODE}`), 'and its words are in the log');
    const sessions = home.sessions.length;
    home.answerMs = ANSWER_MS;
    home.bind();
    await ready();
    await converse();
    assert.equal(home.sessions.length, sessions + 1, 'it stayed away until then');
    assert.match((await activate.ended).stdout, new RegExp(`${CODE}[\\s\\S]*activated\\n$`));
    assert.doesNotMatch((await activate.ended).stdout, /^activated/, 'not while it was still being told');
  });

  it('that its server has forgotten and greets all the same plays the number, and talks after the idle close', async () => {
    await start('java');
    home.bind();
    await ready();
    const session = more(() => home.sessions.length, 'another connection');
    home.unbind();
    await session();
    await ready();
    const heard = more(() => daemon.count(HEARD), 'the number, to its end');
    await daemon.ask('press');
    await heard();
    await daemon.ask('stop');
    home.bind();
    const renewed = more(() => home.sessions.length, 'a connection after the idle close');
    home.idle();
    await renewed();
    await ready();
    await converse();
  });

  it('is sent to another host by an answer over plain http only where that is allowed', async () => {
    await start('go two');
    await ready();
    const other = await startHome('go one');
    try {
      const url = other.otaUrl.replace(/^http:(.*)\/ota\/$/, 'ws:$1/v1/');
      home.answerWith = {
        status: 200,
        text: JSON.stringify({ websocket: { url, token: 'fixture-token-1' } }),
      };
      await daemon.stop();
      await boot();
      await daemon.logged(/names another server: not followed/);
      await daemon.ask('reconnect');
      const { link } = await ready();
      assert.equal(link.url, `ws://${new URL(home.otaUrl).host}/xiaozhi/v1/`);
      assert.equal(other.sessions.length, 0);
      await daemon.stop();
      await boot({ 'server.allow_http_move': 'true' });
      await daemon.logged(/the configuration call was answered/);
      // What works is not left for another; the next connection goes there.
      await daemon.ask('reconnect');
      await until(() => other.sessions.length > 0, 'the other server');
      const moved = await ready();
      assert.equal(moved.link.url, url);
    } finally {
      await daemon.stop();
      await other.stop();
    }
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
    const activated = daemon.ask('activate');
    home.answerWith = undefined;
    await daemon.ask('press');
    await ready();
    assert.match((await activated).stdout, /activated\n$/);
  });

  it('takes its code away with it when it leaves', async () => {
    await start('java');
    const codeFile = join(places.root, 'r', 'activation');
    await until(() => existsSync(codeFile), 'the code');
    assert.equal(await daemon.stop(), 0);
    assert.equal(existsSync(codeFile), false);
  });

  it('may be restarted while somebody waits for the code', async () => {
    await start('java');
    await statusIs((found) => found.setup.phase === 'activating', 'activating');
    const activate = daemon.begin('activate');
    await until(() => activate.said().includes(CODE), 'the code');
    assert.equal(await daemon.stop(), 0);
    await until(() => activate.said().includes('no agent answers'), 'that nobody answers');
    await boot();
    home.bind();
    const { code, stdout } = await activate.ended;
    assert.equal(code, 0);
    assert.match(
      stdout,
      new RegExp(`${CODE}[\\s\\S]*no agent answers; waiting[^\\n]*\\n[\\s\\S]*activated\\n$`),
    );
    await daemon.stop();
    assert.equal(
      (await daemon.ask('activate')).code,
      3,
      'and with nobody there from the first there is nothing to wait for',
    );
  });

  it('shows whoever waits for the code what is in the way of one, and the code when there is one', async () => {
    home = await startHome('java');
    home.answerWith = { status: 200, text: '{"error":"Invalid device ID"}' };
    places = await folders();
    await boot();
    await statusIs((found) => found.setup.phase === 'waiting', 'waiting');
    assert.match(
      (await daemon.ask('status')).stdout,
      /Invalid device ID[\s\S]*next {8}xiaozhi-agent activate/,
    );
    assert.match(
      (await daemon.ask('why')).stdout,
      /not connected: the configuration call failed: .*Invalid device ID/,
    );
    const activate = daemon.begin('activate');
    await until(() => activate.said().includes('trying again'), 'what is in the way');
    home.answerWith = undefined;
    await daemon.ask('press');
    await until(() => activate.said().includes(CODE), 'the code');
    home.bind();
    const { code, stdout } = await activate.ended;
    assert.equal(code, 0);
    const lines = stdout.split('\n');
    assert.match(lines[0] ?? '', /does not answer as it should: .*Invalid device ID; trying again$/);
    assert.match(lines.at(-3) ?? '', new RegExp(`enter the code ${CODE} in the console .*; waiting$`));
    assert.deepEqual(lines.slice(-2), ['activated', '']);
  });
});
