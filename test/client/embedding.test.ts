// The class in somebody else's program: it must not break that program, and is not broken by it. Options, listeners,
// errors nobody listens to, the end of the process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { safeParse } from 'valibot';
import { DEVICE, TIMINGS, type Timings } from '../../src/client/options.ts';
import { type ClientOptions, XiaozhiClient } from '../../src/client.ts';
import { allKeys } from '../../src/config/schema.ts';
import { until } from '../helpers/card.ts';
import { clientRig, endAll, greets, refusing, sessionOf, startServer } from './client-rig.ts';

const ROOT = join(import.meta.dirname, '../../..');

afterEach(endAll);

describe('the options', () => {
  it("have the daemon's defaults and bounds", () => {
    for (const [name, { least, preset, most }] of Object.entries(TIMINGS)) {
      const key = `link.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
      const found = allKeys.get(key);
      assert.ok(found !== undefined, key);
      assert.equal(found.preset, preset, key);
      const accepts = [least - 1, least, most, most + 1].map((ms) => safeParse(found.check, ms).success);
      assert.deepEqual(accepts, [false, true, true, false], key);
    }
  });

  it('refuse figures that make no sense, at once', () => {
    const url = 'ws://127.0.0.1:1/';
    const wrong: readonly (readonly [keyof Timings | 'maxAttempts' | 'framing', number])[] = [
      ['connectTimeoutMs', 0],
      ['backoffBaseMs', -1],
      ['pingTimeoutMs', Number.NaN],
      ['monitorIntervalMs', Number.POSITIVE_INFINITY],
      ['pingIntervalMs', 1],
      ['backoffCapMs', 10],
      ['framing', 7],
      ['maxAttempts', -1],
      ['maxAttempts', 1.5],
    ];
    for (const [name, value] of wrong) {
      const options = { url, [name]: value } as ClientOptions;
      assert.throws(() => new XiaozhiClient(options), new RegExp(`^RangeError: ${name} must`));
    }
    assert.throws(() => new XiaozhiClient({ url }).enableAutoReconnect(true, Number.NaN), RangeError);
  });

  it('name the version of the package', () => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.deepEqual(DEVICE, { name, version });
  });

  for (const url of [
    '',
    'localhost:8000',
    'http://127.0.0.1/',
    'ws://me:secret@127.0.0.1/',
    'ws://127.0.0.1/#x',
  ])
    it(`lead to an error instead of attempts when the address is "${url}"`, async () => {
      const rig = clientRig(url);
      rig.client.enableAutoReconnect();
      assert.equal(await rig.client.connect(), false);
      assert.deepEqual([rig.names(), rig.errors()[0]?.reason], [['error'], 'wrong address']);
      assert.doesNotMatch(JSON.stringify(rig.log.lines) + rig.errors()[0]?.message, /secret/);
      assert.equal(rig.client.status().state, 'unconfigured');
      await rig.client.disconnect();
    });
});

describe('listeners', () => {
  it('that throw or reject are named in the log, and the others still hear', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    const heard: string[] = [];
    rig.client.on('connected', () => {
      throw new Error('a bad listener');
    });
    rig.client.on('authenticated', () => Promise.reject(new Error('a bad promise')));
    rig.client.on('connected', () => heard.push('connected'));
    rig.client.on('authenticated', () => heard.push('authenticated'));
    assert.equal(await rig.client.connect(), true);
    assert.deepEqual(heard, ['connected', 'authenticated']);
    await until(() => rig.log.lines.filter(({ level }) => level === 'error').length === 2, 'both are logged');
    const lines = rig.log.lines.filter(({ text }) => text === 'a listener failed');
    assert.deepEqual(
      lines.map(({ fields }) => ('event' in fields ? fields.event : undefined)),
      ['connected', 'authenticated'],
    );
  });

  it('can be taken away, and are called once where that was asked for', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    const heard: string[] = [];
    const everyTime = () => heard.push('every time');
    const never = () => heard.push('never');
    const nor = () => heard.push('nor this');
    rig.client.on('connected', everyTime).on('connected', never).off('connected', never);
    rig.client
      .once('connected', () => heard.push('once'))
      .once('connected', nor)
      .off('connected', nor);
    for (let i = 0; i < 2; i += 1) {
      await rig.client.connect();
      await rig.client.disconnect();
    }
    assert.deepEqual(heard, ['every time', 'once', 'every time']);
  });

  it('may ask for a new connection where they hear of the end of the old one', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    const answers: Promise<boolean>[] = [];
    rig.client.once('disconnected', () => answers.push(rig.client.connect()));
    await rig.client.connect();
    (await sessionOf(server, 0)).reset();
    await until(() => answers.length === 1, 'the end');
    assert.deepEqual(await Promise.all(answers), [true]);
    assert.equal(server.sessions.length, 2);
  });
});

describe('connect()', () => {
  it('answers each of several callers', async () => {
    const server = await startServer(refusing((index) => index === 0));
    const rig = clientRig(server.url);
    const first = [rig.client.connect(), rig.client.connect()];
    assert.deepEqual(await Promise.all(first), [false, false]);
    const second = [rig.client.connect(), rig.client.connect()];
    assert.deepEqual(await Promise.all(second), [true, true]);
    assert.equal(server.attempts, 2);
  });

  it('after a disconnect() that is still going on makes a new connection', async () => {
    const server = await startServer(greets);
    const rig = clientRig(server.url);
    await rig.client.connect();
    const left = rig.client.disconnect();
    assert.equal(await rig.client.connect(), true);
    await left;
    assert.equal((await server.sessions[0]?.closed)?.code, 1000);
    assert.equal(rig.client.status().state, 'ready');
  });
});

describe('a process with a client in it', () => {
  /** Runs this program to its end, and says what it wrote. */
  async function run(url: string, body: string): Promise<string> {
    const module = new URL('../../src/client.js', import.meta.url).href;
    const program = `import { XiaozhiClient } from ${JSON.stringify(module)};
      const client = new XiaozhiClient({ url: ${JSON.stringify(url)}, backoffBaseMs: 20 });
      ${body}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const [code, signal] = await once(child, 'close');
    assert.deepEqual([code, signal], [0, null], output);
    return output.trim();
  }

  it('ends when it has disconnected', async () => {
    const server = await startServer(greets);
    const output = await run(
      server.url,
      `client.enableAutoReconnect();
       console.log(await client.connect());
       await client.disconnect();`,
    );
    assert.equal(output, 'true');
  });

  it('lives on while it waits for the next attempt, and ends when that is given up', async () => {
    const server = await startServer(refusing(() => true));
    const output = await run(
      server.url,
      `client.enableAutoReconnect(true, 3);
       client.on('error', ({ reason }) => console.log(reason));
       await client.connect();`,
    );
    assert.equal(output, 'limit reached');
    assert.equal(server.attempts, 3);
  });

  it('is not ended by an error that nobody listens to', async () => {
    const server = await startServer(refusing(() => true));
    const output = await run(
      server.url,
      `console.log(await client.connect());
       process.on('exit', () => console.log('to the end'));`,
    );
    assert.equal(output, 'false\nto the end');
  });
});
