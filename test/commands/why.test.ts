// `xiaozhi-agent why` and what outlives the process, with the real daemon: the four questions answered while it runs, and
// from its file when it does not.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../helpers/card.ts';
import {
  command,
  type Daemon,
  type DaemonOptions,
  type Folders,
  folders,
  startDaemon,
} from '../helpers/daemon.ts';
import { blocks, readPage } from '../helpers/readme.ts';
import { type Script, type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';

/** Nothing is a second long here but what the protocol makes so. */
const QUICK = { 'link.backoff_base_ms': '50', 'link.backoff_cap_ms': '200', 'link.first_retry_ms': '20' };
/** Nobody listens there: the discard port. */
const NOWHERE = 'ws://127.0.0.1:9/';

const greets: Script = async (session) => {
  await session.next('hello');
  session.hello();
  await session.closed;
};

const linkFile = ({ root }: Folders) => join(root, 's', 'link.json');

describe('S27 why, of a daemon that has lost its connection and got it back', () => {
  let server: ScriptedServer;
  let places: Folders;
  let daemon: Daemon;
  before(async () => {
    // The second and third upgrade are turned away; the fourth is taken.
    const turnedAway = (index: number) => index === 1 || index === 2;
    const script = Object.assign(async (session: Parameters<Script>[0]) => greets(session), {
      admit: (_: unknown, index: number) => (turnedAway(index) ? { refuse: 502 } : ('accept' as const)),
    });
    server = await startScriptedServer(script);
    places = await folders();
    daemon = startDaemon(places, { settings: { ...QUICK, 'server.websocket_url': server.url } });
    // A reset takes with it what has not been read yet: the hello first.
    await daemon.logged(/link ready/);
    server.sessions[0]?.reset();
    await daemon.logged(/link ready outage=1 .*recoveredAfterMs=/);
    assert.equal(daemon.count(/link (ready|recovered) outage=1/), 1, 'one line');
  });
  after(async () => {
    await daemon.stop();
    await server.stop();
    await places.remove();
  });

  it('answers the four questions in words', async () => {
    const { code, stdout } = await daemon.ask('why');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^connected since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(/);
    assert.match(stdout, /^outage 1, .*, over after /m);
    assert.match(stdout, /was reconnecting on\? {3}yes, without a limit/);
    assert.match(stdout, /was the loss noticed\? {2}yes, by .*, at most .* after the last sign of life$/m);
    assert.match(stdout, /\(connection reset, transient\)/);
    assert.match(stdout, /what was tried\? {8}3 attempts, 2 failed/);
    assert.match(stdout, /2-3 after .*, retry: failed\n.*502/);
    assert.match(stdout, /what brought it back\? {2}the retry timer, attempt 4, after /);
    const shape = (text: string) => (text.match(/^ {2}(?! )[^?]*\?|^outage|^connected since/gm) ?? []).join();
    const shown = blocks(readPage(), 'text').find(({ text }) => text.startsWith('connected since'));
    assert.equal(shape(shown?.text ?? ''), shape(stdout), 'as the README shows it');
  });

  it('gives the same as JSON, with times that any program reads', async () => {
    const { code, stdout } = await daemon.ask('why', '--json', '1');
    assert.equal(code, 0);
    const { source, link, outages, others } = JSON.parse(stdout);
    assert.equal(source.from, 'agent');
    assert.equal(link.phase, 'ready');
    assert.deepEqual(others, { ordinary: 0, earlier: 0 });
    const [outage] = outages;
    assert.equal(new Date(outage.at).toISOString(), outage.at);
    assert.deepEqual(outage.reconnecting, { enabled: true, mode: 'always', max_attempts: 0 });
    assert.equal(outage.loss.kind, 'connection reset');
    assert.ok(outage.loss.noticed_within_ms < 10_000);
    assert.deepEqual(
      outage.attempts.first.map(({ outcome }: { outcome: string }) => outcome),
      ['failed', 'failed', 'worked'],
    );
    assert.equal(outage.end.how, 'connected');
  });

  it('S20, S24 is what status counts and measures', async () => {
    const { link } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    assert.equal(link.outage, null);
    assert.equal(link.reconnects, 1);
    const { attempts, failed_attempts, connections, hellos, losses, texts_in, texts_out } = link.counts;
    assert.deepEqual([attempts, failed_attempts, connections, hellos, losses], [4, 2, 2, 2, 1]);
    assert.deepEqual([texts_in, texts_out], [2, 2]);
    assert.equal(new Date(link.up_since).toISOString(), link.last_connected_at);
    assert.equal(link.last_loss.class, 'transient');
    assert.ok(link.last_loss.recovered_after_ms > 0);
    assert.equal(link.quality.sessions, 1);
    assert.equal(link.quality.silent_deaths, 0);
    assert.equal(link.quality.heartbeat_ms, 15_000, 'a connection that did not last teaches nothing');
    assert.deepEqual(link.auto_reconnect, { enabled: true, max_attempts: 0, mode: 'always' });
  });

  it('refuses a number that is none', async () => {
    for (const word of ['0', '21', 'all', '1.5', '-1'])
      assert.equal((await daemon.ask('why', '--', word)).code, 2, word);
    assert.equal((await daemon.ask('why', '1', '2')).code, 2);
  });
});

describe('S27 why, of a daemon that cannot connect', () => {
  let places: Folders;
  let daemon: Daemon;
  before(async () => {
    places = await folders();
    const limited = { 'link.max_attempts': '3', 'server.websocket_url': NOWHERE };
    daemon = startDaemon(places, { settings: { ...QUICK, ...limited } });
    await daemon.logged(/link stopped/);
  });
  after(async () => {
    await daemon.stop();
    await places.remove();
  });

  it('says that it goes on, why each attempt failed and what is planned, with exit code 1', async () => {
    const { code, stdout } = await daemon.ask('why');
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^not connected: stopped: the limit of 3 attempts is reached; a press or xiaozhi-agent reconnect/,
    );
    assert.match(stdout, /^outage 1, .*, it goes on$/m);
    assert.match(stdout, /yes, up to 3 attempts in a row/);
    assert.match(stdout, /there had been no connection/);
    assert.match(stdout, /3 attempts, 3 failed; next: stopped/);
    assert.match(stdout, /127\.0\.0\.1:9/);
    assert.match(stdout, /what brought it back\? {2}nothing so far/);
  });

  it('is found by the number that status gives', async () => {
    const { link } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    assert.equal(link.outage, 1);
    assert.equal(link.auto_reconnect.max_attempts, 3);
    const { stdout } = await daemon.ask('status');
    assert.match(stdout, /the limit of 3 attempts is reached/);
    assert.match(stdout, /outage 1 goes on: xiaozhi-agent why/);
  });

  it('S06 has one error line in its log, with the limit and the reason', () => {
    assert.equal(daemon.count(/ error /), 1);
    assert.equal(
      daemon.count(/link stopped outage=1 why="the limit of 3 attempts is reached" .*127\.0\.0\.1:9/),
      1,
    );
  });
});

describe('why, before there was an outage', () => {
  it('says so, with exit code 0', async () => {
    const server = await startScriptedServer(greets);
    const places = await folders();
    const daemon = startDaemon(places, { settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link ready/);
    const { code, stdout } = await daemon.ask('why');
    assert.equal(code, 0);
    assert.match(stdout, /no outage yet/);
    assert.equal(await daemon.stop(), 0);
    await server.stop();
    await places.remove();
  });

  it('tells a box without a server what is missing', async () => {
    const places = await folders();
    const daemon = startDaemon(places);
    const { code, stdout } = await daemon.ask('why');
    assert.equal(code, 1);
    assert.match(stdout, /set server\.websocket_url/);
    assert.equal(await daemon.stop(), 0);
    await places.remove();
  });
});

describe('S21 a run that follows another', () => {
  let places: Folders;
  before(async () => {
    places = await folders();
  });
  const daemons: Daemon[] = [];
  after(async () => {
    for (const daemon of daemons) await daemon.stop();
    await places.remove();
  });

  function start(options: DaemonOptions): Daemon {
    const daemon = startDaemon(places, options);
    daemons.push(daemon);
    return daemon;
  }

  const settings = { 'server.websocket_url': NOWHERE };
  const why = (...args: string[]) => command(['why', ...args, ...places.options]);
  const written = () => JSON.parse(readFileSync(linkFile(places), 'utf8'));

  it('waits when the one before was killed amid its failures, says why, and tells both outages', async () => {
    const first = start({ settings });
    await first.logged(/link attempt failed/);
    await until(() => existsSync(linkFile(places)), 'link.json, at once');
    assert.equal(statSync(linkFile(places)).mode & 0o777, 0o600);
    const gone = new Promise((resolve) => first.process.once('close', resolve));
    first.process.kill('SIGKILL');
    await gone;

    const alone = await why();
    assert.equal(alone.code, 3);
    assert.match(alone.stderr, /no agent is running.*systemctl start/);
    assert.match(
      alone.stdout,
      /^no agent is running; this is what the last run has left behind\nwritten .*broke off/,
    );
    assert.match(alone.stdout, /^outage 1, .*, how long is not known: the record breaks off after \d+ m?s$/m);
    assert.match(alone.stdout, /nothing on record: the agent ended without a word/);
    const [outage] = JSON.parse((await why('--json')).stdout).outages;
    const { how, after_ms, record_ends_after_ms } = outage.end;
    assert.deepEqual([how, after_ms], ['broken off', null]);
    assert.ok(Number.isInteger(record_ends_after_ms));
    const brief = await command(['status', ...places.options]);
    assert.equal(brief.code, 3);
    assert.match(brief.stderr, /no agent is running.*systemctl start/);
    assert.match(brief.stdout, /^written .*broke off/m);
    assert.match(brief.stdout, /^last {8}outage 1, .*breaks off/m);
    assert.match(brief.stdout, /^counted {5}1 attempt, 1 failed; 0 connections; 0 losses/m);

    const second = start({ settings });
    await second.logged(/link waiting .*reason="\d+ failures before the restart, .*refuses.*retryInMs=/);
    const log = second.log();
    assert.ok(log.indexOf('link waiting') < log.indexOf('link dialing') || !log.includes('link dialing'));
    assert.match(log, /link waiting outage=2 .*detectedBy="last run"/);
    const found = JSON.parse((await second.ask('why', '--json')).stdout);
    assert.deepEqual(
      found.outages.map(({ id }: { id: number }) => id),
      [2, 1],
    );
    assert.equal(found.outages[1].end.how, 'broken off');
    assert.equal(await second.stop(), 0);
  });

  it('tries at once when the one before ended on request', async () => {
    assert.equal(written().clean, true);
    const alone = await why();
    assert.match(alone.stdout, /written .*: it ended on request/);
    const brief = await command(['status', '--json', ...places.options]);
    assert.equal(brief.code, 3);
    const told = JSON.parse(brief.stdout);
    assert.deepEqual(told.source, { from: 'file', at: written().saved_at, clean: true });
    assert.deepEqual([told.link, told.total, told.outages.length], [null, written().counters, 1]);
    const { source } = JSON.parse((await why('--json')).stdout);
    assert.deepEqual(source, { from: 'file', at: written().saved_at, clean: true });

    const daemon = start({ settings });
    await daemon.logged(/link dialing/);
    const log = daemon.log();
    assert.doesNotMatch(log.slice(0, log.indexOf('link dialing')), /link waiting/);
    assert.equal(await daemon.stop(), 0);
  });

  it('counts on: outages, sessions, connections', async () => {
    const server = await startScriptedServer(greets);
    const daemon = start({ settings: { 'server.websocket_url': server.url } });
    await daemon.logged(/link ready/);
    const { link } = JSON.parse((await daemon.ask('status', '--json')).stdout);
    assert.ok(link.total.failed_attempts >= 1 && link.counts.failed_attempts === 0);
    assert.equal(await daemon.stop(), 0);
    assert.equal(written().counters.hellos, 1);
    assert.equal(written().sessions.length, 1);
    assert.deepEqual(
      written().lessons.map(({ url }: { url: string }) => url),
      [server.url, NOWHERE],
    );
    await server.stop();
  });

  it('starts whatever has become of the file, and says that it is damaged', async () => {
    writeFileSync(linkFile(places), '{"version":1,"saved');
    const damaged = await why();
    assert.equal(damaged.code, 3);
    assert.match(damaged.stderr, /no agent is running.*link\.json is damaged/);
    const status = await command(['status', ...places.options]);
    assert.deepEqual([status.code, status.stdout], [3, '']);
    assert.match(status.stderr, /no agent is running.*link\.json is damaged/);
    const daemon = start({ settings });
    await daemon.logged(/cannot be read: it is put aside/);
    await daemon.logged(/link attempt failed/);
    assert.equal(await daemon.stop(), 0);
    assert.equal(written().clean, true);
  });

  it('is not spoken to by a file that would like to speak to the terminal', async () => {
    const hostile = written();
    hostile.outages[0].loss = {
      ...hostile.outages[0].attempts.first[0].failure,
      noticed_within_ms: 1,
      lasted_ms: 1,
    };
    hostile.outages[0].loss.reason = '\u001b[2J\u001b]0;owned\u0007\nall is well';
    writeFileSync(linkFile(places), JSON.stringify(hostile));
    const { stdout } = await why();
    assert.match(stdout, /\\u001b\[2J/);
    const status = await command(['status', ...places.options]);
    const unseen = [...stdout, ...status.stdout].filter((sign) => sign < ' ' && sign !== '\n');
    assert.deepEqual(unseen, []);
  });

  it('that never was: exit code 3 and what to do', async () => {
    const nowhere = await folders();
    mkdirSync(join(nowhere.root, 's'));
    const { code, stderr } = await command(['why', ...nowhere.options]);
    assert.equal(code, 3);
    assert.match(stderr, /no agent is running.*systemctl start.*no earlier run has left/);
    await nowhere.remove();
  });
});
