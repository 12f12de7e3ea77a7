// One question over HTTP against real servers: the answer whatever its status, and every way in which there is none.
import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { nodeWeb } from '../../../src/adapters/linux/node-web.ts';
import type { WebAnswer } from '../../../src/ports.ts';
import { realClock, until } from '../../helpers/card.ts';
import { authority } from './certificates.ts';

describe('a question over HTTP', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });
  async function serve(listener: RequestListener): Promise<string> {
    const own = createServer(listener);
    server = own;
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(own.address() as AddressInfo).port}/ota/`;
  }
  const ask = (url: string, deadlineMs = 10_000, caFile?: string) =>
    new Promise<WebAnswer>((resolve) => {
      const question = { url, headers: { 'Device-Id': 'd' }, body: '{"ä":1}', deadlineMs };
      nodeWeb({ clock: realClock }).ask(caFile === undefined ? question : { ...question, caFile }, {
        answered: resolve,
      });
    });

  it('posts its body and headers, and gives the answer', async () => {
    const url = await serve((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () =>
        response.writeHead(202).end(`${request.method} ${request.headers['device-id']} ${body}`),
      );
    });
    assert.deepEqual(await ask(url), { ok: true, status: 202, text: 'POST d {"ä":1}' });
  });

  it('follows no redirection', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.writeHead(307, { Location: '/elsewhere' }).end();
    });
    assert.deepEqual(await ask(url), { ok: true, status: 307, text: '' });
    assert.equal(asked, 1);
  });

  it('is over at its deadline, whether nothing comes or too slowly', async () => {
    const hungUp: string[] = [];
    const silent = await serve((request) => void request.on('close', () => hungUp.push('closed')));
    assert.deepEqual(await ask(silent, 200), { ok: false, reason: 'no answer within 0.2 s' });
    await until(() => hungUp.length > 0, 'the end of the connection');
    server?.closeAllConnections();
    server?.close();
    const slow = await serve((_, response) => void response.write('{'));
    assert.deepEqual(await ask(slow, 200), { ok: false, reason: 'no answer within 0.2 s' });
  });

  it('takes no endless answer and no half one', async () => {
    const long = await serve((_, response) => response.end('x'.repeat(100_000)));
    assert.deepEqual(await ask(long), { ok: false, reason: 'the answer is longer than 64 KB' });
    server?.close();
    const half = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('half');
      setImmediate(() => response.destroy());
    });
    assert.equal((await ask(half)).ok, false);
  });

  it('says how long it is, for servers that read no further than that', async () => {
    const url = await serve((request, response) => {
      const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
      response.end(`${length} ${encoding}`);
    });
    assert.deepEqual(await ask(url), { ok: true, status: 200, text: '8 undefined' });
  });

  it('is asked over TLS of whoever its authority vouches for, and of nobody else', async () => {
    const ours = authority('ours');
    const web = createHttps(ours.sign('IP:127.0.0.1'), (_, response) => response.end('safe'));
    try {
      await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
      const url = `https://127.0.0.1:${(web.address() as AddressInfo).port}/`;
      assert.deepEqual(await ask(url, 10_000, ours.caFile), { ok: true, status: 200, text: 'safe' });
      const stranger = await ask(url);
      assert.match(JSON.stringify(stranger), /certificate/);
    } finally {
      web.closeAllConnections();
      web.close();
      ours.remove();
    }
  });

  it('says why there is no answer', async () => {
    assert.match(JSON.stringify(await ask('http://127.0.0.1:1/')), /ECONNREFUSED/);
    assert.match(JSON.stringify(await ask('ftp://127.0.0.1/')), /must begin with https/);
    assert.match(
      JSON.stringify(await ask('https://127.0.0.1:1/', 10_000, '/nowhere/at/all')),
      /no such file/,
    );
    const plain = await serve((_, response) => response.end());
    assert.equal((await ask(plain.replace('http', 'https'))).ok, false, 'TLS to a server that has none');
  });

  it('reports nothing once it is given up', async () => {
    const url = await serve((_, response) => response.end('late'));
    let answers = 0;
    const cancel = nodeWeb({ clock: realClock }).ask(
      { url, headers: {}, body: '', deadlineMs: 10_000 },
      { answered: () => (answers += 1) },
    );
    cancel();
    cancel();
    await ask(url);
    assert.equal(answers, 0);
  });
});
