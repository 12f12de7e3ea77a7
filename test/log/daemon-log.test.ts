// The log of a real daemon from its start to its end: what it says first, what it says of a conversation, what it never says;
// and what the next run makes of an end that nobody had asked for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import { descendants, lives } from '../helpers/children.ts';
import { command, type DaemonOptions, folders, startDaemon } from '../helpers/daemon.ts';
import { faults, goodConversation } from '../helpers/faults.ts';
import { type Script, startScriptedServer } from '../helpers/scripted-server.ts';

const TOKEN = 'fixture-token-51c7aa';

/** A conversation, a refusal of the token, a press in vain: everything the daemon wrote and kept, in one text. */
async function everythingSaid(
  script: Script,
  { settings = {}, environment }: DaemonOptions = {},
): Promise<string> {
  const places = await folders();
  const server = await startScriptedServer(script);
  const tokenFile = join(places.root, 'token');
  writeFileSync(tokenFile, TOKEN);
  const daemon = startDaemon(places, {
    settings: {
      'server.websocket_url': server.url,
      'server.token_file': tokenFile,
      'log.level': 'debug',
      ...settings,
    },
    ...(environment === undefined ? {} : { environment }),
  });
  await daemon.logged(/link ready|link attempt failed|link stopped/);
  await daemon.ask('press');
  await daemon.logged(/turn (listening|recording)/);
  const screens = await Promise.all([
    daemon.ask('status', '--json'),
    daemon.ask('why'),
    daemon.ask('status'),
  ]);
  await daemon.stop();
  await server.stop();
  const kept = ['link.json', 'last-run.json'].map((name) =>
    readFileSync(join(places.root, 's', name), 'utf8'),
  );
  await places.remove();
  return [daemon.log(), ...screens.map(({ stdout, stderr }) => stdout + stderr), ...kept].join('\n');
}

describe('the log of a daemon', () => {
  it('begins with what support asks first, in a dozen lines', async () => {
    const environment = { ...process.env, XIAOZHI_AUDIO__INPUT__GAIN_DB: '3' };
    const said = await everythingSaid(goodConversation(), { settings: { 'log.level': 'info' }, environment });
    const end = said.indexOf('link: link ');
    const banner = said
      .slice(0, end)
      .split('\n')
      .filter((line) => / info {2}/.test(line));
    for (const what of [
      'starting',
      'machine',
      'audio',
      'configuration',
      'server',
      'identity',
      'panel',
      'light',
      'network watched',
      'control socket',
      'no earlier run',
    ])
      assert.ok(
        banner.some((line) => new RegExp(`: ${what}`).test(line)),
        `${what}\n${said}`,
      );
    assert.ok(banner.length >= 8 && banner.length <= 12, banner.join('\n'));
    assert.match(said, /configuration .*overridden=".*server\.token_file/);
    assert.match(said, /configuration .*overridden=".*audio\.input\.gain_db/);
    assert.doesNotMatch(said.slice(0, end), /([0-9a-f]{2}:){5}/, 'no hardware address in full');
  });

  for (const format of ['text', 'json', 'journal'])
    it(`never has the token in it, nor have the screens and files, as ${format}`, async () => {
      for (const script of [goodConversation(), faults.unauthorized()]) {
        const said = await everythingSaid(script, { settings: { 'log.format': format } });
        assert.ok(said.length > 2_000);
        assert.ok(!said.includes(TOKEN));
      }
    });

  it('has one line for each turn, of a conversation that was held', async () => {
    const places = await folders();
    const server = await startScriptedServer(goodConversation());
    const daemon = startDaemon(places, {
      settings: { 'server.websocket_url': server.url, 'turn.follow_up': 'false' },
    });
    await daemon.logged(/link ready/);
    await daemon.ask('press');
    await daemon.logged(
      /turn: turn over turn=1 began=click listenedMs=\d+ takes=1 sttMs=\d+ firstSoundMs=\d+ answerMs=\d+ ended=answered/,
    );
    assert.equal(daemon.count(/turn over/), 1);
    await daemon.stop();
    await server.stop();
    await places.remove();
  });
});

describe('an end that nobody had asked for', () => {
  it('is told by the next run, by `status` beside it and without one', async () => {
    const places = await folders();
    const first = startDaemon(places);
    await first.logged(/no earlier run/);
    await until(() => existsSync(join(places.root, 's', 'last-run.json')), 'a trace of the run');
    const closed = new Promise((resolve) => first.process.once('close', resolve));
    first.process.kill('SIGKILL');
    await closed;
    const left = await command(['status', ...places.options]);
    assert.equal(left.code, 3);
    assert.match(left.stdout, /^last run {4}broke off without a word/m);
    const second = startDaemon(places);
    await second.logged(/warn {2}start: the last run broke off .* code=XA-RUN-/);
    // Nobody knows when it ended: what it wrote down last is told as that.
    assert.match(
      (await second.ask('status')).stdout,
      /^last run {4}broke off without a word: .*; last written \S+ \S+, (less than 1 s|[\d.]+ s) after its start$/m,
    );
    const { last_run: run } = JSON.parse((await second.ask('status', '--json')).stdout);
    assert.deepEqual([run.clean, run.broke_off], [false, true]);
    assert.equal(await second.stop(), 0);
    const third = startDaemon(places);
    await third.logged(/start: the last run ended="ended on request \(SIGTERM\)"/);
    assert.match(
      (await third.ask('status')).stdout,
      /^last run {4}ended on request \(SIGTERM\), \S+ \S+, after (less than 1 s|[\d.]+ s)$/m,
    );
    assert.equal(await third.stop(), 0);
    await places.remove();
  });

  for (const [kind, act] of [
    ['an error that is thrown', "throw new Error('the fuse')"],
    ['a promise that is broken', "void Promise.reject(new Error('the fuse'))"],
  ] as const)
    it(`by ${kind} where nobody expects it is written before the process goes, and told`, async () => {
      const places = await folders();
      const fuse = `data:text/javascript,process.on('SIGUSR2', () => { ${act} })`;
      const environment = { ...process.env, NODE_OPTIONS: `--import="${fuse}"` };
      const daemon = startDaemon(places, { environment });
      await daemon.answering();
      await daemon.ask('press');
      const children = descendants(daemon.pid);
      const ended = once(daemon.process, 'close');
      daemon.process.kill('SIGUSR2');
      assert.deepEqual(await ended, [1, null]);
      assert.equal(
        daemon.count(/error core: unexpected error error="the fuse" .*code=XA-RUN-01/),
        1,
        daemon.log(),
      );
      await until(() => !children.some(lives), 'the end of its children');
      const kept = JSON.parse(readFileSync(join(places.root, 's', 'last-run.json'), 'utf8'));
      assert.deepEqual([kept.ended, kept.clean], ['unexpected error: the fuse', false]);
      assert.match(kept.troubles.at(-1).text, /unexpected error .*the fuse/);
      const left = await command(['status', ...places.options]);
      assert.equal(left.code, 3);
      assert.match(
        left.stdout,
        /^last run {4}unexpected error: the fuse, .*\n(?: {12}.*\n)* {12}.* unexpected error /m,
      );
      const second = startDaemon(places);
      await second.logged(
        /warn {2}start: the last run broke off ended="unexpected error: the fuse" .* code=XA-RUN-/,
      );
      const { stdout } = await second.ask('status');
      assert.match(stdout, /^last run {4}unexpected error: the fuse/m);
      assert.equal(await second.stop(), 0);
      await places.remove();
    });
});
