// The token: mended while the daemon runs, and quoted by its server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, folders, startDaemon } from '../helpers/daemon.ts';
import { greeting } from '../helpers/good-conversation.ts';
import { notifySocket } from '../helpers/notify-socket.ts';
import { type Admit, type Script, type Session, startScriptedServer } from '../helpers/scripted-server.ts';

describe('S22 a refused token', () => {
  it('is read again for each attempt: SIGHUP, like reconnect, after mending the file is enough', async () => {
    const places = await folders();
    const file = join(places.root, 'token');
    writeFileSync(file, 'wrong', { mode: 0o600 });
    const admit: Admit = ({ headers }) =>
      headers.authorization === 'Bearer right' ? 'accept' : { refuse: 401 };
    const greet = async (session: Session) => {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.hello();
      await session.closed;
    };
    const server = await startScriptedServer(Object.assign(greet, { admit }));
    const daemon = startDaemon(places, {
      settings: { 'server.websocket_url': server.url, 'server.token_file': file },
    });
    try {
      await daemon.logged(/class=auth/);
      assert.equal((await daemon.ask('status')).code, 1);
      writeFileSync(file, 'right', { mode: 0o600 });
      daemon.process.kill('SIGHUP');
      await daemon.logged(/link ready/);
      assert.equal((await daemon.ask('reconnect')).code, 0);
      assert.doesNotMatch(daemon.log(), /wrong|right/, 'and the log has neither');
    } finally {
      assert.equal(await daemon.stop(), 0);
      await server.stop();
      await places.remove();
    }
  });
});

const SECRET = 'qz81-quoted-by-its-server';
const QUOTED = `I do not like ${'x'.repeat(20)} ${SECRET} at all`;

type Quoting = { readonly says: RegExp; readonly script: Script; readonly isAsked?: true };

const QUOTING: Readonly<Record<string, Quoting>> = {
  'in plain words instead of a hello': {
    says: /refused by the server: .*\[redacted\] at all/,
    async script(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.raw(QUOTED);
      session.close(4001);
      await session.closed;
    },
  },
  'in the error that it sends instead of a hello': {
    says: /the server begins no session: .*\[redacted\] at all/,
    async script(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.raw(JSON.stringify({ type: 'error', message: QUOTED }));
      await session.closed;
    },
  },
  'in the reason of its close': {
    says: /closed with 1008 .*\[redacted\] at all/,
    async script(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.close(1008, QUOTED);
      await session.closed;
    },
  },
  'in the answer to the configuration call': {
    says: /HTTP 401: .*\[redacted\] at all/,
    isAsked: true,
    script: Object.assign(async () => undefined, {
      web: (_: unknown, response: ServerResponse) => response.writeHead(401).end(QUOTED),
    }),
  },
};

describe('a token that the server quotes', () => {
  for (const [how, { says, script, isAsked }] of Object.entries(QUOTING))
    it(`${how} is nowhere in what people see, nor in what the run leaves behind`, async () => {
      const [places, notified] = [await folders(), await notifySocket()];
      const [file, state] = [join(places.root, 'token'), join(places.root, 's')];
      const server = await startScriptedServer(script);
      const asked = `http://127.0.0.1:${server.port}/ota/`;
      writeFileSync(file, SECRET, { mode: 0o600 });
      mkdirSync(state);
      // Nobody is there: whom it asks is what is to be seen.
      const configuration = { asked, url: 'ws://127.0.0.1:9/', token: SECRET, framing: 1 };
      if (isAsked) writeFileSync(join(state, 'identity.json'), JSON.stringify({ configuration }));
      const settings = isAsked
        ? { 'server.ota_url': asked, 'link.mode': 'on-demand' }
        : { 'server.websocket_url': server.url, 'server.token_file': file };
      const daemon = startDaemon(places, {
        settings: { ...settings, 'log.level': 'debug' },
        environment: { ...process.env, NOTIFY_SOCKET: notified.path },
      });
      const seen: Record<string, string> = {};
      try {
        await daemon.logged(says);
        await notified.told(isAsked ? /^STATUS=/ : /^STATUS=.*\[redacted\] at all/);
        for (const words of [['status'], ['status', '--json'], ['why'], ['why', '--json']])
          seen[words.join(' ')] = (await daemon.ask(...words)).stdout;
        const report = join(places.root, 'report');
        await command(['bugreport', '--out', report, ...places.options]);
        seen.bugreport = readFileSync(report, 'utf8');
      } finally {
        assert.equal(await daemon.stop(), 0);
        await server.stop();
        await notified.stop();
      }
      for (const name of ['link.json', 'last-run.json']) seen[name] = readFileSync(join(state, name), 'utf8');
      await places.remove();
      for (const name of ['status', 'status --json', 'bugreport', 'last-run.json'])
        assert.match(seen[name] ?? '', /\[redacted\] at all/, name);
      for (const [name, text] of Object.entries({
        ...seen,
        log: daemon.log(),
        STATUS: String(notified.heard),
      }))
        assert.ok(!text.includes(SECRET), `${name}: ${text}`);
    });

  it('and an error that nobody expected quotes too is not in what the run leaves behind', async () => {
    const places = await folders();
    const file = join(places.root, 'token');
    writeFileSync(file, SECRET, { mode: 0o600 });
    const server = await startScriptedServer(greeting);
    const fuse = `data:text/javascript,process.on('SIGUSR2', () => { throw new Error('${SECRET} blew') })`;
    const daemon = startDaemon(places, {
      settings: { 'server.websocket_url': server.url, 'server.token_file': file },
      environment: { ...process.env, NODE_OPTIONS: `--import="${fuse}"` },
    });
    await daemon.logged(/link ready/);
    const ended = once(daemon.process, 'close');
    daemon.process.kill('SIGUSR2');
    assert.deepEqual(await ended, [1, null]);
    await server.stop();
    const kept = readFileSync(join(places.root, 's', 'last-run.json'), 'utf8');
    assert.equal(JSON.parse(kept).ended, 'unexpected error: [redacted] blew');
    assert.ok(!`${kept}${daemon.log()}`.includes(SECRET));
    await places.remove();
  });
});
